import { assertEquals, assertThrows } from "@std/assert";
import { dataset, image } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import {
  clearProducts,
  DEFAULT_SCALES,
  fixedAccuracy,
  fixedClasses,
  floatNet,
  initFixedNet,
  initialFixedW1,
} from "lib/protocol/fixed_net.ts";
import { headClasses, initHead } from "lib/protocol/head.ts";

const [n, hidden, m] = [4, 3, 5];
const images = dataset({
  name: "noise",
  x: seededRng(4).bytes(m * n),
  y: Uint8Array.of(0, 1, 0, 1, 1),
  shape: [2, 2, 1],
  classes: ["a", "b"],
});
const sizes = { n, hidden, classes: 2 };
const net = initFixedNet(sizes, DEFAULT_SCALES, seededRng(1));

/** Integers in ±bound with both ends among them. */
function integers(length: number, bound: number, seed: number): Int32Array {
  const words = new Uint32Array(seededRng(seed).bytes(4 * length).slice().buffer);
  const values = Int32Array.from(words, (word) => (word % (2 * bound + 1)) - bound);
  values[0] = bound;
  values[values.length - 1] = -bound;
  return values;
}

/** Σ_j a(j)·b(j) in BigInt: the oracle. */
function sum(length: number, a: (j: number) => number, b: (j: number) => number): number {
  let total = 0n;
  for (let j = 0; j < length; j++) total += BigInt(a(j)) * BigInt(b(j));
  return Number(total);
}

function assertExact(x: Uint8Array, n: number, W1: Int32Array, dz1: Int32Array) {
  const [m, hidden] = [x.length / n, W1.length / n];
  const { forward, backward } = clearProducts(x, n);
  const z1 = Float64Array.from({ length: m * hidden }, (_, at) => {
    const [s, u] = [Math.floor(at / hidden), at % hidden];
    return sum(n, (j) => W1[u * n + j], (j) => x[s * n + j]);
  });
  assertEquals(forward(W1), z1);
  const dW1 = Float64Array.from({ length: hidden * n }, (_, at) => {
    const [u, j] = [Math.floor(at / n), at % n];
    return sum(m, (s) => dz1[u * m + s], (s) => x[s * n + j]);
  });
  assertEquals(backward(dz1), dW1);
}

Deno.test("clearProducts() computes W1·x for each sample and dz1·X, at the sizes and bounds of the full network", () => {
  const dz1 = Int32Array.from({ length: hidden * m }, (_, i) => i * i - 40);
  assertExact(images.x, n, net.W1, dz1);
  const [n1, m1, hidden1] = [784, 21, 5];
  const bright = new Uint8Array(m1 * n1).fill(255);
  const [W1, d] = [integers(hidden1 * n1, 2 ** 13, 2), integers(hidden1 * m1, 2 ** 14, 3)];
  assertExact(seededRng(1).bytes(m1 * n1), n1, W1, d);
  // Every product of one sign: the largest sums there are.
  assertExact(bright, n1, W1.map(() => 2 ** 13 - 1), d.map(() => 1 - 2 ** 14));
});

Deno.test("clearProducts() stays exact for any int32, and for more pixels than any image has", () => {
  const [n1, m1, hidden1] = [50, 3, 2];
  const x = seededRng(4).bytes(m1 * n1);
  const large = 2 ** 31 - 1;
  assertExact(x, n1, integers(hidden1 * n1, large, 5), integers(hidden1 * m1, large, 6));
  assertExact(new Uint8Array(m1 * n1), n1, new Int32Array(n1), new Int32Array(m1));
  const wide = new Uint8Array(2 ** 17).fill(255);
  assertExact(wide, wide.length, new Int32Array(wide.length).fill(8191), Int32Array.of(-5));
});

