import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import {
  apply,
  applyTransposed,
  backward,
  cholesky,
  dot,
  forward,
  multiplyTransposed,
  solveCholesky,
  solveForward,
  transpose,
  withColumn,
} from "lib/math/dense.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const matrix = (rows: number, columns: number, seed = 1) =>
  gaussian(seededRng(seed), rows * columns);
const row = (A: Float64Array, i: number, n: number) => A.subarray(i * n, (i + 1) * n);

Deno.test("multiplyTransposed() gives every inner product of rows, odd and even counts", () => {
  for (const [m, r, n] of [[1, 1, 1], [3, 5, 7], [4, 2, 6], [9, 8, 3]]) {
    const [A, B] = [matrix(m, n), matrix(r, n, 2)];
    const C = multiplyTransposed(A, B, { n });
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < r; j++) {
        assertAlmostEquals(C[i * r + j], dot(row(A, i, n), row(B, j, n)), 1e-12);
      }
    }
    const G = multiplyTransposed(A, A, { n, lower: true });
    for (let i = 0; i < m; i++) {
      for (let j = 0; j <= i; j++) {
        assertAlmostEquals(G[i * m + j], dot(row(A, i, n), row(A, j, n)), 1e-12);
      }
    }
  }
});

Deno.test("multiplyTransposed() gives the lower triangle of a symmetric product of two matrices", () => {
  for (const m of [1, 3, 5, 18]) { // K·A for a diagonal K: A·K·Aᵀ
    const n = 7;
    const A = gaussian(seededRng(m), m * n);
    const KA = A.map((value, at) => value * (1 + at % n));
    const [full, lower] = [false, true].map((lower) => multiplyTransposed(A, KA, { n, lower }));
    for (let i = 0; i < m; i++) {
      for (let j = 0; j <= i; j++) assertAlmostEquals(lower[i * m + j], full[i * m + j], 1e-12);
    }
  }
});

Deno.test("cholesky() and solveCholesky() solve positive definite systems of odd and even size", () => {
  for (const m of [1, 2, 4, 7, 30]) {
    const A = matrix(m, m + 3);
    const S = multiplyTransposed(A, A, { n: m + 3 });
    const L = S.slice();
    assertEquals(cholesky(L, m), m);
    const x = matrix(1, m, 3);
    solveCholesky(L, apply(S, x)).forEach((value, i) => assertAlmostEquals(value, x[i], 1e-8));
  }
});

Deno.test("cholesky() takes a pivot's share of 1e-14 for dependence, whoever computes it", () => {
  for (const [share, rank] of [[4e-15, 1], [1e-13, 2], [1e-11, 2]]) {
    assertEquals(cholesky(Float64Array.of(1, 0, 1, 1 + share), 2), rank, `${share}`);
  }
});

Deno.test("cholesky() finds the rank and leaves dependent unknowns at zero", () => {
  const [m, n] = [11, 6];
  const A = matrix(m, n);
  const S = multiplyTransposed(A, A, { n });
  const b = apply(S, matrix(1, m, 2)); // in the range of S
  const L = S.slice();
  assertEquals(cholesky(L, m), n);
  const y = solveCholesky(L, b);
  assert(y.subarray(n).every((value) => value === 0));
  apply(S, y).forEach((value, i) => assertLess(Math.abs(value - b[i]), 1e-8));
  assertEquals(cholesky(new Float64Array(9), 3), 0);
});

Deno.test("solveForward() gives L⁻¹·r for every row, dependent unknowns at zero", () => {
  for (const [m, rank, rows] of [[1, 1, 1], [4, 4, 3], [7, 7, 9], [10, 4, 5]]) {
    const A = matrix(m, rank);
    const L = multiplyTransposed(A, A, { n: rank, lower: true });
    assertEquals(cholesky(L, m), rank);
    const R = matrix(rows, m, 2);
    const solved = R.slice();
    solveForward(L, solved, m);
    for (let i = 0; i < rows; i++) {
      const expected = forward(L, row(R, i, m));
      row(solved, i, m).forEach((v, k) => assertAlmostEquals(v, expected[k], 1e-9));
      assert(row(solved, i, m).subarray(rank).every((v) => v === 0));
      const whole = backward(L, row(solved, i, m));
      solveCholesky(L, row(R, i, m)).forEach((v, k) => assertAlmostEquals(v, whole[k], 1e-9));
    }
  }
});

Deno.test("apply() and applyTransposed() are adjoint", () => {
  for (const m of [1, 3, 4, 6]) {
    const A = matrix(m, 5);
    const [v, u] = [matrix(1, 5, 2), matrix(1, m, 3)];
    assertAlmostEquals(dot(apply(A, v), u), dot(v, applyTransposed(A, u)), 1e-12);
    apply(A, v).forEach((sum, i) => assertAlmostEquals(sum, dot(row(A, i, 5), v), 1e-12));
  }
});

Deno.test("transpose() and withColumn() by hand", () => {
  const A = Float64Array.of(1, 2, 3, 4, 5, 6);
  assertEquals(transpose(A, 2, 3), Float64Array.of(1, 4, 2, 5, 3, 6));
  assertEquals(withColumn(A, Float64Array.of(8, 9)), Float64Array.of(1, 2, 3, 8, 4, 5, 6, 9));
});
