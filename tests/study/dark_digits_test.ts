import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { randomScalars, seededRng } from "lib/math/rng.ts";
import { collateral, darkDigits, PROPERTIES } from "lib/study/dark_digits.ts";

/** Bars of 8 × 8 at two places, upright, leaning left or right: the class is the place. The shift leans them all. */
function bars(count: number, seed: number, shift = 0) {
  const draws = randomScalars(256n, seededRng(seed), 2 * count).map(Number);
  const x = new Uint8Array(64 * count);
  const y = Uint8Array.from({ length: count }, (_, i) => draws[2 * i] % 2);
  for (let i = 0; i < count; i++) {
    const lean = (draws[2 * i + 1] - 128 + shift) / 300;
    for (let row = 0; row < 8; row++) {
      x[64 * i + 8 * row + Math.round(2 + 3 * y[i] - lean * (row - 3.5))] = 200 + draws[2 * i] % 40;
    }
  }
  return dataset({ name: "bars", x, y, shape: [8, 8, 1], classes: ["left", "right"] });
}

Deno.test("darkDigits() classifies, and its scores tell the slant, which the class does not", async () => {
  const data = { train: bars(400, 1, 60), test: bars(200, 2) };
  const found = await darkDigits(data, { projections: 8, epochs: 20, insecureSeed: 1 });
  assert(found.accuracy.rate > 0.9);
  assert(found.scores.every(Number.isSafeInteger) && found.scoreBits < 31);
  const told = await collateral(found, { known: 300 });
  const { fromScores, fromClass, having } = told.of("slant");
  assert(having.rate > 0.3 && having.rate <= 0.5, `the known digits lean more: ${having.rate}`);
  assert(fromScores.rate > fromClass.rate + 0.1, `${fromScores.rate} ${fromClass.rate}`);
  assertEquals([told.table("t").rows.length, told.known, told.grid("g").name], [2, 300, "g"]);
  assert(told.grid("g").alt.includes(told.mse.fromScores.toFixed(3)));
  assert(told.mse.fromScores < 0.9 * told.mse.fromClass);
});

Deno.test("PROPERTIES.slant is positive where the top leans right, 0 of nothing", () => {
  assertAlmostEquals(PROPERTIES.slant({ ink: 4, cross: -6, rows: 12 }), 0.5);
  assertEquals(PROPERTIES.slant({ ink: 0, cross: 0, rows: 0 }), 0);
  assertEquals(PROPERTIES.ink({ ink: 7, cross: 0, rows: 1 }), 7);
});
