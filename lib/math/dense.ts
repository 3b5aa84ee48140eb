/** Dense linear algebra in float64 on row-major arrays: what the attacks need of it.
 *
 * Products and factors go through panels of four rows (`panels.ts`). tfjs is faster still, but knows float32 only.
 * @module */
import { innerProducts, pack, PANEL, panelMemory, SUMS } from "./panels.ts";

/** A pivot below this share of its diagonal entry is rounding error: the row depends on those above. */
const RANK_TOLERANCE = 1e-14;

/** A·Bᵀ `[m, r]` for A `[m, n]` and B `[r, n]`.
 * @param lower with B = A: only the lower triangle is right, at half the work. */
export function multiplyTransposed(
  A: Float64Array,
  B: Float64Array,
  { n, lower = false }: { n: number; lower?: boolean },
): Float64Array {
  const [m, r] = [A.length / n, B.length / n];
  const C = new Float64Array(m * r);
  const size = PANEL * n;
  const floats = panelMemory(SUMS + size * (Math.ceil(m / PANEL) + Math.ceil(r / PANEL)));
  const after = pack(floats, SUMS, A, { n });
  const right = A === B ? SUMS : after;
  if (A !== B) pack(floats, right, B, { n });
  for (let i = 0; i < m; i += PANEL) {
    const end = lower ? i + 1 : r;
    for (let j = 0; j < end; j += PANEL) {
      innerProducts(SUMS + size * i / PANEL, right + size * j / PANEL, n);
      for (let k = i; k < Math.min(i + PANEL, m); k++) {
        for (let l = j; l < Math.min(j + PANEL, r); l++) {
          C[k * r + l] = floats[PANEL * (k - i) + l - j];
        }
      }
    }
  }
  return C;
}

/** Factors S `[m, m]` in place into L·Lᵀ; S's lower triangle is read and overwritten with L.
 * Rows that depend on those above get an infinite pivot, so that solving sets their unknown to 0.
 * @returns the rank found; 0 for a matrix of zeros. */
export function cholesky(S: Float64Array, m: number): number {
  const width = PANEL * Math.ceil(m / PANEL);
  const floats = panelMemory(SUMS + width * width);
  pack(floats, SUMS, S, { n: m, width });
  let rank = 0;
  for (let i = 0; i < m; i += PANEL) {
    const row = SUMS + width * i;
    const count = Math.min(PANEL, m - i);
    for (let j = 0; j < i; j += PANEL) substitute(floats, { row, L: SUMS + width * j, j });
    const corner = row + PANEL * i; // entry (i + r, i + c) at corner + 4·c + r
    subtractSums(floats, { row, L: row, j: i });
    for (let c = 0; c < count; c++) {
      for (let k = 0; k < c; k++) {
        const factor = floats[corner + PANEL * k + c];
        for (let r = c; r < count; r++) {
          floats[corner + PANEL * c + r] -= factor * floats[corner + PANEL * k + r];
        }
      }
      const rest = floats[corner + PANEL * c + c];
      const independent = rest > RANK_TOLERANCE * S[(i + c) * m + i + c];
      const pivot = independent ? Math.sqrt(rest) : Infinity;
      if (independent) rank++;
      floats[corner + PANEL * c + c] = pivot;
      for (let r = c + 1; r < count; r++) floats[corner + PANEL * c + r] /= pivot;
    }
    for (let k = i; k < i + count; k++) {
      for (let j = 0; j <= k; j++) S[k * m + j] = floats[row + PANEL * j + k - i];
    }
  }
  return rank;
}

/** Every row r of R `[rows, m]` ← L⁻¹·r, in place, for the factor L of {@linkcode cholesky}. */
export function solveForward(L: Float64Array, R: Float64Array, m: number): void {
  const width = PANEL * Math.ceil(m / PANEL);
  const rows = R.length / m;
  const floats = panelMemory(SUMS + width * (width + PANEL));
  const row = pack(floats, SUMS, L, { n: m, width });
  for (let i = m; i < width; i++) {
    floats[SUMS + width * (width - PANEL) + PANEL * i + i % PANEL] = 1;
  }
  for (let i = 0; i < rows; i += PANEL) {
    const block = R.subarray(i * m, Math.min(i + PANEL, rows) * m);
    pack(floats, row, block, { n: m, width });
    for (let j = 0; j < m; j += PANEL) substitute(floats, { row, L: SUMS + width * j, j });
    for (let at = 0; at < block.length; at++) {
      block[at] = floats[row + PANEL * (at % m) + Math.floor(at / m)];
    }
  }
}

/** A panel of rows and the panel of L below whose column j the two meet. */
interface Meeting {
  row: number;
  L: number;
  j: number;
}

/** Columns j to j + 3 of the panel `row` less what the columns before them contribute. */
function subtractSums(floats: Float64Array, { row, L, j }: Meeting): void {
  if (j === 0) return;
  innerProducts(L, row, j);
  for (let at = 0; at < SUMS; at++) floats[row + PANEL * j + at] -= floats[at];
}

/** One step of forward substitution: columns j to j + 3 of the panel `row`. */
function substitute(floats: Float64Array, meeting: Meeting): void {
  subtractSums(floats, meeting);
  const [at, corner] = [meeting.row + PANEL * meeting.j, meeting.L + PANEL * meeting.j];
  for (let c = 0; c < PANEL; c++) {
    for (let k = 0; k < c; k++) {
      const factor = floats[corner + PANEL * k + c];
      for (let r = 0; r < PANEL; r++) {
        floats[at + PANEL * c + r] -= factor * floats[at + PANEL * k + r];
      }
    }
    for (let r = 0; r < PANEL; r++) floats[at + PANEL * c + r] /= floats[corner + PANEL * c + c];
  }
}

/** y with L·Lᵀ·y = b. */
export const solveCholesky = (L: Float64Array, b: Float64Array) => backward(L, forward(L, b));

/** L⁻¹·b. */
export function forward(L: Float64Array, b: Float64Array): Float64Array {
  const m = b.length;
  const y = b.slice();
  for (let i = 0; i < m; i++) {
    let rest = y[i];
    for (let k = 0; k < i; k++) rest -= L[i * m + k] * y[k];
    y[i] = rest / L[i * m + i];
  }
  return y;
}

/** L⁻ᵀ·b. */
export function backward(L: Float64Array, b: Float64Array): Float64Array {
  const m = b.length;
  const y = b.slice();
  for (let i = m - 1; i >= 0; i--) {
    y[i] /= L[i * m + i];
    for (let j = 0; j < i; j++) y[j] -= L[i * m + j] * y[i];
  }
  return y;
}

/** A·v `[m]` for A `[m, n]`, n = v.length. Four rows at a time: their sums do not wait for each other. */
export function apply(A: Float64Array, v: Float64Array): Float64Array {
  const n = v.length;
  const out = new Float64Array(A.length / n);
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

/** Aᵀ·v `[n]` for A `[m, n]`, m = v.length. */
export function applyTransposed(A: Float64Array, v: Float64Array): Float64Array {
  const n = A.length / v.length;
  const out = new Float64Array(n);
  let row = 0;
  for (; row + 1 < v.length; row += 2) {
    const [x, y, a, b] = [v[row], v[row + 1], row * n, (row + 1) * n];
    for (let p = 0; p < n; p++) out[p] += x * A[a + p] + y * A[b + p];
  }
  if (row < v.length) { for (let p = 0; p < n; p++) out[p] += v[row] * A[row * n + p]; }
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
