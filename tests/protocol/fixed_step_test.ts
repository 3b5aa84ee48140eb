import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { seededRng } from "lib/math/rng.ts";
import { clearProducts, initFixedNet } from "lib/protocol/fixed_net.ts";
import {
  DEFAULT_SCALES,
  type InnerProducts,
  roundGradient,
  type Scales,
  trainStep,
  updateW1,
} from "lib/protocol/fixed_step.ts";

const scales: Scales = {
  ...{ weightBits: 4, weightBound: 100, pixelBits: 0 },
  ...{ gradientBits: 2, gradientBound: 8, rateBits: 3 },
};
const [n, m] = [6, 4];
const x = seededRng(2).bytes(m * n);
const labels = [0, 2, 1, 2];
const net = initFixedNet({ n, hidden: 3, classes: 3 }, DEFAULT_SCALES, seededRng(1));
const clear = clearProducts(x, n);

Deno.test("roundGradient() rounds at the stated scale and puts a hidden unit in a row", () => {
  // [m = 2, hidden = 3] → [3, 2], times 2^2, halves up
  const dz1 = Float64Array.of(0.25, 1, -0.125, 0.1, -2, 0.125);
  assertEquals(roundGradient(dz1, 2, scales), Int32Array.of(1, 0, 4, -8, 0, 1));
});

Deno.test("roundGradient() refuses NaN, an infinity and an entry over its bound, and names it", () => {
  for (const bad of [NaN, Infinity, -2.2]) {
    const dz1 = Float64Array.of(0, 0, 0, 0, bad, 0);
    assertThrows(
      () => roundGradient(dz1, 2, scales),
      RangeError,
      `dz1 of unit 1, sample 1 is ${bad}, at scale 2^2 not within ±8`,
    );
  }
});

Deno.test("updateW1() subtracts round(dW1 · rate) at the stated scales", () => {
  // rate 0.5 = 4/2^3; one unit of W1 is 2^-4, one of dW1 2^-2: dW1 · 0.5 · 2^(4−2)
  const W1 = Int32Array.of(10, 10, -10, 0);
  const updated = updateW1(W1, Float64Array.of(1, -3, 7, 0), 0.5, scales);
  assertEquals(updated, Int32Array.of(8, 16, -24, 0));
  assertEquals(W1, Int32Array.of(10, 10, -10, 0), "the old weights stay");
  // pixelBits 4 divides by 16 more: 0.125·dW1, halves up
  const halves = updateW1(new Int32Array(3), Float64Array.of(4, -4, 5), 0.5, {
    ...scales,
    pixelBits: 4,
  });
  assertEquals(halves, Int32Array.of(-1, 0, -1));
});

Deno.test("updateW1() equals the same formula in BigInt", () => {
  const wide = { ...DEFAULT_SCALES, weightBound: 2 ** 31 - 1 };
  const { weightBits, gradientBits, pixelBits, rateBits } = wide;
  const shift = BigInt(gradientBits + pixelBits + rateBits - weightBits);
  const cases = fc.tuple(
    fc.integer({ min: -(2 ** 13), max: 2 ** 13 }),
    fc.integer({ min: -(2 ** 32), max: 2 ** 32 }),
    fc.integer({ min: 1, max: 2 ** 20 }),
  );
  fc.assert(fc.property(cases, ([w, d, rate]) => {
    const product = BigInt(d) * BigInt(rate);
    const rounded = (product + (1n << (shift - 1n))) >> shift; // ⌊p/2^shift + 1/2⌋
    const [next] = updateW1(Int32Array.of(w), Float64Array.of(d), rate / 2 ** rateBits, wide);
    assertEquals(BigInt(next), BigInt(w) - rounded);
  }));
});

Deno.test("updateW1() refuses a weight over its bound, an inexact product and a rate of 0", () => {
  const update = (dW1: number, rate: number) =>
    updateW1(Int32Array.of(90), Float64Array.of(dW1), rate, scales);
  assertThrows(() => update(-6, 0.5), RangeError, "W1[0] would be 102, not within ±100");
  const fine = { ...scales, gradientBits: 24, rateBits: 30 }; // would move W1 by 2^3
  const inexact = () => updateW1(Int32Array.of(0), Float64Array.of(2 ** 24), 0.5, fine);
  assertThrows(inexact, RangeError, "dW1[0] · rate = 16777216 · 536870912 exceeds 2^53");
  for (const rate of [0, -1, 0.01, NaN]) {
    assertThrows(() => update(1, rate), RangeError, `rate ${rate} rounds to 0 at scale 2^3`);
  }
});

Deno.test("trainStep() lowers the loss, returns what it saw and changes nothing it was given", async () => {
  const before = structuredClone(net);
  const first = await trainStep(net, labels, clear, 0.5);
  assertEquals(net, before);
  assertEquals(first.record.W1, net.W1);
  assertEquals(first.record.z1, await clear.forward(net.W1));
  assertEquals(first.record.dW1, await clear.backward(first.record.dz1));
  assertNotEquals(first.net.W1, net.W1);
  let { net: trained, record } = first;
  for (let step = 0; step < 300; step++) {
    ({ net: trained, record } = await trainStep(trained, labels, clear, 1));
  }
  assert(record.loss < first.record.loss / 2, `loss ${first.record.loss} → ${record.loss}`);
});

Deno.test("trainStep() refuses products of another shape and products that are no integers", async () => {
  const refuses = (bent: Partial<InnerProducts>, message: string) =>
    assertRejects(() => trainStep(net, labels, { ...clear, ...bent }, 0.5), TypeError, message);
  const always = (values: Float64Array) => () => Promise.resolve(values);
  await refuses({ forward: always(new Float64Array(11)) }, "z1 has 11 entries, expected 12");
  await refuses({ forward: always(new Float64Array(12).fill(NaN)) }, "z1[0] = NaN is no integer");
  await refuses({ backward: always(new Float64Array(12)) }, "dW1 has 12 entries, expected 18");
  await refuses({ backward: always(new Float64Array(18).fill(0.5)) }, "dW1[0] = 0.5 is no integer");
});

Deno.test("trainStep() refuses NaN that comes from the later layers", async () => {
  const head = { ...net.head, W2: net.head.W2.map(() => NaN) };
  await assertRejects(
    () => trainStep({ ...net, head }, labels, clear, 0.5),
    RangeError,
    "dz1 of unit 0, sample 0 is NaN",
  );
});
