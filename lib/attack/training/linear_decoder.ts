/** A linear decoder from codes to images, one mean a class: what a server fits to the samples that it knows.
 *
 *   x̂ = m_c + B·(z − z̄_c),   B = Xcᵀ·Zc·(Zcᵀ·Zc + λ·I)⁻¹
 *
 * Zc and Xc are codes and images less the mean of their class, λ the one with the smallest leave-one-out error,
 * Σ ‖e_i‖²/(1 − h_i − 1/k_c)² with k_c the known samples of its class, which one factor for each λ gives for all i.
 * @module */
import {
  cholesky,
  multiplyTransposed,
  solveBackward,
  solveForward,
  transpose,
} from "../../math/dense.ts";

/** λ as shares of the mean diagonal entry of Zcᵀ·Zc. */
const SHARES = [1e-6, 1e-4, 1e-3, 1e-2, 0.1, 1, 10];

/** A fitted decoder. */
export interface LinearDecoder {
  /** Images `[m, n]` of codes `[m, d]`. */
  decode(Z: Float64Array, labels: Uint8Array): Float64Array;
  /** ∂/∂z ½‖x̂ − x‖² of each, `[m, d]`. */
  gradient(Z: Float64Array, labels: Uint8Array, X: Float64Array): Float64Array;
  /** The share chosen. */
  readonly share: number;
}

/** Fits a decoder to known samples.
 * @param Z `[k, d]`, codes.   @param X `[k, n]`, their images.   @param labels `[k]`.
 * @param shares candidates for λ.
 * @throws {RangeError} fewer than two samples, a number that is not finite. {TypeError} rows that do not fit. */
export function fitLinear(
  Z: Float64Array,
  X: Float64Array,
  labels: Uint8Array,
  shares: readonly number[] = SHARES,
): LinearDecoder {
  const k = labels.length;
  if (k < 2) throw new RangeError(`Cannot fit a decoder: ${k} known samples, expected 2 or more`);
  const [d, n] = [Z.length / k, X.length / k];
  if (!Number.isInteger(d) || !Number.isInteger(n)) {
    throw new TypeError(
      `Cannot fit a decoder: ${Z.length} codes and ${X.length} pixels, ${k} labels`,
    );
  }
  const bad = Z.findIndex((z) => !Number.isFinite(z));
  if (bad >= 0) throw new RangeError(`Cannot fit a decoder: code ${bad} is ${Z[bad]}`);
  const [zMean, xMean] = [centres(Z, labels, d), centres(X, labels, n)];
  const [Zc, Xc] = [less(Z, labels, zMean, d), less(X, labels, xMean, n)];
  const Zt = transpose(Zc, k, d);
  const S = multiplyTransposed(Zt, Zt, { n: k });
  const ZX = multiplyTransposed(transpose(Xc, k, n), Zt, { n: k }); // [n, d]
  const sizes = new Float64Array(256);
  labels.forEach((label) => sizes[label]++);
  let mean = 0;
  for (let i = 0; i < d; i++) mean += S[i * d + i] / d;
  let best = { error: Infinity, share: shares.at(-1)!, B: new Float64Array(n * d) };
  for (const share of mean > 0 ? shares : []) {
    const L = S.slice();
    for (let i = 0; i < d; i++) L[i * d + i] += share * mean;
    if (cholesky(L, d) < d) continue;
    const half = Zc.slice();
    solveForward(L, half, d); // rows L⁻¹·z: h_i is the square of one
    const B = ZX.slice();
    solveForward(L, B, d);
    solveBackward(L, B, d);
    const fit = multiplyTransposed(Zc, B, { n: d });
    let error = 0;
    for (let i = 0; i < k; i++) {
      let [h, squares] = [0, 0];
      for (let u = i * d; u < (i + 1) * d; u++) h += half[u] ** 2;
      for (let p = i * n; p < (i + 1) * n; p++) squares += (fit[p] - Xc[p]) ** 2;
      const rest = 1 - h - 1 / sizes[labels[i]];
      if (rest > 1e-9) error += squares / rest ** 2;
    }
    if (error < best.error) best = { error, share, B };
  }
  const { B, share } = best;
  const Bt = transpose(B, n, d);
  const decode = (codes: Float64Array, of: Uint8Array) => {
    const out = multiplyTransposed(less(codes, of, zMean, d), B, { n: d });
    of.forEach((label, i) => {
      const m = xMean[label] ?? xMean.at(-1)!;
      for (let p = 0; p < n; p++) out[i * n + p] += m[p];
    });
    return out;
  };
  return {
    ...{ share, decode },
    gradient: (codes, of, images) =>
      multiplyTransposed(decode(codes, of).map((x, at) => x - images[at]), Bt, { n }),
  };
}

/** Means by class, `undefined` where there is none; the mean of all at the end. */
function centres(V: Float64Array, labels: Uint8Array, width: number): (Float64Array | undefined)[] {
  const classes = labels.reduce((most, label) => Math.max(most, label + 1), 0);
  const sums = Array.from({ length: classes }, () => new Float64Array(width));
  const counts = new Float64Array(classes);
  const all = new Float64Array(width);
  labels.forEach((label, i) => {
    counts[label]++;
    for (let p = 0; p < width; p++) {
      sums[label][p] += V[i * width + p];
      all[p] += V[i * width + p] / labels.length;
    }
  });
  return [
    ...sums.map((sum, c) => counts[c] > 0 ? sum.map((value) => value / counts[c]) : undefined),
    ...Array(256 - classes),
    all,
  ];
}

/** Rows less the mean of their class. */
function less(
  V: Float64Array,
  labels: Uint8Array,
  means: readonly (Float64Array | undefined)[],
  width: number,
): Float64Array {
  const out = V.slice();
  labels.forEach((label, i) => {
    const mean = means[label] ?? means.at(-1)!;
    for (let p = 0; p < width; p++) out[i * width + p] -= mean[p];
  });
  return out;
}
