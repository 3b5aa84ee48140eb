import { assertAlmostEquals, assertEquals } from "@std/assert";
import { adam, sgd } from "lib/nn/optimizer.ts";

Deno.test("sgd() steps against the gradient, in place", () => {
  const weights = Float32Array.from([1, -2]);
  sgd()(weights, Float32Array.from([4, -8]), 0.25);
  assertEquals(weights, Float32Array.from([0, 0]));
});

Deno.test("adam() takes a first step of the learning rate, whatever the gradient's size", () => {
  const weights = new Float32Array(3);
  adam()(weights, Float32Array.from([1e-3, -1e3, 0]), 0.5);
  [-0.5, 0.5, 0].forEach((expected, i) => assertAlmostEquals(weights[i], expected, 1e-5));
});

Deno.test("adam() finds the bottom of a narrow valley", () => {
  const [weights, update] = [Float32Array.from([3, 3]), adam()];
  for (let step = 0; step < 2000; step++) {
    const [x, y] = weights; // gradient of (x − 1)² + 100·(y + 1)²
    update(weights, Float32Array.from([2 * (x - 1), 200 * (y + 1)]), 0.02);
  }
  assertAlmostEquals(weights[0], 1, 1e-3);
  assertAlmostEquals(weights[1], -1, 1e-3);
});
