import { assertEquals, assertThrows } from "@std/assert";
import { certified } from "lib/attack/certificate.ts";
import { serverView } from "lib/attack/view.ts";
import { plantedView, SQUARE } from "./fixtures.ts";

const view = plantedView(SQUARE, { hidden: 20 });

Deno.test("certified() accepts the image itself and what rounds to it", () => {
  assertEquals(certified(view, SQUARE), true);
  assertEquals(certified(view, Float64Array.from(SQUARE, (x) => x + 0.4)), true);
});

Deno.test("certified() rejects one pixel off by one, another view and values off the range", () => {
  const off = Float64Array.from(SQUARE);
  off[9] += 1;
  assertEquals(certified(view, off), false);
  const sum = serverView({ W1: [1, 1], z1: [9], shape: [1, 2, 1], scaleBits: 0 });
  assertEquals([certified(sum, [4, 5]), certified(sum, [4, 4])], [true, false]);
  assertEquals(certified(plantedView(SQUARE, { hidden: 20, weightSeed: 2 }), SQUARE), false);
  const negative = Float64Array.from(SQUARE, (x) => x - 300);
  assertEquals(certified(plantedView(negative, { hidden: 20 }), negative), false);
  assertThrows(() => certified(view, [1, 2]), TypeError, "2 pixels, expected 64");
});

Deno.test("certified() is false for NaN", () => {
  assertEquals(certified(view, new Float64Array(64).fill(NaN)), false);
});
