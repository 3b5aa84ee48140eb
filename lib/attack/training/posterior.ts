/** Images from noisy inner products with known ones: the mean of the posterior under a Gaussian of each class.
 *
 *   y = A·x + τ·N(0, I),  x ~ N(m_c, S)   ⟹   x̂ = m_c + S·Aᵀ(A·S·Aᵀ + τ²·I)⁻¹(y − A·m_c)
 *
 * A `[k, n]` are the known images, m_c the mean of those of the class, S = CᵀC/k + ε·I for the known images less their
 * class mean C. With τ = 0 and k ≥ n independent images this is x; without information it is m_c, the floor. All of it
 * is done in k dimensions: S is never written.
 * @module */
import {
  cholesky,
  multiplyTransposed,
  solveBackward,
  solveForward,
  transpose,
} from "../../math/dense.ts";

/** Variance that a pixel has beside what the known images show, of pixels in [0, 1]. */
const EPSILON = 1e-5;

/** What is known. */
export interface Knowledge {
  /** `[k, n]`, pixels in [0, 1]. */
  readonly A: Float64Array;
  /** `[k]`, classes of the known images. */
  readonly labels: Uint8Array;
}

/** Images of targets from their inner products with known images.
 * @param Y `[targets, k]`, ⟨x, a⟩ for pixels in [0, 1].   @param labels `[targets]`.
 * @param deviation τ of an entry of Y.   @returns `[targets, n]`, pixels in [0, 1].
 * @throws {RangeError} no known image. {TypeError} sizes that do not fit. */
export function posteriorImages(
  Y: Float64Array,
  labels: Uint8Array,
  { A, labels: knownLabels }: Knowledge,
  deviation: number,
): Float64Array {
  const k = knownLabels.length;
  if (k === 0) throw new RangeError("Cannot solve: there is no known image");
  const n = A.length / k;
  if (!Number.isInteger(n) || Y.length !== labels.length * k) {
    throw new TypeError(
      `Cannot solve: ${A.length} pixels of ${k} known images, ${Y.length} products of ${labels.length} targets`,
    );
  }
  const means = meansOf(A, knownLabels, n);
  const meanOf = (label: number) => means.get(label) ?? means.get(-1)!;
  const C = new Float64Array(A.length);
  knownLabels.forEach((label, i) => {
    const mean = meanOf(label);
    for (let p = 0; p < n; p++) C[i * n + p] = A[i * n + p] - mean[p];
  });
  const AC = multiplyTransposed(A, C, { n }); // A·Cᵀ
  const K = multiplyTransposed(AC, AC, { n: k, lower: true });
  const AA = multiplyTransposed(A, A, { n, lower: true });
  let size = 0;
  for (let i = 0; i < k; i++) size = Math.max(size, AA[i * k + i]);
  const noise = Math.max(deviation ** 2, (1e-6 * size) ** 2); // float32 rounds z1
  for (let at = 0; at < K.length; at++) K[at] = K[at] / k + EPSILON * AA[at];
  for (let i = 0; i < k; i++) K[i * k + i] += noise;
  cholesky(K, k);
  const W = new Float64Array(Y.length); // (y − A·m_c), then solved
  const products = new Map<number, Float64Array>();
  labels.forEach((label, t) => {
    if (!products.has(label)) products.set(label, multiplyTransposed(A, meanOf(label), { n }));
    const expected = products.get(label)!;
    for (let i = 0; i < k; i++) W[t * k + i] = Y[t * k + i] - expected[i];
  });
  solveForward(K, W, k);
  solveBackward(K, W, k);
  const inC = multiplyTransposed(W, transpose(AC, k, k), { n: k }); // W·A·Cᵀ
  const X = multiplyTransposed(inC, transpose(C, k, n), { n: k });
  const rest = multiplyTransposed(W, transpose(A, k, n), { n: k });
  labels.forEach((label, t) => {
    const mean = meanOf(label);
    for (let p = 0; p < n; p++) {
      const at = t * n + p;
      X[at] = Math.min(1, Math.max(0, mean[p] + X[at] / k + EPSILON * rest[at]));
    }
  });
  return X;
}

/** The mean of the known images of each class, and of all of them under −1. */
function meansOf(A: Float64Array, labels: Uint8Array, n: number): Map<number, Float64Array> {
  const means = new Map<number, Float64Array>();
  for (const label of [-1, ...new Set(labels)]) {
    const rows = Array.from(labels.keys()).filter((i) => label === -1 || labels[i] === label);
    const mean = new Float64Array(n);
    for (const i of rows) for (let p = 0; p < n; p++) mean[p] += A[i * n + p] / rows.length;
    means.set(label, mean);
  }
  return means;
}
