/** IPFE at the size of the paper's network: n = 784, 300 neurons, W1 ~ N(0, 1) at scale 2^8, a sparse
 * image of bytes. Results are checked before anything is timed. Two baselines, one multiplication per
 * coordinate each: `multiply`, noble's constant-time multiplication of y mod q, the slow obvious way; and
 * `multiplyUnsafe` of |y|, which already knows that y is small. Both are timed for one neuron or one
 * coordinate-by-coordinate encryption. Per neuron, decryptMany costs "300 neurons" / 300.
 * Run: deno bench -A tests/bench/ipfe_bench.ts
 * @module */
import { ristretto255 } from "@noble/curves/ed25519.js";
import * as ipfe from "lib/fe/ipfe.ts";
import { prepareDlog } from "lib/math/dlog.ts";
import { toFixed } from "lib/math/fixed_point.ts";
import { group } from "lib/math/group.ts";
import { gaussian, randomScalars, secureRng, seededRng } from "lib/math/rng.ts";

const [n, hidden, boundX, boundY] = [784, 300, 255, 1342]; // range just under 2^28
const G = group("ristretto255");
const { Point } = ristretto255;
const q = Point.Fn.ORDER;

const W1 = toFixed(gaussian(seededRng(1), hidden * n), 8);
const x = seededRng(2).bytes(n).map((byte) => byte < 200 ? 0 : byte);
const z1 = Array.from({ length: hidden }, (_, k) => {
  const row = W1.subarray(k * n, (k + 1) * n);
  return row.reduce((sum, w, i) => sum + w * x[i], 0);
});

await prepareDlog(G, n * boundX * boundY);
const { mpk, msk } = ipfe.setup({ group: G, n, boundX, boundY });
const keys = z1.map((_, k) => ipfe.keyDerive(msk, W1.subarray(k * n, (k + 1) * n)));
const ctX = ipfe.encrypt(mpk, x);
const bytes = ipfe.encodeCiphertext(ctX);
const full = ipfe.setup({ group: G, n, boundX, boundY, masks: 2 });
const fullKeys = keys.map(({ y }) => ipfe.keyDerive(full.msk, y));
const fullCtX = ipfe.encrypt(full.mpk, x);

// The baselines work on noble's own points, from the same bytes.
const points = (elements: readonly Parameters<typeof G.encode>[0][]) =>
  elements.map((element) => Point.fromBytes(G.encode(element)));
const h = points(mpk.h);
const [ct0, ...ct] = points([...ctX.ct0, ...ctX.ct]);
type P = typeof Point.BASE;
const mod = (k: number) => (BigInt(k) + q) % q;

function naiveEncrypt(r: bigint): P[] {
  return h.map((base, i) => {
    const blind = base.multiply(r);
    return x[i] === 0 ? blind : blind.add(Point.BASE.multiply(BigInt(x[i])));
  });
}
function naiveMultiply(k: number): P {
  const sum = ct.reduce(
    (total, point, i) => keys[k].y[i] === 0 ? total : total.add(point.multiply(mod(keys[k].y[i]))),
    Point.ZERO,
  );
  return sum.subtract(ct0.multiply(keys[k].skY[0]));
}
function naiveSmall(k: number): P {
  const sum = ct.reduce((total, point, i) => {
    const y = keys[k].y[i];
    const term = point.multiplyUnsafe(BigInt(Math.abs(y)));
    return total.add(y < 0 ? term.negate() : term);
  }, Point.ZERO);
  return sum.subtract(ct0.multiplyUnsafe(keys[k].skY[0]));
}

// Check, then time.
const same = (a: ArrayLike<number>) => Array.from(a).every((z, k) => z === z1[k]);
if (!same(ipfe.decryptMany(keys, ctX))) throw new Error("ipfe is wrong");
if (!same(ipfe.decryptMany(fullKeys, fullCtX))) throw new Error("ipfe, 2 masks, is wrong");
for (const naive of [naiveMultiply, naiveSmall]) {
  if (!naive(0).equals(Point.BASE.multiply(mod(z1[0])))) throw new Error(`${naive.name} is wrong`);
}
const [r] = randomScalars(q, secureRng(), 1);
const replay = { source: "r", bytes: () => Uint8Array.fromHex(r.toString(16).padStart(64, "0")) };
const fast = points(ipfe.encrypt(mpk, x, replay).ct);
if (!naiveEncrypt(r).every((point, i) => point.equals(fast[i]))) {
  throw new Error("encrypt is wrong");
}

const once = { n: 3, warmup: 0 };
const mpkBytes = ipfe.encodeMasterPublicKey(mpk);
const fresh = Array.from({ length: 8 }, () => ipfe.decodeMasterPublicKey(mpkBytes));
Deno.bench({ name: "ipfe n=784", group: "setup", ...once, fn: () => void ipfe.setup(mpk.pp) });

Deno.bench({
  name: "n=784, one multiplication per coordinate",
  group: "encrypt",
  baseline: true,
  ...once,
  fn: () => void naiveEncrypt(r),
});
Deno.bench("ipfe n=784", { group: "encrypt" }, () => void ipfe.encrypt(mpk, x));
Deno.bench("ipfe, 2 masks, n=784", { group: "encrypt" }, () => void ipfe.encrypt(full.mpk, x));
Deno.bench({
  name: "ipfe n=784, first under a public key (builds its tables)",
  group: "encrypt",
  ...once,
  fn: () => void ipfe.encrypt(fresh.pop()!, x),
});

Deno.bench("ipfe n=784", { group: "keyDerive" }, () => void ipfe.keyDerive(msk, keys[0].y));

Deno.bench({
  name: "1 neuron, n=784, multiply per coordinate",
  group: "decrypt one neuron",
  baseline: true,
  ...once,
  fn: () => void naiveMultiply(1),
});
Deno.bench({
  name: "1 neuron, n=784, multiplyUnsafe(|y|) per coordinate",
  group: "decrypt one neuron",
  ...once,
  fn: () => void naiveSmall(1),
});
Deno.bench(
  "1 neuron, ipfe n=784",
  { group: "decrypt one neuron" },
  () => void ipfe.decrypt(keys[1], ctX),
);
Deno.bench({
  name: "300 neurons, ipfe n=784",
  group: "decrypt 300 neurons",
  ...once,
  fn: () => void ipfe.decryptMany(keys, ctX),
});
Deno.bench({
  name: "300 neurons, ipfe, 2 masks, n=784",
  group: "decrypt 300 neurons",
  ...once,
  fn: () => void ipfe.decryptMany(fullKeys, fullCtX),
});

Deno.bench("encode ciphertext n=784", { group: "bytes" }, () => void ipfe.encodeCiphertext(ctX));
Deno.bench("decode ciphertext n=784", { group: "bytes" }, () => void ipfe.decodeCiphertext(bytes));
