import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { fromPixels, type Rows, standardised } from "lib/he/samples.ts";

const rows = (x: number[], y: number[], classes = ["a", "b"]): Rows => (
  { name: "made", x, y, n: 2, classes }
);

Deno.test("standardised() scales by the training rows alone and adds an input of 1", () => {
  const { train, test } = standardised(rows([1, 5, 3, 5], [0, 1]), rows([5, 6], [1]));
  assertEquals([...train.x], [-1, 0, 1, 1, 0, 1]); // the second column never varies
  assertEquals([...test.x], [3, 0, 1]);
  assertEquals([...train.y, ...test.y], [-1, 1, 1]);
  assertEquals([train.n, train.count, train.outputs], [3, 2, 1]);
});

Deno.test("standardised() makes a 1 among zeros of more than two classes", () => {
  const { train } = standardised(
    rows([1, 5, 3, 5], [2, 0], ["a", "b", "c"]),
    rows([1, 1], [0], ["a", "b", "c"]),
  );
  assertEquals([...train.y], [0, 0, 1, 1, 0, 0]);
  const spread = train.x.filter((_, i) => i % 3 === 0).reduce((sum, value) => sum + value ** 2, 0);
  assertAlmostEquals(spread / 2, 1);
});

Deno.test("fromPixels() takes bytes to [0, 1]", () => {
  const { x } = fromPixels(rows([0, 255, 51, 102], [0, 1]));
  [0, 1, 1, 0.2, 0.4, 1].forEach((value, i) => assertAlmostEquals(x[i], value));
  assert(x.length === 6);
});

Deno.test("samples of broken rows are refused", () => {
  const good = rows([1, 5, 3, 6], [0, 1]);
  assertThrows(() => standardised(good, rows([1], [0])), TypeError, "Cannot scale made: 1 numbers");
  assertThrows(
    () => standardised(good, rows([1, NaN], [0])),
    RangeError,
    "row 0 has NaN in column 1",
  );
  const wide = { ...rows([1, 2, 3], [0]), n: 3 };
  assertThrows(() => standardised(good, wide), TypeError, "3 numbers for 1 rows of 3, expected 2");
});
