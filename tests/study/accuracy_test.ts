import {
  assert,
  assertEquals,
  assertGreater,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { firstImages } from "lib/data/dataset.ts";
import { DEFAULT_SCALES } from "lib/protocol/fixed_net.ts";
import {
  accuracyByScale,
  AccuracyByWidth,
  fixedPointAccuracy,
  floatAccuracy,
  lossText,
  SCALES,
} from "lib/study/accuracy.ts";
import { runClear } from "lib/study/mitig1.ts";
import { data } from "../protocol/mitig2/fixtures.ts";

const training = { hidden: 8, batch: 10, epochs: 40, seeds: { client: 2, server: 3 } };

Deno.test("fixedPointAccuracy() is that of the training in the clear", async () => {
  const counts: number[] = [];
  const options = { ...training, learningRate: 2 };
  const share = await fixedPointAccuracy(data, { ...options, onProgress: (n) => counts.push(n) });
  assertEquals(counts.length, 200);
  assertEquals(share, (await runClear(data.train, options)).right(data.test) / 20);
  assertGreater(share, 0.5); // a third by chance
});

Deno.test("floatAccuracy() starts where fixedPointAccuracy() starts, and comes out near it", async () => {
  const options = { ...training, learningRate: 2 };
  const [fixed, float] = [
    await fixedPointAccuracy(data, options),
    await floatAccuracy(data, { ...options, workers: 0 }),
  ];
  assert(Math.abs(fixed - float) <= 0.1, `${fixed} and ${float}`);
});

Deno.test("accuracyByScale() trains once per scale, in order, and draws what came out", async () => {
  const counts: [number, number][] = [];
  const onProgress = (done: number, total: number) => counts.push([done, total]);
  const short = { ...training, epochs: 3, learningRate: 0.5 };
  const options = { ...short, images: 30, bits: [1, 8], onProgress };
  const { accuracies, figure } = await accuracyByScale(data, options);
  assertEquals(counts, [[1, 2], [2, 2]]);
  const few = { train: firstImages(data.train, 30), test: data.test };
  const alone = [1, 8].map((weightBits) =>
    fixedPointAccuracy(few, { ...short, scales: { ...DEFAULT_SCALES, weightBits } })
  );
  assertEquals(accuracies, await Promise.all(alone));
  assertNotEquals(accuracies[0], accuracies[1]);
  const drawn = figure("accuracy-by-scale");
  assertEquals([drawn.data[0].x, drawn.data[0].y], [
    [1, 8],
    accuracies.map((share) => 100 * share),
  ]);
  assert(drawn.title.includes("9-8-3, 30 images"), drawn.title);
});

const run = (run: number, scheme: string, accuracy: number, held = {}) => ({
  ...{ dataset: "mnist", epochs: 10, share: 1, hidden: 300, batch: 50, learningRate: 1 },
  ...{ scaleBits: 0, scheme, run, accuracy, ...held },
});
/** Two seeds, of which the second is a point better in every training; fixed point costs 12 / bits points. */
const rows = [1, 0].flatMap((k) => [
  run(k, "float", 0.9 + k / 100),
  run(k, "float", 0.1, { epochs: 12 }),
  run(k, "mitig2", 0.95 + k / 100 + k / 1000, { learningRate: 0.03 }),
  ...SCALES.map((scaleBits) => run(k, "mitig1", 0.9 + k / 100 - 0.12 / scaleBits, { scaleBits })),
]);
const accuracy = new AccuracyByWidth(rows);

Deno.test("losses are differences seed by seed, so what seeds share does not widen them", () => {
  assertEquals(lossText(accuracy.ofFixedPoint(300, 4)), "3.0 (3.0 to 3.0)");
  const setting = accuracy.ofSetting(300);
  assertEquals([setting.points.toFixed(2), setting.n], ["5.05", 2]);
  assertThrows(() => accuracy.ofSetting(100), RangeError, "at 100 units: two seeds are needed");
  assertEquals(lossText({ points: -0.01, low: -0.24, high: 0.2, n: 5 }), "0.0 (-0.2 to 0.2)");
});

Deno.test("figure() and table() have a line and a column for each precision, and two for float32", () => {
  const { data } = accuracy.figure("accuracy");
  assertEquals(data.length, SCALES.length + 2);
  assertStringIncludes(String(data[0].name), "2⁻⁴");
  assertEquals((data[4].y as number[])[0].toFixed(6), "90.500000");
  const [row] = accuracy.table().rows;
  assertEquals(row.slice(0, 3), [300, "3.0 (3.0 to 3.0)", "2.0 (2.0 to 2.0)"]);
});

Deno.test("authorsTable() sets batches against learning rates", () => {
  const plain = [[50, 0.02], [50, 0.001], [250, 0.001]].map(([batch, learningRate], k) =>
    run(0, "plain", 0.9 - k / 10, { batch, learningRate })
  );
  const { columns, rows } = new AccuracyByWidth(plain).authorsTable(300);
  assertEquals(columns, ["images a batch", "rate 0.001", "rate 0.02"]);
  assertEquals(rows, [[50, "80.0 %", "90.0 %"], [250, "70.0 %", "not run"]]);
});
