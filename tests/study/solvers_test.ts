import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { judge } from "lib/study/recoveries.ts";
import { compareSolvers, SolverStudy } from "lib/study/solvers.ts";
import { mayRead, recovered, SQUARES } from "./fixtures.ts";

Deno.test("SolverStudy measures gap, throughput and how many still ran", () => {
  const chosen = { images: SQUARES, indices: [0, 1] };
  const image = (i: number) => SQUARES.x.subarray(i * 144, (i + 1) * 144);
  const off = image(0).map((v, p) => p === 3 ? v + 51 : v);
  const admm = judge("ADMM", [recovered(off), recovered(image(1))], chosen);
  const one = judge("HiGHS", [recovered(image(0))], chosen);
  const residuals = [2, 1, 0].map((running, k) => ({
    ...{ iteration: 10 * (k + 1), primal: 0.1, dual: 0.1, running },
  }));
  const study = new SolverStudy({ highs: one, fast: one, admm, formula: admm }, residuals);
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
