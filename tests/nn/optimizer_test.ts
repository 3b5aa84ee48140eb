import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { blas } from "lib/math/blas.ts";
import { Memory32 } from "lib/math/memory32.ts";
import { seededRng, uniform } from "lib/math/rng.ts";
import { optimizer } from "lib/nn/optimizer.ts";

Deno.test("optimizer(sgd) steps against the gradient, in place", () => {
  const weights = Float32Array.from([1, -2]);
  optimizer("sgd", 2).step(weights, Float32Array.from([8, -16]), 2, 0.25);
  assertEquals(weights, Float32Array.from([0, 0]));
});

Deno.test("optimizer(adam) takes a first step of the learning rate, whatever the gradient's size", () => {
  const weights = new Float32Array(3);
  optimizer("adam", 3).step(weights, Float32Array.from([1e-3, -1e3, 0]), 1, 0.5);
  [-0.5, 0.5, 0].forEach((expected, i) => assertAlmostEquals(weights[i], expected, 1e-5));
});

Deno.test("optimizer(adam) takes six steps of algorithm 1, computed apart in float64", () => {
  // Gradients of very different size: each of β₁ and β₂ shows. β₁ 0.9, β₂ 0.999, η 0.1, from w = 1.
  const path = [0.900000, 0.9366103534720748, 0.9502794196738215, 0.8931867647197664];
  path.push(0.8449123158952121, 0.8105572159067232);
  const [weights, adam] = [Float32Array.of(1), optimizer("adam", 1)];
  [1, -2, 0.5, 30, 0.01, -4].forEach((gradient, step) => {
    adam.step(weights, Float32Array.of(2 * gradient), 2, 0.1);
    assertAlmostEquals(weights[0], path[step], 1e-5, `step ${step + 1}`);
  });
});

Deno.test("optimizer(adam) gives the same where all of it lies in one memory: without a library, the same bits", () => {
  const rng = seededRng(3);
  for (const length of [1, 2, 7, 100]) {
    using memory = Memory32.open();
    const [here, there] = [new Float32Array(length), memory.take(length).fill(0)];
    const sums = memory.take(length);
    const [plain, fast] = [optimizer("adam", length), optimizer("adam", length, undefined, memory)];
    for (let step = 0; step < 20; step++) {
      for (let i = 0; i < length; i++) {
        sums[i] = i % 5 === 0 ? 0 : (uniform(rng) - 0.5) * 10 ** (step % 7 - 3);
      }
      plain.step(here, sums.slice(), 250, 0.01);
      fast.step(there, sums, 250, 0.01);
      const pairs = [
        [there, here],
        ...plain.state.moments.map((m, k) => [fast.state.moments[k], m]),
      ];
      for (const [ours, expected] of pairs) {
        if (!blas()) assertEquals([...ours], [...expected]);
        else expected.forEach((x, i) => assertAlmostEquals(ours[i], x, 1e-6 + 1e-5 * Math.abs(x)));
      }
    }
  }
});

Deno.test("optimizer(adam) finds the bottom of a narrow valley", () => {
  const [weights, adam] = [Float32Array.from([3, 3]), optimizer("adam", 2)];
  for (let step = 0; step < 2000; step++) {
    const [x, y] = weights; // gradient of (x − 1)² + 100·(y + 1)²
    adam.step(weights, Float32Array.from([2 * (x - 1), 200 * (y + 1)]), 1, 0.02);
  }
  assertAlmostEquals(weights[0], 1, 1e-3);
  assertAlmostEquals(weights[1], -1, 1e-3);
});

Deno.test("optimizer() goes on from a saved state as if never stopped", () => {
  for (const name of ["sgd", "adam"] as const) {
    const gradient = (step: number) => Float32Array.from([Math.sin(step), 3 - step]);
    const [whole, halves] = [new Float32Array(2), new Float32Array(2)];
    const [unbroken, before] = [optimizer(name, 2), optimizer(name, 2)];
    for (let step = 0; step < 6; step++) unbroken.step(whole, gradient(step), 2, 0.1);
    for (let step = 0; step < 3; step++) before.step(halves, gradient(step), 2, 0.1);
    const after = optimizer(name, 2, structuredClone(before.state));
    for (let step = 3; step < 6; step++) after.step(halves, gradient(step), 2, 0.1);
    assertEquals(halves, whole);
  }
});

Deno.test("optimizer() refuses the state of another optimizer or of other weights", () => {
  const { state } = optimizer("adam", 3);
  assertThrows(() => optimizer("adam", 4, state), TypeError, "for 4 weights");
  assertThrows(() => optimizer("sgd", 3, state), TypeError, "Cannot go on with sgd");
});
