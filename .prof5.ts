import { preparedLayer } from "lib/attack/layer.ts";
import { solveExact } from "lib/attack/solvers/exact.ts";
import { checkedPriors } from "lib/attack/priors.ts";
import { serverViews } from "lib/attack/view.ts";
import { toFixed } from "lib/math/fixed_point.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
const [n, hidden] = [1024, 600];
const W1 = toFixed(gaussian(seededRng(2), hidden * n), 8);
let img = (k: number) => Float64Array.from({ length: n }, (_, p) => { const i = p >> 5, j = p & 31; const v = 120 + 50*Math.sin(i/(3+k)+k) + 50*Math.sin(j/(4+k)) + (((i>8&&i<20&&j>10&&j<20+k%5))?40:0); return Math.round(Math.min(255,Math.max(0,v)));});
const z1s = Array.from({length: 5}, (_, k) => { const x = img(k); return Array.from({length: hidden}, (_, r) => { let s=0; for (let p=0;p<n;p++) s+=W1[r*n+p]*x[p]; return s;});});
const views = serverViews({W1, z1s, shape: [32,32,1], scaleBits: 8});
const t = (l: string, f: () => any) => { const s=performance.now(); const r = f(); console.log(l, Math.round(performance.now()-s)); return r; };
const L = preparedLayer(views[0]);
t("equations", () => L.equations());
t("saddle", () => L.saddle());
t("largest", () => L.largest());
t("sparse", () => L.sparse());
for (const pr of [{objective: "tv-sum"}, {objective:"published"}, {objective: "published", period: 2}] as any[]) { const s=performance.now(); for (const v of views) await solveExact(v, checkedPriors(pr), {solver:"fast"}); console.log(JSON.stringify(pr), Math.round(performance.now()-s)/5); }
