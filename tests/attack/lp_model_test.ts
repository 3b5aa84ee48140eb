import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { buildLp, type SparseLp } from "lib/attack/lp_model.ts";
import { checkedPriors } from "lib/attack/priors.ts";
import { serverView } from "lib/attack/view.ts";
import { plain, plantedView, SQUARE, worstViolation } from "./fixtures.ts";

/** 1 × 2 pixels, one equation 6·x0 − 3·x1 = 30. */
const tiny = serverView({ W1: [6, -3], z1: [30], shape: [1, 2, 1], scaleBits: 2 });
const plainArrays = (lp: SparseLp) =>
  Object.fromEntries(
    Object.entries(lp).map((
      [key, value],
    ) => [key, typeof value === "number" ? value : [...value]]),
  );

Deno.test("buildLp() writes TV + sum with a rule as expected by hand", () => {
  const lp = buildLp(tiny, checkedPriors({ objective: "tv-sum", period: 2 }));
  assertEquals(plainArrays(lp), {
    numCols: 4, // x0 x1 p q
    numRows: 3, // equation, difference, rule at pixel 0
    colCost: [0.5, 0.5, 1, 1],
    colLower: [0, 0, 0, 0],
    colUpper: [255, 255, Infinity, Infinity],
    rowLower: [7.5, 0, -25],
    rowUpper: [7.5, 0, 25],
    starts: [0, 2, 6, 8],
    indices: [0, 1, 0, 1, 2, 3, 0, 1],
    values: [1.5, -0.75, 1, -1, -1, 1, 1, -1],
    scales: [4],
  });
});

Deno.test("buildLp() gives each objective its cost and only TV its extra columns", () => {
  const costs = (["published", "sum", "tv"] as const).map((objective) => [
    ...buildLp(tiny, plain(objective)).colCost,
  ]);
  assertEquals(costs, [[0, 0], [1, 1], [0, 0, 1, 1]]);
});

Deno.test("buildLp() leaves out zero weights and keeps an all-zero row", () => {
  const view = serverView({ W1: [0, 8, 0, 0], z1: [16, 5], shape: [1, 2, 1], scaleBits: 0 });
  const lp = buildLp(view, plain("sum"));
  assertEquals([[...lp.starts], [...lp.indices], [...lp.values]], [[0, 1, 1], [1], [1]]);
  assertEquals([...lp.rowLower], [2, 5]);
});

Deno.test("buildLp() scales rows by exact powers of two", () => {
  const view = plantedView(SQUARE, { hidden: 5 });
  const lp = buildLp(view, plain("sum"));
  for (let row = 0; row < 5; row++) {
    const scaled = lp.values.subarray(lp.starts[row], lp.starts[row + 1]);
    const largest = scaled.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    assert(largest >= 1 && largest < 2, `${largest}`);
    const scale = view.z1[row] / lp.rowLower[row];
    assertEquals(Math.log2(scale) % 1, 0);
  }
});

Deno.test("worstViolation() is 0 for a solution and sees a broken row, bound and NaN", () => {
  const lp = buildLp(tiny, plain("sum"));
  assertEquals(worstViolation(lp, Float64Array.of(10, 10)), 0);
  assertAlmostEquals(worstViolation(lp, Float64Array.of(10, 0)), 7.5 / 16);
  assertAlmostEquals(worstViolation(lp, Float64Array.of(0, -10)), 10 / 255);
  assert(Number.isNaN(worstViolation(lp, Float64Array.of(NaN, 0))));
});
