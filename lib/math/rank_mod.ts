/** A lower bound on the rank of an integer matrix that holds exactly: its rank modulo a prime.
 *
 * A minor that is not 0 modulo p is not 0, so rank mod p ≤ rank. The two differ only where p divides every
 * largest minor, for a random matrix with probability about 1/p. Entries below p < 2²¹ have products below
 * 2⁴², of which 2¹¹ add up exactly in float64: a row is reduced once, not at each step.
 * @module */
import { invert } from "@noble/curves/abstract/modular.js";

/** The largest prime below 2²¹. */
export const P = 2_097_143;

/** Sums of so many products of two residues are exact in float64. */
export const EXACT_TERMS = 2 ** 11 - 1;

/** The rank modulo p of A `[rows, n]` of safe integers; stops at n. At most the rank over the rationals. */
export const rankMod = (A: ArrayLike<number>, n: number): number => independentRows(A, n).length;

/** The rows of A `[rows, n]` that do not depend on those above, modulo p: independent over the rationals too. */
export function independentRows(A: ArrayLike<number>, n: number): number[] {
  const rows = A.length / n;
  const independent: number[] = [];
  const pivots: { column: number; row: Float64Array }[] = []; // by column, row[column] = 1
  for (let at = 0; at < rows && pivots.length < n; at++) {
    const row = new Float64Array(n);
    for (let p = 0; p < n; p++) row[p] = residue(A[at * n + p]);
    let terms = 0;
    for (const { column, row: pivot } of pivots) {
      const factor = residue(row[column]);
      if (factor === 0) continue;
      const minus = P - factor;
      for (let p = column; p < n; p++) row[p] += minus * pivot[p];
      if (++terms % EXACT_TERMS === 0) {
        for (let p = column; p < n; p++) row[p] = residue(row[p]);
      }
    }
    for (let p = 0; p < n; p++) row[p] = residue(row[p]);
    const column = row.findIndex((value) => value !== 0);
    if (column < 0) continue;
    const inverse = Number(invert(BigInt(row[column]), BigInt(P)));
    for (let p = column; p < n; p++) row[p] = residue(row[p] * inverse);
    const place = pivots.findIndex((other) => other.column > column);
    pivots.splice(place < 0 ? pivots.length : place, 0, { column, row });
    independent.push(at);
  }
  return independent;
}

/** value mod P in [0, P), for a safe integer. */
export function residue(value: number): number {
  const rest = value % P;
  return rest < 0 ? rest + P : rest;
}
