import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  attackConvolution,
  comparePriors,
  convolutionTable,
  PriorStudy,
  randomViews,
} from "lib/study/priors.ts";
import { judge } from "lib/study/recoveries.ts";
import { mayRead, recovered, SQUARES } from "./fixtures.ts";

const chosen = { images: SQUARES, indices: [0, 1] };
const right = chosen.indices.map((i) => recovered(SQUARES.x.subarray(i * 144, (i + 1) * 144)));
const [none, swapped] = [[recovered(null), recovered(null)], right.toReversed()];
const point = (prior: "tv" | "sum", width: number, recoveries: typeof right) => ({
  ...{ dataset: "squares", prior, width, judged: judge("", recoveries, chosen) },
});
const study = new PriorStudy(
  [
    ...[point("tv", 10, right), point("tv", 20, swapped), point("tv", 30, right)],
    ...[point("tv", 40, right), point("sum", 10, none), point("sum", 40, swapped)],
  ],
  new Map([["squares", chosen]]),
);

Deno.test("PriorStudy finds the width from which all errors are small", () => {
  assertEquals(study.table("t").rows, [["min TV", "30"], ["min Σx", "over 40"]]);
  assertEquals(study.mse("squares", "tv", 30), 0);
  assertThrows(() => study.mse("squares", "sum", 10), RangeError, "sum at 10 units"); // none recovered
  assertThrows(() => study.mse("squares", "tv", 11), RangeError, "tv at 11 units");
});

Deno.test("PriorStudy shows the first images at the widths asked for", () => {
  const { rows, chosen } = study.recoveries("squares", "tv", [20, 40], 1);
  assertEquals(rows.map(({ label, exact }) => [label, exact]), [["min TV, 20", 0], [
    "min TV, 40",
    1,
  ]]);
  assertEquals(chosen.indices, [0]);
});

Deno.test("randomViews() repeat by their seed", () => {
  const [a, b, c] = [1, 1, 2].map((insecureSeed) =>
    randomViews(chosen, { hidden: 3, insecureSeed })
  );
  assertEquals(a, b);
  assert(a[0].z1[0] !== c[0].z1[0]);
});

Deno.test("comparePriors() tries each prior at each width of each dataset, and stops", async () => {
  const counts: number[] = [];
  const data = {
    first: { train: SQUARES, test: SQUARES },
    second: { train: SQUARES, test: SQUARES },
  };
  const options = {
    ...{ data, widths: { first: [60, 70], second: [65] }, priors: ["tv-sum", "gaussian"] as const },
    ...{ images: 2, insecureSeed: 1, onProgress: (done: number) => counts.push(done) },
  };
  const { points } = await comparePriors(options);
  assertEquals(points.map(({ dataset, prior, width }) => `${dataset} ${prior} ${width}`), [
    ...["first tv-sum 60", "first tv-sum 70", "first gaussian 60", "first gaussian 70"],
    ...["second tv-sum 65", "second gaussian 65"],
  ]);
  assertEquals(points[0].judged.exact, 2);
  assertEquals(counts, [1, 2, 3, 4, 5, 6]);
  const signal = AbortSignal.abort(new Error("stopped"));
  await assertRejects(() => comparePriors({ ...options, signal }), Error, "stopped");
});

Deno.test({
  name: "attackConvolution() has an equation for each place of each filter",
  ignore: !mayRead,
  async fn() {
    const found = await attackConvolution({ ...chosen, filters: 2, kernel: 3, insecureSeed: 1 });
    assertEquals([found.equations, found.found.of("tv").exact], [200, 2]); // 2 · 10 · 10 for 144 pixels
    const [row] = convolutionTable("t", { two: found }).rows;
    assertEquals([row[0], row[1], row[2], row[3], row[5]], ["two", 200, 144, 2, 2]);
  },
});
