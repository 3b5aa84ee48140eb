import { assertEquals } from "@std/assert";
import { samplesFromGram } from "lib/attack/linear/gram_samples.ts";

/** Inner products of the columns x_1 … x_n, ones, labels' signs of some samples. */
function gramOf(samples: readonly (readonly number[])[]): Float64Array {
  const columns = samples[0].map((_, j) => samples.map((row) => row[j]));
  return Float64Array.from(
    columns.flatMap((a) => columns.map((b) => a.reduce((sum, v, i) => sum + v * b[i], 0))),
  );
}

const found = (samples: readonly (readonly number[])[]) => {
  const n = samples[0].length - 2;
  const { samples: own, why } = samplesFromGram(gramOf(samples), {
    ...{ n, label: 2, size: samples.length },
  });
  return { rows: own.map(({ x, y }) => [...x, 1, y / 2].join()).sort(), why };
};
const sorted = (samples: readonly (readonly number[])[]) => samples.map((u) => u.join()).sort();

Deno.test("samplesFromGram() finds the one batch around lattices of index 2 and 12", () => {
  const four = [[2, 0, 4, 1, 1], [0, 2, 6, 1, -1], [4, 2, 0, 1, 1], [0, 0, 3, 1, 1]];
  assertEquals(found(four), { rows: sorted(four), why: null });
  const samples = [[8, 6, -4, 1, 1], [9, 0, -2, 1, 1], [6, -6, 9, 1, -1], [8, -4, -9, 1, -1], [
    ...[5, 6, -2, 1, -1],
  ]];
  assertEquals(found(samples), { rows: sorted(samples), why: null });
});

Deno.test("samplesFromGram() does not choose between batches that fit alike", () => {
  const samples = [[4, 1, 2, 1, -1], [-2, 5, 7, 1, 1], [9, 3, -1, 1, 1], [4, -1, 5, 1, -1], [
    ...[4, 5, 3, 1, -1],
  ]];
  const why = "5 columns generate less than all of Z^5: 2 batches fit"; // an index of 308
  assertEquals(found(samples), { rows: [], why });
});

Deno.test("samplesFromGram() takes a sum of samples for equal ones only where all are of that kind", () => {
  // ones and the feature are orthogonal here, and ones have the square 4: no four equal samples
  const { rows, why } = found([[2, 1, 1], [-2, 1, 1], [6, 1, 1], [-6, 1, 1]]);
  assertEquals([rows, why], [[], "3 columns generate 2 dimensions of 4"]);
});

Deno.test("samplesFromGram() gives the samples that are pinned where the others are not", () => {
  const samples = [[5, 0, 1, 1], [0, 1, 1, 1], [3, 0, 1, -1], [0, 40, 1, -1], [7, 2, 1, -1]];
  const { rows } = found(samples);
  for (const row of rows) assertEquals(sorted(samples).includes(row), true);
});
