import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  attackConvolution,
  ComparedPriors,
  ComparedSolvers,
  comparePriors,
  compareSolvers,
  convolutionTable,
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
const study = new ComparedPriors(
  [
    ...[point("tv", 10, right), point("tv", 20, swapped), point("tv", 30, right)],
    ...[point("tv", 40, right), point("sum", 10, none), point("sum", 40, swapped)],
  ],
  new Map([["squares", chosen]]),
);

Deno.test("ComparedPriors finds the width from which all errors are small", () => {
  assertEquals(study.table("t").rows, [["min TV", "30"], ["min Σx", "over 40"]]);
  assertEquals(study.mse("squares", "tv", 30), 0);
  assertThrows(() => study.mse("squares", "sum", 10), RangeError, "sum at 10 units"); // none recovered
  assertThrows(() => study.mse("squares", "tv", 11), RangeError, "tv at 11 units");
});

Deno.test("ComparedPriors shows the first images at the widths asked for", () => {
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

Deno.test("ComparedSolvers measures gap, throughput and how many still ran", () => {
  const chosen = { images: SQUARES, indices: [0, 1] };
  const image = (i: number) => SQUARES.x.subarray(i * 144, (i + 1) * 144);
  const off = image(0).map((v, p) => p === 3 ? v + 51 : v);
  const admm = judge("ADMM", [recovered(off), recovered(image(1))], chosen);
  const one = judge("HiGHS", [recovered(image(0))], chosen);
  const residuals = [2, 1, 0].map((running, k) => ({
    ...{ iteration: 10 * (k + 1), primal: 0.1, dual: 0.1, running },
  }));
  const study = new ComparedSolvers({ highs: one, fast: one, admm, formula: admm }, residuals);
  assertAlmostEquals(study.worstGap, 0.2 ** 2 / 144);
  assertEquals(study.imagesPerSecond, 1000);
  assertEquals([0.5, 0.1, 0].map((share) => study.iterationsUntil(share)), [20, 30, 30]);
  assertEquals(study.table("t").rows.map((row) => [row[1], row[3]]), [[1, 1], [1, 1], [2, 1], [
    2,
    1,
  ]]);
});

Deno.test({
  name: "compareSolvers() solves the same images by all, and ADMM ends where HiGHS does",
  ignore: !mayRead,
  async fn() {
    const data = { train: SQUARES, test: SQUARES };
    const study = await compareSolvers({ data, hidden: 50, few: 2, many: 4, insecureSeed: 1 });
    const { highs, fast, admm, formula } = study.solved;
    assertEquals([highs, fast, admm, formula].map((s) => s.scores.length), [2, 2, 4, 4]);
    assertLess(study.worstGap, 1e-6);
    assert(study.figure("f", "t").data.length === 2 && study.residuals.length > 0);
  },
});
