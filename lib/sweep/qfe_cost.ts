/** Sweep `qfe_cost`: seconds and bytes of training a linear model under quadratic encryption (`fe/qfe_gradient.ts`), by
 * features and batch, on one core.
 *
 * Real keys and ciphertexts at the stated size: encrypt a batch of `batch` samples of n features, read it, derive the
 * keys for the gradient at a model, decrypt it, and check every coordinate. What a sample costs once, and what every
 * step costs. Entries are integers of 7 bits and a sign, as standardised features in steps of 1/16 are.
 * @module */
import { encryptBatch, setupBatch } from "../fe/qfe_batch.ts";
import { decryptGradient, gradientKeys } from "../fe/qfe_gradient.ts";
import {
  decodeBatchCiphertext,
  encodeBatchCiphertext,
  encodeGradientKeys,
} from "../fe/qfe_gradient_encoding.ts";
import { startPairing } from "../math/pairing/group.ts";
import { type Rng, seededRng } from "../math/rng.ts";
import { timed } from "./cost.ts";
import { defineSweep } from "./grid.ts";

const BOUND = 127;

/** Integers in [−127, 127]. */
const integers = (rng: Rng, length: number) =>
  Array.from(rng.bytes(length), (byte) => Math.max(byte - 128, -BOUND));

/** One batch and one step. @throws {Error} a gradient that is not right. */
async function measure(n: number, batch: number, seed: number) {
  const group = await startPairing();
  const rng = seededRng(seed);
  const u = Array.from({ length: batch }, () => integers(rng, n + 2));
  const c = integers(rng, n + 2);
  const msk = setupBatch({ group, n, batch, boundX: BOUND, boundY: BOUND });
  const [bytes, encrypting] = timed(() => encodeBatchCiphertext(encryptBatch(msk, u)));
  const [ctU, reading] = timed(() => decodeBatchCiphertext(group, bytes));
  const [[keys, keyBytes], keySeconds] = timed(() => {
    const keys = gradientKeys(msk, c);
    return [keys, encodeGradientKeys(keys).length] as const;
  });
  const [gradient, decryptSeconds] = timed(() => decryptGradient(keys, c, ctU));
  const residuals = u.map((row) => row.reduce((sum, value, k) => sum + value * c[k], 0));
  gradient.forEach((z, j) => {
    const expected = u.reduce((sum, row, i) => sum + residuals[i] * row[j], 0);
    if (z !== expected) throw new Error(`it decrypts ${z}, expected ${expected}`);
  });
  return {
    ...{ encryptSeconds: encrypting / batch, readSeconds: reading / batch },
    ...{ keySeconds, decryptSeconds, stepSeconds: keySeconds + decryptSeconds },
    ...{ ciphertextBytes: Math.round(bytes.length / batch), keyBytes },
  };
}

const TIMINGS = [
  ...["encryptSeconds", "readSeconds", "keySeconds", "decryptSeconds", "stepSeconds"] as const,
];

/** Whether this process has run the code before: the first round is several times slower, and makes the table of
 * logarithms. */
let warm = false;

/** Measured seconds and bytes: of a sample to encrypt, send and read, of a step to derive keys and decrypt. */
export const sweep = defineSweep({
  url: import.meta.url,
  name: "qfe_cost",
  version: 1,
  fields: {
    n: { type: "integer", min: 1, max: 1024 },
    batch: { type: "integer", min: 1, max: 256 },
  },
  columns: [...TIMINGS, "ciphertextBytes", "keyBytes"],
  timings: TIMINGS,
  timed: true,
  grids: [{ n: [30, 49, 196, 784], batch: [16, 32] }],
  async run({ n, batch }, { seed }) {
    if (!warm) await measure(16, 4, seed);
    warm = true;
    return await measure(n, batch, seed);
  },
});
