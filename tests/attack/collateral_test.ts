import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { valuesFromClass, valuesFromScores } from "lib/attack/collateral.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

/** Scores of two classes; the values are whether they lie close together, ±1, and their product. */
function samples(count: number, seed: number) {
  const scores = gaussian(seededRng(seed), 2 * count);
  const pairs = Array.from({ length: count }, (_, i) => [scores[2 * i], scores[2 * i + 1]]);
  const predicted = Uint8Array.from(pairs, ([a, b]) => Number(b > a));
  const values = Float64Array.from(pairs.flatMap(([a, b]) => [(a - b) ** 2 < 1 ? 1 : -1, a * b]));
  return { scores, predicted, values };
}

Deno.test("valuesFromScores() learns quadratic rules that the class does not tell", async () => {
  const [known, others] = [samples(600, 1), samples(400, 2)];
  const right = (guesses: Float64Array) =>
    others.predicted.filter((_, i) => guesses[2 * i] * others.values[2 * i] > 0).length / 400;
  const guesses = await valuesFromScores(known, known.values, others, { classes: 2 });
  assert(right(guesses) > 0.9);
  for (let i = 0; i < 10; i++) {
    assertAlmostEquals(guesses[2 * i + 1], others.values[2 * i + 1], 0.02);
  }
  const floor = right(valuesFromClass(known.predicted, known.values, others.predicted));
  assert(floor > 0.4 && floor < 0.6, `${floor}`);
});

Deno.test("valuesFromClass() takes each class's mean; of a class that was not seen 0", () => {
  const guesses = valuesFromClass(
    Uint8Array.of(0, 0, 1),
    Float64Array.of(1, 10, 3, 30, 5, 50),
    Uint8Array.of(0, 1, 2),
  );
  assertEquals([...guesses], [2, 20, 5, 50, 0, 0]);
  assertThrows(
    () => valuesFromClass(Uint8Array.of(0, 0), Float64Array.of(1), Uint8Array.of(0)),
    TypeError,
    "1 values of 2 samples",
  );
});

Deno.test("valuesFromScores() keeps the mean where a class has one known sample, refuses odd lengths", async () => {
  const known = { scores: Float64Array.of(1, 0), predicted: Uint8Array.of(0) };
  const others = { scores: Float64Array.of(5, 1, 1, 3), predicted: Uint8Array.of(0, 1) };
  const values = Float64Array.of(7);
  assertEquals([...await valuesFromScores(known, values, others, { classes: 2 })], [7, 0]);
  await assertRejects(
    () => valuesFromScores(known, values, others, { classes: 3 }),
    TypeError,
    "2 scores of 1 samples in 3 classes",
  );
});
