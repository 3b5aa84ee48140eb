/** What an attack returns, and what that is worth without the truth. Infeasible, undecided, out of time and aborted
 * are outcomes, not exceptions.
 *
 * W1, z1 and pixels are integers, so an attacker can round its x̂ and put it back. If W1·round(x̂) = z1
 * it is *consistent*: it may be the image. It is *certified* if besides the equations pin the image,
 * by one of two arguments:
 *
 * - *rank*: W1 has rank n, exactly, so one image at most satisfies the equations. Nothing is assumed.
 * - *counting*: no pixel is dead, and the chance that W1 lets any wrong image pass that is described as
 *   briefly as the one found is at most 2^−64. At most 2^c images have a description of c bits, at most
 *   C(n, k)·255^k differ from the true one in k pixels, and one of those passes with probability 2^−b(k)
 *   (`evidence.ts`):
 *
 *       chance ≤ Σ_k min(2^c, C(n, k)·255^k)·2^−b(k)
 *
 *   Assumed: W1 was drawn independently of the image, entry by entry, from distributions like those measured.
 * @module */
import { apply, cholesky, dot, multiplyTransposed, solveCholesky } from "../math/dense.ts";
import { withColumn } from "../math/dense.ts";
import { rankMod } from "../math/rank_mod.ts";
import { descriptionBits, log2Binomials, log2Sum } from "./evidence.ts";
import { preparedLayer } from "./layer.ts";
import { keepsRules, type Objective, type PixelRule } from "./priors.ts";
import type { ServerView } from "./view.ts";

/** The outcome of one attack on one view. */
export interface Recovery {
  /** "infeasible" is proved in exact integers; what is neither solved nor proved is "undecided". */
  status: "optimal" | "infeasible" | "undecided" | "time-limit" | "aborted" | "error";
  /** [n] pixels in 0..255, not rounded; null unless the status is "optimal". */
  xHat: Float64Array | null;
  /** The rounded xHat satisfies every equation exactly. */
  consistent: boolean;
  /** It is consistent, and the equations pin it: see {@linkcode Certificate}. */
  certified: boolean;
  /** The argument; null unless consistent. */
  certificate: Certificate | null;
  elapsedMs: number;
  objective: Objective | "least-squares" | "gaussian";
  message?: string;
}

/** Whether and why a consistent image must be the true one. */
export interface Certificate {
  readonly certified: boolean;
  readonly argument: "rank" | "counting";
  readonly deadPixels: number;
  /** Independent equations. */
  readonly rank: number;
  /** Bits that describe the image; 0 where only rank counts. */
  readonly imageBits: number;
  /** log2 of a bound on the chance of a wrong image; −Infinity for rank, 0 where nothing is excluded. */
  readonly log2Chance: number;
}

/** The most that log2 of the chance of a wrong image may be. */
const LOG2_CHANCE = -64;

/** How far a solution may leave the pixel range or a rule, in grey levels. */
const TOLERANCE = 1e-6 * 255;

/** Largest residual of an equation, relative to its terms: rounding, and what clipping may leave. Rounding is also
 * relative to terms of one grey level: black pixels come out as 1e-15. */
const ROUNDING = 1e-10;
const CLIPPING = 1e-3;

/** Pixels this close to the end of the range are taken for its end by {@linkcode refine}. */
const NEAR = 2;

/** A point's pixels, clipped to their range. */
export function clipped({ n, pixelRange: [low, high] }: ServerView, point: Float64Array) {
  const x = point.slice(0, n);
  for (let p = 0; p < n; p++) x[p] = Math.min(high, Math.max(low, x[p]));
  return x;
}

/** A recovery from an attack's point: clipped to the pixel range, weighed. Its time is for {@linkcode timed}. */
export function recovery(
  view: ServerView,
  point: Float64Array,
  objective: Recovery["objective"],
): Recovery {
  const xHat = clipped(view, point);
  const certificate = certify(view, xHat);
  const [consistent, certified] = [certificate !== null, certificate?.certified === true];
  return { status: "optimal", xHat, consistent, certified, certificate, elapsedMs: 0, objective };
}

