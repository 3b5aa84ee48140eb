import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { mod } from "@noble/curves/abstract/modular.js";
import { luMatrix, randomLu, timesDualLu, timesLu } from "lib/math/matrix_mod.ts";
import { seededRng } from "lib/math/rng.ts";
import { gaussInverse, type Matrix, product } from "./gauss.ts";

const Q = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
const dot = (a: readonly bigint[], b: readonly bigint[]) =>
  a.reduce((sum, value, i) => sum + value * b[i], 0n);
const full = (rows: Matrix, n: number): Matrix =>
  rows.map((row, i) => row.length === i && i < n ? [...row, 1n, ...zeros(n - i - 1)] : row);
const zeros = (n: number) => new Array<bigint>(n).fill(0n);

Deno.test("timesLu() and timesDualLu() agree with the inverse by elimination", () => {
  for (const [n, order] of [[1, 7n], [2, 7n], [5, 101n], [9, Q]] as const) {
    const matrix = randomLu(n, order, seededRng(n));
    const L = full(matrix.lower, n);
    const U = matrix.upper.map((row, i) => [...zeros(i), ...row]);
    const B = product(L, U, order);
    const { inverse, determinant } = gaussInverse(B, order);
    assertEquals(matrix.determinant, determinant);
    const x = Array.from({ length: n }, (_, i) => BigInt(5 - 3 * i));
    assertEquals(timesLu(matrix, x), product([x], B, order)[0]);
    // x·det(B)·(B⁻¹)ᵀ: entry j is det(B)·⟨x, row j of B⁻¹⟩.
    assertEquals(
      timesDualLu(matrix, x),
      inverse.map((row) => mod(determinant * dot(x, row), order)),
    );
  }
});

Deno.test("⟨y·B, x·B*⟩ = det(B)·⟨x, y⟩ for any x, y and any matrix", () => {
  const small = fc.array(fc.bigInt({ min: -(2n ** 31n), max: 2n ** 31n }), {
    minLength: 6,
    maxLength: 6,
  });
  fc.assert(
    fc.property(small, small, fc.nat(1000), (x, y, seed) => {
      const matrix = randomLu(6, Q, seededRng(seed));
      assertEquals(
        mod(dot(timesLu(matrix, y), timesDualLu(matrix, x)), Q),
        mod(matrix.determinant * dot(x, y), Q),
      );
    }),
    { seed: 1, numRuns: 40 },
  );
});

Deno.test("randomLu() reaches every matrix with non-zero leading minors mod 3, equally often", () => {
  // n = 2: 2·2 diagonals, 3 entries in each triangle: 36 of the 48 invertible matrices.
  const seen = new Map<string, number>();
  const rng = seededRng(4);
  const draws = 18_000;
  for (let i = 0; i < draws; i++) {
    const { lower, upper } = randomLu(2, 3n, rng);
    const key = `${lower[1][0]} ${upper.flat()}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  assertEquals(seen.size, 36);
  for (const count of seen.values()) assert(Math.abs(count - draws / 36) < 120, `${count}`);
});

Deno.test("luMatrix() refuses a zero on the diagonal", () => {
  assertThrows(
    () => luMatrix(7n, [[], [1n]], [[1n, 2n], [0n]]),
    RangeError,
    "Cannot invert: a diagonal entry is 0",
  );
});
