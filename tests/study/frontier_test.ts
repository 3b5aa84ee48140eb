import { assertEquals, assertThrows } from "@std/assert";
import { Frontier, frontierOf, median } from "lib/study/frontier.ts";

const row = { epochs: 5, images: 50_000, floor: 0.05, k1000: 0.04, k10000: 0.03 };
const on = (scheme: string, patches: number, sigma: number, learningRate: number) => ({
  ...{ ...row, scheme, patches, sigma, learningRate },
});
const records = [
  { ...on("mitig3", 100, 0.7, 0.004), run: 0, accuracy: 0.5, part: 0.1 },
  { ...on("mitig3", 100, 0.7, 0.004), run: 1, accuracy: 0.6, part: 0.2 },
  { ...on("mitig3", 100, 0.7, 0.004), run: 2, accuracy: 0.9, part: 0.15 },
  { ...on("mitig3", 100, 0.3, 0.004), run: 0, accuracy: 0.65, part: 0.4 },
  { ...on("mitig2", 0, 0, 0.2), run: 0, accuracy: 0.45, part: 0.99 },
  { ...on("mitig2-adam", 0, 0, 0.004), run: 0, accuracy: 0.44, part: 1 },
  { ...on("mitig2", 0, 0, 0.1), run: 0, accuracy: 0.43, part: 0.98 },
  { ...on("mitig3", 100, 0.7, 0.004), images: 2000, run: 0, accuracy: 0.99, part: 0 }, // a small one
];

Deno.test("frontierOf() takes medians of accuracy and the most of part, of full trainings only", () => {
  const { rows } = frontierOf(records);
  assertEquals(rows.map(({ accuracy, part, runs }) => [accuracy, part, runs]), [
    ...[[0.65, 0.4, 1], [0.6, 0.2, 3], [0.45, 0.99, 1], [0.44, 1, 1], [0.43, 0.98, 1]],
  ]);
  assertEquals([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])], [2, 2, 7]);
});

Deno.test("Frontier knows the best of a scheme within a limit on part, and shows all", () => {
  const frontier = frontierOf(records);
  assertEquals(frontier.best("mitig2", "pixels").learningRate, 0.2);
  assertEquals(frontier.best("mitig3", "patches").sigma, 0.3);
  assertEquals(frontier.best("mitig3", "patches", 0.3).sigma, 0.7);
  assertThrows(() => frontier.best("mitig3", "pixels"), RangeError, "no mitig3 on pixels");
  assertEquals(frontier.table("t").rows.map(([label]) => label), [
    ...["mitig3, 100 patches, σ 0.3", "mitig3, 100 patches, σ 0.7"],
    ...["MITIG2, pixels, rate 0.2", "MITIG2, pixels, Adam", "MITIG2, pixels, rate 0.1"],
  ]);
  const { data } = frontier.figure("frontier");
  assertEquals((data[0].marker as { symbol: string[] }).symbol, [
    ...["diamond", "diamond", "circle", "circle", "circle"],
  ]);
  assertThrows(() => new Frontier([]).best("mitig2", "pixels"), RangeError);
});
