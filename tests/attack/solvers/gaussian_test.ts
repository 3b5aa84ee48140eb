import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { fitGaussian, gaussianAttack } from "lib/attack/solvers/gaussian.ts";
import { leastSquares } from "lib/attack/solvers/least_squares.ts";
import { mse } from "lib/attack/metrics.ts";
import { serverView } from "lib/attack/view.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { plantedView, SQUARE } from "../fixtures.ts";

/** Smooth random images: sums of two waves. The first 300 are public. */
function smooth(count: number, channels = 1) {
  const noise = gaussian(seededRng(5), 8 * count);
  const x = new Uint8Array(count * 64 * channels);
  for (let k = 0; k < count; k++) {
    const [a, b, c, d, e] = noise.subarray(8 * k, 8 * k + 5);
    for (let p = 0; p < 64; p++) {
      const [i, j] = [Math.floor(p / 8), p % 8];
      const value = 128 + 30 * c * Math.sin(i / 3 + a) + 30 * d * Math.sin(j / 3 + b) + 5 * e;
      for (let l = 0; l < channels; l++) {
        x[(k * 64 + p) * channels + l] = Math.min(255, Math.max(0, value - 20 * l));
      }
    }
  }
  return { x, count, n: 64 * channels, shape: [8, 8, channels] as const };
}
const images = smooth(320);
const at = (k: number) => images.x.subarray(64 * k, 64 * (k + 1));
const prior = fitGaussian(images, 300);

Deno.test("fitGaussian() gives the mean and a covariance of offsets, by hand on two images", () => {
  const two = { x: [0, 2, 4, 6], count: 2, n: 2, shape: [1, 2, 1] as const };
  const { mean, covariance } = fitGaussian(two);
  assertEquals([...mean], [2, 4]);
  // Centred: (−2, −2), (2, 2). Variance 4; one pair of 2 pixels at offset 1: 4 / 2.
  assertEquals([...covariance], [4, 2, 2, 4]);
});

Deno.test("fitGaussian() covariance is symmetric, stationary and positive semidefinite", () => {
  for (const channels of [1, 3]) {
    const { x, count, n, shape } = smooth(50, channels);
    const { covariance } = fitGaussian({ x, count, n, shape });
    const entry = (p: number, q: number) => covariance[p * n + q];
    assertAlmostEquals(entry(0, 9 * channels), entry(18 * channels, 27 * channels), 1e-9);
    const v = gaussian(seededRng(1), n);
    let energy = 0;
    for (let p = 0; p < n; p++) {
      for (let q = 0; q < n; q++) {
        assertAlmostEquals(entry(p, q), entry(q, p), 1e-9);
        energy += v[p] * entry(p, q) * v[q];
      }
    }
    assert(energy > 0);
  }
});

Deno.test("gaussianAttack() recovers smooth images that it never saw, where least squares cannot", () => {
  const attack = gaussianAttack(prior, plantedView(at(300), { hidden: 20 }));
  for (let k = 300; k < 320; k++) {
    const view = plantedView(at(k), { hidden: 20 });
    const { status, xHat, objective } = attack(view);
    assertEquals([status, objective], ["optimal", "gaussian"]);
    assertLess(10 * mse(xHat!, at(k)), mse(leastSquares(view).xHat!, at(k)));
  }
});

Deno.test("gaussianAttack() certifies the image at full width and over it", () => {
  for (const hidden of [64, 80]) {
    const view = plantedView(SQUARE, { hidden });
    assert(gaussianAttack(prior, view)(view).certified);
  }
});

Deno.test("gaussianAttack() handles one unit, a constant image and rows of zeros", () => {
  const constant = new Uint8Array(64).fill(7);
  for (const image of [constant, SQUARE]) {
    const view = plantedView(image, { hidden: 1 });
    assertEquals(gaussianAttack(prior, view)(view).status, "optimal");
  }
  const zeros = serverView({
    W1: new Array(128).fill(0),
    z1: [0, 0],
    shape: [8, 8, 1],
    scaleBits: 0,
  });
  assertEquals(gaussianAttack(prior, zeros)(zeros).status, "error");
});

Deno.test("gaussianAttack() reports the z1 of another W1 as infeasible", () => {
  for (const hidden of [40, 64, 80]) {
    const view = plantedView(SQUARE, { hidden, seed: 1, weightSeed: 2 });
    const { status, xHat } = gaussianAttack(prior, view)(view);
    assertEquals([hidden, status, xHat], [hidden, "infeasible", null]);
  }
});

Deno.test("fitGaussian() and gaussianAttack() refuse what does not fit", () => {
  assertThrows(() => fitGaussian(images, 0), RangeError, "0 images");
  const view = plantedView(SQUARE, { hidden: 20 });
  const colour = fitGaussian(smooth(5, 3));
  assertThrows(() => gaussianAttack(colour, view), TypeError, "prior for [8,8,3]");
  const other = plantedView(SQUARE, { hidden: 10 });
  assertThrows(() => gaussianAttack(prior, view)(other), TypeError, "10 × 64");
});
