import { assert, assertEquals, assertRejects } from "@std/assert";
import { propertyFromClass, propertyFromScores } from "lib/attack/collateral.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

/** Scores of two classes; the property is that they lie close together. */
function samples(count: number, seed: number) {
  const scores = gaussian(seededRng(seed), 2 * count);
  const of = (rule: (a: number, b: number) => boolean) =>
    Uint8Array.from(
      { length: count },
      (_, i) => Number(rule(scores[2 * i], scores[2 * i + 1])),
    );
  return { scores, predicted: of((a, b) => b > a), property: of((a, b) => (a - b) ** 2 < 1) };
}

Deno.test("propertyFromScores() learns a quadratic rule that the class does not tell", async () => {
  const [known, others] = [samples(600, 1), samples(400, 2)];
  const right = (guesses: Uint8Array) =>
    guesses.filter((guess, i) => guess === others.property[i]).length / 400;
  assert(right(await propertyFromScores(known, others, { classes: 2 })) > 0.9);
  const floor = right(propertyFromClass(known, others.predicted));
  assert(floor > 0.4 && floor < 0.6, `${floor}`);
});

Deno.test("propertyFromClass() takes each class's majority; a class that was not seen is a no", () => {
  const known = { predicted: Uint8Array.of(0, 0, 0, 1), property: Uint8Array.of(1, 1, 0, 0) };
  assertEquals([...propertyFromClass(known, Uint8Array.of(0, 1, 2))], [1, 0, 0]);
});

Deno.test("propertyFromScores() keeps the majority where a class has one known sample, refuses odd lengths", async () => {
  const known = {
    ...{ scores: Float64Array.of(1, 0), predicted: Uint8Array.of(0), property: Uint8Array.of(1) },
  };
  const others = { scores: Float64Array.of(5, 1, 1, 3), predicted: Uint8Array.of(0, 1) };
  assertEquals([...await propertyFromScores(known, others, { classes: 2 })], [1, 0]);
  await assertRejects(
    () => propertyFromScores(known, others, { classes: 3 }),
    TypeError,
    "2 scores of 1 samples in 3 classes",
  );
});
