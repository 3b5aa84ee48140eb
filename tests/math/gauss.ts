/** The slow obvious way: a matrix inverse mod q by Gauss and Jordan's elimination, O(n³). Oracle and
 * baseline of `lib/math/matrix_mod.ts`.
 * @module */
import { invert, mod } from "@noble/curves/abstract/modular.js";

export type Matrix = readonly (readonly bigint[])[];

/** A·B mod q. */
export function product(a: Matrix, b: Matrix, q: bigint): bigint[][] {
  return a.map((row) =>
    b[0].map((_, j) => mod(row.reduce((sum, value, k) => sum + value * b[k][j], 0n), q))
  );
}

/** A⁻¹ and det A mod q. @throws {RangeError} A is singular. */
export function gaussInverse(a: Matrix, q: bigint): { inverse: bigint[][]; determinant: bigint } {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...row.map((_, j) => i === j ? 1n : 0n)]);
  let determinant = 1n;
  for (let k = 0; k < n; k++) {
    const pivot = rows.findIndex((row, i) => i >= k && mod(row[k], q) !== 0n);
    if (pivot < 0) throw new RangeError("Cannot invert: the matrix is singular");
    if (pivot !== k) {
      [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
      determinant = -determinant;
    }
    determinant = mod(determinant * rows[k][k], q);
    const inverse = invert(rows[k][k], q);
    for (let j = k; j < 2 * n; j++) rows[k][j] = mod(rows[k][j] * inverse, q);
    for (let i = 0; i < n; i++) {
      const factor = rows[i][k];
      if (i === k || factor === 0n) continue;
      for (let j = k; j < 2 * n; j++) rows[i][j] = mod(rows[i][j] - factor * rows[k][j], q);
    }
  }
  return { inverse: rows.map((row) => row.slice(n)), determinant };
}