/** A recovery that recovered nothing, and why. */
export function noRecovery(
  status: Exclude<Recovery["status"], "optimal">,
  objective: Recovery["objective"],
  message?: string,
): Recovery {
  const nothing = { xHat: null, consistent: false, certified: false, certificate: null };
  return { status, ...nothing, elapsedMs: 0, objective, message };
}

/** A recovery that took from `start`, as `performance.now()` gave it, until now. */
export const timed = (start: number, found: Recovery): Recovery => ({
  ...found,
  elapsedMs: performance.now() - start,
});

/** A point that claims to solve a program, and what the solver knows of it. */
export interface Candidate {
  /** [n] in 0..255, put on the equations as well as float64 can. */
  point: Float64Array;
  /** The rank of W1 that the solver's factorisation found. */
  rank: number;
  /** How far the point may leave the pixel range or a rule, in grey levels; it is clipped then. */
  tolerance?: number;
}

/** The recovery of a candidate; null if it does not solve the equations under the rules: if neither its rounded
 * pixels do, exactly, nor itself. The point itself counts only where float64 can tell: where no row of W1 is so
 * near the others that the factorisation took it for one of them, unless it is. */
export function solution(
  view: ServerView,
  rules: readonly PixelRule[],
  { point, rank, tolerance = TOLERANCE }: Candidate,
  objective: Recovery["objective"],
): Recovery | null {
  const found = recovery(view, point, objective);
  if (found.consistent && keepsRules(found.xHat!.map(Math.round), rules)) return found;
  const [low, high] = view.pixelRange;
  const inside = point.every((v) => v >= low - tolerance && v <= high + tolerance); // false for NaN
  const ruled = rules.every(({ indices, values, bound }) => {
    const sum = indices.reduce((total, p, k) => total + values[k] * point[p], 0);
    return Math.abs(sum) <= bound + tolerance;
  });
  const solved = inside && ruled && solvesEquations(view, point, ROUNDING) &&
    solvesEquations(view, found.xHat!, CLIPPING) && resolved(view, rank);
  return solved ? found : null;
}

function solvesEquations(
  { W1, z1, hidden, n }: ServerView,
  x: Float64Array,
  tolerance: number,
): boolean {
  for (let row = 0; row < hidden; row++) {
    let [sum, size, least] = [0, Math.abs(z1[row]), 0];
    for (let p = 0; p < n; p++) {
      const w = W1[row * n + p];
      sum += w * x[p];
      size += Math.abs(w * x[p]);
      least += Math.abs(w);
    }
    const allowed = Math.max(tolerance * size, ROUNDING * least);
    if (!(Math.abs(sum - z1[row]) <= allowed)) return false;
  }
  return true;
}

/** Whether the equations have a solution and `rank` is what there is to resolve: dependent rows, if any, depend
 * on others exactly, and so do their right-hand sides. */
function resolved(view: ServerView, rank: number): boolean {
  const { W1, z1, hidden, n } = view;
  return rank === hidden ||
    preparedLayer(view).independent().length === rank &&
      rankMod(withColumn(W1, z1), n + 1) === rank;
}

/** Whether the rounded recovery is an image that satisfies every equation exactly.
 * @throws {TypeError} xHat has the wrong length. */
export function consistent(view: ServerView, xHat: ArrayLike<number>): boolean {
  const { W1, z1, n, pixelRange: [low, high] } = view;
  if (xHat.length !== n) {
    throw new TypeError(`Cannot certify: ${xHat.length} pixels, expected ${n}`);
  }
  const x = new Float64Array(n);
  for (let p = 0; p < n; p++) {
    x[p] = Math.round(xHat[p]);
    if (!(x[p] >= low && x[p] <= high)) return false;
  }
  if (high * n * preparedLayer(view).largest() > Number.MAX_SAFE_INTEGER) {
    return z1.every((_, row) => exactly(view, row, x));
  }
  return dot(W1.subarray(0, n), x) === z1[0] && // nearly always says it
    apply(W1, x).every((sum, row) => sum === z1[row]);
}

/** Row `row` of W1·x = z1 in big integers, where float64 may round. */
function exactly({ W1, z1, n }: ServerView, row: number, x: Float64Array): boolean {
  let sum = 0n;
  for (let p = 0; p < n; p++) sum += BigInt(W1[row * n + p]) * BigInt(x[p]);
  return sum === BigInt(z1[row]);
}

