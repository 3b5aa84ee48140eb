/** How good a recovery is, one by one and in the mean. The only file of the attack that sees the truth.
 *
 * Pixels come as 0..255 and are scaled to [0, 1] first, as in the paper. SSIM: Wang, Bovik, Sheikh,
 * Simoncelli 2004, with their 11 × 11 Gaussian window (σ 1.5, weights sum to 1), K1 = 0.01, K2 = 0.03,
 * L = 1, population covariances. Windows lie inside the image (18 × 18 positions on a 28 × 28 digit),
 * so borders are not padded; the result is the mean over positions, then over channels. This is what
 * scikit-image gives for `gaussian_weights=True, use_sample_covariance=False`.
 * @module */
import { pixelRules, type Priors, type Shape } from "./priors.ts";
import type { Recovery } from "./recovery.ts";

/** Grey levels 0..255. */
export type Pixels = ArrayLike<number>;

const WINDOW = 11;
const SIGMA = 1.5;
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;

/** Mean squared error of pixels scaled to [0, 1]. @throws {TypeError} lengths differ or are 0. */
export function mse(xHat: Pixels, xTrue: Pixels): number {
  checkLengths("mse", xHat, xTrue);
  let sum = 0;
  for (let p = 0; p < xTrue.length; p++) sum += ((xHat[p] - xTrue[p]) / 255) ** 2;
  return sum / xTrue.length;
}

/** Peak signal-to-noise ratio, −10·log10(mse) dB; Infinity for identical images. */
export function psnr(xHat: Pixels, xTrue: Pixels): number {
  return -10 * Math.log10(mse(xHat, xTrue));
}

/** Whether rounding the recovery gives the image, every pixel of it. @throws as {@linkcode mse}. */
export function exact(xHat: Pixels, xTrue: Pixels): boolean {
  checkLengths("exact", xHat, xTrue);
  return Array.from(xHat, Math.round).every((x, p) => x === xTrue[p]);
}

/** How many of the rules that `priors` assumes an image breaks. */
export function ruleViolations(xTrue: Pixels, shape: Shape, priors: Priors): number {
  return pixelRules(shape, priors).filter(({ indices, values, bound }) => {
    const sum = indices.reduce((total, p, k) => total + values[k] * xTrue[p], 0);
    return Math.abs(sum) > bound + 1e-9; // thirds round
  }).length;
}

/** Mean structural similarity, 1 for identical images.
 * @throws {TypeError} lengths that do not fit the shape. {RangeError} an image under 11 × 11. */
export function ssim(xHat: Pixels, xTrue: Pixels, shape: Shape): number {
  checkLengths("ssim", xHat, xTrue);
  const [height, width, channels] = shape;
  if (xTrue.length !== height * width * channels) {
    throw new TypeError(`Cannot compute ssim: ${xTrue.length} pixels for shape [${shape}]`);
  }
  if (height < WINDOW || width < WINDOW) {
    throw new RangeError(`Cannot compute ssim: ${height} × ${width} is under 11 × 11`);
  }
  let sum = 0;
  for (let k = 0; k < channels; k++) {
    const a = new Float64Array(height * width).map((_, p) => xHat[p * channels + k] / 255);
    const b = new Float64Array(height * width).map((_, p) => xTrue[p * channels + k] / 255);
    sum += channelSsim(a, b, width);
  }
  return sum / channels;
}

/** SSIM of two planes, from windowed means of a, b, a², b², ab. */
function channelSsim(a: Float64Array, b: Float64Array, width: number): number {
  const means = [a, b, a.map((v) => v * v), b.map((v) => v * v), a.map((v, p) => v * b[p])]
    .map((plane) => blur(plane, width));
  const [muA, muB, aa, bb, ab] = means;
  let sum = 0;
  for (let p = 0; p < muA.length; p++) {
    const luminance = 2 * muA[p] * muB[p] + C1;
    const contrast = 2 * (ab[p] - muA[p] * muB[p]) + C2;
    const energy = muA[p] ** 2 + muB[p] ** 2;
    sum += (luminance * contrast) / ((energy + C1) * (aa[p] + bb[p] - energy + C2));
  }
  return sum / muA.length;
}

/** Gaussian window means at every position inside the plane; separable. */
function blur(plane: Float64Array, width: number): Float64Array {
  const weights = Float64Array.from(
    { length: WINDOW },
    (_, t) => Math.exp(-((t - (WINDOW - 1) / 2) ** 2) / (2 * SIGMA ** 2)),
  );
  const total = weights.reduce((sum, weight) => sum + weight);
  const height = plane.length / width;
  const [outWidth, outHeight] = [width - WINDOW + 1, height - WINDOW + 1];
  const across = new Float64Array(height * outWidth); // [height, outWidth]
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < outWidth; j++) {
      weights.forEach((weight, t) => across[i * outWidth + j] += weight * plane[i * width + j + t]);
    }
  }
  const out = new Float64Array(outHeight * outWidth);
  out.forEach((_, p) =>
    weights.forEach((weight, t) => out[p] += weight * across[p + t * outWidth] / total ** 2)
  );
  return out;
}

function checkLengths(what: string, xHat: Pixels, xTrue: Pixels): void {
  if (xHat.length !== xTrue.length || xTrue.length === 0) {
    throw new TypeError(`Cannot compute ${what}: ${xHat.length} and ${xTrue.length} pixels`);
  }
}

/** A recovery in numbers; null where there is no recovery to measure, and `ssim` of an image under 11 × 11. */
export interface Score {
  readonly status: Recovery["status"];
  /** Of pixels scaled to [0, 1]. */
  readonly mse: number | null;
  /** In dB; Infinity for identical images. */
  readonly psnr: number | null;
  /** Also null of images under 11 × 11, and of rows of a table. */
  readonly ssim: number | null;
  /** Every pixel right after rounding. */
  readonly exact: boolean;
  readonly elapsedMs: number;
  /** From the attacker's side, see `Recovery`. */
  readonly consistent: boolean;
  readonly certified: boolean;
}

/** Measures a recovery against the true image. @throws {TypeError} lengths that differ. */
export function score(recovery: Recovery, xTrue: ArrayLike<number>, shape: Shape): Score {
  const { status, xHat, elapsedMs, consistent, certified } = recovery;
  const measured = xHat === null ? { mse: null, psnr: null, ssim: null, exact: false } : {
    mse: mse(xHat, xTrue),
    psnr: psnr(xHat, xTrue),
    ssim: Math.min(shape[0], shape[1]) < WINDOW ? null : ssim(xHat, xTrue, shape),
    exact: exact(xHat, xTrue),
  };
  return { status, ...measured, elapsedMs, consistent, certified };
}

/** Mean of one number over the recovered images; null if there are none. An infeasible solve has no
 * error and is not averaged in: state how many were recovered beside every mean. An identical image has no
 * finite PSNR and is left out of that mean: state how many are exact. */
export function meanScore(
  scores: readonly Score[],
  key: "mse" | "psnr" | "ssim" | "elapsedMs",
): number | null {
  const values = scores.filter((s) => s.mse !== null).map((s) => s[key])
    .filter((value): value is number => value !== null && value !== Infinity);
  return values.length === 0 ? null : values.reduce((sum, v) => sum + v, 0) / values.length;
}
