import { assert, assertLess, assertRejects } from "@std/assert";
import { joint } from "lib/attack/solvers/joint.ts";
import { multiplyTransposed, transpose } from "lib/math/dense.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { SQUARE_SHAPE } from "../fixtures.ts";
import { rectangle } from "../training/made_view.ts";

const [n, count] = [64, 6];
/** Six bright rectangles, pixels in [0, 1]. */
const X = Float64Array.from(
  { length: count * n },
  (_, at) => rectangle(Math.floor(at / n))[at % n] / 255,
);
const error = (found: Float64Array) =>
  Math.sqrt(found.reduce((sum, v, at) => sum + (v - X[at]) ** 2, 0) / found.length);

/** `rows` random forms of the images, and of the pixels. */
function sides(rows: number, seed = 1) {
  const D = gaussian(seededRng(seed), rows * count), A = gaussian(seededRng(seed + 1), rows * n);
  return {
    left: { matrix: D, values: multiplyTransposed(D, transpose(X, count, n), { n: count }) },
    right: { matrix: A, values: multiplyTransposed(X, A, { n }) },
  };
}

Deno.test("joint() finds flat images behind fewer forms than images, or than pixels, and both", async () => {
  const { left } = sides(5), { right } = sides(30);
  for (const side of [{ left }, { right }, { left, right }]) {
    const found = await joint({ count, shape: SQUARE_SHAPE, ...side });
    assert(found.converged);
    assertLess(error(found.X), 1e-3);
  }
  const few = sides(2);
  const alone = await joint({ count, shape: SQUARE_SHAPE, left: few.left });
  assertLess(1e-2, error(alone.X)); // two forms of six images do not tell
});

Deno.test("joint() weighs noisy equations; pixels named dark are black", async () => {
  const { right } = sides(60, 3);
  const noise = 0.3;
  const drawn = gaussian(seededRng(9), right.values.length);
  const values = right.values.map((v, at) => v + noise * drawn[at]);
  const met = await joint({ count, shape: SQUARE_SHAPE, right: { ...right, values } });
  const weighed = await joint({ count, shape: SQUARE_SHAPE, right: { ...right, values, noise } });
  assertLess(error(weighed.X), error(met.X));
  const dark = [18, 19]; // bright in the first image
  const found = await joint({ count, shape: SQUARE_SHAPE, ...sides(3), dark, maxIterations: 50 });
  assert(dark.every((p) => X[p] > 0 && found.X[p] === 0));
});

Deno.test("joint() meets exact equations of the pixels beside noisy ones of the images", async () => {
  const { left } = sides(4), { right } = sides(25);
  const drawn = gaussian(seededRng(9), left.values.length);
  const values = left.values.map((v, at) => v + 0.3 * drawn[at]);
  const found = await joint({
    ...{ count, shape: SQUARE_SHAPE, left: { ...left, values, noise: 0.3 }, right },
  });
  assert(found.converged);
  const again = multiplyTransposed(found.X, right.matrix, { n });
  assertLess(Math.max(...again.map((v, at) => Math.abs(v - right.values[at]))), 5e-3);
});

Deno.test("joint() refuses no equation, and matrices of another size; it stops", async () => {
  const { left } = sides(3);
  await assertRejects(() => joint({ count, shape: SQUARE_SHAPE }), TypeError, "no equation");
  await assertRejects(
    () => joint({ count: 5, shape: SQUARE_SHAPE, left }),
    TypeError,
    "18 entries and 192 values on the left, for 5 images of 64 pixels",
  );
  const signal = AbortSignal.abort(new Error("stopped"));
  await assertRejects(() => joint({ count, shape: SQUARE_SHAPE, left, signal }), Error, "stopped");
});
