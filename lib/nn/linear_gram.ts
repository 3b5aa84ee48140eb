/** The same linear model in closed form, from inner products that are opened once: those of all samples' features, ones
 * and labels. Whoever fits it holds the covariance, the class sizes and the class means of all samples, whatever the
 * number of steps would have been; of n + 1 samples or fewer, each sample (`lib/attack/linear/`).
 *
 *   (S + λI)·w = Xᵀy  with S = XᵀX over the features and the 1, integers in units of 2^(2·scaleBits)
 * @module */
import { cholesky, solveCholesky } from "../math/dense.ts";
import type { LinearSamples } from "./linear_samples.ts";

/** Inner products of the columns x_1 … x_n, 1 with these and with y, `[n + 1, n + 2]`: (n + 1)·(n + 2)/2 + n + 1
 * different integers, 527 for 30 features.
 * @throws {RangeError} so many samples that a sum may leave the exact integers. */
export function columnProducts({ n, u, count, bound }: LinearSamples): Float64Array {
  if (count * bound ** 2 > Number.MAX_SAFE_INTEGER) {
    throw new RangeError(`Cannot sum ${count} products up to ${bound ** 2}: not exact`);
  }
  const products = new Float64Array((n + 1) * (n + 2));
  for (let i = 0; i < count; i++) {
    const row = u.subarray(i * (n + 2), (i + 1) * (n + 2));
    for (let j = 0; j <= n; j++) {
      for (let k = 0; k < n + 2; k++) products[j * (n + 2) + k] += row[j] * row[k];
    }
  }
  return products;
}

/** Ridge regression from inner products alone. The 1 is not penalised.
 * @param products of {@linkcode columnProducts}, `[n + 1, n + 2]`.
 * @param penalty λ for each sample, relative to a feature's mean square of 1.
 * @returns w and b, `[n + 1]`.   @throws {TypeError} another number of products. {RangeError} a penalty that is
 * negative, or columns that depend on each other where it is 0. */
export function ridgeFromProducts(
  products: Float64Array,
  { n, penalty }: { readonly n: number; readonly penalty: number },
): Float64Array {
  if (products.length !== (n + 1) * (n + 2)) {
    throw new TypeError(
      `Cannot fit: ${products.length} inner products, expected ${(n + 1) * (n + 2)}`,
    );
  }
  if (!(penalty >= 0)) throw new RangeError(`Cannot fit: penalty ${penalty} is negative`);
  const m = n + 1;
  const S = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) S[i * m + j] = products[i * (m + 1) + j];
  }
  const samples = S[m * m - 1]; // ⟨1, 1⟩: count·2^(2·scaleBits)
  for (let i = 0; i < n; i++) S[i * m + i] += penalty * samples;
  const right = Float64Array.from({ length: m }, (_, i) => products[i * (m + 1) + m]);
  if (cholesky(S, m) < m) {
    throw new RangeError("Cannot fit: columns depend on each other, the penalty must be positive");
  }
  return solveCholesky(S, right);
}
