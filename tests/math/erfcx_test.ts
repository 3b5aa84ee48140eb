import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { erfcx, normalTail } from "lib/math/erfcx.ts";
import vectors from "../vectors/privacy.json" with { type: "json" };

Deno.test("erfcx() agrees with 60 digits of mpmath, on both sides of its seam and far out", () => {
  for (const [x, expected] of vectors.erfcx) {
    assert(Math.abs(erfcx(x) / expected - 1) < 1e-13, `erfcx(${x}) = ${erfcx(x)}, not ${expected}`);
  }
  assertThrows(() => erfcx(-1), RangeError, "got -1");
  assertThrows(() => erfcx(NaN), RangeError, "got NaN");
});

Deno.test("normalTail() is the upper tail of the standard normal distribution", () => {
  assertEquals(normalTail(0), 0.5);
  assertAlmostEquals(normalTail(1.959963984540054), 0.025, 1e-15);
  assertAlmostEquals(normalTail(-1.959963984540054), 0.975, 1e-15);
  assert(Math.abs(normalTail(10) / 7.619853024160527e-24 - 1) < 1e-13);
});
