import { assert, assertEquals, assertThrows } from "@std/assert";
import { loadIris } from "lib/data/tables.ts";
import {
  batchesOf,
  countRight,
  GRADIENT_FLOOR,
  Learner,
  type Samples,
  sizesFor,
  trainClear,
  type TrainSetting,
} from "lib/he/learner.ts";
import { standardised } from "lib/he/samples.ts";
import { seededRng } from "lib/math/rng.ts";

const samples: Samples = {
  ...{ count: 4, n: 2, outputs: 1 },
  x: Float64Array.of(1, 1, 2, 1, -1, 1, -2, 1),
  y: Float64Array.of(1, 1, -1, -1),
};
const setting: TrainSetting = { hidden: 0, batch: 2, epochs: 40, learningRate: 0.1 };

Deno.test("trainClear() learns what can be learned, and countRight() counts it", () => {
  const weights = trainClear(samples, setting, seededRng(1));
  assertEquals(countRight(samples, weights), 4);
  assertEquals(countRight(samples, [weights[0].map((w) => -w)]), 0);
});

Deno.test("trainClear() reaches 93 % of the Iris test flowers with seven square units", async () => {
  const iris = await loadIris();
  const { train, test } = standardised(iris.train, iris.test);
  const weights = trainClear(
    train,
    { hidden: 7, batch: 120, epochs: 60, learningRate: 0.05 },
    seededRng(1),
  );
  assert(countRight(test, weights) >= 28);
});

Deno.test("step() takes what is below the floor for 0: noise moves no weight", () => {
  const learner = new Learner(sizesFor(samples, setting), 0.1, seededRng(1));
  learner.step([Float64Array.of(GRADIENT_FLOOR / 2, -1)]);
  assertEquals(learner.weights[0][0], 0);
  assert(Math.abs(learner.weights[0][1] - 0.1) < 1e-6);
  assertThrows(
    () => learner.step([Float64Array.of(1)]),
    TypeError,
    "gradients of [1] entries, expected [2]",
  );
});

Deno.test("batchesOf() cuts samples into batches; sizesFor() refuses what is none", () => {
  const batches = batchesOf(samples, sizesFor(samples, setting));
  assertEquals(batches.map(({ x, y }) => [x.length, y.length]), [[4, 2], [4, 2]]);
  assertEquals([...batches[1].x], [-1, 1, -2, 1]);
  const refuse = (change: Partial<TrainSetting>, why: string) =>
    assertThrows(() => sizesFor(samples, { ...setting, ...change }), RangeError, why);
  refuse({ batch: 3 }, "4 samples are not whole batches of 3");
  refuse({ batch: 0 }, "whole batches of 0");
  refuse({ epochs: 0 }, "epochs = 0 is not a positive integer");
  refuse({ learningRate: NaN }, "learningRate = NaN is not positive");
  assertThrows(() => sizesFor({ ...samples, n: 3 }, setting), TypeError, "8 inputs and 4 targets");
});
