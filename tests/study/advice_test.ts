import { assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import { searchParameters, SearchResult } from "lib/study/advice.ts";
import type { Candidate } from "lib/sweep/advise.ts";
import type { Trial } from "lib/sweep/advise_search.ts";

const limits = { accuracy: 0.9, seconds: 100, leakage: 0.5 };

function trial(scheme: Candidate["scheme"], accuracy: number, seconds: number): Trial<Candidate> {
  const scaleBits = scheme === "mitig2" ? 0 : 10;
  const leakage = scheme === "cryptonn" ? 0.85 : null;
  return {
    candidate: { scheme, hidden: 100, batch: 50, learningRate: 1, scaleBits },
    ...{ rung: 2, status: "done", result: { accuracy, seconds, leakage } },
  };
}
const trials = [
  ...[trial("mitig2", 0.95, 4), trial("mitig2", 0.91, 2), trial("mitig2", 0.7, 1)],
  ...[trial("mitig1", 0.95, 9000), trial("cryptonn", 0.93, 4000)],
];
const result = new SearchResult({ trials, epochs: { search: 5, grid: 20 } }, limits);

Deno.test("a result recommends, and counts what the search cost", () => {
  assertEquals(result.recommendation.scheme, "mitig2");
  assertEquals([result.spent, result.fastest("mitig2"), result.fastest("mitig1")], [0.25, 2, 9000]);
  assertEquals(result.summary(), "mitig2, 100 units: 95.0 % in 4.0 s, leakage not measured");
  assertStringIncludes(result.text(), "**Recommended: MITIG2 with 100 hidden units**");
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
    [["MITIG2", false], ["MITIG1", true], ["CryptoNN, 100 units", true], ["paper", false]],
  );
  assertEquals(series[0].x, [4, 2]);
  assertStringIncludes(layout.xaxis.ticktext.join(), "1 h");
});

Deno.test("table() says which times are predicted", () => {
  assertEquals(result.table().rows.map((row) => [row[0], row[4], row[8]]), [
    ["MITIG2", null, "4 s, measured"],
    ["CryptoNN", 10, "66.7 min, predicted"],
    ["MITIG2", null, "2 s, measured"],
    ["MITIG2", null, "1 s, measured"],
  ]);
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
    assertEquals([found.recommendation.scheme, found.recommendation.hidden], ["mitig2", 300]);
    assertLess(found.spent, 1 / 3);
    assertEquals(steps, steps.toSorted((a, b) => a - b));
  },
});
