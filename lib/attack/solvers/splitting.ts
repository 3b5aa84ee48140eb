/** The step for x of an ADMM iteration on the attacker's program (the step for its copies is `copies.ts`), prepared once
 * per W1 for all images: the projection, in the metric Q = I + Bᵀ·B of the sparse forms B (differences of neighbours,
 * rules), onto the equations A·x = b:
 *
 *     x = P·q + N·b    N = Q⁻¹Aᵀ(A·Q⁻¹·Aᵀ)⁻¹    P = Q⁻¹ − N·A·Q⁻¹
 *
 * With A·Q⁻¹·Aᵀ = L·Lᵀ and V = L⁻¹·A·Q⁻¹ these are N·b = Vᵀ·L⁻¹·b and P = Q⁻¹ − Vᵀ·V. Equations that
 * depend on others drop out with their pivot. Equations that carry noise need not be met: a slack on the diagonal of
 * A·Q⁻¹·Aᵀ makes the projection the minimum of ‖x − q‖²_Q + Σ (A·x − b)²/slack.
 * @module */
import { bandedCholesky, bandedForward } from "../../math/banded.ts";
import {
  apply,
  applyTransposed,
  backward,
  cholesky,
  forward,
  multiplyTransposed,
  solveForward,
  transpose,
} from "../../math/dense.ts";
import { addGram, bandwidth, type Forms } from "./forms.ts";

/** What {@linkcode split} prepares. */
export interface Splitting {
  /** [n, n], symmetric. */
  readonly P: Float32Array;
  /** Of A, as far as float64 tells. */
  readonly rank: number;
  /** N·b `[count, n]` for every b of B `[count, hidden]`. */
  origins(B: Float64Array): Float64Array;
  /** The point nearest to x, in the metric Q, that solves A·x = b. */
  project(x: Float64Array, b: Float64Array): Float64Array;
  /** y with Aᵀ·y nearest to v, in the metric Q⁻¹. */
  multipliers(v: Float64Array): Float64Array;
}

/** Prepares the x step for equations A `[hidden, n]`. Costs hidden·n² / 2 products and less.
 * @param slack `[hidden]`, how far from 0 each (A·x − b)² may be at a price of 1; none: met exactly. */
export function split(
  A: Float64Array,
  forms: Forms,
  n: number,
  slack?: Float64Array,
): Splitting {
  const hidden = A.length / n;
  const { K, width } = metric(forms, n);
  bandedCholesky(K, width);
  const inverse = new Float64Array(n * n);
  for (let p = 0; p < n; p++) inverse[p * n + p] = 1;
  bandedForward(K, width, inverse);
  backwardRows(K, width, inverse);

  const half = A.slice();
  bandedForward(K, width, half);
  const L = multiplyTransposed(half, half, { n, lower: true });
  slack?.forEach((room, row) => L[row * hidden + row] += room);
  const rank = cholesky(L, hidden);
  backwardRows(K, width, half);
  const columns = transpose(half, hidden, n); // of A·Q⁻¹, then of V
  solveForward(L, columns, hidden);
  const V = transpose(columns, n, hidden);
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
    origins(B) {
      const R = B.slice();
      solveForward(L, R, hidden);
      return multiplyTransposed(R, columns, { n: hidden });
    },
    project(x, b) {
      const Ax = apply(A, x);
      const r = forward(L, b.map((value, row) => value - Ax[row]));
      return applyTransposed(V, r).map((shift, p) => x[p] + shift);
    },
    multipliers: (v) => backward(L, apply(V, v)),
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

/** Every row r of R `[rows, n]` ← L⁻ᵀ·r: forward, in the band turned end for end. */
function backwardRows(L: Float64Array, width: number, R: Float64Array): void {
  const stride = width + 1;
  const n = L.length / stride;
  const turned = new Float64Array(L.length);
  for (let i = 0; i < n; i++) {
    for (let apart = 0; apart <= Math.min(width, i); apart++) {
      turned[(n - 1 - i + apart) * stride + width - apart] = L[i * stride + width - apart];
    }
  }
  const turn = () => {
    for (let at = 0; at < R.length; at += n) R.subarray(at, at + n).reverse();
  };
  turn();
  bandedForward(turned, width, R);
  turn();
}
