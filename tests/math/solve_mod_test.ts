import { assert, assertEquals, assertThrows } from "@std/assert";
import { P } from "lib/math/rank_mod.ts";
import { seededRng } from "lib/math/rng.ts";
import { solveMod } from "lib/math/solve_mod.ts";

/** A·X for A `[rows, n]` and X `[n, k]`. */
function product(A: readonly number[], X: readonly number[], n: number, k: number): number[] {
  const rows = A.length / n;
  return Array.from({ length: rows * k }, (_, at) => {
    let sum = 0;
    for (let p = 0; p < n; p++) sum += A[Math.floor(at / k) * n + p] * X[p * k + at % k];
    return sum;
  });
}

Deno.test("solveMod() gives small integers exactly, also where float64 could not tell rows apart", () => {
  for (const [rows, n, k] of [[3, 3, 2], [9, 5, 4], [40, 40, 7]]) {
    const bytes = seededRng(rows).bytes(rows * n + n * k);
    const A = Array.from(bytes.subarray(0, rows * n), (v) => v - 128);
    const X = Array.from(bytes.subarray(rows * n));
    const found = solveMod(A, product(A, X, n, k), { n, k });
    assertEquals([found.rank, found.consistent, [...found.X]], [n, true, X]);
  }
  const near = [2 ** 40, 1, 2 ** 40, 2]; // condition 2^40
  const { X } = solveMod(near, product(near, [200, 7], 2, 1), { n: 2, k: 1 });
  assertEquals([...X], [200, 7]);
});

Deno.test("solveMod() names the unknowns that are determined, and sees a contradiction", () => {
  const A = [1, 0, 0, 0, 0, 1, 1, 0, 2, 1, 1, 0]; // x0; x1 + x2; both again; x3 nowhere
  const found = solveMod(A, [5, 9, 19], { n: 4, k: 1 });
  assertEquals([found.rank, found.determined, [...found.X], found.consistent], [2, [0], [5], true]);
  assert(!solveMod(A, [5, 9, 20], { n: 4, k: 1 }).consistent);
  assertEquals(solveMod([P, 1], [3], { n: 2, k: 1 }).determined, [1]); // P is 0 modulo P
  assertThrows(() => solveMod([1, 2, 3], [1], { n: 2, k: 1 }), TypeError, "3 and 1 entries");
});
