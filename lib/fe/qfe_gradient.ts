/** Quadratic functional encryption of a batch, for training a linear model: who holds the keys of a weight vector
 * learns the gradient of the batch's squared error, an exact integer vector, and nothing else. Samples, parties and
 * their encryption: `qfe_batch.ts`.
 *
 * The scheme of `qfe.ts` (ePrint 2018/206), one instance a batch, with the source groups exchanged, so that all
 * coordinates of a gradient share their lines in G2. A sample is u_i = (x_i, 1, y_i), n + 2 integers, and the
 * model c = (w, b, −1), in the same scales, so that c·u_i is the residual of sample i:
 *
 *     setupBatch:       s ∈ Zq^{B × (n + 1)}, t ∈ Zq^{B × (n + 2)}, for one batch of B samples
 *     encryptBatch:     γ, W ∈ GL₂; ct0 = [γ]₂, a_ij = [W⁻ᵀ·(u_ij, −s_ij)]₁, b_ik = [W·(u_ik, γ·t_ik)]₂
 *     gradientKeys:     skC_j = [Σ_i s_ij·Σ_k c_k·t_ik]₁ for j = 0 … n
 *     decryptGradient:  R_i = Σ_k c_k·b_ik, then for each j
 *                       e(skC_j, ct0)·∏_i e(a_ij, R_i) = e(g1, g2)^{z_j}, z_j = Σ_i (c·u_i)·u_ij
 *
 * 2B + 1 lines and (n + 1)(2B + 1) pairings a gradient. Logistic regression by σ(z) ≈ ½ + z/4 is least squares
 * towards labels of ±2. A hidden layer's gradient has degree 4 and is not quadratic.
 *
 * **What leaks.** The gradients themselves. c = (0, …, 1, …, 0) opens a column of the batch's Gram matrix, and
 * gradients of enough visits amount to the same: from the Gram matrix of a small batch its samples follow exactly
 * (notebook 07). Draw a new instance for every batch: keys of one serve for all ciphertexts under it.
 *
 * ```ts
 * import { encryptBatch, setupBatch } from "lib/fe/qfe_batch.ts";
 * import { decryptGradient, gradientKeys } from "lib/fe/qfe_gradient.ts";
 * import { startPairing } from "lib/math/pairing/group.ts";
 *
 * const msk = setupBatch({ group: await startPairing(), n: 2, batch: 2, boundX: 10, boundY: 20 });
 * const ctU = encryptBatch(msk, [[3, 4, 1, 20], [5, -6, 1, -20]]);
 * const c = [2, 1, 0, -1]; // residuals −10 and 24
 * const [first, second, bias] = decryptGradient(gradientKeys(msk, c), c, ctU);
 * if (first !== 90 || second !== -184 || bias !== 14) throw new Error("another gradient");
 * ```
 * @module */
import { mod } from "@noble/curves/abstract/modular.js";
import { solveGenerator } from "../math/pairing/generator_dlog.ts";
import type { G1 } from "../math/pairing/group.ts";
import { checkVector, DlogNotFoundError, MAX_RANGE } from "./params.ts";
import {
  type BatchCiphertext,
  type BatchParams,
  boundOf,
  checkComplete,
  checkSameBatch,
  type ColumnsKey,
  columnsOf,
} from "./qfe_batch.ts";

/** Opens the gradient at one c, which goes beside it, or its first coordinates. */
export interface GradientKeys {
  readonly pp: BatchParams;
  /** [Σ_i s_ij·Σ_k c_k·t_ik]₁ for j = 0 … */
  readonly skC: readonly G1[];
}

