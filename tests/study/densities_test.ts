import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { clearViews } from "lib/protocol/cryptonn/first_layer.ts";
import { Densities, oneCell } from "lib/study/densities.ts";
import { archivedBlocks, Blocks, PERIODS, ratioText } from "lib/study/rates.ts";
import { layerOf, mayRead, SQUARES } from "./fixtures.ts";

/** Five draws of one program; the last loses `gone` of its ten. */
const program = (objective: string, period: string, mse: number, gone = 0) =>
  [0, 1, 2, 3, 4].map((draw) => {
    const infeasible = draw === 4 ? gone : 0;
    return {
      ...{ objective, period, hidden: 500, solver: "batched", draw, images: 10 },
      ...{ infeasible, undecided: 0, recovered: 10 - infeasible, mse: mse * (1 + draw) },
    };
  });
const densities = new Densities(
  new Blocks([
    ...[...program("published", "none", 0.5), ...program("published", "16", 0.3)],
    ...[...program("published", "9", 0.3), ...program("published", "4", 0.1, 3)],
    ...[...program("published", "2", 0.2, 9), ...program("tv", "none", 0.02)],
  ]),
);

Deno.test("Densities compares the best density with min TV, and counts the programs it lost", () => {
  assertEquals(densities.compared.map(({ width }) => width), [500]);
  const { period, gone, ratio, solver } = densities.at(500, "batched");
  assertEquals([period, gone, solver], ["4", 3, "batched"]);
  assertAlmostEquals(ratio.ratio, 5);
  assertThrows(() => densities.at(500, "fast"), RangeError, "500 units by fast");
  assertEquals(densities.table("t").rows[0].slice(0, 4), [500, "ADMM", "4", 3]);
});

Deno.test("Densities draws a line per density and tables its verdicts beside the true images", () => {
  const lines = densities.figure("f", "t").data;
  assertEquals(lines.map(({ name }) => name), [
    ...["no rule", "period 16", "period 9", "period 4", "period 2"],
  ]);
  assertEquals(lines.map(({ y }) => (y as number[])[0]), [100, 100, 100, 94, 82]);
  const { rows } = densities.verdictTable("t", 500, { images: SQUARES, indices: [4, 5] });
  assertEquals(rows.map(([period]) => period), ["16", "9", "4", "2"]);
  assert(String(rows[3][3]).startsWith("18.0 %") && String(rows[3][5]).startsWith("82.0 %"));
});

/** Three draws of 20 images: width divides by 3, the rule by 2, min TV by 10 more, each draw a little different. */
const block = (objective: string, period: string, hidden: number, solver: string, mse: number) =>
  [0.9, 1, 1.1].map((scale, draw) => ({
    ...{ images: 20, recovered: 20, objective, period, hidden, solver, draw },
    mse: mse * scale,
  }));
const ratios = new Densities(
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
  assertEquals(ratios.published("none", 350).mse().mean!.toFixed(9), "0.030000000");
  assertThrows(() => ratios.ofRule(500), RangeError, "Cannot state a ratio");
});

Deno.test("ratioTable() has a second row where the other solver ran too", () => {
  assertEquals(ratios.ratioTable("t", [350]).rows, [
    [350, "ADMM", "2.0 (2.0 to 2.0)", "10.0 (10.0 to 10.0)"],
    [350, "interior point", null, "5.0 (5.0 to 5.0)"],
  ]);
});

Deno.test({
  name: "Densities of the archive has the README's ratio",
  ignore: !mayRead,
  async fn() {
    const blocks = (await archivedBlocks()).where({ dataset: "cifar10-gray", w1: "known" });
    const { ratio } = new Densities(blocks).at(500, "batched");
    assertEquals(ratioText(ratio), "7.4 (6.1 to 8.9)");
  },
});

Deno.test({
  name: "oneCell() gives both solvers the same program, and they do not contradict each other",
  ignore: !mayRead,
  async fn() {
    const chosen = { images: SQUARES, indices: [5] };
    const views = clearViews(layerOf(140), SQUARES, chosen.indices);
    const { highs, admm, contradicted } = await oneCell({ views, ...chosen, period: 2 });
    assertEquals([highs.recoveries.length, admm.recoveries.length, contradicted], [1, 1, 0]);
    assertEquals(highs.recoveries.map(({ status }) => status), ["infeasible"]);
  },
});
