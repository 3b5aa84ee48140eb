/** Dense linear algebra in float64 on row-major arrays: what the attacks need of it, over `blas.ts`.
 * @module */
import { blas, dgemm, dpotrf, dsyrk, dtrsm } from "./blas.ts";
import { factor, rowProducts, solveRowsTransposed } from "./blas_wasm.ts";

export { transpose } from "./blas_wasm.ts";

/** A pivot below this share of its diagonal entry is rounding error: the row depends on those above. */
const RANK_TOLERANCE = 1e-14;

/** Below this share we look ourselves: two orders of summation may not agree on which side of the first it lies. */
const DOUBT = 1e-12;

/** A·Bᵀ `[m, r]` for A `[m, n]` and B `[r, n]`.
 * @param lower with a symmetric product, B = A or not: only the lower triangle is right, at about half the work. */
export function multiplyTransposed(
  A: Float64Array,
  B: Float64Array,
  { n, lower = false }: { n: number; lower?: boolean },
): Float64Array {
  const [m, r] = [A.length / n, B.length / n];
  const C = new Float64Array(m * r);
  if (lower && A === B) dsyrk({ n: m, k: n, A, C });
  else if (lower && blas() === null) rowProducts(A, B, C, { n, lower });
  else if (lower) lowerProducts(A, B, C, n);
  else dgemm({ m, n: r, k: n, A, B, C, transposeB: true });
  return C;
}

/** Steps in which {@linkcode lowerProducts} goes down the diagonal: 13 of 24 products then. Measured. */
const STEPS = 12;

/** The lower triangle of C `[m, m]` ← A·Bᵀ, and some of the rest, by products up to the diagonal. */
function lowerProducts(A: Float64Array, B: Float64Array, C: Float64Array, n: number): void {
  const m = A.length / n;
  const height = Math.ceil(m / STEPS);
  const step = new Float64Array(height * m);
  for (let from = 0; from < m; from += height) {
    const to = Math.min(m, from + height);
    const part = step.subarray(0, (to - from) * to);
    const [left, right] = [A.subarray(from * n, to * n), B.subarray(0, to * n)];
    dgemm({ m: to - from, n: to, k: n, A: left, B: right, C: part, transposeB: true });
    for (let row = from; row < to; row++) {
      C.set(part.subarray((row - from) * to, (row - from + 1) * to), row * m);
    }
  }
}

/** Factors S `[m, m]` in place into L·Lᵀ; S's lower triangle is read and overwritten with L.
 * Rows that depend on those above get an infinite pivot, so that solving sets their unknown to 0.
 * @returns the rank found; 0 for a matrix of zeros. */
export function cholesky(S: Float64Array, m: number): number {
  if (blas() === null) return factor(S, m, RANK_TOLERANCE).rank;
  const L = S.slice();
  let clear = dpotrf(L, m) === 0;
  for (let i = 0; clear && i < m; i++) clear = L[i * m + i] ** 2 > DOUBT * S[i * m + i];
  if (!clear) return factor(S, m, RANK_TOLERANCE).rank; // LAPACK stops at the first such row
  S.set(L);
  return m;
}

/** Every row r of R `[rows, m]` ← L⁻¹·r, in place, for the factor L of {@linkcode cholesky}. */
export function solveForward(L: Float64Array, R: Float64Array, m: number): void {
  dtrsm({ L, m, B: R });
}

/** Every row r of R `[rows, m]` ← L⁻ᵀ·r, in place. */
export function solveBackward(L: Float64Array, R: Float64Array, m: number): void {
  dtrsm({ L, m, B: R, transpose: true });
}

/** y with L·Lᵀ·y = b. */
export const solveCholesky = (L: Float64Array, b: Float64Array) => backward(L, forward(L, b));

