/** A WASM backend that one computation has broken. */
import { assertEquals, assertRejects } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { mendBackend, startBackend } from "lib/nn/backend.ts";

const product = () =>
  tf.tidy(() => [...tf.tensor2d([1, 2, 3, 4], [2, 2]).matMul(tf.ones([2, 2])).dataSync()]);

Deno.test("mendBackend() makes anew what a trap has broken, and leaves alone what works", async () => {
  await startBackend();
  assertEquals(product(), [3, 3, 7, 7]);
  const whole = tf.backend();
  assertEquals(await mendBackend(new Error("some other")), false);
  assertEquals(tf.backend(), whole);
  const trap = () => {
    tf.tidy(() => { // 2^32 bytes, which its address space cannot hold
      const z1 = tf.tensor2d(new Float32Array(2 ** 20), [2 ** 20, 1]);
      z1.add(tf.tensor1d([0])).sigmoid().matMul(tf.ones([1, 1024])).dataSync();
    });
  };
  const error = await assertRejects(() => Promise.resolve().then(trap), WebAssembly.RuntimeError);
  assertEquals(await mendBackend(error), true);
  assertEquals(tf.backend() === whole, false);
  assertEquals(product(), [3, 3, 7, 7]);
  assertEquals(await mendBackend(new Error("some other")), false);
});
