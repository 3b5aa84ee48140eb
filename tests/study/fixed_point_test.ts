import { assert, assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { firstImages } from "lib/data/dataset.ts";
import { DEFAULT_SCALES } from "lib/protocol/fixed_net.ts";
import { accuracyByScale, fixedPointAccuracy, floatAccuracy } from "lib/study/fixed_point.ts";
import { runInClear } from "lib/study/mitig1.ts";
import { data } from "../protocol/mitig2/fixtures.ts";

const training = { hidden: 8, batch: 10, epochs: 40, seeds: { client: 2, server: 3 } };

Deno.test("fixedPointAccuracy() is that of the training in the clear", async () => {
  const counts: number[] = [];
  const options = { ...training, learningRate: 2 };
  const share = await fixedPointAccuracy(data, { ...options, onProgress: (n) => counts.push(n) });
  assertEquals(counts.length, 200);
  assertEquals(share, await (await runInClear(data.train, options)).right(data.test) / 20);
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
  const { bits, accuracies, figure } = await accuracyByScale(data, options);
  assertEquals(counts, [[1, 2], [2, 2]]);
  assertEquals(bits, [1, 8]);
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
