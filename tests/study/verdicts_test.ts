import { assertEquals, assertThrows } from "@std/assert";
import { blocksOf, ExactShares, Verdicts } from "lib/study/verdicts.ts";

const block = (draw: number, held: Record<string, string | number> = {}) => ({
  ...{ dataset: "mnist", w1: "known", solver: "batched", objective: "published", period: "none" },
  ...{ hidden: 100, draw, images: 10, recovered: 10, exact: 1, infeasible: 0, undecided: 0 },
  ...held,
});
const rows = [
  ...[block(1), block(0, { exact: 3 }), block(7, { exact: 10 })],
  ...[block(0, { hidden: 200, exact: 9 }), block(1, { hidden: 200, exact: 10 })],
  ...["16", "9", "4"].map((period) => block(0, { period, recovered: 8, infeasible: 2 })),
  block(0, { period: "2", recovered: 1, infeasible: 6, undecided: 3 }),
  block(0, { period: "2", recovered: 0, infeasible: 10, solver: "fast" }),
  block(0, { w1: "guessed", infeasible: 10, recovered: 0, exact: 0 }),
];
const blocks = blocksOf(rows);

Deno.test("blocksOf() keeps the draws that rates are stated from, in order", () => {
  assertEquals(blocks.where({ hidden: 100, period: "none", w1: "known" }).rows.map((r) => r.draw), [
    0,
    1,
  ]);
});

Deno.test("of(), unsolved() and mostSolved() count programs with W1 known", () => {
  const verdicts = new Verdicts(blocks);
  const at = { dataset: "mnist", hidden: 100, period: "2" };
  assertEquals(verdicts.of("infeasible", at).rate, 0.6);
  assertEquals(verdicts.of("infeasible", { ...at, solver: "fast" }).rate, 1);
  assertEquals(verdicts.unsolved(at).split("; ").map((t) => t.slice(0, 6)), ["60.0 %", "30.0 %"]);
  assertEquals(verdicts.mostSolved("mnist", 100).rate, 0.8);
  assertEquals(verdicts.falseProofs, 0, "a guessed W1 proves nothing");
  assertEquals(new Verdicts(blocksOf([block(0, { infeasible: 1 })])).falseProofs, 1);
  assertThrows(() => verdicts.of("recovered", { ...at, hidden: 300 }), RangeError, "no rows");
});

Deno.test("table() lists the rules from the loosest to the densest, solver by solver", () => {
  assertEquals(
    new Verdicts(blocks).table().rows.map((row) => [row[0], row[2], row[3]]),
    [
      ...["16", "9", "4", "2"].map((period) => ["MNIST", period, "ADMM"]),
      ["MNIST", "2", "interior point"],
    ],
  );
});

Deno.test("exact shares: rates, the smallest width, tables and a line each", () => {
  const shares = new ExactShares(blocks);
  assertEquals(shares.at("mnist", "published", 100).rate, 0.2);
  assertEquals(shares.smallest("mnist", "published", 0.9), "200");
  assertEquals(shares.smallest("mnist", "published", 0.99), "over 200");
  const [mnist, fashion] = shares.smallestTable(["mnist", "fashion-mnist"], 0.9).rows;
  assertEquals(mnist.slice(0, 3), ["MNIST", "200", "not run"]);
  assertEquals(fashion[1], "not run");
  assertEquals(shares.table(["mnist"]).rows.map((row) => row[4]), [
    "10 % to 30 %",
    "90 % to 100 %",
  ]);
  const [line] = shares.figure("f", [["mnist", "published"]]).data;
  assertEquals([line.name, line.y], ["MNIST, published LP", [20, 95]]);
});
