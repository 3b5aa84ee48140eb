import * as tf from "@tensorflow/tfjs";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { startBackend } from "lib/nn/backend.ts";
import { clipFactors, gaussianTensor, poissonSample } from "lib/nn/dp_sgd.ts";

Deno.test("poissonSample() takes each sample with the rate, independently of the others", () => {
  const rng = seededRng(1);
  const [count, rate, draws] = [50, 0.2, 4000];
  const taken = new Float64Array(count);
  let [size, square, together] = [0, 0, 0];
  for (let draw = 0; draw < draws; draw++) {
    const sample = poissonSample(count, rate, rng);
    sample.forEach((i) => taken[i]++);
    size += sample.length / draws;
    square += sample.length ** 2 / draws;
    if (sample.includes(10) && sample.includes(11)) together++;
  }
  assertAlmostEquals(size, 10, 0.2);
  assertAlmostEquals(square - size ** 2, 8, 0.8); // binomial: a batch of a fixed size has 0
  assertAlmostEquals(together / draws, 0.04, 0.012);
  assert(taken.every((times) => Math.abs(times / draws - rate) < 0.03)); // first and last too
  assertEquals(poissonSample(4, 1, rng), Uint32Array.of(0, 1, 2, 3));
  assertEquals(poissonSample(100, 1e-12, rng).length, 0);
  assertThrows(() => poissonSample(10, 0), RangeError, "rate = 0");
  assertThrows(() => poissonSample(10, 1.5), RangeError, "rate = 1.5");
});

Deno.test("clipFactors() cuts each sample's gradient over all layers, as written out one by one", async () => {
  await startBackend();
  const [m, sizes] = [7, [[5, 4], [4, 3]]];
  const draw = (length: number, seed: number) => gaussian(seededRng(seed), length);
  const layers = sizes.map(([inputs, outputs], l) => ({
    inputs: draw(m * inputs, 2 * l),
    gradients: draw(m * outputs, 2 * l + 1).map((value, at) => at < outputs ? value / 100 : value),
  }));
  const norms = Array.from({ length: m }, (_, k) => {
    let square = 0;
    layers.forEach(({ inputs, gradients }, l) => {
      const [n, units] = sizes[l];
      for (let j = 0; j < units; j++) {
        const dz = gradients[k * units + j];
        square += dz * dz; // of the bias
        for (let i = 0; i < n; i++) square += (dz * inputs[k * n + i]) ** 2;
      }
    });
    return Math.sqrt(square);
  });
  const clip = 3;
  const factors = tf.tidy(() =>
    clipFactors(
      layers.map(({ inputs, gradients }, l) => ({
        inputs: tf.tensor2d(Float32Array.from(inputs), [m, sizes[l][0]]),
        gradients: tf.tensor2d(Float32Array.from(gradients), [m, sizes[l][1]]),
      })),
      clip,
    ).dataSync()
  );
  assert(norms[0] < clip && norms.some((norm) => norm > clip)); // both kinds are here
  norms.forEach((norm, k) => assertAlmostEquals(factors[k], Math.min(1, clip / norm), 1e-6));
  assertThrows(() => clipFactors([], 0), RangeError, "clip = 0");
});

Deno.test("clipFactors() leaves a gradient of 0 alone, and gaussianTensor() has its deviation", async () => {
  await startBackend();
  tf.tidy(() => {
    const zero = { inputs: tf.ones<tf.Rank.R2>([2, 3]), gradients: tf.zeros<tf.Rank.R2>([2, 2]) };
    assertEquals([...clipFactors([zero], 1).dataSync()], [1, 1]);
    const values = gaussianTensor<tf.Rank.R2>([100, 50], 3, seededRng(1)).dataSync();
    const variance = Array.from(values).reduce((sum, value) => sum + value * value, 0) /
      values.length;
    assertAlmostEquals(Math.sqrt(variance), 3, 0.1);
  });
});
