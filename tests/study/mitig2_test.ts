import { assert, assertEquals } from "@std/assert";
import { Transcript } from "lib/net/transcript.ts";
import type { EpochReport } from "lib/protocol/mitig2/client.ts";
import { compareSplit, median, SplitRuns, trainSplit } from "lib/study/mitig2.ts";
import { data, hidden, setting } from "../protocol/mitig2/fixtures.ts";

const permitted = async (name: "read" | "net") =>
  (await Deno.permissions.query({ name })).state === "granted";
const ignore = !await permitted("read");

/** A training that never was: an epoch per accuracy, a second each. */
const runOf = (seed: number, ...accuracies: number[]) => ({
  seed,
  reports: accuracies.map((testAccuracy, k): EpochReport => ({
    ...{ epoch: k + 1, epochs: accuracies.length, loss: 1, testAccuracy },
    seconds: seed * (k + 1),
  })),
  transcript: new Transcript(),
  W1: new Float32Array(),
  predictions: data.test.y.map((label, i) => i === 0 ? (label + 1) % 3 : label),
});

const made = new SplitRuns(
  [runOf(1, 0.9, 0.97, 0.96), runOf(2, 0.97, 0.98, 0.99), runOf(3, 0.1, 0.2, 0.3)],
  data,
  setting,
);

Deno.test("SplitRuns takes the median of the seeds, and knows what was not reached", () => {
  assertEquals([made.secondsTo(0.968), made.secondsTo(0.98)], [2, Infinity]);
  assertEquals([made.testAccuracy, made.seconds], [0.96, 6]);
  assertEquals(made.table().rows, [
    [1, "2.0", "–", 3, "96.00 %", "3.0"],
    [2, "2.0", "4.0", 3, "99.00 %", "6.0"],
    [3, "–", "–", 3, "30.00 %", "9.0"],
  ]);
});

Deno.test("SplitRuns draws the seeds as one series, beside the paper's accuracy at the paper's time", () => {
  const { data: traces } = made.accuracy("accuracy", { accuracy: 0.968, seconds: 420 });
  const [front, here, paper] = traces;
  assertEquals([front.x, front.y], [[2, 4, 6], [90, 97, 96]]);
  assertEquals([here.name, (here.x as number[]).length], ["here, 3 seeds", 9]);
  assertEquals([paper.x, paper.y], [[420], [96.8]]);
});

Deno.test("SplitRuns draws its first seed's loss beside other settings'", () => {
  const { data: traces } = made.loss("loss", "modern", { "authors' setting": made });
  assertEquals(traces.map(({ name }) => name), ["modern", "authors' setting"]);
  assertEquals([traces[0].x, traces[0].y], [[1, 2, 3], [1, 1, 1]]);
});

Deno.test("SplitRuns counts which class was taken for which", () => {
  const { confusion, diagonal } = made;
  const sum = (row: number[]) => row.reduce((a, b) => a + b, 0);
  assertEquals(sum(confusion.map(sum)), 20);
  assertEquals(diagonal, 19);
  assertEquals(confusion[data.test.y[0]][(data.test.y[0] + 1) % 3], 1);
  assertEquals(made.confusionMap("confusion").name, "confusion");
});

Deno.test("median() of an odd number is the middle", () => {
  assertEquals(median([3, 1, Infinity]), 3);
});

Deno.test({
  name: "trainSplit() trains once per seed, and measures messages and times",
  ignore,
  async fn() {
    const counts: [number, number][] = [];
    const runs = await trainSplit(data, {
      ...{ setting, hidden, seeds: [1, 2], transport: "port", workers: 0 },
      onProgress: (done, total) => counts.push([done, total]),
    });
    assertEquals(counts, [1, 2, 3, 4, 5, 6].map((done) => [done, 6]));
    assertEquals(runs.runs.map(({ seed, reports }) => [seed, reports.length]), [[1, 3], [2, 3]]);
    assertEquals(runs.diagonal / 20, runs.runs[0].reports.at(-1)!.testAccuracy);
    const { up, down, perImage } = runs.sizeBytes;
    assert(perImage > 4 * hidden + 1 && up > 3 * 50 * perImage && down > 3 * 50 * 4 * hidden);
    const text = JSON.stringify(runs.sequence("sequence").layout);
    for (const words of ["every half batch, 4 images", "z1, labels", "3 times"]) {
      assert(text.includes(words), words);
    }
  },
});

Deno.test({
  name: "compareSplit() ends in the same W1 on all ways, and its bar at its end",
  ignore: ignore || !await permitted("net"),
  async fn() {
    const counts: [number, number][] = [];
    const options = { setting: { ...setting, epochs: 2 }, seed: 1, largeBatch: 25, hidden };
    const onProgress = (done: number, total: number) => counts.push([done, total]);
    const ways = await compareSplit(data, { ...options, workers: 0, onProgress });
    assertEquals(counts, [1, 2, 3, 4, 5, 6, 7].map((done) => [done, 7]));
    assertEquals(ways.sameW1, true);
    assertEquals(ways.ways.map(({ name, batch }) => [name, batch]), [
      ["local", 8],
      ["split, server in a Worker", 8],
      ["split over TLS", 8],
      ["U-shaped over TLS", 8],
      ["local", 25],
      ["split over TLS", 25],
    ]);
    const [local, port, tls, uShaped] = ways.ways.map(({ sizeBytes }) => sizeBytes);
    assert(local === 0 && port > 0 && tls === port && uShaped > tls);
    assert(/^[\d.]+× at batch 8, [\d.]+× at batch 25$/.test(ways.overhead), ways.overhead);
    assertEquals(ways.table().rows.map((row) => row.at(-1)), new Array(6).fill("the same bits"));
  },
});
