import { byStructure, plain, plantedView, SQUARE } from "./fixtures.ts";
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { exact } from "lib/attack/metrics.ts";
import { certificateText, certify, consistent, refine, solution } from "lib/attack/recovery.ts";
import { type ServerView, serverView } from "lib/attack/view.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const thin = serverView({
  W1: [1, 1, 0, 0, 0, 300],
  z1: [101, 0],
  shape: [1, 3, 1],
  scaleBits: 0,
});
const solved = (point: number[]) =>
  solution(thin, [], { point: Float64Array.from(point), rank: 2 }, "published")?.status ?? null;

Deno.test("solution() accepts an equation of black pixels that are black up to rounding", () => {
  assertEquals(solved([50.5, 50.5, 1e-15]), "optimal");
  assertEquals(solved([50.5, 50.5, -1e-14]), "optimal");
});

Deno.test("solution() is null for a point off an equation, and off the range", () => {
  assertEquals(solved([50.5, 50.5, 1e-6]), null);
  assertEquals(solved([50.5, 50.6, 0]), null);
  assertEquals(solved([-50.5, 151.5, 0]), null);
  assertEquals(solved([50.5, NaN, 0]), null);
  // -2e-6 is inside the tolerance, but black leaves the equation open.
  const below = serverView({ W1: [-1e6, 0], z1: [2], shape: [1, 2, 1], scaleBits: 0 });
  assertEquals(
    solution(below, [], { point: Float64Array.of(-2e-6, 13.5), rank: 1 }, "published"),
    null,
  );
});

const view = plantedView(SQUARE, { hidden: 20 });

/** The view of SQUARE behind these integer weights. */
function behind(W1: Float64Array): ServerView {
  const z1 = Float64Array.from(
    { length: W1.length / 64 },
    (_, row) => SQUARE.reduce((sum, x, p) => sum + W1[row * 64 + p] * x, 0),
  );
  return serverView({ W1, z1, shape: [8, 8, 1], scaleBits: 0 });
}

const integers = (seed: number, hidden: number, scale = 256) =>
  gaussian(seededRng(seed), hidden * 64).map((w) => Math.round(scale * w));

Deno.test("consistent() accepts the image itself and what rounds to it", () => {
  assertEquals(consistent(view, SQUARE), true);
  assertEquals(consistent(view, Float64Array.from(SQUARE, (x) => x + 0.4)), true);
});

Deno.test("consistent() rejects one pixel off by one, another view and values off the range", () => {
  const off = Float64Array.from(SQUARE);
  off[9] += 1;
  assertEquals(consistent(view, off), false);
  const sum = serverView({ W1: [1, 1], z1: [9], shape: [1, 2, 1], scaleBits: 0 });
  assertEquals([consistent(sum, [4, 5]), consistent(sum, [4, 4])], [true, false]);
  assertEquals(consistent(plantedView(SQUARE, { hidden: 20, weightSeed: 2 }), SQUARE), false);
  const negative = Float64Array.from(SQUARE, (x) => x - 300);
  assertEquals(consistent(plantedView(negative, { hidden: 20 }), negative), false);
  assertThrows(() => consistent(view, [1, 2]), TypeError, "2 pixels, expected 64");
});

Deno.test("consistent() is false for NaN", () => {
  assertEquals(consistent(view, new Float64Array(64).fill(NaN)), false);
});

Deno.test("consistent() is exact where float64 would round", () => {
  const W1 = [2 ** 50 + 1, -(2 ** 50)];
  const big = (z: number) => serverView({ W1, z1: [z], shape: [1, 2, 1], scaleBits: 0 });
  assertEquals([consistent(big(5), [5, 5]), consistent(big(4), [5, 5])], [true, false]);
});

Deno.test("certify() is null for what does not satisfy the equations", () => {
  assertEquals(certify(view, SQUARE.map((x) => x + 1)), null);
  assertEquals(
    certificateText(null),
    "not consistent: no whole pixel values that satisfy the equations",
  );
});

Deno.test("certify() takes full rank for proof, exactly, and not one rank less", () => {
  const full = certify(behind(integers(1, 64)), SQUARE)!;
  assertEquals([full.certified, full.argument, full.log2Chance], [true, "rank", -Infinity]);
  assertEquals(certificateText(full), "certified: 64 independent equations, one solution");
  // The last row is the sum of the first two: rank 63, and more rows than pixels do not help.
  const W1 = integers(1, 64);
  for (let p = 0; p < 64; p++) W1[63 * 64 + p] = W1[p] + W1[64 + p];
  for (const rows of [W1, Float64Array.from([...W1, ...W1])]) {
    const { argument, rank } = certify(behind(rows), SQUARE)!;
    assertEquals([argument, rank], ["counting", 63]);
  }
});

Deno.test("certify() counts: more equations, a smaller chance; few are not enough", () => {
  const chances = [1, 2, 5, 20, 30, 45].map((hidden) =>
    certify(plantedView(SQUARE, { hidden }), SQUARE)!
  );
  assertEquals(chances.map(({ certified }) => certified), [false, false, false, false, true, true]);
  for (let at = 1; at < chances.length; at++) {
    assert(chances[at].log2Chance <= chances[at - 1].log2Chance);
  }
  // 30 rows tell over 9 bits each, the square takes about 170.
  assertLess(chances[4].log2Chance, -64);
  assertLess(150, chances[4].imageBits);
  assertLess(chances[4].imageBits, 190);
  assert(
    /^certified: a wrong image of at most \d+ bits fits 30 /.test(certificateText(chances[4])),
  );
  assert(/^consistent, not certified: 20 independent/.test(certificateText(chances[3])));
});

