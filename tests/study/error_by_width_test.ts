import { assertEquals, assertThrows } from "@std/assert";
import { ErrorByWidth, ErrorRatios, ratioText } from "lib/study/error_by_width.ts";
import { PERIODS } from "lib/study/published.ts";
import { Blocks } from "lib/study/rates.ts";

/** Ten images a point, the error of each divided by 4 under a rule and by 40 under TV; the densest rule leaves nine
 * at 200 units. */
const point = (objective: string, period: string, hidden: number) =>
  Array.from({ length: 10 }, (_, image) => {
    const gone = period === "2" && hidden === 200 && image === 0;
    const by = (objective === "tv" ? 40 : period === "none" ? 1 : 4) * hidden / 100;
    return {
      ...{ dataset: "cifar10-gray", solver: "fast", objective, period, hidden, image },
      ...{ recovery: gone ? "infeasible" : "optimal", mse: gone ? null : 0.1 / by },
    };
  });
const errors = new ErrorByWidth([100, 200].flatMap((hidden) => [
  ...PERIODS.flatMap((period) => point("published", period, hidden)),
  ...point("tv", "none", hidden),
]));

Deno.test("figure() has a dot an image, and a mean only where each image has a solution", () => {
  // deno-lint-ignore no-explicit-any
  const { name, data } = errors.figure("cifar10-gray") as any;
  assertEquals(name, "widths-cifar10-gray");
  // deno-lint-ignore no-explicit-any
  const of = (mode: string) => data.filter((t: any) => t.mode === mode).map((t: any) => t.x.length);
  assertEquals(of("markers"), [20, 20, 19, 20]);
  assertEquals(of("lines+markers"), [2, 2, 1, 2]);
});

Deno.test("table() compares with rules under which all programs are solved", () => {
  const [narrow, wide] = errors.table(["cifar10-gray"]).rows;
  assertEquals(narrow, ["CIFAR-10 grey", 100, "0.1000", "4.0×", "40.0×", "0 of 50"]);
  assertEquals(wide[5], "1 of 50");
});

/** Three draws of 20 images: width divides by 3, the rule by 2, min TV by 10 more, each draw a little different. */
const block = (objective: string, period: string, hidden: number, solver: string, mse: number) =>
  [0.9, 1, 1.1].map((scale, draw) => ({
    ...{
      dataset: "cifar10-gray",
      w1: "known",
      images: 20,
      objective,
      period,
      hidden,
      solver,
      draw,
    },
    mse: mse * scale,
  }));
const ratios = new ErrorRatios(
  new Blocks([350, 750].flatMap((hidden) => {
    const mse = hidden === 350 ? 0.03 : 0.01;
    return [
      ...PERIODS.flatMap((p) =>
        block("published", p, hidden, "batched", p === "none" ? mse : mse / 2)
      ),
      ...block("published", "2", hidden, "fast", mse / 4),
      ...block("tv", "none", hidden, "batched", mse / 20).toReversed(),
    ];
  })),
);

Deno.test("ratios are taken draw by draw, and count the images", () => {
  const rule = ratios.ofRule(350);
  assertEquals([ratioText(rule), rule.n], ["2.0 (2.0 to 2.0)", 60]);
  assertEquals(ratioText(ratios.ofObjective(350)), "10.0 (10.0 to 10.0)");
  assertEquals(ratioText(ratios.ofObjective(750, "fast")), "5.0 (5.0 to 5.0)");
  assertEquals(ratioText(ratios.ofWidth(350, 750)), "3.0 (3.0 to 3.0)");
  assertEquals(ratios.mean("none", 350).toFixed(9), "0.030000000");
  assertThrows(() => ratios.ofRule(500), RangeError, "Cannot state a ratio");
});

Deno.test("table() has a second row where the other solver ran too", () => {
  assertEquals(ratios.table([350]).rows, [
    [350, "ADMM", "2.0 (2.0 to 2.0)", "10.0 (10.0 to 10.0)"],
    [350, "interior point", null, "5.0 (5.0 to 5.0)"],
  ]);
});
