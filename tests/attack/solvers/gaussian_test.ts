import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { fitGaussian, gaussianAttack } from "lib/attack/solvers/gaussian.ts";
import { leastSquares } from "lib/attack/solvers/least_squares.ts";
import { mse } from "lib/attack/metrics.ts";
import { serverView } from "lib/attack/view.ts";
import { cholesky } from "lib/math/dense.ts";
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

/** Rows of a table: columns in another order each are sums of three factors, and of their own noise. */
function rows(count: number, n = 24) {
  const rng = seededRng(7);
  const loadings = gaussian(rng, 3 * n), factors = gaussian(rng, 3 * count);
  const noise = gaussian(rng, n * count);
  const x = Float64Array.from({ length: n * count }, (_, at) => {
    const [k, j] = [Math.floor(at / n), at % n];
    let value = 128 + 3 * noise[at];
    for (let f = 0; f < 3; f++) value += 15 * factors[3 * k + f] * loadings[3 * j + f];
    return Math.round(Math.min(255, Math.max(0, j === 5 ? 0 : value))); // column 5 is constant
  });
  return { x, count, n, shape: [1, n, 1] as const };
}
const full = { stationary: false };

Deno.test("fitGaussian() of a table shrinks correlations by Schäfer and Strimmer's rule, by hand", () => {
  // Centred: (−3, −1), (0, 2), (3, −1); variances 6 and 2, covariance 0: r is 0, all of it goes.
  const none = { x: [1, 1, 4, 4, 7, 1], count: 3, n: 2, shape: [1, 2, 1] as const };
  const { covariance: kept } = fitGaussian(none, 3, full);
  assertEquals([...kept].map((value) => value + 0), [6, 0, 0, 2]); // a zero may come as −0
  // Centred: ±(3, 3), ±(3, 1), ±(1, 3). Variances 19/3, covariance 5. The products of standardised values are 9, 3 and 3
  // times 3/19: the mean of their squares less the square of their mean, over 5, is the variance of r.
  const half = [3, 3, 3, 1, 1, 3];
  const both = [...half, ...half.map((value) => -value)].map((value) => value + 10);
  const some = { x: both, count: 6, n: 2, shape: [1, 2, 1] as const };
  const { covariance } = fitGaussian(some, 6, full);
  const r = 5 * 3 / 19, variance = (33 * (3 / 19) ** 2 - r ** 2) / 5;
  assertAlmostEquals(covariance[0], 19 / 3, 1e-12);
  assertAlmostEquals(covariance[1], 5 * (1 - variance / r ** 2), 1e-12);
  assertEquals(covariance[1], covariance[2]);
});

Deno.test("fitGaussian() of a table goes to the sample covariance, and stays definite with few rows", () => {
  const { x, n, shape } = rows(3000);
  const many = fitGaussian({ x, count: 3000, n, shape }, 3000, full);
  const few = fitGaussian({ x, count: 8, n, shape }, 8, full);
  for (let p = 0; p < n; p++) {
    for (let q = 0; q < n; q++) {
      let sum = 0;
      for (let k = 0; k < 3000; k++) {
        sum += (x[k * n + p] - many.mean[p]) * (x[k * n + q] - many.mean[q]) / 3000;
      }
      assertAlmostEquals(many.covariance[p * n + q], sum, Math.abs(sum) / 400 + 1e-6);
    }
  }
  const active = [...Array(n).keys()].filter((p) => p !== 5);
  const factor = Float64Array.from(
    active.flatMap((p) => active.map((q) => few.covariance[p * n + q])),
  );
  assertEquals(cholesky(factor, n - 1), n - 1); // 8 rows alone give rank 7
  assertEquals(few.covariance[5 * n + 5], 0);
});

Deno.test("gaussianAttack() on a table is better by its covariance than by one of offsets, and the mean", () => {
  const table = rows(340), { n, shape } = table;
  const row = (k: number) => Uint8Array.from(table.x.subarray(k * n, (k + 1) * n));
  const priors = [fitGaussian(table, 300, full), fitGaussian(table, 300)];
  const errors = [0, 0, 0];
  for (let k = 300; k < 340; k++) {
    const view = plantedView(row(k), { hidden: 8, shape });
    priors.forEach((prior, which) =>
      errors[which] += mse(gaussianAttack(prior, view)(view).xHat!, row(k))
    );
    errors[2] += mse(priors[0].mean, row(k));
  }
  assertLess(5 * errors[0], errors[1]);
  assertLess(20 * errors[0], errors[2]);
});

Deno.test("fitGaussian() of a table refuses a single row", () => {
  assertThrows(() => fitGaussian(rows(3), 1, full), RangeError, "1 images");
});