Deno.test("certify() withholds the certificate from every layer that tells too little", () => {
  const W1 = integers(3, 45);
  const layers: Record<string, (w: number, p: number, row: number) => number> = {
    "a dead column": (w, p) => p === 40 ? 0 : w,
    "every fourth column dead": (w, p) => p % 4 === 0 ? 0 : w,
    "a column seen by one row": (w, p, row) => p === 40 && row > 0 ? 0 : w,
    "rows repeated three times": (_, p, row) => W1[64 * (row % 15) + p],
    "rows that nearly repeat": (w, p, row) => W1[64 * (row % 15) + p] + (w > 400 ? 1 : 0),
    "two thirds of the rows zero": (w, _, row) => row % 3 === 0 ? w : 0,
    "a column repeated": (w, p, row) => p === 40 ? W1[64 * row + 27] : w,
    "a column that is −2 times another": (w, p, row) => p === 40 ? -2 * W1[64 * row + 27] : w,
    "a column repeated but for one row": (w, p, row) => p === 40 && row > 0 ? W1[64 * row + 27] : w,
    "columns mirrored": (w, p, row) => p % 8 > 3 ? W1[64 * row + p - p % 8 + 7 - p % 8] : w,
    "rows that add up to zero": (w, p, row) =>
      p < 63 ? w : -W1.subarray(64 * row, 64 * row + 63).reduce((sum, v) => sum + v, 0),
    "rows that add up to zero but for one": (w, p, row) =>
      p < 63 || row === 5
        ? w
        : -W1.subarray(64 * row, 64 * row + 63).reduce((sum, v) => sum + v, 0),
    "signs": (w) => Math.sign(w),
    "one outlier, the rest zero": (w, p, row) => p === 3 && row === 3 ? 1e6 : Math.round(w / 1e4),
    "constant rows": (_, __, row) => row + 1,
    "all zero": () => 0,
  };
  for (const [name, change] of Object.entries(layers)) {
    const changed = W1.map((w, at) => change(w, at % 64, Math.floor(at / 64)));
    const certificate = certify(behind(changed), SQUARE)!;
    assertEquals(certificate.certified, false, `${name}: ${certificateText(certificate)}`);
  }
  assert(certify(behind(W1), SQUARE)!.certified);
  const dead = W1.map((w, at) => at % 64 < 8 ? 0 : w);
  assert(/8 pixels are in no equation/.test(certificateText(certify(behind(dead), SQUARE))));
});

Deno.test("certify() withholds the certificate from an image in which two pixels are exchanged", () => {
  const W1 = integers(3, 45);
  for (let row = 0; row < 45; row++) W1[64 * row + 40] = W1[64 * row + 27];
  const exchanged = Float64Array.from(SQUARE);
  [exchanged[27], exchanged[40]] = [SQUARE[40], SQUARE[27]];
  assert(SQUARE[27] !== SQUARE[40]);
  assertEquals(certify(behind(W1), exchanged)?.certified, false);
});

Deno.test("certify() is not fooled by what a solver finds behind few or coarse equations", async () => {
  let wrong = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const hidden = 1 + seed % 12;
    const W1 = integers(seed, hidden, seed % 2 === 0 ? 1 : 3).map((w) =>
      seed % 3 ? w : Math.sign(w)
    );
    const { xHat, consistent, certified } = await byStructure(behind(W1), plain("tv-sum"));
    if (xHat === null || exact(xHat, SQUARE)) continue;
    if (consistent) wrong++;
    assertEquals(certified, false);
  }
  assertLess(0, wrong); // wrong images that satisfy every equation do occur
});

/** The square has 15 bright pixels of 64. */
const near = (light: number, dark: number) =>
  Float64Array.from(SQUARE, (x, p) => x > 0 ? x + light * Math.sin(p) : dark);

Deno.test("refine() finds the image from its black pixels alone", () => {
  assertEquals(refine(view, near(40, 1.5)), Float64Array.from(SQUARE));
});

Deno.test("refine() rounds what is nearly right and keeps white pixels", () => {
  const white = Float64Array.from(SQUARE, (x) => x > 0 ? 255 : 40);
  const behind = plantedView(white, { hidden: 50 });
  const guess = white.map((x) => x === 255 ? 253.5 : 70);
  assertEquals(refine(behind, guess), white);
  assertEquals(refine(behind, white.map((x) => x - 0.4)), white);
});

Deno.test("refine() returns null without proof: black pixels wrong, too many grey ones, a contradiction", () => {
  const wrong = near(40, 1.5);
  wrong[SQUARE.findIndex((x) => x > 0)] = 0;
  assertEquals(refine(view, wrong), null);
  assertEquals(refine(view, near(40, 30)), null); // 64 unknowns, 20 equations
  assertEquals(refine(plantedView(SQUARE, { hidden: 20, weightSeed: 2 }), near(40, 1.5)), null);
  assertEquals(refine(view, new Float64Array(64)), null);
});
