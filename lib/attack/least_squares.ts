/** The naive baseline: the minimum-norm solution of W1·x = z1, clipped to the pixel range.
 *
 * x = Wᵀ(W·Wᵀ + ε)⁻¹z by Cholesky. The ridge ε, 10⁻¹⁰ of the mean diagonal, is for rows that repeat
 * and for more equations than pixels, where W·Wᵀ is singular. This attack knows no image: it projects
 * onto what the equations say and leaves the rest at zero.
 * @module */
import { noRecovery, type Recovery } from "./recovery.ts";
import type { ServerView } from "./view.ts";

const RIDGE = 1e-10;

/** Minimum-norm solution clipped to the pixel range. Always "optimal" (as a least-squares problem),
 * unless the Gram matrix cannot be factored, as for a W1 of zeros: "error". */
export function leastSquares(view: ServerView): Recovery {
  const start = performance.now();
  const { W1, z1, hidden, n, pixelRange: [low, high] } = view;
  const objective = "least-squares";
  const factor = choleskyOfGram(W1, hidden, n);
  if (factor === null) {
    const message = "Cannot factor the Gram matrix of W1: not positive definite";
    return noRecovery("error", objective, { elapsedMs: performance.now() - start, message });
  }
  const x = applyTransposed(W1, solveCholesky(factor, z1), n);
  const xHat = x.map((value) => Math.min(high, Math.max(low, value)));
  return { status: "optimal", xHat, elapsedMs: performance.now() - start, objective };
}

/** Lower Cholesky factor [m, m] of A·Aᵀ + ridge for A [m, n] row-major; null if a pivot is ≤ 0. */
function choleskyOfGram(A: Float64Array, m: number, n: number): Float64Array | null {
  const L = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    const row = A.subarray(i * n, (i + 1) * n);
    for (let j = 0; j <= i; j++) L[i * m + j] = dot(row, A.subarray(j * n, (j + 1) * n));
  }
  let trace = 0;
  for (let i = 0; i < m; i++) trace += L[i * m + i];
  for (let i = 0; i < m; i++) {
    L[i * m + i] += RIDGE * trace / m;
    for (let j = 0; j <= i; j++) {
      const known = dot(L.subarray(i * m, i * m + j), L.subarray(j * m, j * m + j));
      const rest = L[i * m + j] - known;
      if (i === j && !(rest > 0)) return null;
      L[i * m + j] = i === j ? Math.sqrt(rest) : rest / L[j * m + j];
    }
  }
  return L;
}

/** y with L·Lᵀ·y = b, by forward and back substitution. */
function solveCholesky(L: Float64Array, b: Float64Array): Float64Array {
  const m = b.length;
  const y = b.slice();
  for (let i = 0; i < m; i++) {
    y[i] = (y[i] - dot(L.subarray(i * m, i * m + i), y.subarray(0, i))) / L[i * m + i];
  }
  for (let i = m - 1; i >= 0; i--) {
    y[i] /= L[i * m + i];
    for (let j = 0; j < i; j++) y[j] -= L[i * m + j] * y[i];
  }
  return y;
}

/** Aᵀ·v for A [v.length, n] row-major. */
function applyTransposed(A: Float64Array, v: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n);
  v.forEach((weight, row) => {
    for (let p = 0; p < n; p++) out[p] += weight * A[row * n + p];
  });
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
