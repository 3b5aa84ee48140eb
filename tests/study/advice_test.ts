import { assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import { searchParameters, SearchResult } from "lib/study/advice.ts";
import type { Candidate } from "lib/sweep/advise.ts";
import type { Trial } from "lib/sweep/advise_search.ts";

const limits = { accuracy: 0.9, seconds: 100, leakage: 0.5 };

function trial(scheme: Candidate["scheme"], accuracy: number, seconds: number): Trial<Candidate> {
  const [scaleBits, sigma] = { mitig2: [0, 0], mitig3: [0, 0.7] }[scheme as string] ?? [10, 0];
  const leakage = scheme === "mitig3" ? 0.01 : scheme === "mitig1" ? 0.9 : 0.95;
  return {
    candidate: { scheme, hidden: 100, batch: 50, learningRate: 1, scaleBits, sigma },
    ...{ rung: 2, status: "done", result: { accuracy, seconds, leakage } },
  };
}
const trials = [
  ...[trial("mitig3", 0.95, 4), trial("mitig3", 0.91, 2), trial("mitig3", 0.7, 1)],
  trial("mitig2", 0.97, 3),
  ...[trial("mitig1", 0.95, 9000), trial("cryptonn", 0.93, 4000)],
];
const result = new SearchResult({ trials, epochs: { search: 5, grid: 20 } }, limits);

Deno.test("a result recommends, and counts what the search cost", () => {
  assertEquals(result.recommendation.scheme, "mitig3");
  assertEquals([result.spent, result.fastest("mitig3"), result.fastest("mitig1")], [0.25, 2, 9000]);
  assertEquals(result.summary(), "mitig3, 100 units: 95.0 % in 4.0 s, leakage 0.01");
  assertStringIncludes(result.text(), "**Recommended: mitig3 with 100 hidden units**");
  assertStringIncludes(result.text(), "- cryptonn: no run keeps the limit on seconds");
  const failed = { ...trials[0], status: "failed", error: "no room" } as Trial<Candidate>;
  const none = new SearchResult({ trials: [failed], epochs: { search: 1, grid: 2 } }, limits);
  assertThrows(() => none.recommendation, RangeError, "every run failed");
});

Deno.test("figure() draws predicted times as outlines and leaves out what learns too little", () => {
  // deno-lint-ignore no-explicit-any
  const { data, layout } = result.figure("pareto") as any;
  const [front, ...series] = data;
  assertEquals(front.x, [2, 4]);
  assertEquals(
    series.map((s: { name: string; marker: { symbol: string } }) => [
      s.name.split(":")[0],
      s.marker.symbol.endsWith("-open"),
    ]),
    [["mitig3", false], ["MITIG2", false], ["MITIG1", true], ["CryptoNN", true], ["paper", false]],
  );
  assertEquals(series[0].x, [4, 2]);
  assertStringIncludes(layout.xaxis.ticktext.join(), "1 h");
});

Deno.test("table() says which times are predicted", () => {
  assertEquals(result.table().rows.map((row) => [row[0], row[4], row[5], row[9]]), [
    ["MITIG2", null, null, "3 s, measured"],
    ["mitig3", null, 0.7, "4 s, measured"],
    ["mitig3", null, 0.7, "2 s, measured"],
    ["mitig3", null, 0.7, "1 s, measured"],
  ]);
  const dearer = new SearchResult({ ...result.advice, trials: trials.slice(-2) }, limits);
  assertEquals(dearer.table().rows[1][9], "66.7 min, predicted");
});

const permitted = (await Deno.permissions.query({ name: "read" })).state === "granted";
Deno.test({
  name: "searchParameters() finds its trainings among the kept rows",
  ignore: !permitted,
  async fn() {
    const steps: number[] = [];
    const found = await searchParameters(
      { accuracy: 0.95, seconds: 300, leakage: 0.5 },
      { profile: "quick", onProgress: (done) => void steps.push(done) },
    );
    assertEquals([found.recommendation.scheme, found.recommendation.hidden], ["mitig3", 300]);
    assertLess(found.spent, 1 / 3);
    assertEquals(steps, steps.toSorted((a, b) => a - b));
  },
});
