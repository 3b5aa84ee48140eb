import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { evaluateForm, factoredForm, matrixForm, reachOf } from "lib/fe/quadratic_form.ts";

const Q = 2n ** 61n - 1n;
const signed = (value: bigint) => Number(value > Q / 2n ? value - Q : value);
/** Σ F_ij·x_i·y_j. */
const plain = (F: readonly ArrayLike<number>[], x: number[], y: number[]): number =>
  F.reduce((sum, row, i) => sum + y.reduce((s, value, j) => s + row[j] * x[i] * value, 0), 0);
const evaluate = (form: Parameters<typeof evaluateForm>[0], x: number[], y: number[]) =>
  signed(evaluateForm(form, x.map(BigInt), y.map(BigInt), Q));

Deno.test("matrixForm() is the matrix, in as many terms as its rows or columns need", () => {
  const square = fc.integer({ min: 1, max: 5 }).chain((n) => {
    const vector = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: n, maxLength: n });
    return fc.tuple(fc.array(vector, { minLength: n, maxLength: n }), vector, vector);
  });
  fc.assert(
    fc.property(square, ([F, x, y]) => {
      fc.pre(F.flat().some((value) => value !== 0));
      const form = matrixForm(F);
      assertEquals(evaluate(form, x, y), plain(F, x, y));
      const rows = F.filter((row) => row.some((v) => v !== 0)).length;
      const columns = F.filter((_, j) => F.some((row) => row[j] !== 0)).length;
      assertEquals(form.left.length, Math.min(rows, columns));
      assertEquals(reachOf(form), F.flat().reduce((sum, value) => sum + Math.abs(value), 0));
    }),
    { seed: 1 },
  );
});

Deno.test("factoredForm() is the sum of its weighted products", () => {
  const form = factoredForm({
    left: [[1, 2, 0], [0, -1, 3]],
    right: [[1, 0, 0], [2, 2, -1]],
    weights: [5, -7],
  });
  assertEquals(evaluate(form, [1, 10, 100], [3, 4, 5]), 5 * 21 * 3 - 7 * 290 * 9);
  assertEquals(reachOf(form), 5 * 3 * 1 + 7 * 4 * 5);
});

Deno.test("forms refuse what is not square, not integer, too large or zero", () => {
  assertThrows(
    () => matrixForm([[1, 2], [3]]),
    TypeError,
    "Cannot make a form: row 1 of F has length 1, not 2",
  );
  for (const bad of [0.5, NaN, 2 ** 31, -(2 ** 31), Infinity]) {
    assertThrows(
      () => matrixForm([[1, 2], [3, bad]]),
      RangeError,
      `Cannot make a form: F[1][1] = ${bad} is not an integer below 2^31 in size`,
    );
  }
  for (const zero of [[], [[0]], [[0, 0], [0, 0]]]) {
    assertThrows(() => matrixForm(zero), RangeError, "every coefficient is 0");
  }
  assertThrows(
    () => factoredForm({ left: [[1]], right: [] }),
    TypeError,
    "Cannot make a form: 1 left, 0 right, 1 weights, expected equally many",
  );
  assertThrows(
    () => factoredForm({ left: [[1, 2]], right: [[1]] }),
    TypeError,
    "Cannot make a form: right[0] has length 1, expected 2",
  );
  assertThrows(
    () => factoredForm({ left: [[1]], right: [[1]], weights: [0] }),
    RangeError,
    "every coefficient is 0",
  );
});

Deno.test("evaluateForm() refuses vectors of another length", () => {
  assertThrows(
    () => evaluateForm(matrixForm([[1]]), [1n, 2n], [1n], Q),
    TypeError,
    "Cannot evaluate: vectors of 2 and 1, expected 1",
  );
});
