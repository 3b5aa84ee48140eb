import { assertEquals, assertThrows } from "@std/assert";
import { archivedBlocks, Blocks, blocksOf, errorText, meanText } from "lib/study/rates.ts";
import { rateText } from "lib/sweep/summary.ts";

const block = (objective: string, hidden: number, draw: number, exact: number) => ({
  ...{ dataset: "mnist", objective, hidden, draw, images: 10, exact },
  ...{ certified: exact, certifiedWrong: 0, mse: exact === 10 ? null : 0.1 },
});
const blocks = new Blocks([
  ...[block("tv", 200, 0, 2), block("tv", 100, 0, 1), block("tv", 200, 1, 7)],
  ...[block("sum", 100, 0, 9), block("sum", 200, 0, 10)],
]);

Deno.test("rate() pools the rows that where() keeps", () => {
  const { successes, n, each } = blocks.where({ objective: "tv", hidden: 200 }).rate("exact");
  assertEquals([successes, n, each], [9, 20, [0.2, 0.7]]);
  assertEquals(blocks.rate("certifiedWrong", "certified").n, 29);
  assertThrows(() => blocks.where({ hidden: 1 }).rate("exact"), RangeError, "no rows");
});

Deno.test("byWidth() goes from the narrowest to the widest", () => {
  assertEquals(
    blocks.where({ objective: "tv" }).byWidth("exact").map((r) => [r.hidden, r.rate]),
    [[100, 0.1], [200, 0.45]],
  );
});

Deno.test("mse() leaves out rows without an error", () => {
  const { mean, count, measured } = blocks.where({ objective: "sum" }).mse();
  assertEquals([mean, count, measured], [0.1, 2, 1]);
  assertThrows(() => blocks.where({ hidden: 1 }).mse(), RangeError, "no rows");
});

Deno.test("tables and figure have a row or a line for each objective, in the figures' order", () => {
  const extra = { mine: blocks.rate("exact") };
  assertEquals(
    blocks.exactTable("t", ["objective"], extra).rows.map((
      [name, draws, , spread],
    ) => [name, draws, spread]),
    [["min Σx", 2, "90 % to 100 %"], ["min TV", 3, "10 % to 70 %"], ["mine", 1, null]],
  );
  const [sum, tv] = blocks.widthTable(0.9).rows;
  assertEquals(sum.slice(0, 2), ["min Σx", "100"]);
  assertEquals(sum[3], null);
  assertEquals(tv.slice(0, 2), ["min TV", "over 200"]);
  const lines = blocks.figure("f", "t").data.filter(({ showlegend }) => showlegend !== false);
  assertEquals(lines.map(({ name }) => name), ["min Σx", "min TV"]);
});

Deno.test("errorText() and meanText() have a word for rounding errors, and few digits", () => {
  assertEquals([null, 1e-9, 3e-5, 0.0123].map((mse) => errorText(mse)), [
    ...["–", "exact", "3e-5", "0.012"],
  ]);
  assertEquals([0.00153, 0.0004].map((mse) => errorText(mse, 4)), ["0.0015", "4.0e-4"]);
  const group = { count: 5, measured: 5, mean: 0.00153, low: 0.00111, high: 0.0018 };
  assertEquals(meanText(group), "0.0015 (0.0011 to 0.0018)");
});

const drawn = (draw: number, held: Record<string, string | number> = {}) => ({
  ...{ dataset: "mnist", w1: "known", solver: "batched", objective: "published", period: "none" },
  ...{ hidden: 100, draw, images: 10, recovered: 10, exact: 1, infeasible: 0, undecided: 0 },
  ...held,
});
const rows = [
  ...[drawn(1), drawn(0, { exact: 3 }), drawn(7, { exact: 10 })],
  ...[drawn(0, { hidden: 200, exact: 9 }), drawn(1, { hidden: 200, exact: 10 })],
  ...["16", "9", "4"].map((period) => drawn(0, { period, recovered: 8, infeasible: 2 })),
  drawn(0, { period: "2", recovered: 1, infeasible: 6, undecided: 3 }),
  drawn(0, { period: "2", recovered: 0, infeasible: 10, solver: "fast" }),
  drawn(0, { w1: "guessed", infeasible: 10, recovered: 0, exact: 0 }),
];
const known = blocksOf(rows).where({ w1: "known" });

