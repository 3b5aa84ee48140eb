/** Quadratic encryption: one vector of 30, 64 and 196 coordinates under a dense matrix, and one gradient of a batch of
 * 16 samples of 30 features, as many as breast cancer (Wisconsin) has. Results are checked before anything is timed.
 * The baselines: two pairings for every entry of F, where decryption pays two a column; a subgroup check for every
 * point, where decoding makes a few for all; a logarithm to a base of its own, without a table.
 * Run: deno bench -A tests/bench/qfe_bench.ts
 * @module */
import {
  decodeCiphertext,
  decrypt,
  encodeCiphertext,
  encrypt,
  keyDerive,
  setup,
} from "lib/fe/qfe.ts";
import { encryptBatch, setupBatch } from "lib/fe/qfe_batch.ts";
import { decryptGradient, gradientKeys } from "lib/fe/qfe_gradient.ts";
import { decodeBatchCiphertext, encodeBatchCiphertext } from "lib/fe/qfe_gradient_encoding.ts";
import { factoredForm, matrixForm } from "lib/fe/quadratic_form.ts";
import { generatorGT, solveGenerator } from "lib/math/pairing/generator_dlog.ts";
import { powerGT, solveGT, startPairing } from "lib/math/pairing/group.ts";
import { seededRng } from "lib/math/rng.ts";

const group = await startPairing();
const few = { n: 5, warmup: 1 };

/** `length` integers in [−bound, bound]. */
function integers(insecureSeed: number, length: number, bound: number): number[] {
  const bytes = seededRng(insecureSeed).bytes(2 * length);
  return Array.from(
    { length },
    (_, i) => (bytes[2 * i] * 256 + bytes[2 * i + 1]) % (2 * bound + 1) - bound,
  );
}

for (const n of [30, 64, 196]) {
  const [x, y] = [integers(1, n, 15), integers(2, n, 15)];
  const F = x.map((_, i) => integers(3 + i, n, 15));
  const z = F.reduce((sum, row, i) => sum + x[i] * row.reduce((s, f, j) => s + f * y[j], 0), 0);
  const { mpk, msk } = setup({ group, n, boundX: 15, boundY: 15 });
  const form = matrixForm(F);
  const skF = keyDerive(msk, form);
  const ctXY = encrypt(mpk, x, y);
  if (decrypt(skF, form, ctXY) !== z) throw new Error("decrypt is wrong");
  const bytes = encodeCiphertext(ctXY);
  Deno.bench({
    name: `n=${n}, with the public key`,
    group: "qfe encrypt",
    ...few,
    fn: () => void encrypt(mpk, x, y),
  });
  Deno.bench({
    name: `n=${n}, with the master secret`,
    group: "qfe encrypt",
    ...few,
    fn: () => void encrypt(msk, x, y),
  });
  if (n === 30) {
    const unit = (i: number) => x.map((_, k) => k === i ? 1 : 0);
    const pairs = F.flatMap((row, i) => row.map((f, j) => [i, j, f])).filter(([, , f]) => f !== 0);
    const entries = factoredForm({
      left: pairs.map(([i]) => unit(i)),
      right: pairs.map(([, j]) => unit(j)),
      weights: pairs.map(([, , f]) => f),
    });
    Deno.bench({
      name: `n=${n}, two pairings an entry`,
      group: "qfe decrypt",
      baseline: true,
      ...{ n: 2, warmup: 0 },
      fn: () => void decrypt(skF, entries, ctXY),
    });
  }
  Deno.bench({
    name: `n=${n}, dense F`,
    group: "qfe decrypt",
    ...few,
    fn: () => void decrypt(skF, form, ctXY),
  });
  if (n === 196) {
    const [first, second] = [group.g1Bytes * (2 * n + 1), group.g2Bytes * 2 * n];
    const at = bytes.length - first - second;
    Deno.bench({
      name: `n=${n}, ${bytes.length} bytes, every point checked`,
      group: "qfe decode",
      baseline: true,
      ...few,
      fn: () => {
        for (let i = 0; i <= 2 * n; i++) {
          group.decodeG1(bytes.subarray(at + 48 * i, at + 48 * i + 48));
        }
        for (let i = at + first; i < bytes.length; i += 96) {
          group.decodeG2(bytes.subarray(i, i + 96));
        }
      },
    });
    Deno.bench({
      name: `n=${n}, ${bytes.length} bytes`,
      group: "qfe decode",
      ...few,
      fn: () => void decodeCiphertext(group, bytes),
    });
  }
}

const [n, batch] = [30, 16];
const msk = setupBatch({ group, n, batch, boundX: 255, boundY: 512 });
const u = Array.from({ length: batch }, (_, i) => [...integers(i, n, 255), 64, i % 2 ? 512 : -512]);
const c = [...integers(99, n + 1, 300), -256];
const ctU = encryptBatch(msk, u);
const keys = gradientKeys(msk, c);
const residuals = u.map((row) => row.reduce((sum, value, k) => sum + value * c[k], 0));
decryptGradient(keys, c, ctU).forEach((z, j) => {
  if (z !== u.reduce((sum, row, i) => sum + residuals[i] * row[j], 0)) {
    throw new Error("wrong gradient");
  }
});
const bytes = encodeBatchCiphertext(ctU);
const step = `n=${n}, B=${batch}`;
Deno.bench({
  name: `${step}, encrypt the batch`,
  group: "qfe gradient",
  ...few,
  fn: () => void encryptBatch(msk, u),
});
Deno.bench({
  name: `${step}, decode its ${bytes.length} bytes`,
  group: "qfe gradient",
  ...few,
  fn: () => void decodeBatchCiphertext(group, bytes),
});
Deno.bench({
  name: `${step}, derive keys`,
  group: "qfe gradient",
  ...few,
  fn: () => void gradientKeys(msk, c),
});
Deno.bench({
  name: `${step}, decrypt a gradient`,
  group: "qfe gradient",
  ...few,
  fn: () => void decryptGradient(keys, c, ctU),
});

for (const z of [1e6, 1e8, 2e9]) {
  const target = powerGT(group, generatorGT(group), z);
  if (solveGenerator(group, target, 2 ** 31) !== z) throw new Error("solveGenerator is wrong");
  if (z === 1e6) {
    Deno.bench({
      name: `e(g1, g2)^${z}, without a table`,
      group: "qfe logarithm",
      baseline: true,
      ...few,
      fn: () => void solveGT(group, generatorGT(group), target, 2 ** 31),
    });
  }
  Deno.bench({
    name: `e(g1, g2)^${z}`,
    group: "qfe logarithm",
    ...few,
    fn: () => void solveGenerator(group, target, 2 ** 31),
  });
}
