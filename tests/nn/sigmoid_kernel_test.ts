import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { Memory32 } from "lib/math/memory32.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { startBackend } from "lib/nn/backend.ts";
import { sigmoid32, sigmoidSlope32 } from "lib/nn/sigmoid_kernel.ts";

const rng = seededRng(1);

function sigmoids(z: ArrayLike<number>): number[] {
  using memory = Memory32.open();
  const a = memory.take(z.length);
  a.set(z);
  sigmoid32(memory, a);
  return [...a];
}

Deno.test("sigmoid32() is 1 / (1 + e⁻ᶻ) to float32, from end to end", () => {
  for (const z of [0, -0, 1, -1, 0.1, 10, -10, 88, -86]) {
    const expected = 1 / (1 + Math.exp(-z));
    assertAlmostEquals(sigmoids([z])[0] / expected, 1, 2 ** -22, `${z}`);
  }
  assertEquals(sigmoids([Infinity, -Infinity, 200, -200, -88]), [1, 0, 1, 0, 0]);
  assert(Number.isNaN(sigmoids([NaN])[0]));
  assertEquals(sigmoids([]), []);
});

Deno.test("sigmoid32() gives the bits of tfjs' WASM backend, on which recorded figures rest", async () => {
  await startBackend();
  for (const scale of [0.01, 1, 10, 60]) {
    const z = Float32Array.from(gaussian(rng, 20_001), (value) => scale * value);
    assertEquals(sigmoids(z), [...tf.tidy(() => tf.tensor1d(z).sigmoid().dataSync())]);
  }
  const bits = new Float32Array(Uint8Array.from(rng.bytes(40_000)).buffer).filter((z) => z === z);
  assertEquals(sigmoids(bits), [...tf.tidy(() => tf.tensor1d(bits).sigmoid().dataSync())]);
});

Deno.test("sigmoidSlope32() multiplies by a − a², rounded at each step", () => {
  for (const length of [0, 1, 4, 61]) {
    using memory = Memory32.open();
    const [da, a] = [memory.take(length), memory.take(length)];
    const gradients = gaussian(rng, length);
    da.set(gradients);
    a.set(sigmoids(gaussian(rng, length)));
    const expected = da.map((d, i) => d * Math.fround(a[i] - Math.fround(a[i] * a[i])));
    sigmoidSlope32(memory, da, a);
    assertEquals(da, expected);
  }
});
