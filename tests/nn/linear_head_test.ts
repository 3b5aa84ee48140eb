import { assertAlmostEquals, assertEquals } from "@std/assert";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { initialLinearHead, linearClasses, LinearHead } from "lib/nn/linear_head.ts";

const [width, classes, m] = [3, 4, 5];
const rng = seededRng(6);
const weights = initialLinearHead({ width, classes }, rng);
const z = Float32Array.from(gaussian(rng, m * width));
const labels = Uint8Array.of(0, 3, 1, 1, 2);

/** Summed softmax cross-entropy in plain float64. */
function lossOf(A: Float32Array, b: Float32Array, z: Float32Array): number {
  let loss = 0;
  labels.forEach((label, k) => {
    const logits = Array.from(b, (bi, i) => {
      let sum = bi;
      for (let j = 0; j < width; j++) sum += A[i * width + j] * z[k * width + j];
      return sum;
    });
    loss += Math.log(logits.reduce((sum, l) => sum + Math.exp(l), 0)) - logits[label];
  });
  return loss;
}

Deno.test("LinearHead.step() returns loss and dz, and moves A and b, as differences give", () => {
  const head = new LinearHead(weights, "sgd");
  const { dz1: dz, loss } = head.step({ z1: z, labels, close: { images: m, learningRate: 0.5 } });
  const { A, b } = weights;
  assertAlmostEquals(loss, lossOf(A, b, z), 1e-4);
  const slope = (array: Float32Array, at: number, f: (array: Float32Array) => number) =>
    (f(array.with(at, array[at] + 1e-3)) - f(array.with(at, array[at] - 1e-3))) / 2e-3;
  dz.forEach((d, i) => assertAlmostEquals(d, slope(z, i, (z) => lossOf(A, b, z)), 1e-3));
  const moved = head.state().weights;
  A.forEach((a, i) =>
    assertAlmostEquals(moved.A[i], a - slope(A, i, (A) => lossOf(A, b, z)) / 2 / m, 1e-3)
  );
  b.forEach((a, i) =>
    assertAlmostEquals(moved.b[i], a - slope(b, i, (b) => lossOf(A, b, z)) / 2 / m, 1e-3)
  );
});

Deno.test("LinearHead keeps the gradient of parts until one closes the batch, and goes on from its state", () => {
  const close = { images: m, learningRate: 0.1 };
  const one = new LinearHead(weights, "adam");
  one.step({ z1: z, labels, close });
  const two = new LinearHead(weights, "adam");
  two.step({ z1: z.slice(0, 6), labels: labels.slice(0, 2) });
  assertEquals(two.state().weights, weights);
  two.step({ z1: z.slice(6), labels: labels.slice(2), close });
  assertEquals(two.state(), one.state());
  const saved = structuredClone(one.state());
  const resumed = new LinearHead(saved.weights, "adam", saved.optimizers);
  for (const head of [one, resumed]) head.step({ z1: z, labels, close });
  assertEquals(resumed.state(), one.state());
});

Deno.test("linearClasses() takes the largest logit", () => {
  const A = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  const codes = Float32Array.of(0, 2, 1, 3, 0, 0);
  assertEquals([...linearClasses({ A, b: new Float32Array(3) }, codes)], [1, 0]);
  assertEquals([...linearClasses({ A, b: Float32Array.of(0, 0, 9) }, codes)], [2, 2]);
});
