import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { seededRng, uniform } from "lib/math/rng.ts";
import { drawPatches, patchDataset, patchFeatures } from "lib/nn/patches.ts";

/** Stripes, down or across, at random places, of random contrast. */
function stripes(name: string, count: number, seed: number) {
  const rng = seededRng(seed);
  const [x, y] = [new Uint8Array(count * 144), new Uint8Array(count)];
  for (let i = 0; i < count; i++) {
    const [phase, height] = [Math.floor(4 * uniform(rng)), 40 + 150 * uniform(rng)];
    y[i] = i % 2;
    for (let p = 0; p < 144; p++) {
      const along = y[i] === 0 ? p % 12 : Math.floor(p / 12);
      x[i * 144 + p] = (along + phase) % 4 < 2 ? height : 10 * uniform(rng);
    }
  }
  return dataset({ name, x, y, shape: [12, 12, 1], classes: ["down", "across"] });
}

Deno.test("patchFeatures() are what its docstring says, patch by patch", async () => {
  const images = stripes("stripes", 6, 1);
  const dictionary = drawPatches(images, { count: 3, rng: seededRng(2) });
  const features = await patchFeatures(dictionary, images);
  assertEquals(features.length, 6 * 4 * 3);
  // 4 places a side, 2 by 2 of them in a quarter; the last one of image 5 by hand.
  const expected = new Float64Array(3);
  for (const [top, left] of [[4, 4], [4, 6], [6, 4], [6, 6]]) {
    const patch = Array.from(
      { length: 36 },
      (_, k) => images.x[5 * 144 + (top + Math.floor(k / 6)) * 12 + left + k % 6],
    );
    const mean = patch.reduce((sum, value) => sum + value / 36, 0);
    const variance = patch.reduce((sum, value) => sum + (value - mean) ** 2 / 36, 0);
    for (let k = 0; k < 3; k++) {
      const answer = patch.reduce(
        (sum, value, p) =>
          sum + (value - mean) / Math.sqrt(variance + 10) * dictionary.filters[p * 3 + k],
        dictionary.bias[k],
      );
      expected[k] += Math.max(0, answer) / 4;
    }
  }
  expected.forEach((value, k) => assertAlmostEquals(features[5 * 12 + 9 + k], value, 1e-4));
});

Deno.test("drawPatches(): the patch that a filter was made of answers with its own length, others less", () => {
  const images = stripes("stripes", 8, 3);
  const { filters } = drawPatches(images, { count: 5, rng: seededRng(4) });
  assert(filters.every(Number.isFinite));
  const again = drawPatches(images, { count: 5, rng: seededRng(4) });
  assertEquals(again.filters, filters);
});

Deno.test("patchDataset() gives what is above and below the mean, which tells the stripes apart", async () => {
  const [train, test] = [stripes("train", 60, 5), stripes("test", 20, 6)];
  const { train: features, test: held } = await patchDataset({ train, test }, {
    count: 8,
    rng: seededRng(7),
  });
  assertEquals([features.n, features.shape, held.count], [64, [2, 2, 16], 20]);
  let [balance, square] = [0, 0];
  for (let at = 0; at < features.x.length; at += 2) {
    const [above, below] = features.x.subarray(at, at + 2);
    assert(above === 0 || below === 0);
    balance += above - below;
    square += (above - below) ** 2;
  }
  const pairs = features.x.length / 2;
  assertAlmostEquals(balance / pairs, 0, 1);
  assertAlmostEquals(Math.sqrt(square / pairs), 64, 3);
  const centre = [0, 1].map((label) => {
    const own = features.y.reduce<number[]>((all, y, i) => y === label ? [...all, i] : all, []);
    return Float64Array.from(
      { length: 64 },
      (_, p) => own.reduce((sum, i) => sum + features.x[i * 64 + p] / own.length, 0),
    );
  });
  const distance = (i: number, label: number) =>
    centre[label].reduce((sum, value, p) => sum + (held.x[i * 64 + p] - value) ** 2, 0);
  held.y.forEach((label, i) => assert(distance(i, label) < distance(i, 1 - label), `image ${i}`));
});

Deno.test("patches of images in colour, of small ones, and too many are refused", async () => {
  const colour = dataset({
    ...{ name: "colour", x: new Uint8Array(300), y: Uint8Array.of(0), shape: [10, 10, 3] },
    classes: ["one"],
  });
  assertThrows(() => drawPatches(colour, { count: 3 }), TypeError, "got 10×10×3");
  const images = stripes("stripes", 2, 1);
  assertThrows(() => drawPatches(images, { count: 0 }), RangeError, "count = 0");
  const dictionary = drawPatches(images, { count: 2 });
  await assertRejects(() => patchFeatures(dictionary, colour), TypeError, "grey");
});
