import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { firstImages } from "lib/data/dataset.ts";
import { AUTHORS } from "lib/nn/optimizer.ts";
import {
  attackBeliefs,
  firstStepBeliefs,
  fixedBeliefs,
  guessRates,
} from "lib/study/hidden_first_layer.ts";
import { data, hidden } from "../protocol/mitig2/fixtures.ts";
import { mayRead, SQUARES } from "./fixtures.ts";

const ignore = !mayRead;

const images = firstImages(SQUARES, 2);
const seeds = { client: 1, server: 101 };

Deno.test({
  name: "attackBeliefs() returns the images under the true W1, and refutes or misses under a guess",
  ignore,
  async fn() {
    const beliefs = await fixedBeliefs(images, { hidden: 60, seeds });
    const [known, guessed] = beliefs;
    assertEquals(known.views[0].z1, guessed.views[0].z1);
    assert(known.views[0].W1[0] !== guessed.views[0].W1[0]);
    const counts: [number, number][] = [];
    const onProgress = (done: number, total: number) => counts.push([done, total]);
    const attacked = await attackBeliefs(images, beliefs, { onProgress });
    assertEquals(counts.at(-1), [8, 8]); // two images, beliefs and objectives
    assertEquals([attacked.exact(0).rate, attacked.exact(1).rate], [1, 0]);
    assert(attacked.meanMse(0)! < 1e-6);
    const { rows } = attacked.table("squares");
    assertEquals(rows.map(([name, objective]) => [name, objective]), [
      ...["published LP", "TV + ½·Σx"].map((objective) => ["W1 known, CryptoNN", objective]),
      ...["published LP", "TV + ½·Σx"].map((objective) => ["W1 guessed, MITIG1", objective]),
    ]);
    assertEquals(rows[1].slice(2, 5), [0, 0, 2]); // infeasible, undecided, exact
    const { layout } = attacked.grid("attack", "Squares");
    const captions = (layout.annotations as { text: string }[]).map(({ text }) => text);
    assertEquals(captions.filter((text) => text === "exact").length, 2);
    assertEquals(captions.filter((text) => text === "MSE 0.000"), []);
  },
});

Deno.test("attackBeliefs() refuses a belief with views of other images", async () => {
  const [{ name, views }] = await fixedBeliefs(images, { hidden: 4, seeds });
  const odd = [{ name, views: views.slice(1) }];
  await assertRejects(() => attackBeliefs(images, odd), TypeError, "has 1 views of 2 images");
});

Deno.test({
  name: "guessRates() states the archived rates by width, and refuses a width that has none",
  ignore,
  async fn() {
    const guesses = await guessRates();
    const ends = (["recovered", "infeasible", "undecided"] as const).map((outcome) =>
      guesses.at(300, outcome)
    );
    assertEquals(ends.map(({ n }) => n), [500, 500, 500]);
    assertEquals(ends.reduce((sum, { successes }) => sum + successes, 0), 500);
    assertEquals(guesses.at(300, "exact").successes, 0);
    const widths = guesses.table().rows.map(([hidden]) => Number(hidden));
    assertEquals(widths, widths.toSorted((a, b) => a - b));
    assertThrows(() => guesses.at(7, "exact"), RangeError, "no rows");
  },
});

Deno.test("firstStepBeliefs() holds z1 of the true W1, and W1 of the server's belief", async () => {
  const images = data.train;
  const beliefs = await firstStepBeliefs(images, { seed: 1, hidden });
  assertEquals(beliefs.map(({ views }) => views.length), [50, 50, 50]);
  /** How far W1·x is from z1, as a share of z1. */
  const gap = (belief: number) => {
    const { W1, z1, n } = beliefs[belief].views[7];
    const product = z1.map((_, h) =>
      W1.subarray(h * n, (h + 1) * n).reduce((sum, w, j) => sum + w * images.x[7 * n + j], 0)
    );
    const norm = (values: Float64Array) => Math.hypot(...values);
    return norm(product.map((value, h) => value - z1[h])) / norm(z1);
  };
  assertAlmostEquals(gap(0), 0, 1e-6);
  assertAlmostEquals(gap(1), 0, 1e-6);
  assert(gap(2) > 0.1);
  assertEquals(AUTHORS.shuffle, false); // or z1 would come in another order
});
