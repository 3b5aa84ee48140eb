import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Draws } from "lib/defences/draws.ts";

Deno.test("Draws gives xoshiro128++'s words for the state 1, 2, 3, 4", () => {
  const state = new Uint8Array(Uint32Array.of(1, 2, 3, 4).buffer);
  const draws = new Draws({ source: "test", bytes: () => state });
  // the published C code's first outputs, by rand_xoshiro's test vector
  const expected = [641, 1573767, 3222811527, 3517856514, 836907274, 4247214768];
  assertEquals(expected.map(() => draws.word()), expected);
});

Deno.test("Draws.addNormal() adds draws of mean 0, the deviation asked for and normal tails", () => {
  const draws = new Draws({
    source: "test",
    bytes: () => Uint8Array.from({ length: 16 }, (_, i) => i),
  });
  const values = new Float32Array(100_001).fill(5);
  draws.addNormal(values, 2);
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  assertAlmostEquals(mean, 5, 0.03);
  const moment = (power: number) =>
    values.reduce((sum, v) => sum + ((v - mean) / 2) ** power, 0) / values.length;
  assertAlmostEquals(moment(2), 1, 0.02);
  assertAlmostEquals(moment(4), 3, 0.15);
});
