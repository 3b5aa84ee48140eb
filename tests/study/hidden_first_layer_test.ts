import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { attackBeliefs, fixedBeliefs, guessRates } from "lib/study/hidden_first_layer.ts";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted";

/** Two squares of 12×12, so few bright pixels that 60 equations tell them. */
const images = dataset({
  name: "squares",
  x: Uint8Array.from({ length: 2 * 144 }, (_, p) => {
    const [i, j] = [Math.floor(p % 144 / 12), p % 12];
    return i >= 4 && i < 7 && j >= 4 && j < 8 ? 200 : 0;
  }),
  y: new Uint8Array(2),
  shape: [12, 12, 1],
  classes: ["square"],
});
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
      ...["published (0)", "TV + ½·Σx"].map((objective) => ["W1 known, CryptoNN", objective]),
      ...["published (0)", "TV + ½·Σx"].map((objective) => ["W1 guessed, MITIG1", objective]),
    ]);
    assertEquals(rows[1].slice(2, 5), [0, 0, 2]); // infeasible, undecided, exact
    const { layout } = attacked.grid("attack", "Squares");
    const captions = (layout.annotations as { text: string }[]).map(({ text }) => text);
    assertEquals(captions.filter((text) => text === "exact").length, 2);
    assert(!captions.includes("MSE 0.000"));
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
    const { solved, infeasible, undecided, exact } = guesses.at(300);
    assertEquals([solved.n, infeasible.n], [500, 500]);
    assertEquals(solved.successes + infeasible.successes + undecided.successes, 500);
    assertEquals(exact.successes, 0);
    const widths = guesses.table().rows.map(([hidden]) => Number(hidden));
    assertEquals(widths, widths.toSorted((a, b) => a - b));
    assertThrows(() => guesses.at(7), RangeError, "no guesses at 7 hidden units");
  },
});
