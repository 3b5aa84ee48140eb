/** What a reconstruction is worth, without the truth.
 *
 * W1, z1 and pixels are integers, so an attacker can round its x̂ and put it back. If W1·round(x̂) = z1
 * it is *consistent*: it may be the image. It is *certified* if besides the equations pin the image,
 * by one of two arguments:
 *
 * - *rank*: W1 has rank n, exactly, so one image at most satisfies the equations. Nothing is assumed.
 * - *counting*: no pixel is dead, and the chance that W1 lets any wrong image pass that is described as
 *   briefly as the one found is at most 2^−64. At most 2^c images have a description of c bits
 *   (`description.ts`), at most C(n, k)·255^k differ from the true one in k pixels, and one of those
 *   passes with probability 2^−b(k) (`layer_evidence.ts`):
 *
 *       chance ≤ Σ_k min(2^c, C(n, k)·255^k)·2^−b(k)
 *
 *   Assumed: W1 was drawn independently of the image, entry by entry, from distributions like those measured.
 * @module */
import { descriptionBits, log2Binomials, log2Sum } from "./description.ts";
import { layerEvidence } from "./layer_evidence.ts";
import type { ServerView } from "./view.ts";

/** The most that log2 of the chance of a wrong image may be. */
const LOG2_CHANCE = -64;

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

/** Whether the rounded recovery is an image that satisfies every equation exactly.
 * @throws {TypeError} xHat has the wrong length. */
export function consistent(view: ServerView, xHat: ArrayLike<number>): boolean {
  const { W1, z1, hidden, n, pixelRange: [low, high] } = view;
  if (xHat.length !== n) {
    throw new TypeError(`Cannot certify: ${xHat.length} pixels, expected ${n}`);
  }
  const x = new Float64Array(n);
  for (let p = 0; p < n; p++) {
    x[p] = Math.round(xHat[p]);
    if (!(x[p] >= low && x[p] <= high)) return false;
  }
  const safe = 255 * n * largest(W1) <= Number.MAX_SAFE_INTEGER;
  for (let row = 0; row < hidden; row++) {
    let sum = 0;
    for (let p = 0; p < n; p++) sum += W1[row * n + p] * x[p];
    if (safe ? sum !== z1[row] : !exactly(view, row, x)) return false;
  }
  return true;
}

const largestOf = new WeakMap<Float64Array, number>();

/** The largest |entry| of W1, which many views share. */
function largest(W1: Float64Array): number {
  let most = largestOf.get(W1);
  if (most === undefined) {
    most = W1.reduce((max, w) => Math.max(max, Math.abs(w)), 0);
    largestOf.set(W1, most);
  }
  return most;
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
  const evidence = layerEvidence(view.W1, view.n);
  const { deadPixels, rank, full, bits } = evidence;
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
  return log2Sum(bits.map((told, at) => {
    const k = at + 1;
    return Math.min(imageBits, places[k] + k * Math.log2(255)) - told;
  }));
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
