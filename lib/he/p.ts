import { Ckks } from "./ckks.ts"; import { SecretKey } from "./secret_key.ts"; import { CkksEvaluator } from "./evaluator.ts";
import { packedModel } from "./packed_model.ts"; import { clearGradients, weightCounts } from "./model.ts";
for (const sizes of [{n:5,hidden:7,outputs:3,batch:120},{n:31,hidden:0,outputs:1,batch:455},{n:50,hidden:16,outputs:10,batch:8}]) {
 const model=packedModel(sizes); const T=(w:string,t:number)=>console.log(w,(performance.now()-t).toFixed(0));
 let t=performance.now();
 using ckks=await Ckks.setup(model.params);using sk=new SecretKey(ckks);using ev=new CkksEvaluator(ckks);
 T("setup",t);t=performance.now();let kb=0;const add=(b:Uint8Array)=>{kb+=b.length;return b};
 ev.addRelinearisationKey(add(sk.relinearisationKey()));for(const s of new Set(model.rotations))ev.addRotationKey(add(sk.rotationKey(s)));
 T("keys",t);console.log(kb/1e6,model.rotations.length);
 const rnd=(k:number,s=1)=>Float64Array.from({length:k},()=>(Math.random()-.5)*2*s);
 const batch={x:rnd(sizes.batch*sizes.n,2),y:rnd(sizes.batch*sizes.outputs)};const W=weightCounts(sizes).map(k=>rnd(k,.5));
 t=performance.now();const bb=model.packBatch(batch).map(o=>sk.encrypt(o.values,o.level));T("batch",t);
 for(let i=0;i<3;i++){
 t=performance.now();const wb=model.packWeights(W).map(o=>sk.encrypt(o.values,o.level));T("weights",t);
 t=performance.now();const b=bb.map(x=>ev.load(x)),w=wb.map(x=>ev.load(x));T("load",t);
 t=performance.now();const g=model.gradient(ev,b,w);const gb=g.map(x=>ckks.save(x));T("gradient",t);
 t=performance.now();const s=gb.map(x=>sk.decrypt(x));const G=model.unpack(s);T("decrypt",t);
 const C=clearGradients(sizes,W,batch);console.log(G.map((x,i)=>Math.max(...x.map((v,k)=>Math.abs(v-C[i][k])))),C.map(x=>Math.max(...x.map(Math.abs))),bb.map(x=>x.length),wb.map(x=>x.length),gb.map(x=>x.length));
 [...b,...w,...g].forEach(x=>x[Symbol.dispose]());}
}
