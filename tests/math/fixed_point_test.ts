import { assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { scaleBitsFor, toFixed } from "lib/math/fixed_point.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

Deno.test("toFixed() rounds to the nearest multiple of 2^-scaleBits", () => {
  assertEquals([...toFixed([0, 1, -1, 0.124, 0.126, -2.5], 2)], [0, 4, -4, 0, 1, -10]);
  assertEquals([...toFixed([0.4, 0.5, -0.5, -0.6], 0)], [0, 1, 0, -1]);
});

Deno.test("toFixed() is within half a unit", () => {
  const values = gaussian(seededRng(5), 500);
  const fixed = toFixed(values, 8);
  values.forEach((value, i) => assertLessOrEqual(Math.abs(value - fixed[i] / 2 ** 8), 2 ** -9));
});

Deno.test("toFixed() refuses NaN, infinities and what does not fit 32 bits", () => {
  for (const value of [NaN, Infinity, -Infinity, 2 ** 23, -(2 ** 23)]) {
    assertThrows(() => toFixed([0, value], 8), RangeError, `value ${value} at 1 does not fit`);
  }
  assertEquals(toFixed([2 ** 23 - 1], 8)[0], 2 ** 31 - 256);
});

Deno.test("toFixed() refuses a scale that is no integer in ±1100", () => {
  for (const scaleBits of [-1101, 1101, 1.5, NaN]) {
    assertThrows(() => toFixed([1], scaleBits), RangeError, "Cannot scale");
  }
});

Deno.test("toFixed() takes any power of two, though it alone is no float64", () => {
  assertEquals([...toFixed([1e6, -3], -12)], [244, 0]);
  assertEquals([...toFixed([2 ** -1074], 1084)], [1024]);
  assertEquals([...toFixed([2 ** 1023], -1020)], [8]);
});

Deno.test("scaleBitsFor() is the finest scale that fits, of any magnitude, and refuses what is not finite", () => {
  assertEquals(scaleBitsFor([0.1, -3.9], 10), 8); // round(3.9 · 2^8) = 998, at 2^9 it is 1997
  assertEquals(scaleBitsFor([1], 10), 9);
  assertEquals(scaleBitsFor([1023], 10), 0);
  assertEquals([scaleBitsFor([1024], 10), scaleBitsFor([1023.6], 10)], [-1, -1]);
  assertEquals(scaleBitsFor([2 ** -1074], 10), 1083);
  assertEquals(scaleBitsFor([Number.MAX_VALUE], 10), -1015);
  assertEquals([scaleBitsFor([], 10), scaleBitsFor([0, -0], 10)], [0, 0]);
  for (const value of [NaN, Infinity, -Infinity]) {
    assertThrows(
      () => scaleBitsFor([1, value], 10),
      RangeError,
      `value ${value} at 1 is not finite`,
    );
  }
});