/** L⁻¹·b. Four rows at a time: their sums do not wait for each other. */
export function forward(L: Float64Array, b: Float64Array): Float64Array {
  const m = b.length;
  const y = b.slice();
  for (let i = 0; i < m; i += 4) {
    const done = i + 4 <= m ? i : 0; // columns whose products are taken off already
    if (done > 0) {
      const [at0, at1, at2, at3] = [i * m, (i + 1) * m, (i + 2) * m, (i + 3) * m];
      let s = y[i], t = y[i + 1], u = y[i + 2], w = y[i + 3];
      for (let k = 0; k < i; k++) {
        const x = y[k];
        s -= L[at0 + k] * x;
        t -= L[at1 + k] * x;
        u -= L[at2 + k] * x;
        w -= L[at3 + k] * x;
      }
      [y[i], y[i + 1], y[i + 2], y[i + 3]] = [s, t, u, w];
    }
    for (let row = i; row < Math.min(i + 4, m); row++) {
      let rest = y[row];
      for (let k = done; k < row; k++) rest -= L[row * m + k] * y[k];
      y[row] = rest / L[row * m + row];
    }
  }
  return y;
}

/** L⁻ᵀ·b. */
export function backward(L: Float64Array, b: Float64Array): Float64Array {
  const y = b.slice();
  solveRowsTransposed(L, y, b.length);
  return y;
}

/** Entries of a matrix from which its product with a vector is worth a call of the library: three times as fast then. */
const LARGE = 2 ** 14;

/** A·v `[m]` for A `[m, n]`, n = v.length. Four rows at a time: their sums do not wait for each other. */
export function apply(A: Float64Array, v: Float64Array): Float64Array {
  const n = v.length;
  const out = new Float64Array(A.length / n);
  if (A.length > LARGE && blas() !== null) {
    dgemm({ m: out.length, n: 1, k: n, A, B: v, C: out });
    return out;
  }
  for (let row = 0; row < out.length; row += 4) {
    const rows = [row, row + 1, row + 2, row + 3].map((r) => Math.min(r, out.length - 1));
    const [a, b, c, d] = rows.map((r) => r * n); // the last row stands in for those that are not there
    let s = 0, t = 0, u = 0, w = 0;
    for (let p = 0; p < n; p++) {
      const x = v[p];
      s += A[a + p] * x;
      t += A[b + p] * x;
      u += A[c + p] * x;
      w += A[d + p] * x;
    }
    [out[rows[0]], out[rows[1]], out[rows[2]], out[rows[3]]] = [s, t, u, w];
  }
  return out;
}

/** Aᵀ·v `[n]` for A `[m, n]`, m = v.length. Four rows at a time, each pair summed first. */
export function applyTransposed(A: Float64Array, v: Float64Array): Float64Array {
  const n = A.length / v.length;
  const out = new Float64Array(n);
  if (A.length > LARGE && blas() !== null) {
    dgemm({ m: 1, n, k: v.length, A: v, B: A, C: out });
    return out;
  }
  const rowOf = (row: number) => A.subarray(row * n, (row + 1) * n);
  let row = 0;
  for (; row + 3 < v.length; row += 4) {
    const [a, b, c, d] = [rowOf(row), rowOf(row + 1), rowOf(row + 2), rowOf(row + 3)];
    const x = v[row], y = v[row + 1], z = v[row + 2], w = v[row + 3];
    for (let p = 0; p < n; p++) out[p] = out[p] + (x * a[p] + y * b[p]) + (z * c[p] + w * d[p]);
  }
  for (; row + 1 < v.length; row += 2) {
    const [x, y, a, b] = [v[row], v[row + 1], row * n, (row + 1) * n];
    for (let p = 0; p < n; p++) out[p] += x * A[a + p] + y * A[b + p];
  }
  if (row < v.length) { for (let p = 0; p < n; p++) out[p] += v[row] * A[row * n + p]; }
  return out;
}

/** [A | v], `[m, n + 1]` for A `[m, n]`, m = v.length. */
export function withColumn(A: Float64Array, v: Float64Array): Float64Array {
  const n = A.length / v.length;
  const out = new Float64Array(A.length + v.length);
  v.forEach((value, row) => {
    out.set(A.subarray(row * n, (row + 1) * n), row * (n + 1));
    out[row * (n + 1) + n] = value;
  });
  return out;
}

/** Σ a_i·b_i. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
