import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { DEFAULT_SCALES, type Scales } from "lib/protocol/fixed_net.ts";
import { roundGradient, updateW1 } from "lib/protocol/mitig1/step.ts";

const scales: Scales = {
  ...{ weightBits: 4, weightBound: 100, pixelBits: 0 },
  ...{ gradientBits: 2, gradientBound: 8, rateBits: 3 },
};
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
  fc.assert(
    fc.property(cases, ([w, d, rate]) => {
      const product = BigInt(d) * BigInt(rate);
      const rounded = (product + (1n << (shift - 1n))) >> shift; // ⌊p/2^shift + 1/2⌋
      const [next] = updateW1(Int32Array.of(w), Float64Array.of(d), rate / 2 ** rateBits, wide);
      assertEquals(BigInt(next), BigInt(w) - rounded);
    }),
    { seed: 1 },
  );
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