/** c, checked. The range: |z_j| ≤ B·boundX·Σ_k |c_k|·bound_k. */
function checkModel(action: string, pp: BatchParams, c: ArrayLike<number>) {
  const checked = checkVector(action, "c", c, columnsOf(pp.n), 2 ** 31 - 1);
  const residual = checked.reduce((sum, value, k) => sum + Math.abs(value) * boundOf(pp, k), 0);
  const range = pp.batch * pp.boundX * residual;
  if (range === 0) throw new RangeError(`Cannot ${action}: c is 0, and so is its gradient`);
  if (range > MAX_RANGE) {
    throw new RangeError(
      `Cannot ${action}: batch·boundX·Σ|c_k|·bound_k = ${range} exceeds 2^40, the largest range to decrypt`,
    );
  }
  return { c: checked, range };
}

/** Derives the keys that open the gradient at c. (Authority)
 * @param c n + 2 integers: weights, bias, the label's coefficient.
 * @param options.count only the first coordinates, which is all that a symmetric matrix needs of its columns.
 * @throws {TypeError} c.length ≠ n + 2. {RangeError} c is 0, has an entry that is no integer, or allows gradients
 * over 2^40; count is not in [1, n + 1]; the key is a slice. */
export function gradientKeys(
  msk: ColumnsKey,
  c: ArrayLike<number>,
  { count = msk.pp.n + 1 }: { readonly count?: number } = {},
): GradientKeys {
  const { pp, s, t } = msk;
  const { n, group } = pp;
  checkComplete("derive keys", msk);
  if (!Number.isInteger(count) || count < 1 || count > n + 1) {
    throw new RangeError(`Cannot derive keys: count ${count} is not in [1, ${n + 1}]`);
  }
  const model = Array.from(checkModel("derive keys", pp, c).c, BigInt);
  const ofSample = t[0].map((_, i) =>
    mod(t.reduce((sum, column, k) => sum + model[k] * column[i], 0n), group.order)
  );
  const scalars = s.slice(0, count).map((column) =>
    mod(column.reduce((sum, value, i) => sum + value * ofSample[i], 0n), group.order)
  );
  return { pp, skC: group.powersG1(scalars) };
}

/** Decrypts the gradient Σ_i (c·u_i)·u_ij for as many j as there are keys, exactly. (Aggregator) Synchronous: may
 * run in a Worker.
 * @param c what the keys are for.
 * @param options.signal looked at before every coordinate.   @param options.onProgress called after it.
 * @throws {TypeError} keys and ciphertext of different parameters, columns that are missing, c.length ≠ n + 2.
 * {RangeError} c as in `gradientKeys`. {DlogNotFoundError} keys of another batch, msk or c, or an entry over its
 * bound. The signal's reason. */
export function decryptGradient(
  { pp, skC }: GradientKeys,
  c: ArrayLike<number>,
  ctU: BatchCiphertext,
  { signal, onProgress }: {
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number, total: number) => void;
  } = {},
): Float64Array {
  checkSameBatch("decrypt", "the keys", pp, "the ciphertext", ctU.pp);
  checkComplete("decrypt", ctU);
  if (skC.length > pp.n + 1) {
    throw new TypeError(`Cannot decrypt: ${skC.length} keys for ${pp.n + 1} coordinates`);
  }
  const { group, batch } = pp;
  const model = checkModel("decrypt", pp, c);
  const residuals = Array.from(
    { length: 2 * batch },
    (_, i) => group.sumsG2(ctU.b.map((column) => column[i]), [model.c])[0],
  );
  const lines = group.prepare([...residuals, ctU.ct0]);
  const out = new Float64Array(skC.length);
  for (let j = 0; j < skC.length; j += 2) { // two products share a final exponentiation
    const products = skC.slice(j, j + 2)
      .map((key, i) => ({ g1: [...ctU.a[j + i], key], g2: lines }));
    group.pairingProducts(products).forEach((power, i) => {
      signal?.throwIfAborted();
      const z = solveGenerator(group, power, model.range);
      if (z === null) throw new DlogNotFoundError(model.range, j + i, skC.length, "gradient");
      out[j + i] = z;
      onProgress?.(j + i + 1, skC.length);
    });
  }
  return out;
}
