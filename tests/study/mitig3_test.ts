import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { NARROW } from "lib/protocol/mitig3/terms.ts";
import { mean, trainNarrowSplit } from "lib/study/mitig3.ts";
import { besideMitig2 } from "lib/study/mitig3_beside.ts";
import { data } from "../protocol/mitig2/fixtures.ts";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted";
const setting = { ...NARROW, epochs: 2, batch: 8, learningRate: 0.02 };

const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore, fn });

test("trainNarrowSplit() trains once per noise and seed, and measures messages and accuracy", async () => {
  const counts: [number, number][] = [];
  const runs = await trainNarrowSplit(data, {
    ...{ sigmas: [0.5, 1], seeds: [1, 2], setting, units: 6, transport: "port", workers: 0 },
    onProgress: (done, total) => counts.push([done, total]),
  });
  assertEquals(counts, [1, 2, 3, 4, 5, 6, 7, 8].map((done) => [done, 8]));
  assertEquals(runs.runs.map(({ sigma, seed }) => [sigma, seed]), [
    ...[[0.5, 1], [0.5, 2], [1, 1], [1, 2]],
  ]);
  assertEquals(runs.sigmas, [0.5, 1]);
  assertEquals(runs.accuracy(1), mean(runs.accuracies(1)));
  const { codes, all } = runs.sizeBytes;
  assertEquals(codes, 2 * 4 * 3);
  assert(all > codes + 1, `${all}`);
  const table = runs.table();
  assertEquals(table.columns, ["σ", "seed 1", "seed 2", "mean test accuracy", "gradients clipped"]);
  assertEquals(table.rows.map(([sigma]) => sigma), ["0.50", "1.00"]);
  const [half, one] = runs.bounds().rows;
  // (3/2)·log₂(1 + 1/(3·σ²)); ε of a Gaussian mechanism of sensitivity 2 at δ 1e-5.
  assertEquals([half[1], half[2], one[1]], ["1.83", "3.7", "0.62"]);
  assert(Number(half[3]) < Number(half[4]) && Number(half[3]) > Number(one[3]), `${half} ${one}`);
  const text = JSON.stringify(runs.sequence("sequence").layout);
  for (const words of ["every half batch, 4 images", "3 numbers an image"]) {
    assert(text.includes(words), words);
  }
  const { data: traces } = runs.figure("accuracy", { "MITIG2, Adam": 0.98 });
  assertEquals(traces.map(({ name }) => name), [
    "mitig3, a seed each",
    "mitig3, mean",
    "MITIG2, Adam",
  ]);
  assertEquals([traces[2].x, traces[2].y], [[0.5, 1], [98, 98]]);
});

test("besideMitig2() trains both ways with both schemes, and sends less", async () => {
  const counts: number[] = [];
  const beside = await besideMitig2(data, {
    ...{ seeds: [1], sigma: 0.5, units: 6, epochs: 2, transport: "port", workers: 0 },
    onProgress: (done) => counts.push(done),
  });
  assertEquals(counts, [1, 2, 3, 4]);
  const { rows } = beside.table();
  assertEquals(rows.map(([name]) => name), [
    ...["MITIG2, plain descent", "mitig3, plain descent", "MITIG2, Adam", "mitig3, Adam"],
  ]);
  assertEquals(beside.pointsLost.length, 2);
  assert(beside.timeRatios.every((ratio) => ratio > 0));
  beside.pairs.forEach(([two, three], k) => {
    assertAlmostEquals(beside.pointsLost[k], 100 * (two.accuracy - three.accuracy), 1e-12);
    // z1 and dz1 of 6 units against z and dz of 3 numbers: 24 bytes less an image and visit.
    assertAlmostEquals(two.runs[0].bytes - three.runs[0].bytes, 24, 4);
  });
  assertEquals(Object.keys(beside.levels), ["MITIG2, plain descent", "MITIG2, Adam"]);
  await assertRejects(
    () => besideMitig2(data, { seeds: [1], sigma: 0.5, epochs: 1 }),
    RangeError,
    "1 epochs, the first is left out",
  );
});