Deno.test("blocksOf() keeps the draws that rates are stated from, in order", () => {
  assertEquals(known.where({ hidden: 100, period: "none" }).rows.map((r) => r.draw), [
    0,
    1,
  ]);
});

Deno.test("unsolved counts programs without a solution, in words", () => {
  const at = known.where({ period: "2", solver: "batched" });
  assertEquals(at.unsolved.split("; ").map((t) => t.slice(0, 6)), ["60.0 %", "30.0 %"]);
  assertEquals(
    known.where({ period: "none" }).rate("infeasible").successes,
    0,
    "a guess proves nothing",
  );
});

Deno.test("table() goes from the loosest rule to the densest, solver by solver", () => {
  const { columns, rows } = known.table("t", ["dataset", "period", "solver"]);
  assertEquals(columns.slice(2), ["solver", "infeasible", "undecided", "solved"]);
  assertEquals(rows.map((row) => row.slice(0, 3)), [
    ...["none", "16", "9", "4", "2"].map((period) => ["MNIST", period, "ADMM"]),
    ["MNIST", "2", "interior point"],
  ]);
  assertEquals(String(rows[1][3]).slice(0, 6), "20.0 %");
});

Deno.test("exact shares: the smallest width, a row and a line for each combination of fields", () => {
  const shares = known.where({ period: "none" });
  assertEquals(shares.where({ hidden: 100 }).rate("exact").rate, 0.2);
  assertEquals([0.9, 0.99].map((share) => shares.smallest(share)), ["200", "over 200"]);
  assertEquals(shares.where({ dataset: "fashion-mnist" }).smallest(0.9), "not run");
  assertEquals(shares.smallestTable(0.9).rows, [["MNIST", "200"]]);
  assertEquals(
    shares.exactTable("t", ["dataset", "hidden"]).rows.map((row) => row.toSpliced(3, 1)),
    [
      ["MNIST", 100, 2, "10 % to 30 %"],
      ["MNIST", 200, 2, "90 % to 100 %"],
    ],
  );
  const [line] = shares.figure("f", "t", ["dataset", "objective"]).data;
  assertEquals([line.name, line.y], ["MNIST, published LP", [20, 95]]);
});

const permitted = (await Deno.permissions.query({ name: "read" })).state === "granted";
Deno.test({
  name: "archivedBlocks() has the rows behind the README's rate",
  ignore: !permitted,
  async fn() {
    const all = await archivedBlocks();
    const at = { dataset: "mnist", w1: "known", period: "none", objective: "tv-sum", hidden: 300 };
    assertEquals(rateText(all.where(at).rate("exact")), "93.4 % (90.9 to 95.3, n = 500)");
    assertEquals(all.where(at).rows.map(({ draw }) => draw), [0, 1, 2, 3, 4]);
  },
});

Deno.test({
  name: "archivedBlocks() has programs with a guessed W1, whose verdicts add up",
  ignore: !permitted,
  async fn() {
    const guesses = (await archivedBlocks()).where({ w1: "guessed" });
    const at300 = guesses.where({ hidden: 300 });
    const ends = (["recovered", "infeasible", "undecided"] as const).map((o) => at300.rate(o));
    assertEquals(ends.map(({ n }) => n), [500, 500, 500]);
    assertEquals(ends.reduce((sum, { successes }) => sum + successes, 0), 500);
    assertEquals(at300.rate("exact").successes, 0);
    const widths = guesses.table("t", ["hidden"]).rows.map(([hidden]) => Number(hidden));
    assertEquals(widths, widths.toSorted((a, b) => a - b));
    assertThrows(() => guesses.where({ hidden: 7 }).rate("exact"), RangeError, "no rows");
  },
});
