import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import {
  pairedRatio,
  rates,
  rateText,
  smallestWidth,
  studentT95,
  summarize,
  wilson,
} from "lib/sweep/summary.ts";

Deno.test("studentT95() agrees with the tables", () => {
  const table = {
    1: 12.706,
    2: 4.303,
    3: 3.182,
    4: 2.776,
    5: 2.571,
    9: 2.262,
    29: 2.045,
    1000: 1.962,
  };
  for (const [degrees, t] of Object.entries(table)) {
    assertAlmostEquals(studentT95(Number(degrees)), t, 0.002 * t);
  }
});

Deno.test("summarize() gives mean and 95 % band of each group, and leaves gaps out of the mean", () => {
  const rows = [1, 2, 3, null].map((mse) => ({ dataset: "a", width: 5, mse }));
  const groups = summarize([...rows, { dataset: "b", width: 5, mse: null }, {
    dataset: "b",
    width: 6,
    mse: 4,
  }], { by: ["dataset", "width"], value: "mse" });
  const [a, none, single] = groups;
  assertEquals([a.dataset, a.width, a.count, a.measured, a.mean], ["a", 5, 4, 3, 2]);
  // By hand: s = 1, t = 4.303 with two degrees of freedom, half width t/√3 = 2.484.
  assertAlmostEquals(a.high!, 2 + 2.484, 1e-3);
  assertAlmostEquals(a.low!, 2 - 2.484, 1e-3);
  assertEquals([none.count, none.measured, none.mean, none.low], [1, 0, null, null]);
  assertEquals([single.width, single.mean, single.high], [6, 4, null]);
});

Deno.test("wilson() agrees with published intervals", () => {
  // R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17,
  // 1998, table I, method 3.
  const table = [
    ...[[81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605]],
    ...[[0, 20, 0, 0.1611], [1, 29, 0.0061, 0.1718]],
  ];
  for (const [successes, n, low, high] of table) {
    const found = wilson(successes, n);
    assertAlmostEquals(found.rate, successes / n, 1e-12);
    assertAlmostEquals(found.low, low, 5e-5);
    assertAlmostEquals(found.high, high, 5e-5);
  }
  assertEquals([wilson(0, 5).low, wilson(5, 5).high], [0, 1]);
});

Deno.test("wilson() mirrors, and holds the two values at which the score test says 95 %", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1 }), (n, share) => {
      if (Number.isNaN(share)) return;
      const k = Math.round(share * n);
      const { rate, low, high } = wilson(k, n);
      assert(0 <= low && low <= rate && rate <= high && high <= 1 && low < high);
      assertAlmostEquals(wilson(n - k, n).low, 1 - high, 1e-12);
      for (const p of [low, high].filter((p) => p > 0 && p < 1)) {
        assertAlmostEquals(Math.abs(rate - p) / Math.sqrt(p * (1 - p) / n), 1.959963985, 1e-6);
      }
    }),
    { seed: 1 },
  );
});

Deno.test("wilson() refuses what is no count of trials", () => {
  for (const [k, n] of [[0, 0], [1, 0], [0, -3], [0, 1.5], [0, NaN], [0, Infinity]]) {
    assertThrows(() => wilson(k, n), RangeError, `n = ${n} is not a positive integer`);
  }
  for (const [k, n] of [[-1, 10], [11, 10], [0.5, 10], [NaN, 10]]) {
    assertThrows(() => wilson(k, n), RangeError, `Cannot state a rate: ${k} of ${n}`);
  }
});

Deno.test("rateText() gives rate, interval and n", () => {
  assertEquals(rateText(wilson(145, 150)), "96.7 % (92.4 to 98.6, n = 150)");
  assertEquals(rateText(wilson(0, 20)), "0.0 % (0.0 to 16.1, n = 20)");
});

Deno.test("rates() adds up the counts of each group, and keeps the rate of each row", () => {
  const row = (hidden: number, exact: number, images: number) => ({ hidden, exact, images });
  const [a, b] = rates([row(300, 94, 100), row(200, 3, 10), row(300, 10, 20)], {
    ...{ by: ["hidden"], successes: "exact", trials: "images" },
  });
  assertEquals([a.hidden, a.successes, a.n, a.each], [300, 104, 120, [0.94, 0.5]]);
  assertEquals([b.hidden, b.rate, b.high], [200, 0.3, wilson(3, 10).high]);
  const options = { by: ["hidden"], successes: "exact", trials: "images" } as const;
  assertThrows(() => rates([row(300, 5, 0)], options), RangeError, "n = 0");
});

Deno.test("smallestWidth() is the width from which on the rate stays high enough", () => {
  const of = (widths: Record<number, number>, least: number) =>
    smallestWidth(
      Object.entries(widths).map(([hidden, rate]) => ({ hidden: Number(hidden), rate })).reverse(),
      least,
    );
  assertEquals(of({ 100: 0.2, 200: 0.97, 300: 1 }, 0.95), 200);
  assertEquals(of({ 100: 1, 200: 0.5, 300: 1 }, 1), 300); // a dip below is not passed over
  assertEquals(of({ 100: 1, 200: 0.5 }, 0.6), null);
  assertEquals(of({ 100: 1, 200: 1 }, 1), 100);
  assertEquals(of({}, 1), null);
});

Deno.test("pairedRatio() is the geometric mean of the draws' own ratios, with Student's interval", () => {
  const { ratio, low, high, n } = pairedRatio([2, 8, 4], [1, 1, 1]); // logarithms 1, 3, 2 times ln 2
  assertAlmostEquals(ratio, 4);
  const half = 4.30265273 / Math.sqrt(3); // in units of ln 2: their deviation is 1
  assertAlmostEquals(low, 2 ** (2 - half));
  assertAlmostEquals(high, 2 ** (2 + half));
  assertEquals(n, 3);
  assertAlmostEquals(pairedRatio([0.3, 0.7], [0.1, 0.7 / 3]).low, 3); // draws that agree
  for (
    const [a, b] of [[[1], [1]], [[1, 2], [1]], [[1, 0], [1, 1]], [[1, 1], [1, -1]], [[1, NaN], [
      1,
      1,
    ]]]
  ) {
    assertThrows(() => pairedRatio(a, b), RangeError, "Cannot state a ratio");
  }
});
