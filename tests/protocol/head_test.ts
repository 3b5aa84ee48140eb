import { assertAlmostEquals, assertEquals } from "@std/assert";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { type Head, headClasses, headStep, initHead } from "lib/protocol/head.ts";

const [hidden, classes, m] = [4, 3, 5];
const rng = seededRng(3);
const head: Head = {
  ...initHead(hidden, classes, rng),
  b1: gaussian(rng, hidden),
  b2: gaussian(rng, classes),
};
const z1 = gaussian(rng, m * hidden);
const labels = [0, 1, 2, 1, 0];
const lossOf = (h: Head, z: Float64Array) => headStep(h, z, labels, 1).loss;

/** Central difference of `loss` in one entry of an array, which is put back. */
function slope(values: Float64Array, at: number, loss: () => number): number {
  const [kept, eps] = [values[at], 1e-6];
  values[at] = kept + eps;
  const above = loss();
  values[at] = kept - eps;
  const below = loss();
  values[at] = kept;
  return (above - below) / (2 * eps);
}

Deno.test("headStep() returns the gradients that finite differences of its loss give", () => {
  const rate = 0.25;
  const { dz1, head: next } = headStep(head, z1, labels, rate);
  const copy = structuredClone(head);
  for (const name of ["b1", "W2", "b2"] as const) {
    copy[name].forEach((_, at) => {
      const gradient = (head[name][at] - next[name][at]) / rate;
      assertAlmostEquals(gradient, slope(copy[name], at, () => lossOf(copy, z1)), 1e-7, name);
    });
  }
  const moved = z1.slice();
  dz1.forEach((value, at) => { // dz1 is of the sum over samples, the loss is their mean
    assertAlmostEquals(value / m, slope(moved, at, () => lossOf(head, moved)), 1e-7);
  });
});

Deno.test("headStep() has the loss of the formula, finite where the outputs saturate", () => {
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
  let expected = 0;
  labels.forEach((label, s) => {
    for (let k = 0; k < classes; k++) {
      let z2 = head.b2[k];
      for (let i = 0; i < hidden; i++) {
        z2 += head.W2[k * hidden + i] * sigmoid(z1[s * hidden + i] + head.b1[i]);
      }
      expected -= Math.log(label === k ? sigmoid(z2) : 1 - sigmoid(z2)) / m;
    }
  });
  assertAlmostEquals(lossOf(head, z1), expected, 1e-12);
  const steep = { ...head, W2: head.W2.map((w) => w * 1e5) };
  const { dz1, loss } = headStep(steep, z1.map((z) => z * 1e5), labels, 1);
  assertEquals([Number.isFinite(loss), dz1.every(Number.isFinite)], [true, true]);
});

Deno.test("headClasses() picks the largest output of each sample", () => {
  for (let k = 0; k < classes; k++) {
    const b2 = Float64Array.from({ length: classes }, (_, i) => i === k ? 100 : 0);
    assertEquals(headClasses({ ...head, b2 }, z1), new Uint8Array(m).fill(k));
  }
  const each = Array.from({ length: m }, (_, i) => z1.subarray(i * hidden, (i + 1) * hidden));
  assertEquals([...headClasses(head, z1)], each.map((z) => headClasses(head, z)[0]));
});
