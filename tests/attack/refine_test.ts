import { assertEquals } from "@std/assert";
import { refine } from "lib/attack/refine.ts";
import { plantedView, SQUARE } from "./fixtures.ts";

/** The square has 15 bright pixels of 64. */
const view = plantedView(SQUARE, { hidden: 20 });
const near = (light: number, dark: number) =>
  Float64Array.from(SQUARE, (x, p) => x > 0 ? x + light * Math.sin(p) : dark);

Deno.test("refine() finds the image from its black pixels alone", () => {
  assertEquals(refine(view, near(40, 1.5)), Float64Array.from(SQUARE));
});

Deno.test("refine() rounds what is nearly right and keeps white pixels", () => {
  const white = Float64Array.from(SQUARE, (x) => x > 0 ? 255 : 40);
  const behind = plantedView(white, { hidden: 50 });
  const guess = white.map((x) => x === 255 ? 253.5 : 70);
  assertEquals(refine(behind, guess), white);
  assertEquals(refine(behind, white.map((x) => x - 0.4)), white);
});

Deno.test("refine() returns null without proof: black pixels wrong, too many grey ones, a contradiction", () => {
  const wrong = near(40, 1.5);
  wrong[SQUARE.findIndex((x) => x > 0)] = 0;
  assertEquals(refine(view, wrong), null);
  assertEquals(refine(view, near(40, 30)), null); // 64 unknowns, 20 equations
  assertEquals(refine(plantedView(SQUARE, { hidden: 20, weightSeed: 2 }), near(40, 1.5)), null);
  assertEquals(refine(view, new Float64Array(64)), null);
});
