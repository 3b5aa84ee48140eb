/** The closed-form attack: images as samples of a stationary Gaussian.
 *
 *     x̂ = μ + Σ·Wᵀ·(W·Σ·Wᵀ)⁻¹·(z − W·μ)
 *
 * μ is the mean image; Σ depends on the offset of two pixels, and their channels, alone. Both come from
 * *public* images of the same kind, never from the client's. Sums over the pairs of an offset are divided
 * by the number of pixels, not of pairs, which keeps Σ positive semidefinite. Fit and factorisation are
 * done once; an image then costs a few matrix-vector products. No bounds and no sparsity: on
 * photographs as good as total variation up to a point, on digits, which are no Gaussian, worse.
 * @module */
import {
  apply,
  applyTransposed,
  cholesky,
  multiplyTransposed,
  solveCholesky,
} from "../../math/dense.ts";
import { checkedPriors, type Shape } from "../priors.ts";
import { noRecovery, type Recovery, recovery } from "../recovery.ts";
import type { ServerView } from "../view.ts";
import { soleSolution } from "./least_squares.ts";
import { provedByInteriorPoint } from "./structured.ts";

/** What {@linkcode fitGaussian} learns of public images, in 0..255. */
export interface GaussianPrior {
  readonly shape: Shape;
  /** [n] */
  readonly mean: Float64Array;
  /** [n, n] */
  readonly covariance: Float64Array;
}

/** Fits the prior to public images: of a split that shares no image with those under attack.
 * @param images.x [count, n] pixels in 0..255.   @param limit how many to use, 1000 by default.
 * @throws {RangeError} no images. */
export function fitGaussian(
  images: { x: ArrayLike<number>; count: number; n: number; shape: Shape },
  limit = 1000,
): GaussianPrior {
  const { x, n, shape } = images;
  const count = Math.min(limit, images.count);
  if (!(count >= 1)) throw new RangeError(`Cannot fit a Gaussian prior: ${count} images`);
  const mean = new Float64Array(n);
  for (let at = 0; at < count * n; at++) mean[at % n] += x[at] / count;
  const centred = new Float64Array(n * count); // [n, count]
  for (let p = 0; p < n; p++) {
    for (let k = 0; k < count; k++) centred[p * count + k] = x[k * n + p] - mean[p];
  }
  const sample = multiplyTransposed(centred, centred, { n: count, lower: true });

  const offset = offsets(shape);
  const sums = new Float64Array(4 * n * shape[2]);
  for (let p = 0; p < n; p++) {
    for (let q = 0; q < n; q++) {
      sums[offset(p, q)] += sample[Math.max(p, q) * n + Math.min(p, q)];
    }
  }
  const pixels = n / shape[2];
  const covariance = sample; // its place is free now
  for (let p = 0; p < n; p++) {
    for (let q = 0; q < n; q++) covariance[p * n + q] = sums[offset(p, q)] / (count * pixels);
  }
  return { shape, mean, covariance };
}

/** A number below 4·n·channels for the offset from entry p to entry q and for their channels. */
function offsets([height, width, channels]: Shape): (p: number, q: number) => number {
  return (p, q) => {
    const [a, b] = [Math.floor(p / channels), Math.floor(q / channels)];
    const di = Math.floor(b / width) - Math.floor(a / width) + height - 1;
    const dj = b % width - a % width + width - 1;
    const pair = channels * (p % channels) + q % channels;
    return (pair * 2 * height + di) * 2 * width + dj;
  };
}

/** The attack on every view of this view's W1, factored now: gives a function that takes a few
 * milliseconds a view. A point far off the pixel range raises the question whether any image solves the
 * equations, which takes longer: "infeasible". Over n equations the prior has no say: least squares, or an error where their rank is below n.
 * @throws {TypeError} a prior of another shape; later, a view of another size. */
export function gaussianAttack(
  { mean, covariance, shape }: GaussianPrior,
  { W1, hidden, n, shape: viewShape }: ServerView,
): (view: ServerView) => Recovery {
  if (`${shape}` !== `${viewShape}`) {
    throw new TypeError(`Cannot attack images of [${viewShape}] with a prior for [${shape}]`);
  }
  const objective = "gaussian";
  const deficient = () => noRecovery("error", objective, "Cannot solve: the rank of W1 is too low");
  if (hidden > n) return (view) => soleSolution(view, objective) ?? deficient();
  const WS = multiplyTransposed(W1, covariance, { n }); // W·Σ [hidden, n]
  const factor = multiplyTransposed(WS, W1, { n, lower: true });
  const rank = cholesky(factor, hidden);
  const Wmean = apply(W1, mean);
  return (view) => {
    if (view.hidden !== hidden || view.n !== n) {
      throw new TypeError(
        `Cannot attack a view of ${view.hidden} × ${view.n}: W1 is ${hidden} × ${n}`,
      );
    }
    if (rank === 0) return deficient();
    const shifts = solveCholesky(factor, view.z1.map((z, row) => z - Wmean[row]));
    const point = applyTransposed(WS, shifts).map((shift, p) => mean[p] + shift);
    const white = view.pixelRange[1];
    const far = point.some((v) => v < -white || v > 2 * white);
    const contradictory = far &&
      provedByInteriorPoint(view, checkedPriors({ objective: "published" }));
    return contradictory ? noRecovery("infeasible", objective) : recovery(view, point, objective);
  };
}
