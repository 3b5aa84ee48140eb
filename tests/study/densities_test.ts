import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { clearViews } from "lib/protocol/cryptonn/first_layer.ts";
import { Densities, intervalText, meanText, oneCell } from "lib/study/densities.ts";
import { archivedBlocks, Blocks } from "lib/study/rates.ts";
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
  assertEquals(densities.widths, [500]);
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

Deno.test("meanText() and intervalText() keep two digits", () => {
  assertEquals([0.00153, 0.0004].map(meanText), ["0.0015", "4.0e-4"]);
  assertEquals(intervalText({ low: 0.00111, high: 0.0018 }), "0.0011 to 0.0018");
});

Deno.test({
  name: "Densities of the archive has the README's ratio",
  ignore: !mayRead,
  async fn() {
    const blocks = (await archivedBlocks()).where({ dataset: "cifar10-gray", w1: "known" });
    const { ratio } = new Densities(blocks).at(500, "batched");
    assertEquals(`${ratio.ratio.toFixed(1)} (${intervalText(ratio)})`, "7.4 (6.1 to 8.9)");
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
