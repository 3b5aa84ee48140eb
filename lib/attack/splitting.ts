/** The linear algebra of ADMM on the attacker's program: done once per W1, for all images.
 *
 * The step for x is the projection, in the metric Q = I + Bᵀ·B of the sparse forms B (differences of
 * neighbours, rules), onto the equations A·x = b:
 *
 *     x = P·q + N·b    N = Q⁻¹Aᵀ(A·Q⁻¹·Aᵀ)⁻¹    P = Q⁻¹ − N·A·Q⁻¹
 *
 * With A·Q⁻¹·Aᵀ = L·Lᵀ and V = L⁻¹·A·Q⁻¹ these are N·b = Vᵀ·L⁻¹·b and P = Q⁻¹ − Vᵀ·V. Equations that
 * depend on others drop out with their pivot.
 * @module */
import { bandedBackward, bandedCholesky, bandedForward } from "../math/banded.ts";
import { apply, applyTransposed, cholesky, multiplyTransposed, transpose } from "../math/dense.ts";
import { addGram, bandwidth, type Forms } from "./forms.ts";

/** What {@linkcode split} prepares. */
export interface Splitting {
  /** [n, n], symmetric. */
  readonly P: Float32Array;
  /** Of A, as far as float64 tells. */
  readonly rank: number;
  /** The point nearest to x, in the metric Q, that solves A·x = b. */
  project(x: Float64Array, b: Float64Array): Float64Array;
  /** y with Aᵀ·y nearest to v, in the metric Q⁻¹. */
  multipliers(v: Float64Array): Float64Array;
}

/** Prepares the x step for equations A `[hidden, n]`. Costs hidden·n² / 2 products and less. */
export function split(A: Float64Array, forms: Forms, n: number): Splitting {
  const hidden = A.length / n;
  const { K, width } = metric(forms, n);
  bandedCholesky(K, width);
  const inverse = new Float64Array(n * n);
  for (let p = 0; p < n; p++) inverse[p * n + p] = 1;
  solveRows(K, width, inverse, n);

  const V = A.slice();
  bandedForward(K, width, V);
  const L = multiplyTransposed(V, V, { n, lower: true });
  const rank = cholesky(L, hidden);
  for (let row = 0; row < hidden; row++) {
    bandedBackward(K, width, V.subarray(row * n, (row + 1) * n));
  }
  for (let row = 0; row < hidden; row++) { // V ← L⁻¹·V
    const target = V.subarray(row * n, (row + 1) * n);
    for (let k = 0; k < row; k++) {
      const weight = L[row * hidden + k];
      for (let p = 0; p < n; p++) target[p] -= weight * V[k * n + p];
    }
    const pivot = L[row * hidden + row];
    for (let p = 0; p < n; p++) target[p] /= pivot;
  }
  const columns = transpose(V, hidden, n);
  const removed = multiplyTransposed(columns, columns, { n: hidden, lower: true });
  const P = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      P[i * n + j] = P[j * n + i] = inverse[i * n + j] - removed[i * n + j];
    }
  }
  return {
    P,
    rank,
    project(x, b) {
      const Ax = apply(A, x);
      const r = b.map((value, row) => value - Ax[row]);
      for (let row = 0; row < hidden; row++) {
        for (let k = 0; k < row; k++) r[row] -= L[row * hidden + k] * r[k];
        r[row] /= L[row * hidden + row];
      }
      return applyTransposed(V, r).map((shift, p) => x[p] + shift);
    },
    multipliers(v) {
      const y = apply(V, v);
      for (let row = hidden - 1; row >= 0; row--) {
        y[row] /= L[row * hidden + row];
        for (let k = 0; k < row; k++) y[k] -= L[row * hidden + k] * y[row];
      }
      return y;
    },
  };
}

/** I + Bᵀ·B in banded storage. */
function metric(forms: Forms, n: number) {
  const width = bandwidth(forms);
  const K = new Float64Array(n * (width + 1));
  for (let p = 0; p < n; p++) K[p * (width + 1) + width] = 1;
  addGram(forms, new Float64Array(forms.starts.length - 1).fill(1), K, width);
  return { K, width };
}

/** Every row r of R ← (L·Lᵀ)⁻¹·r. */
function solveRows(L: Float64Array, width: number, R: Float64Array, n: number): void {
  bandedForward(L, width, R);
  for (let at = 0; at < R.length; at += n) bandedBackward(L, width, R.subarray(at, at + n));
}
