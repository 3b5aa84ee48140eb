import { assertEquals, assertThrows } from "@std/assert";
import { colour, mixed, scaleColour } from "lib/plot/theme.ts";
import { PublishedProgram } from "lib/study/published.ts";
import { PERIODS } from "lib/study/rates.ts";

const image = (period: string, hidden: number, k: number, mse: number | null, solver = "fast") => ({
  ...{ dataset: "mnist", objective: "published", period, hidden, image: k, solver, mse },
  recovery: mse === null ? "infeasible" : "optimal",
});
/** All solved at 100 units; at 200 the densest rule leaves one solution of two, and the next one none. */
const rows = [
  ...PERIODS.flatMap((period) => [image(period, 100, 0, 0.1), image(period, 100, 1, 0.05)]),
  ...["none", "16", "9"].flatMap((p) => [image(p, 200, 0, 0), image(p, 200, 1, 1e-12)]),
  ...[image("4", 200, 0, null), { ...image("4", 200, 1, null), recovery: "undecided" }],
  ...[image("2", 200, 0, 0.04), image("2", 200, 1, null)],
  ...[image("none", 100, 0, 0.2, "highs"), image("none", 100, 1, 0.1, "highs")],
  ...[image("2", 200, 0, 0.08, "highs"), image("2", 200, 1, 0.08, "highs")],
  { ...image("none", 100, 0, 0.9), objective: "tv" },
  image("9", 300, 0, 0.1), // a width of one period alone is in no map
];
/** The place of an error on the scale of all maps. */
const share = (mse: number) => (Math.log10(mse) + 4) / (Math.log10(0.2) + 4);
const published = new PublishedProgram(rows);

Deno.test("cell() counts verdicts and averages over the programs with a solution", () => {
  const { mses: _, ...cell } = published.cell({ dataset: "mnist", period: "2", hidden: 200 });
  assertEquals(cell, { count: 2, solved: 1, mean: 0.04, infeasible: 1, undecided: 0 });
  const { mean, infeasible, undecided } = published.cell({
    ...{ dataset: "mnist", period: "4", hidden: 200 },
  });
  assertEquals([mean, infeasible, undecided], [null, 1, 1]);
  const none = { dataset: "mnist", period: "2", hidden: 300 };
  assertThrows(() => published.cell(none), RangeError, "fast on mnist at 300");
  assertEquals(published.falseProofs, 0);
});

Deno.test("map() draws a mean over some pale, and says how many were solved", () => {
  // deno-lint-ignore no-explicit-any
  const { name, title, data } = published.map("mnist") as any;
  assertEquals([name, title.split(":")[0]], ["published-mnist", "MNIST"]);
  const texts = data.flatMap((trace: { text?: string[] }) => trace.text ?? []);
  assertEquals(texts.filter((text: string) => text.includes("2 of 2 solved")).length, 8);
  const at = data[0].text.indexOf("0.0400<br>1 of 2 solved");
  assertEquals(
    data[0].marker.color[at],
    mixed(colour.ground, scaleColour(share(0.04)), 0.2 + 0.8 / 4),
  );
  assertEquals(data.at(-1).text, ["undecided<br>0 of 2 solved"]);
  const scales = data.filter((trace: { marker: { showscale?: boolean } }) =>
    trace.marker.showscale
  );
  assertEquals(
    scales.map(({ marker }: { marker: { cmin: number; cmax: number } }) => [
      marker.cmin,
      marker.cmax,
    ]),
    [[-4, Math.log10(0.2)]],
  );
});

Deno.test("table() and solverTable() say what has no solution, and both solvers' means", () => {
  const [none, , , four, two] = published.table("mnist").rows;
  assertEquals(none, ["none", "0.0750", "exact"]);
  assertEquals(four[2], "–, 1 of 2 infeasible, 1 undecided");
  assertEquals(two[2], "0.0400, 1 of 2 infeasible");
  assertEquals(published.solverTable().rows, [
    ["MNIST", 100, "none", "0.0750", "0.1500", "2 and 2"],
    ["MNIST", 200, "2", "0.0400", "0.0800", "1 and 2"],
  ]);
});

Deno.test("contradictions() and highsOverOurs() pair the solvers image by image and cell by cell", () => {
  const { successes, n } = published.contradictions();
  assertEquals([successes, n], [1, 4]);
  const { ratio, n: cells } = published.highsOverOurs();
  assertEquals([+ratio.toFixed(9), cells], [2, 2]);
});

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
const errors = new PublishedProgram([100, 200].flatMap((hidden) => [
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

Deno.test("factorTable() compares with rules under which all programs are solved", () => {
  const [narrow, wide] = errors.factorTable(["cifar10-gray"]).rows;
  assertEquals(narrow, ["CIFAR-10 grey", 100, "0.1000", "4.0×", "40.0×", "0 of 50"]);
  assertEquals(wide[5], "1 of 50");
});
