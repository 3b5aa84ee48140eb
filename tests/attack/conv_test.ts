import { assert, assertEquals, assertThrows } from "@std/assert";
import { type ConvLayer, convMatrix, convWeights, outputSide } from "lib/attack/conv.ts";
import { leastSquares } from "lib/attack/solvers/least_squares.ts";
import { exact, ruleViolations } from "lib/attack/metrics.ts";
import { checkedPriors } from "lib/attack/priors.ts";
import { type ServerView, serverView } from "lib/attack/view.ts";
import { toFixed } from "lib/math/fixed_point.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { byHighs, byStructure, plain, SQUARE } from "./fixtures.ts";

/** A convolution by its definition, output by output. */
function convolve(layer: ConvLayer, weights: ArrayLike<number>, x: ArrayLike<number>): number[] {
  const { filters, kernel, shape: [height, width, channels], stride = 1, padding = 0 } = layer;
  const pixel = (i: number, j: number, k: number) =>
    i < 0 || j < 0 || i >= height || j >= width ? 0 : x[(i * width + j) * channels + k];
  const out: number[] = [];
  for (let f = 0; f < filters; f++) {
    for (let i = -padding; i + kernel <= height + padding; i += stride) {
      for (let j = -padding; j + kernel <= width + padding; j += stride) {
        let sum = 0;
        for (let a = 0; a < kernel; a++) {
          for (let b = 0; b < kernel; b++) {
            for (let k = 0; k < channels; k++) {
              sum += weights[((f * kernel + a) * kernel + b) * channels + k] *
                pixel(i + a, j + b, k);
            }
          }
        }
        out.push(sum);
      }
    }
  }
  return out;
}

const product = (W1: Float64Array, x: ArrayLike<number>) =>
  Array.from({ length: W1.length / x.length }, (_, row) => {
    let sum = 0;
    for (let p = 0; p < x.length; p++) sum += W1[row * x.length + p] * x[p];
    return sum;
  });

const integers = (count: number, seed = 1) => toFixed(gaussian(seededRng(seed), count), 6);

/** What the server sees of x behind the layer. */
function convView(layer: ConvLayer, x: ArrayLike<number>): ServerView {
  const W1 = convMatrix(layer, integers(convWeights(layer)));
  return serverView({ W1, z1: product(W1, x), shape: layer.shape, scaleBits: 6 });
}

Deno.test("convMatrix() is the convolution, for stride, padding and channels", () => {
  const geometries: ConvLayer[] = [
    { filters: 2, kernel: 3, shape: [8, 8, 1] },
    { filters: 1, kernel: 1, shape: [3, 4, 2] },
    { filters: 3, kernel: 3, shape: [5, 6, 3], stride: 2, padding: 1 },
    { filters: 2, kernel: 5, shape: [7, 5, 1], padding: 2 },
  ];
  for (const layer of geometries) {
    const weights = integers(convWeights(layer));
    const x = Uint8Array.from({ length: layer.shape.reduce((a, b) => a * b) }, (_, p) => p * 37);
    assertEquals(product(convMatrix(layer, weights), x), convolve(layer, weights, x));
  }
});

Deno.test("convMatrix() with perChannel applies each filter to each channel", () => {
  const layer: ConvLayer = { filters: 2, kernel: 3, shape: [4, 5, 3], perChannel: true };
  const weights = integers(convWeights(layer));
  assertEquals(weights.length, 18);
  const x = Uint8Array.from({ length: 60 }, (_, p) => p * 37);
  const expected = [0, 1].flatMap((f) =>
    [0, 1, 2].flatMap((k) =>
      convolve(
        { filters: 1, kernel: 3, shape: [4, 5, 1] },
        weights.subarray(9 * f, 9 * f + 9),
        x.filter((_, p) => p % 3 === k),
      )
    )
  );
  assertEquals(product(convMatrix(layer, weights), x), expected);
});

Deno.test("a convolution of several filters gives the image away to least squares", async () => {
  const view = convView({ filters: 6, kernel: 5, shape: [8, 8, 1] }, SQUARE); // 96 equations
  assertEquals(leastSquares(view).certificate!.argument, "rank");
  assert(leastSquares(view).certified);
  for (const solve of [byHighs, byStructure]) {
    assert(exact((await solve(view, plain("tv"))).xHat!, SQUARE));
  }
});

/** Three channels of 8 × 8: a square, brightest in the first. */
const colourful = (light: number) =>
  Uint8Array.from({ length: 192 }, (_, p) => light * SQUARE[Math.floor(p / 3)] / (1 + p % 3));

Deno.test("a convolution of one filter leaves the border open, which total variation closes", async () => {
  const layer: ConvLayer = { filters: 1, kernel: 3, shape: [8, 8, 3], perChannel: true };
  const view = convView(layer, colourful(1));
  assertEquals(view.hidden, 108);
  assertEquals(leastSquares(view).certified, false);
  const contradiction = { ...view, z1: view.z1.map((z) => z + 1e7) };
  for (const solve of [byHighs, byStructure]) {
    const found = await solve(view, plain("tv"));
    assert(exact(found.xHat!, colourful(1)));
    // Most weights are 0: too few bits to exclude every other image.
    assertEquals([found.consistent, found.certified], [true, false]);
    assertEquals((await solve(contradiction, plain("tv"))).status, "infeasible");
  }
});

Deno.test("the border rule holds for a dim square, and excludes a bright one", async () => {
  const layer: ConvLayer = { filters: 1, kernel: 3, shape: [8, 8, 3], perChannel: true };
  const priors = checkedPriors({ objective: "tv", border: true });
  for (const [light, status] of [[0.2, "optimal"], [1, "infeasible"]] as const) {
    const xTrue = colourful(light);
    assertEquals(ruleViolations(xTrue, layer.shape, priors) > 0, status === "infeasible");
    for (const solve of [byHighs, byStructure]) {
      assertEquals((await solve(convView(layer, xTrue), priors)).status, status);
    }
  }
});

Deno.test("convMatrix() refuses weights and geometries that do not fit", () => {
  const layer = { filters: 1, kernel: 3, shape: [8, 8, 1] as const };
  assertThrows(() => convMatrix(layer, [1]), TypeError, "1 weights, expected 9");
  const wide = { ...layer, kernel: 9 };
  assertThrows(() => convMatrix(wide, integers(81)), RangeError, "kernel 9 over 8 pixels");
  assertThrows(() => convMatrix({ ...layer, stride: 0 }, integers(9)), RangeError, "stride 0");
  assertThrows(() => convMatrix({ ...layer, padding: -1 }, integers(9)), RangeError, "padding -1");
  assertEquals(outputSide(32, { ...layer, kernel: 5 }), 28);
});
