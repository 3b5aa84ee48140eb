import { assertEquals, assertThrows } from "@std/assert";
import { archivedBlocks, Blocks } from "lib/study/rates.ts";
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
    blocks.exactTable("t", extra).rows.map(([name, draws, , spread]) => [name, draws, spread]),
    [["min Σx", 2, "90 % to 100 %"], ["min TV", 3, "10 % to 70 %"], ["mine", 1, null]],
  );
  const [sum, tv] = blocks.widthTable(0.9).rows;
  assertEquals(sum.slice(0, 2), ["min Σx", 100]);
  assertEquals(sum[3], null);
  assertEquals(tv.slice(0, 2), ["min TV", "over 200"]);
  const lines = blocks.figure("f", "t").data.filter(({ showlegend }) => showlegend !== false);
  assertEquals(lines.map(({ name }) => name), ["min Σx", "min TV"]);
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
