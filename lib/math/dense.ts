/** Dense linear algebra in float64 on row-major arrays: what the attacks need of it.
 *
 * Inner products are taken two rows by two: four sums share every load and do not wait for each other,
 * about twice as fast as one after the other. tfjs is faster still, but knows float32 only.
 * @module */

/** A pivot below this share of its diagonal entry is rounding error: the row depends on those above. */
const RANK_TOLERANCE = 1e-14;

/** The four inner products of two rows with two rows, written by {@linkcode innerProducts}. */
const products = new Float64Array(4);

/** A[a…]·B[b…], A[a…]·B[b2…], A[a2…]·B[b…], A[a2…]·B[b2…], by offsets. */
function innerProducts(
  A: Float64Array,
  a: number,
  a2: number,
  B: Float64Array,
  b: number,
  b2: number,
  length: number,
): void {
  let s = 0, t = 0, u = 0, v = 0;
  for (let k = 0; k < length; k++) {
    const x = A[a + k], x2 = A[a2 + k], y = B[b + k], y2 = B[b2 + k];
    s += x * y;
    t += x * y2;
    u += x2 * y;
    v += x2 * y2;
  }
  products[0] = s;
  products[1] = t;
  products[2] = u;
  products[3] = v;
}

/** A·Bᵀ `[m, r]` for A `[m, n]` and B `[r, n]`.
 * @param lower with B = A: only the lower triangle is right, at half the work. */
export function multiplyTransposed(
  A: Float64Array,
  B: Float64Array,
  { n, lower = false }: { n: number; lower?: boolean },
): Float64Array {
  const [m, r] = [A.length / n, B.length / n];
  const C = new Float64Array(m * r);
  for (let i = 0; i < m; i += 2) {
    const i2 = Math.min(i + 1, m - 1); // the last of an odd number of rows is its own partner
    const end = lower ? i + 1 : r;
    for (let j = 0; j < end; j += 2) {
      const j2 = Math.min(j + 1, r - 1);
      innerProducts(A, i * n, i2 * n, B, j * n, j2 * n, n);
      C[i * r + j] = products[0];
      C[i * r + j2] = products[1];
      C[i2 * r + j] = products[2];
      C[i2 * r + j2] = products[3];
    }
  }
  return C;
}

/** Factors S `[m, m]` in place into L·Lᵀ; S's lower triangle is read and overwritten with L.
 * Rows that depend on those above get an infinite pivot, so that solving sets their unknown to 0.
 * @returns the rank found; 0 for a matrix of zeros. */
export function cholesky(S: Float64Array, m: number): number {
  let rank = 0;
  const pivot = (rest: number, diagonal: number) => {
    if (!(rest > RANK_TOLERANCE * diagonal)) return Infinity;
    rank++;
    return Math.sqrt(rest);
  };
  for (let i = 0; i < m; i += 2) {
    const i2 = Math.min(i + 1, m - 1);
    const [row, row2] = [i * m, i2 * m];
    for (let j = 0; j < i; j += 2) {
      const [left, left2] = [j * m, (j + 1) * m];
      innerProducts(S, row, row2, S, left, left2, j);
      const [s, t, u, v] = products;
      S[row + j] = (S[row + j] - s) / S[left + j];
      S[row + j + 1] = (S[row + j + 1] - t - S[row + j] * S[left2 + j]) / S[left2 + j + 1];
      if (i2 === i) continue;
      S[row2 + j] = (S[row2 + j] - u) / S[left + j];
      S[row2 + j + 1] = (S[row2 + j + 1] - v - S[row2 + j] * S[left2 + j]) / S[left2 + j + 1];
    }
    innerProducts(S, row, row2, S, row, row2, i);
    const [s, , u, v] = products;
    S[row + i] = pivot(S[row + i] - s, S[row + i]);
    if (i2 === i) continue;
    S[row2 + i] = (S[row2 + i] - u) / S[row + i];
    S[row2 + i2] = pivot(S[row2 + i2] - v - S[row2 + i] ** 2, S[row2 + i2]);
  }
  return rank;
}

/** y with L·Lᵀ·y = b, by forward and back substitution. */
export function solveCholesky(L: Float64Array, b: Float64Array): Float64Array {
  const m = b.length;
  const y = b.slice();
  for (let i = 0; i < m; i++) {
    let rest = y[i];
    for (let k = 0; k < i; k++) rest -= L[i * m + k] * y[k];
    y[i] = rest / L[i * m + i];
  }
  for (let i = m - 1; i >= 0; i--) {
    y[i] /= L[i * m + i];
    for (let j = 0; j < i; j++) y[j] -= L[i * m + j] * y[i];
  }
  return y;
}

/** A·v `[m]` for A `[m, n]`, n = v.length. */
export function apply(A: Float64Array, v: Float64Array): Float64Array {
  const n = v.length;
  const out = new Float64Array(A.length / n);
  for (let row = 0; row < out.length; row++) {
    let sum = 0;
    for (let p = 0; p < n; p++) sum += A[row * n + p] * v[p];
    out[row] = sum;
  }
  return out;
}

/** Aᵀ·v `[n]` for A `[m, n]`, m = v.length. */
export function applyTransposed(A: Float64Array, v: Float64Array): Float64Array {
  const n = A.length / v.length;
  const out = new Float64Array(n);
  for (let row = 0; row < v.length; row++) {
    const weight = v[row];
    for (let p = 0; p < n; p++) out[p] += weight * A[row * n + p];
  }
  return out;
}

/** Aᵀ `[columns, rows]` for A `[rows, columns]`. */
export function transpose(A: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(A.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[j * rows + i] = A[i * columns + j];
  }
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
