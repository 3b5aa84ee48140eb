/** Linear systems over the integers whose solutions are small integers, exactly: solved modulo a prime.
 *
 * If A·X = B has one solution in integers of [0, p), it is the solution modulo p, wherever the rank of A modulo p is
 * that of A. No pivot is ever small, so no condition number matters: what floating point cannot resolve is as exact as
 * the rest. The prime and the sums are those of `rank_mod.ts`.
 * @module */
import { invert } from "@noble/curves/abstract/modular.js";
import { EXACT_TERMS, P, residue } from "./rank_mod.ts";

/** What {@linkcode solveMod} found. */
export interface ModularSolution {
  /** Of A, modulo the prime. */
  readonly rank: number;
  /** The unknowns that A determines, ascending. */
  readonly determined: readonly number[];
  /** `[determined, k]` residues in [0, p). */
  readonly X: Float64Array;
  /** Whether no equation contradicts the others. */
  readonly consistent: boolean;
}

/** Solves A·X = B modulo the prime, for A `[rows, n]` and B `[rows, k]` of safe integers. Costs rows·n·(n + k).
 * @throws {TypeError} lengths that are no such matrices. */
export function solveMod(
  A: ArrayLike<number>,
  B: ArrayLike<number>,
  { n, k }: { n: number; k: number },
): ModularSolution {
  const rows = A.length / n;
  if (!Number.isInteger(rows) || B.length !== rows * k) {
    throw new TypeError(`Cannot solve: ${A.length} and ${B.length} entries, ${n} and ${k} a row`);
  }
  const width = n + k;
  const pivots: { column: number; row: Float64Array }[] = []; // row[column] = 1
  let consistent = true;
  for (let at = 0; at < rows; at++) {
    const row = new Float64Array(width);
    for (let p = 0; p < n; p++) row[p] = residue(A[at * n + p]);
    for (let p = 0; p < k; p++) row[n + p] = residue(B[at * k + p]);
    eliminate(row, pivots);
    const column = row.findIndex((value) => value !== 0);
    if (column < 0) continue;
    if (column >= n) {
      consistent = false;
      continue;
    }
    const inverse = Number(invert(BigInt(row[column]), BigInt(P)));
    for (let p = column; p < width; p++) row[p] = residue(row[p] * inverse);
    const place = pivots.findIndex((other) => other.column > column);
    pivots.splice(place < 0 ? pivots.length : place, 0, { column, row });
  }
  for (let at = pivots.length - 2; at >= 0; at--) eliminate(pivots[at].row, pivots.slice(at + 1));
  const alone = pivots.filter(({ column, row }) =>
    row.subarray(0, n).every((value, p) => p === column || value === 0)
  );
  const X = new Float64Array(alone.length * k);
  alone.forEach(({ row }, at) => X.set(row.subarray(n), at * k));
  const determined = alone.map(({ column }) => column);
  return { rank: pivots.length, determined, X, consistent };
}

/** row less its multiples of pivots that come in the order of their columns: 0 in each of them, reduced. */
function eliminate(
  row: Float64Array,
  pivots: readonly { column: number; row: Float64Array }[],
): void {
  let terms = 0;
  for (const { column, row: pivot } of pivots) {
    const factor = residue(row[column]);
    if (factor === 0) continue;
    const minus = P - factor;
    for (let p = column; p < row.length; p++) row[p] += minus * pivot[p];
    if (++terms % EXACT_TERMS === 0) {
      for (let p = column; p < row.length; p++) row[p] = residue(row[p]);
    }
  }
  for (let p = 0; p < row.length; p++) row[p] = residue(row[p]);
}
