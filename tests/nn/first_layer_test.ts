import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { blas } from "lib/math/blas.ts";
import { seededRng, uniform } from "lib/math/rng.ts";
import { LocalFirstLayer, type TrainableFirstLayer, unitBlocks } from "lib/nn/first_layer.ts";
import { type Call, openFirstLayer } from "lib/nn/parallel_first_layer.ts";
import { Actor } from "lib/workers/actor.ts";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted"; // Workers are read

const [n, hidden, pixelScale] = [6, 5, 1 / 255];
const rng = seededRng(1);
const draw = (length: number) => Float32Array.from({ length }, () => uniform(rng) - 0.5);
const W1 = draw(hidden * n);
const images = rng.bytes(12 * n);
const x = (image: number, p: number) => images[image * n + p] * pixelScale;
const parts = { W1, n, images, setting: { optimizer: "adam", pixelScale } } as const;

/** Two batches in parts; returns all that came out. */
async function work(layer: TrainableFirstLayer, units = hidden) {
  const gradient = seededRng(2);
  const z1s: Float32Array[] = [];
  for (const batch of [[[0, 1, 2], [3, 4]], [[5, 6], [7]]]) {
    for (const part of batch) layer.prepare(Uint32Array.from(part));
    for (const part of batch) {
      z1s.push(await layer.forward());
      const dz1 = Float32Array.from({ length: part.length * units }, () => uniform(gradient));
      layer.backward(dz1);
    }
    layer.update(batch.flat().length, 0.1);
  }
  z1s.push(await layer.apply(Uint32Array.of(11)));
  return { z1s, state: await layer.state() };
}

Deno.test("LocalFirstLayer gives z1 = W1·x and moves W1 against the mean of dz1·xᵀ over a batch in parts", () => {
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
    for (const units of [5, 21, 130]) { // one block, two, and some
      const wide = { ...parts, W1: draw(units * n) };
      using alone = openFirstLayer(wide, 0);
      const expected = await work(alone, units);
      for (const workers of [1, 2, 3, 9]) { // 9 are more than there are blocks
        using layer = openFirstLayer(wide, workers);
        assertEquals(await work(layer, units), expected);
      }
    }
  },
});

Deno.test("unitBlocks() cuts by the number of units and the backend, at whole panels, and leaves none out", () => {
  for (let units = 1; units < 700; units++) {
    const blocks = unitBlocks(units);
    assertEquals(blocks.reduce((sum, block) => sum + block), units);
    assert(blocks.every((block, k) => block > 0 && (block % 8 === 0 || k === blocks.length - 1)));
  }
  if (blas()) assertEquals(unitBlocks(300), [64, 56, 64, 56, 60]);
  else assertEquals(unitBlocks(300).length, 12);
});

Deno.test({
  name: "a Worker of the first layer may be ended inside a product, and others go on",
  ignore,
  async fn() {
    const [n, hidden, count] = [784, 300, 20_000];
    const W1 = draw(hidden * n);
    const images = new Uint8Array(new SharedArrayBuffer(count * n));
    images.set(rng.bytes(5 * n));
    const large = { W1, n, images, setting: parts.setting };
    const all = Uint32Array.from({ length: count }, (_, i) => i);
    const z1 = (images: number) => new Float32Array(new SharedArrayBuffer(4 * images * hidden));
    const url = new URL("../../lib/nn/first_layer_worker.ts", import.meta.url);
    const worker = new Actor<Call[], unknown>(url, "the first layer");
    worker.tell([["open", large]]);
    await worker.ask([["apply", all.subarray(0, 1), z1(1)]]); // it is at work now
    const answer = worker.ask([["apply", all, z1(count)]]);
    const refused = assertRejects(() => answer, Error, "enough");
    await new Promise((resolve) => setTimeout(resolve, 20));
    worker.stop("enough");
    await refused;
    using layer = openFirstLayer(large, 2);
    using alone = openFirstLayer(large, 0);
    assertEquals(await layer.apply(all.subarray(0, 5)), await alone.apply(all.subarray(0, 5)));
  },
});

Deno.test("LocalFirstLayer goes on from a saved state as if never stopped", async () => {
  using whole = new LocalFirstLayer(parts);
  await work(whole);
  const between = structuredClone(whole.state());
  const expected = await work(whole);
  using resumed = new LocalFirstLayer({ ...parts, W1: between.W1, state: between });
  assertEquals(await work(resumed), expected);
});

Deno.test("LocalFirstLayer stops in the middle of a batch, and the next begins with nothing of it", async () => {
  using whole = new LocalFirstLayer(parts);
  const expected = await work(whole);
  {
    using stopped = new LocalFirstLayer(parts);
    stopped.prepare(Uint32Array.of(1));
    stopped.prepare(Uint32Array.of(2));
    stopped.forward();
    stopped.backward(draw(hidden));
  }
  using layer = new LocalFirstLayer(parts); // in the memory of the other
  assertEquals(await work(layer), expected);
});

Deno.test("openFirstLayer() refuses a number of Workers that is none", () => {
  for (const workers of [-1, 1.5, NaN]) {
    assertThrows(() => openFirstLayer(parts, workers), RangeError, "workers");
  }
});
