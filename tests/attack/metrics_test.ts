import { SQUARE, SQUARE_SHAPE } from "./fixtures.ts";
import { assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { exact, meanScore, mse, psnr, ruleViolations, score, ssim } from "lib/attack/metrics.ts";
import { checkedPriors } from "lib/attack/priors.ts";
import { noRecovery, type Recovery } from "lib/attack/recovery.ts";
import oracle from "./oracle.json" with { type: "json" };

/** The images of oracle.py. */
const at = Array.from({ length: 16 * 15 }, (_, p) => [Math.floor(p / 15), p % 15]);
const a = at.map(([i, j]) => (7 * i + 11 * j) % 256);
const b = at.map(([i, j], p) => Math.min(255, Math.max(0, a[p] + (5 * i + 3 * j) % 29 - 9)));

Deno.test("mse() and psnr() match values by hand", () => {
  assertAlmostEquals(mse([0, 255], [255, 255]), 0.5);
  assertAlmostEquals(mse([51], [0]), 0.04);
  assertAlmostEquals(psnr([25.5], [0]), 20);
  assertEquals(psnr([3, 4], [3, 4]), Infinity);
});

Deno.test("ssim() matches scikit-image on one and on three channels", () => {
  assertAlmostEquals(ssim(a, b, [16, 15, 1]), oracle.ssim.gray, 1e-12);
  const c = a.flatMap((value, p) => [value, b[p], 255 - value]);
  const d = a.flatMap((value, p) => [b[p], b[p], value]);
  assertAlmostEquals(ssim(c, d, [16, 15, 3]), oracle.ssim.colour, 1e-12);
});

Deno.test("ssim() is 1 for identical images and low for noise", () => {
  assertAlmostEquals(ssim(a, a, [16, 15, 1]), 1, 1e-12);
  assertLess(ssim(a, a.toReversed(), [16, 15, 1]), 0.5);
});

Deno.test("exact() rounds before it compares", () => {
  assertEquals(exact([0.4, 99.6], [0, 100]), true);
  assertEquals(exact([0.6, 100], [0, 100]), false);
});

Deno.test("ruleViolations() counts the pixels whose rule the image breaks", () => {
  const flat = new Uint8Array(64).fill(7);
  const priors = checkedPriors({ objective: "published", period: 1 });
  assertEquals(ruleViolations(flat, SQUARE_SHAPE, priors), 0);
  const spike = flat.slice();
  spike[27] = 207; // itself, and each of its four neighbours: the mean moves by 50
  assertEquals(ruleViolations(spike, SQUARE_SHAPE, priors), 5);
  assertEquals(ruleViolations(SQUARE, SQUARE_SHAPE, checkedPriors({ objective: "sum" })), 0);
});

Deno.test("metrics refuse images of different or no size, and ssim() images under 11 × 11", () => {
  assertThrows(() => mse([1], [1, 2]), TypeError, "1 and 2 pixels");
  assertThrows(() => mse([], []), TypeError, "0 and 0 pixels");
  assertThrows(() => exact([1], [1, 2]), TypeError, "exact: 1 and 2");
  assertThrows(() => ssim(a, b, [16, 16, 1]), TypeError, "shape [16,16,1]");
  assertThrows(() => ssim(SQUARE, SQUARE, SQUARE_SHAPE), RangeError, "8 × 8");
});

const shape = [11, 11, 1] as const;
const xTrue = Uint8Array.from({ length: 121 }, (_, i) => (i * 37) % 256);

function recovery(off: number): Recovery {
  const xHat = Float64Array.from(xTrue);
  xHat[0] += off;
  const consistent = off < 0.5;
  const worth = { consistent, certified: consistent, certificate: null };
  return { status: "optimal", xHat, ...worth, elapsedMs: 10, objective: "tv" };
}

Deno.test("score() measures a recovery and tells an exact one", () => {
  const near = score(recovery(0.4), xTrue, shape);
  assertEquals([near.status, near.exact, near.certified], ["optimal", true, true]);
  assertEquals([near.consistent, score(recovery(1), xTrue, shape).consistent], [true, false]);
  assertEquals(near.elapsedMs, 10);
  assertAlmostEquals(near.mse!, (0.4 / 255) ** 2 / 121, 1e-12);
  assertEquals(score(recovery(1), xTrue, shape).exact, false);
});

Deno.test("meanScore() leaves out what was not recovered", () => {
  const none = { ...noRecovery("infeasible", "tv"), elapsedMs: 99 };
  const scores = [recovery(1), none, recovery(2)].map((r) => score(r, xTrue, shape));
  assertEquals([scores[1].mse, scores[1].exact], [null, false]);
  assertAlmostEquals(meanScore(scores, "mse")!, (1 + 4) / 2 / 255 ** 2 / 121, 1e-12);
  assertEquals(meanScore(scores, "elapsedMs"), 10);
  assertEquals(meanScore([scores[1]], "mse"), null);
  // An exact image is no reason for an infinite mean.
  const mixed = [recovery(0), recovery(1)].map((r) => score(r, xTrue, shape));
  assertEquals(mixed[0].psnr, Infinity);
  assertEquals(meanScore(mixed, "psnr"), mixed[1].psnr);
  assertEquals(meanScore([mixed[0]], "psnr"), null);
});

Deno.test("score() has no SSIM of small images and of rows of a table, and meanScore() leaves it out", () => {
  const small = (size: readonly [number, number, number]) => score(recovery(1), xTrue, size);
  assertEquals([small([1, 121, 1]).ssim, small([121, 1, 1]).ssim], [null, null]);
  assertEquals(meanScore([small([1, 121, 1])], "ssim"), null);
  const both = meanScore([small([1, 121, 1]), small(shape)], "ssim");
  assertEquals(both, small(shape).ssim);
});
