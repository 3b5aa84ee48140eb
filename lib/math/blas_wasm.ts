/** The routines of `blas.ts` without a native library: float64 in panels of four rows (`panels.ts`), in WebAssembly.
 *
 * Each sum runs in the order of k, multiplied and then added, in every routine: the same bits on every machine.
 * @module */
import { innerProducts, pack, PANEL, panelMemory, SUMS } from "./panels.ts";

/** What {@linkcode factor} reports. */
export interface Factored {
  /** Rows that do not depend on those above. */
  rank: number;
  /** The first row whose pivot was not positive enough, or −1. */
  failed: number;
}

/** C `[m, r]` ← A·Bᵀ for A `[m, n]`, B `[r, n]`; plus what C held where `add`.
 * @param lower only the lower triangle of C is written. */
export function rowProducts(
  A: Float64Array,
  B: Float64Array,
  C: Float64Array,
  { n, lower = false, add = false }: { n: number; lower?: boolean; add?: boolean },
): void {
  const [m, r] = [A.length / n, B.length / n];
  const size = PANEL * n;
  const floats = panelMemory(SUMS + size * (Math.ceil(m / PANEL) + Math.ceil(r / PANEL)));
  const after = pack(floats, SUMS, A, { n });
  const right = A === B ? SUMS : after;
  if (A !== B) pack(floats, right, B, { n });
  for (let i = 0; i < m; i += PANEL) {
    const end = lower ? i + 1 : r;
    for (let j = 0; j < end; j += PANEL) {
      innerProducts(SUMS + size * i / PANEL, right + size * j / PANEL, n);
      const [rows, columns] = [Math.min(PANEL, m - i), Math.min(PANEL, r - j)];
      for (let k = 0; k < rows; k++) {
        const end = lower ? Math.min(columns, i + k + 1 - j) : columns;
        for (let l = 0, at = (i + k) * r + j, from = PANEL * k; l < end; l++, at++, from++) {
          C[at] = add ? C[at] + floats[from] : floats[from];
        }
      }
    }
  }
}

/** Factors S `[m, m]` in place into L·Lᵀ; its lower triangle is read and overwritten with L. A row whose pivot is at
 * most `tolerance` times its diagonal entry gets an infinite pivot, so that solving sets its unknown to 0. */
export function factor(S: Float64Array, m: number, tolerance: number): Factored {
  const width = PANEL * Math.ceil(m / PANEL);
  const floats = panelMemory(SUMS + width * width);
  pack(floats, SUMS, S, { n: m, width });
  const result = { rank: 0, failed: -1 };
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
      const independent = rest > tolerance * S[(i + c) * m + i + c];
      const pivot = independent ? Math.sqrt(rest) : Infinity;
      if (independent) result.rank++;
      else if (result.failed < 0) result.failed = i + c;
      floats[corner + PANEL * c + c] = pivot;
      for (let r = c + 1; r < count; r++) floats[corner + PANEL * c + r] /= pivot;
    }
    for (let k = i; k < i + count; k++) {
      for (let j = 0; j <= k; j++) S[k * m + j] = floats[row + PANEL * j + k - i];
    }
  }
  return result;
}

/** Every row r of R `[rows, m]` ← L⁻¹·r, in place. */
export function solveRows(L: Float64Array, R: Float64Array, m: number): void {
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

/** Every row r of R `[rows, m]` ← L⁻ᵀ·r, in place: the rows of L in turn, from the last. */
export function solveRowsTransposed(L: Float64Array, R: Float64Array, m: number): void {
  for (let from = 0; from < R.length; from += m) {
    const y = R.subarray(from, from + m);
    for (let i = m - 1; i >= 0; i--) {
      y[i] /= L[i * m + i];
      for (let j = 0; j < i; j++) y[j] -= L[i * m + j] * y[i];
    }
  }
}

/** Aᵀ `[columns, rows]` for A `[rows, columns]`. */
export function transpose(A: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(A.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[j * rows + i] = A[i * columns + j];
  }
  return out;
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