/** Weighs a recovery; null unless it is {@linkcode consistent}. @throws as that. */
export function certify(view: ServerView, xHat: ArrayLike<number>): Certificate | null {
  if (!consistent(view, xHat)) return null;
  const { deadPixels, rank, full, bits } = preparedLayer(view).evidence();
  const known = { deadPixels, rank };
  if (full) {
    return { certified: true, argument: "rank", ...known, imageBits: 0, log2Chance: -Infinity };
  }
  const imageBits = descriptionBits(Float64Array.from(xHat, Math.round), view.shape);
  const log2Chance = deadPixels > 0 ? 0 : Math.min(0, wrongImages(bits, imageBits));
  const certified = log2Chance <= LOG2_CHANCE;
  return { certified, argument: "counting", ...known, imageBits, log2Chance };
}

/** log2 of the bound on the chance of a wrong image. @param bits b(1), … b(n). */
function wrongImages(bits: Float64Array, imageBits: number): number {
  const places = log2Binomials(bits.length, bits.length);
  const terms = new Float64Array(bits.length);
  for (let k = 1; k <= bits.length; k++) {
    terms[k - 1] = Math.min(imageBits, places[k] + k * Math.log2(255)) - bits[k - 1];
  }
  return log2Sum(terms);
}

/** The certificate in words, its assumption included: one line. */
export function certificateText(certificate: Certificate | null): string {
  if (certificate === null) {
    return "not consistent: no whole pixel values that satisfy the equations";
  }
  const { certified, argument, deadPixels, rank, imageBits, log2Chance } = certificate;
  if (argument === "rank") return `certified: ${rank} independent equations, one solution`;
  if (deadPixels > 0) {
    const dead = deadPixels === 1 ? "1 pixel is" : `${deadPixels} pixels are`;
    return `consistent, not certified: ${dead} in no equation`;
  }
  const bits = Math.round(imageBits);
  return certified
    ? `certified: a wrong image of at most ${bits} bits fits ${rank} independent equations with ` +
      `chance under 2^${Math.ceil(log2Chance)}, if W1 was drawn independently of it, entry by entry`
    : `consistent, not certified: ${rank} independent equations do not exclude all other images of ` +
      `${bits} bits`;
}

/** The image near xHat that solves equations and rules in whole pixel values, or null if none is found.
 *
 * A recovery that is off by a little often has the right black and white areas: pixels the solver left
 * near 0 or 255. Fix those, and if no more pixels remain than there are equations, least squares finds
 * the rest. The rounded result counts only if it is {@linkcode consistent} and keeps to the rules, so this can
 * do no harm. */
export function refine(
  view: ServerView,
  xHat: ArrayLike<number>,
  rules: readonly PixelRule[] = [],
): Float64Array | null {
  const solves = (x: Float64Array) => consistent(view, x) && keepsRules(x, rules);
  const { W1, z1, hidden, n, pixelRange: [low, high] } = view;
  const rounded = Float64Array.from(xHat, Math.round);
  if (solves(rounded)) return rounded;

  const x = Float64Array.from(xHat, (v) => v <= low + NEAR ? low : v >= high - NEAR ? high : NaN);
  const free = [...x.keys()].filter((p) => Number.isNaN(x[p]));
  if (free.length === 0 || free.length > hidden) return null;
  const rest = new Float64Array(hidden);
  const F = new Float64Array(free.length * hidden); // the free columns of W1, as rows
  for (let row = 0; row < hidden; row++) {
    rest[row] = z1[row];
    for (let p = 0; p < n; p++) if (x[p] > 0) rest[row] -= W1[row * n + p] * x[p];
    free.forEach((p, at) => F[at * hidden + row] = W1[row * n + p]);
  }
  const gram = multiplyTransposed(F, F, { n: hidden, lower: true });
  cholesky(gram, free.length);
  const values = solveCholesky(gram, apply(F, rest));
  free.forEach((p, at) => x[p] = Math.round(values[at]));
  return solves(x) ? x : null;
}