Deno.test("fixedAccuracy() is the share of labels that the integers of W1 give, over any number of images", () => {
  const unit = 2 ** -(DEFAULT_SCALES.weightBits + DEFAULT_SCALES.pixelBits);
  const guessed = Uint8Array.from({ length: m }, (_, s) => {
    const z1 = Float64Array.from(
      { length: hidden },
      (_, u) => unit * sum(n, (j) => net.W1[u * n + j], (j) => image(images, s)[j]),
    );
    return headClasses(net.head, z1)[0];
  });
  assertEquals(fixedAccuracy(net, { ...images, y: guessed }), 1);
  const y = guessed.map((label, s) => s === 0 ? 1 - label : label);
  assertEquals(fixedAccuracy(net, { ...images, y }), 0.8);
  const times = 401; // 2005 images are taken in three parts
  const many = new Uint8Array(times * images.x.length);
  for (let k = 0; k < times; k++) many.set(images.x, k * images.x.length);
  assertEquals(
    fixedClasses(net, many),
    Uint8Array.from({ length: times * m }, (_, i) => guessed[i % m]),
  );
  const other = dataset({ ...images, x: new Uint8Array(m * 2), shape: [1, 2, 1] });
  assertThrows(() => fixedAccuracy(net, other), TypeError, "takes 4 pixels");
});

Deno.test("initFixedNet() repeats from a seed, or from one for each side, and refuses sizes and weights out of range", () => {
  assertEquals(initFixedNet(sizes, DEFAULT_SCALES, seededRng(1)), net);
  const apart = initFixedNet(sizes, DEFAULT_SCALES, seededRng(1), seededRng(2));
  assertEquals(apart.W1, initialFixedW1(sizes, DEFAULT_SCALES, seededRng(1)));
  assertEquals(apart.head, initHead(hidden, 2, seededRng(2)));
  const init = (sizes: { n: number; hidden: number; classes: number }, weightBound = 2 ** 13) =>
    initFixedNet(sizes, { ...DEFAULT_SCALES, weightBound }, seededRng(1));
  assertThrows(() => init({ n, hidden: 0, classes: 2 }), RangeError, "hidden = 0");
  assertThrows(() => init({ n: 1.5, hidden, classes: 2 }), RangeError, "n = 1.5");
  assertThrows(() => init({ n, hidden, classes: 2 }, 10), RangeError, "exceeds ±10");
});

Deno.test("floatNet() is the network that the integers stand for, for pixels in 0..255", () => {
  const { W1, b1, W2, b2, ...rest } = floatNet(net);
  assertEquals(rest, sizes);
  assertEquals([...W1], [...net.W1].map((w) => w * 2 ** -18));
  assertEquals(
    [b1, W2, b2],
    [net.head.b1, net.head.W2, net.head.b2].map((v) => Float32Array.from(v)),
  );
});

Deno.test("clearProducts() is exact to the integer near 2^53 too, by every library", () => {
  const [m, n, hidden] = [33, 130, 70];
  const x = seededRng(5).bytes(m * n);
  const [W1, dz1] = [integers(hidden * n, 2 ** 31 - 2, 6), integers(hidden * m, 2 ** 31 - 2, 7)];
  const products = clearProducts(x, n);
  const [z1, dW1] = [products.forward(W1), products.backward(dz1)];
  for (const [i, j] of [[0, 0], [32, 69], [7, 31]]) {
    assertEquals(z1[i * hidden + j], sum(n, (p) => x[i * n + p], (p) => W1[j * n + p]));
    assertEquals(dW1[j * n + i], sum(m, (k) => dz1[j * m + k], (k) => x[k * n + i]));
  }
});

Deno.test("clearProducts() refuses factors whose sums could exceed 2^53", () => {
  const n = 20000;
  const products = clearProducts(new Uint8Array(n), n);
  products.forward(new Int32Array(n).fill(2 ** 30));
  assertThrows(
    () => products.forward(new Int32Array(n).fill(2 ** 31 - 1)),
    RangeError,
    "Cannot multiply exactly: 20000 pixels times up to 2147483647 can exceed 2^53",
  );
});
