import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { seededRng, uniform } from "lib/math/rng.ts";
import { startBackend } from "lib/nn/backend.ts";
import { LocalFirstLayer, type TrainableFirstLayer } from "lib/nn/first_layer.ts";
import { openFirstLayer } from "lib/nn/parallel_first_layer.ts";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted"; // Workers are read

const [n, hidden, pixelScale] = [6, 5, 1 / 255];
const rng = seededRng(1);
const draw = (length: number) => Float32Array.from({ length }, () => uniform(rng) - 0.5);
const W1 = draw(hidden * n);
const images = rng.bytes(12 * n);
const x = (image: number, p: number) => images[image * n + p] * pixelScale;
const parts = { W1, n, images, setting: { optimizer: "adam", pixelScale } } as const;

/** Two batches in parts; returns all that came out. */
async function work(layer: TrainableFirstLayer) {
  const gradient = seededRng(2);
  const z1s: Float32Array[] = [];
  for (const batch of [[[0, 1, 2], [3, 4]], [[5, 6], [7]]]) {
    for (const part of batch) layer.prepare(Uint32Array.from(part));
    for (const part of batch) {
      z1s.push(await layer.forward());
      const dz1 = Float32Array.from({ length: part.length * hidden }, () => uniform(gradient));
      layer.backward(dz1);
    }
    layer.update(batch.flat().length, 0.1);
  }
  z1s.push(await layer.apply(Uint32Array.of(11)));
  return { z1s, state: await layer.state() };
}

Deno.test("LocalFirstLayer gives z1 = W1·x and moves W1 against the mean of dz1·xᵀ over a batch in parts", async () => {
  await startBackend();
  using layer = new LocalFirstLayer({ ...parts, setting: { optimizer: "sgd", pixelScale } });
  const batch = [[3, 1], [4]];
  const dz1 = [draw(2 * hidden), draw(hidden)];
  batch.forEach((part) => layer.prepare(Uint32Array.from(part)));
  batch.forEach((part) => {
    layer.forward().forEach((z, at) => {
      const [k, i] = [Math.floor(at / hidden), at % hidden];
      let expected = 0;
      for (let p = 0; p < n; p++) expected += W1[i * n + p] * x(part[k], p);
      assertAlmostEquals(z, expected, 1e-6);
    });
  });
  dz1.forEach((part) => layer.backward(part));
  layer.update(3, 0.5);
  layer.state().W1.forEach((w, at) => {
    const [i, p] = [Math.floor(at / n), at % n];
    const sum = dz1[0][i] * x(3, p) + dz1[0][hidden + i] * x(1, p) + dz1[1][i] * x(4, p);
    assertAlmostEquals(w, W1[at] - 0.5 * sum / 3, 1e-6);
  });
});

Deno.test({
  name: "openFirstLayer() gives the same to the last bit with any number of Workers",
  ignore,
  async fn() {
    using alone = await openFirstLayer(parts, 0);
    const expected = await work(alone);
    for (const workers of [1, 2, 3, 9]) { // 9 are more than there are rows
      using layer = await openFirstLayer(parts, workers);
      assertEquals(await work(layer), expected);
    }
  },
});

Deno.test("LocalFirstLayer goes on from a saved state as if never stopped", async () => {
  await startBackend();
  using whole = new LocalFirstLayer(parts);
  await work(whole);
  const between = structuredClone(whole.state());
  const expected = await work(whole);
  using resumed = new LocalFirstLayer({ ...parts, W1: between.W1, state: between });
  assertEquals(await work(resumed), expected);
});

Deno.test("LocalFirstLayer leaves no tensor behind, also when it stops in the middle of a batch", async () => {
  await startBackend();
  const before = tf.memory().numTensors;
  {
    using layer = new LocalFirstLayer(parts);
    await work(layer);
    layer.prepare(Uint32Array.of(1));
    layer.prepare(Uint32Array.of(2));
    layer.forward();
    layer.backward(draw(hidden));
    layer.prepare(Uint32Array.of(3));
    layer.forward();
  }
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("openFirstLayer() refuses a number of Workers that is none", async () => {
  for (const workers of [-1, 1.5, NaN]) {
    await assertRejects(() => openFirstLayer(parts, workers), RangeError, "workers");
  }
});
