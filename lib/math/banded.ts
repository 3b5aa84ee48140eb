/** Cholesky of a symmetric banded matrix, the shape of a grid's Laplacian in row order.
 *
 * A matrix of bandwidth w is stored as `[n, w + 1]`: entry (i, j), i − w ≤ j ≤ i, at
 * `i·(w + 1) + j − i + w`, so that the diagonal comes last in its row. Costs n·w² instead of n³.
 * @module */
import { type Diagonal, forwardRows, multiplyRows } from "./band_kernel.ts";

/** Rows up to which a plain loop is as fast as the kernel. */
const FEW = 3;

/** Factors K, positive definite, in place into L·Lᵀ, L in K's storage. A K that is not leaves NaN. */
export function bandedCholesky(K: Float64Array, width: number): void {
  const stride = width + 1;
  const n = K.length / stride;
  for (let i = 0; i < n; i++) {
    const row = i * stride - i + width; // K[row + j] is entry (i, j)
    const first = Math.max(0, i - width);
    for (let j = first; j <= i; j++) {
      const other = j * stride - j + width;
      let rest = K[row + j];
      for (let k = Math.max(first, j - width); k < j; k++) rest -= K[row + k] * K[other + k];
      K[row + j] = i === j ? Math.sqrt(rest) : rest / K[other + j];
    }
  }
}

/** out ← (L⁻¹·Bᵀ)ᵀ, every row of B `[rows, n]`; in place unless `out` is another array. */
export function bandedForward(
  L: Float64Array,
  width: number,
  B: Float64Array,
  out: Float64Array = B,
): void {
  const stride = width + 1;
  const n = L.length / stride;
  if (width > 0 && B.length > FEW * n) return forwardRows(L, width, B, out);
  for (let at = 0; at < B.length; at += n) {
    for (let i = 0; i < n; i++) {
      const row = i * stride - i + width;
      let s = B[at + i];
      for (let k = Math.max(0, i - width); k < i; k++) s -= L[row + k] * out[at + k];
      out[at + i] = s / L[row + i];
    }
  }
}

/** b ← L⁻ᵀ·b in place. */
export function bandedBackward(L: Float64Array, width: number, b: Float64Array): void {
  const stride = width + 1;
  for (let i = b.length - 1; i >= 0; i--) {
    const row = i * stride - i + width;
    b[i] /= L[row + i];
    for (let k = Math.max(0, i - width); k < i; k++) b[k] -= L[row + k] * b[i];
  }
}

/** The diagonals of a symmetric matrix that are not all zero, the main one first, then outwards: a grid leaves most
 * of a band empty. @param K not factored. */
export function diagonalsOf(K: Float64Array, width: number): Diagonal[] {
  const stride = width + 1;
  const n = K.length / stride;
  const used = new Uint8Array(stride);
  for (let i = 0; i < n; i++) {
    for (let apart = Math.min(width, i); apart > 0; apart--) {
      if (K[i * stride + width - apart] !== 0) used[apart] = 1;
    }
  }
  return [0, ...used.keys().filter((apart) => used[apart] === 1)].map((apart) => {
    const values = new Float64Array(n);
    for (let i = apart; i < n; i++) values[i] = K[i * stride + width - apart];
    return { apart, values };
  });
}

/** (K·Bᵀ)ᵀ for every row of B `[rows, n]`. @param K what {@linkcode diagonalsOf} gives. */
export function bandedMultiply(K: readonly Diagonal[], B: Float64Array): Float64Array {
  const [main, ...others] = K;
  const n = main.values.length;
  if (B.length > FEW * n) return multiplyRows(K, B);
  const out = new Float64Array(B.length);
  for (let at = 0; at < B.length; at += n) {
    for (let i = 0; i < n; i++) out[at + i] = main.values[i] * B[at + i];
    for (const { apart, values } of others) {
      const [head, tail] = [Math.min(apart, n - apart), Math.max(apart, n - apart)];
      for (let i = 0; i < head; i++) out[at + i] += values[i + apart] * B[at + i + apart];
      for (let i = apart; i < n - apart; i++) {
        out[at + i] += values[i] * B[at + i - apart] + values[i + apart] * B[at + i + apart];
      }
      for (let i = tail; i < n; i++) out[at + i] += values[i] * B[at + i - apart];
    }
  }
  return out;
}
