/** Function-hiding inner products at the size of the paper's network, n = 784, and at the size of an
 * encrypted training run, n = 49. Results are checked before anything is timed. The baselines: noble's own
 * batched pairing over the same precomputed lines, mcl's precomputed Miller loops, and Gauss and Jordan's
 * inversion of a random matrix where `setup` multiplies triangles.
 * Run: deno bench -A tests/bench/fhipe_bench.ts
 * @module */
import {
  decodeCiphertext,
  decodeFunctionalKey,
  encodeCiphertext,
  encodeFunctionalKey,
  encrypt,
  keyDerive,
  pairings,
  prepareCiphertext,
  setup,
} from "lib/fe/fhipe.ts";
import { powerGT, solveGT, startPairing } from "lib/math/pairing/group.ts";
import { gaussian, randomScalars, secureRng, seededRng } from "lib/math/rng.ts";
import { toFixed } from "lib/math/fixed_point.ts";
import { gaussInverse, product } from "../math/gauss.ts";
import { mclPairing } from "../math/pairing/mcl.ts";

const [boundX, boundY] = [255, 1342];
const BACKENDS = [
  await startPairing("bls12-381", "simd"),
  await mclPairing(),
  await startPairing("bls12-381", "noble"),
];

/** One key and one ciphertext on every backend, from the same bytes; ⟨x, y⟩ checked. */
function instance(n: number) {
  const [group] = BACKENDS;
  const y = toFixed(gaussian(seededRng(1), n), 8);
  const x = seededRng(2).bytes(n).map((byte) => byte < 200 ? 0 : byte);
  const z = x.reduce((sum, value, i) => sum + value * y[i], 0);
  const msk = setup({ group, n, boundX, boundY });
  const [skY, ctX] = [keyDerive(msk, y), encrypt(msk, x)];
  const bytes = { skY: encodeFunctionalKey(skY), ctX: encodeCiphertext(ctX) };
  const sides = BACKENDS.map((other) => {
    const { backend } = other;
    const key = decodeFunctionalKey(other, bytes.skY);
    const lines = prepareCiphertext(decodeCiphertext(other, bytes.ctX));
    const [d1, d2] = pairings(key, lines);
    if (!other.equal(powerGT(other, d1, z), d2)) throw new Error(`${backend} is wrong`);
    return { backend, key, lines, secret: { ...msk, pp: { ...msk.pp, group: other } } };
  });
  return { n, group, x, y, msk, ctX, bytes, sides };
}

const large = instance(784);
const small = instance(49);
const { order } = large.group;
const random = Array.from({ length: 196 }, () => randomScalars(order, secureRng(), 196));
const few = random.slice(0, 12).map((row) => row.slice(0, 12));
const identity = product(few, gaussInverse(few, order).inverse, order);
if (identity.some((row, i) => row.some((value, j) => value !== (i === j ? 1n : 0n)))) {
  throw new Error("the inversion is wrong");
}

const once = { n: 3, warmup: 0 };
Deno.bench({
  name: "invert a random matrix, n=196",
  group: "setup",
  baseline: true,
  ...{ n: 1, warmup: 0 },
  fn: () => void gaussInverse(random, order),
});
for (const n of [196, 784]) {
  const pp = { ...large.msk.pp, n };
  const runs = { n: n === 196 ? 20 : 3, warmup: 1 };
  Deno.bench({ name: `setup n=${n}`, group: "setup", ...runs, fn: () => void setup(pp) });
}

for (const { backend, secret } of [...large.sides].reverse()) {
  const baseline = backend === "noble";
  Deno.bench({
    name: `${backend} n=784`,
    group: "keyDerive",
    baseline,
    ...once,
    fn: () => void keyDerive(secret, large.y),
  });
  Deno.bench({
    name: `${backend} n=784`,
    group: "encrypt",
    baseline,
    ...once,
    fn: () => void encrypt(secret, large.x),
  });
}

for (const { n, sides } of [large, small]) {
  for (const { backend, key, lines } of [...sides].reverse()) {
    Deno.bench({
      name: `${backend} n=${n}, without the logarithm`,
      group: `decrypt n=${n}`,
      baseline: backend === "noble",
      ...(n === 784 ? once : { n: 10, warmup: 1 }),
      fn: () => void pairings(key, lines),
    });
  }
}

for (const { n, ctX } of [large, small]) {
  Deno.bench({
    name: `simd n=${n}, lines of a ciphertext`,
    group: "prepare",
    ...once,
    fn: () => void prepareCiphertext(ctX),
  });
}

const [base] = pairings(small.sides[0].key, small.sides[0].lines);
for (const z of [100, 10_000, 100_000, 1_000_000, 10_000_000]) {
  const target = powerGT(small.group, base, z);
  if (solveGT(small.group, base, target, 2 ** 30) !== z) throw new Error("solveGT is wrong");
  Deno.bench({
    name: `simd, result ${z} away from the guess`,
    group: "logarithm",
    ...{ n: 10, warmup: 1 },
    fn: () => void solveGT(small.group, base, target, 2 ** 30),
  });
}

const { bytes, group } = large;
Deno.bench({
  name: `decode key n=784, ${bytes.skY.length} bytes`,
  group: "bytes",
  ...once,
  fn: () => void decodeFunctionalKey(group, bytes.skY),
});
Deno.bench({
  name: `decode ciphertext n=784, ${bytes.ctX.length} bytes`,
  group: "bytes",
  ...once,
  fn: () => void decodeCiphertext(group, bytes.ctX),
});
