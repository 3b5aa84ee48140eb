import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { fitCosts } from "lib/math/linear_fit.ts";

const features = [[1, 10, 3], [1, 20, 50], [1, 40, 9], [1, 80, 100], [1, 5, 7]];
const valuesOf = (costs: number[]) =>
  features.map((row) => row.reduce((sum, feature, i) => sum + feature * costs[i], 0));

Deno.test("fitCosts() recovers the costs that made the values, over many orders of magnitude", () => {
  for (const costs of [[2, 3e-6, 40], [1e-9, 5, 1e-3], [0, 1, 2]]) {
    fitCosts(features, valuesOf(costs)).forEach((cost, i) =>
      assertAlmostEquals(cost, costs[i], 1e-8 * Math.max(...costs))
    );
  }
});

Deno.test("fitCosts() never returns a negative cost", () => {
  const fitted = fitCosts(features, valuesOf([30, -0.2, 1]));
  assertEquals(fitted[1], 0);
  assertEquals(fitted.every((cost) => cost >= 0), true);
});

Deno.test("fitCosts() refuses observations that do not determine the costs", () => {
  const refused = (rows: number[][]) =>
    assertThrows(() => fitCosts(rows, rows.map(() => 1)), RangeError, "do not determine");
  refused([[1, 2]]);
  refused([[1, 2], [2, 4], [3, 6]]);
});
