/** Cholesky of a symmetric banded matrix, the shape of a grid's Laplacian in row order.
 *
 * A matrix of bandwidth w is stored as `[n, w + 1]`: entry (i, j), i − w ≤ j ≤ i, at
 * `i·(w + 1) + j − i + w`, so that the diagonal comes last in its row. Costs n·w² instead of n³.
 * @module */

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

/** B ← (L⁻¹·Bᵀ)ᵀ in place: every row of B `[rows, n]`, two at a time. */
export function bandedForward(L: Float64Array, width: number, B: Float64Array): void {
  const stride = width + 1;
  const n = L.length / stride;
  const rows = B.length / n;
  for (let first = 0; first < rows; first += 2) {
    const a = first * n;
    const b = Math.min(first + 1, rows - 1) * n; // the last of an odd number is its own partner
    for (let i = 0; i < n; i++) {
      const row = i * stride - i + width;
      let s = B[a + i], t = B[b + i];
      for (let k = Math.max(0, i - width); k < i; k++) {
        const l = L[row + k];
        s -= l * B[a + k];
        t -= l * B[b + k];
      }
      B[a + i] = s / L[row + i];
      B[b + i] = t / L[row + i];
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

/** (K·Bᵀ)ᵀ for every row of B `[rows, n]`, K symmetric and not factored. A grid leaves most diagonals of a band empty:
 * they are skipped. */
export function bandedMultiply(K: Float64Array, width: number, B: Float64Array): Float64Array {
  const stride = width + 1;
  const n = K.length / stride;
  const out = new Float64Array(B.length);
  for (let apart = 0; apart <= width; apart++) {
    const diagonal = new Float64Array(n); // entry (i, i − apart)
    for (let i = apart; i < n; i++) diagonal[i] = K[i * stride + width - apart];
    if (diagonal.every((value) => value === 0)) continue;
    for (let at = 0; at < B.length; at += n) {
      if (apart === 0) {
        for (let i = 0; i < n; i++) out[at + i] += diagonal[i] * B[at + i];
        continue;
      }
      const [head, tail] = [Math.min(apart, n - apart), Math.max(apart, n - apart)];
      for (let i = 0; i < head; i++) out[at + i] += diagonal[i + apart] * B[at + i + apart];
      for (let i = apart; i < n - apart; i++) {
        out[at + i] += diagonal[i] * B[at + i - apart] + diagonal[i + apart] * B[at + i + apart];
      }
      for (let i = tail; i < n; i++) out[at + i] += diagonal[i] * B[at + i - apart];
    }
  }
  return out;
}
