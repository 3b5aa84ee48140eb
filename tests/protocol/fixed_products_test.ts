import { assert, assertEquals, assertRejects } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { seededRng } from "lib/math/rng.ts";
import { clearProducts } from "lib/protocol/fixed_net.ts";
import { fastProducts } from "lib/protocol/fixed_products.ts";

/** Integers in ±bound with both ends among them. */
function integers(length: number, bound: number, seed: number): Int32Array {
  const words = new Uint32Array(seededRng(seed).bytes(4 * length).slice().buffer);
  const values = Int32Array.from(words, (word) => (word % (2 * bound + 1)) - bound);
  values[0] = bound;
  values[1] = -bound;
  return values;
}

async function assertEqualProducts(x: Uint8Array, n: number, W1: Int32Array, dz1: Int32Array) {
  const [fast, clear] = [fastProducts(x, n), clearProducts(x, n)];
  assertEquals(await fast.forward(W1), await clear.forward(W1));
  assertEquals(await fast.backward(dz1), await clear.backward(dz1));
}

Deno.test("fastProducts() equals clearProducts() bit for bit, at the sizes and bounds of the full network", async () => {
  const [n, m, hidden] = [784, 100, 7];
  const bright = new Uint8Array(m * n).fill(255);
  const noise = seededRng(1).bytes(m * n);
  const [W1, dz1] = [integers(hidden * n, 2 ** 13, 2), integers(hidden * m, 2 ** 14, 3)];
  await assertEqualProducts(noise, n, W1, dz1);
  await assertEqualProducts(bright, n, W1, dz1);
  // Every product of one sign: the largest sums there are.
  await assertEqualProducts(bright, n, W1.map(() => 2 ** 13 - 1), dz1.map(() => 1 - 2 ** 14));
});

Deno.test("fastProducts() stays exact beyond float32, with more digits", async () => {
  const [n, m, hidden] = [50, 3, 2];
  const x = seededRng(4).bytes(m * n);
  const large = 2 ** 31 - 1;
  await assertEqualProducts(x, n, integers(hidden * n, large, 5), integers(hidden * m, large, 6));
  await assertEqualProducts(new Uint8Array(m * n), n, new Int32Array(n), new Int32Array(m));
});

Deno.test("fastProducts() refuses what no digit makes exact, and leaves no tensor behind", async () => {
  const n = 2 ** 17;
  const x = new Uint8Array(n).fill(255);
  const { forward } = fastProducts(x, n);
  await assertRejects(() => forward(new Int32Array(n)), RangeError, "131072 terms of up to 255");
  assert(tf.memory().numTensors === 0);
});
