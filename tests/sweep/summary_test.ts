import { assertAlmostEquals, assertEquals } from "@std/assert";
import { smallestExact, studentT95, summarize } from "lib/sweep/summary.ts";

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

Deno.test("smallestExact() is the width from which on every row is exact", () => {
  const rows = (objective: string, exact: Record<number, (boolean | number)[]>) =>
    Object.entries(exact).flatMap(([hidden, list]) =>
      list.map((value) => ({ objective, hidden: Number(hidden), exact: value }))
    );
  const all = [
    ...rows("tv", { 300: [1, 1], 100: [0, 1], 200: [1, 1] }),
    ...rows("sum", { 100: [true, true], 200: [true, false], 300: [true, true] }),
    ...rows("published", { 300: [true, false] }),
    ...rows("gaussian", { 200: [true], 300: [true] }),
  ];
  assertEquals(
    smallestExact(all, ["objective"]).map(({ objective, hidden }) => [objective, hidden]),
    [["tv", 200], ["sum", 300], ["published", null], ["gaussian", 200]],
  );
});
