import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { dataset, image } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { clearProducts, fixedAccuracy, initFixedNet } from "lib/protocol/fixed_net.ts";
import { DEFAULT_SCALES } from "lib/protocol/fixed_step.ts";
import { classify } from "lib/protocol/head.ts";

const [n, hidden, m] = [4, 3, 5];
const images = dataset({
  name: "noise",
  x: seededRng(4).bytes(m * n),
  y: Uint8Array.of(0, 1, 0, 1, 1),
  shape: [2, 2, 1],
  classes: ["a", "b"],
});
const net = initFixedNet({ n, hidden, classes: 2 }, DEFAULT_SCALES, seededRng(1));

Deno.test("clearProducts() computes W1·x a sample and dz1·X", async () => {
  const { forward, backward } = clearProducts(images.x, n);
  const z1 = await forward(net.W1);
  const dz1 = Int32Array.from({ length: hidden * m }, (_, i) => i * i - 40);
  const dW1 = await backward(dz1);
  const sum = (length: number, term: (i: number) => number) =>
    Array.from({ length }, (_, i) => term(i)).reduce((a, b) => a + b, 0);
  for (let u = 0; u < hidden; u++) {
    for (let s = 0; s < m; s++) {
      assertEquals(z1[s * hidden + u], sum(n, (j) => net.W1[u * n + j] * image(images, s)[j]));
    }
    for (let j = 0; j < n; j++) {
      assertEquals(dW1[u * n + j], sum(m, (s) => dz1[u * m + s] * image(images, s)[j]));
    }
  }
});

Deno.test("fixedAccuracy() is the share of labels that the integers of W1 give", async () => {
  const unit = 2 ** -(DEFAULT_SCALES.weightBits + DEFAULT_SCALES.pixelBits);
  const z1 = (await clearProducts(images.x, n).forward(net.W1)).map((z) => z * unit);
  const guessed = Uint8Array.from(
    { length: m },
    (_, s) => classify(net.head, z1.subarray(s * hidden, (s + 1) * hidden)),
  );
  assertEquals(await fixedAccuracy(net, { ...images, y: guessed }), 1);
  const y = guessed.map((label, s) => s === 0 ? 1 - label : label);
  assertEquals(await fixedAccuracy(net, { ...images, y }), 0.8);
  const other = dataset({ ...images, x: new Uint8Array(m * 2), shape: [1, 2, 1] });
  await assertRejects(() => fixedAccuracy(net, other), TypeError, "takes 4 pixels");
});

Deno.test("initFixedNet() repeats from a seed and refuses sizes and weights out of range", () => {
  assertEquals(initFixedNet({ n, hidden, classes: 2 }, DEFAULT_SCALES, seededRng(1)), net);
  const init = (sizes: { n: number; hidden: number; classes: number }, weightBound = 2 ** 13) =>
    initFixedNet(sizes, { ...DEFAULT_SCALES, weightBound }, seededRng(1));
  assertThrows(() => init({ n, hidden: 0, classes: 2 }), RangeError, "hidden = 0");
  assertThrows(() => init({ n: 1.5, hidden, classes: 2 }), RangeError, "n = 1.5");
  assertThrows(() => init({ n, hidden, classes: 2 }, 10), RangeError, "exceeds ±10");
});
