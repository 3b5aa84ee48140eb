/** The closed-form attack: images, or rows of a table, as samples of a Gaussian.
 *
 *     x̂ = μ + Σ·Wᵀ·(W·Σ·Wᵀ)⁻¹·(z − W·μ)
 *
 * μ is the mean, Σ the covariance, both of *public* samples of the same kind, never of the client's. Of images Σ depends
 * on the offset of two pixels, and their channels, alone: sums over the pairs of an offset are divided by the number of
 * pixels, not of pairs, which keeps Σ positive semidefinite. In a table neighbours mean nothing: Σ is the sample
 * covariance, its correlations shrunk towards 0 by as much as their own spread calls for.
 *
 * Fit and factorisation are done once; a sample then costs a few matrix-vector products. No bounds and no sparsity: on
 * photographs as good as total variation up to a point, on digits, which are no Gaussian, worse.
 * @see Schäfer and Strimmer, "A Shrinkage Approach to Large-Scale Covariance Matrix Estimation" (2005), target D on
 * correlations: Ledoit and Wolf's estimate with variances left as they are.
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

/** Fits the prior to public samples: of a split that shares none with those under attack.
 * @param images.x [count, n] pixels in 0..255.   @param limit how many to use, 1000 by default.
 * @param options.stationary true for images; false for a table, and for images that are all aligned alike.
 * @throws {RangeError} no images, or one where not stationary. */
export function fitGaussian(
  images: { x: ArrayLike<number>; count: number; n: number; shape: Shape },
  limit = 1000,
  { stationary = true }: { stationary?: boolean } = {},
): GaussianPrior {
  const { x, n, shape } = images;
  const count = Math.min(limit, images.count);
  if (!(count >= (stationary ? 1 : 2))) {
    throw new RangeError(`Cannot fit a Gaussian prior: ${count} images`);
  }
  const mean = new Float64Array(n);
  for (let at = 0; at < count * n; at++) mean[at % n] += x[at] / count;
  const centred = new Float64Array(n * count); // [n, count]
  for (let p = 0; p < n; p++) {
    for (let k = 0; k < count; k++) centred[p * count + k] = x[k * n + p] - mean[p];
  }
  const sums = multiplyTransposed(centred, centred, { n: count, lower: true });
  const covariance = stationary
    ? stationaryCovariance(sums, { count, shape })
    : shrunkCovariance(sums, centred, { count, n });
  return { shape, mean, covariance };
}

/** Averages the sums of products `[n, n]`, of which the lower triangle is right, over all pairs of an offset; in place. */
function stationaryCovariance(
  products: Float64Array,
  { count, shape }: { count: number; shape: Shape },
): Float64Array {
  const [height, width, channels] = shape;
  const [offset, pixels, n] = [offsets(shape), height * width, height * width * channels];
  const sums = new Float64Array(4 * n * channels);
  for (let p = 0; p < n; p++) {
    for (let q = 0; q < n; q++) {
      sums[offset(p, q)] += products[Math.max(p, q) * n + Math.min(p, q)];
    }
  }
  for (let p = 0; p < n; p++) {
    for (let q = 0; q < n; q++) products[p * n + q] = sums[offset(p, q)] / (count * pixels);
  }
  return products;
}

/** The covariance with all correlations times 1 − λ, from the sums of products as above; in place.
 *
 *     λ = Σ_{i≠j} Var(r_ij) / Σ_{i≠j} r_ij², at most 1
 *
 * r_ij is the mean over samples of products of standardised values, and its variance is estimated from their spread. */
function shrunkCovariance(
  products: Float64Array,
  centred: Float64Array,
  { count, n }: { count: number; n: number },
): Float64Array {
  const scale = Float64Array.from({ length: n }, (_, p) => Math.sqrt(products[p * n + p] / count));
  const squares = new Float64Array(count), fourth = new Float64Array(count); // over the columns
  centred.forEach((value, at) => {
    const p = Math.floor(at / count);
    const square = scale[p] === 0 ? 0 : (value / scale[p]) ** 2;
    squares[at % count] += square;
    fourth[at % count] += square ** 2;
  });
  let energy = 0; // Σ_{i≠j} r_ij²
  for (let p = 0; p < n; p++) {
    for (let q = 0; q < p; q++) {
      const scales = scale[p] * scale[q];
      if (scales > 0) energy += 2 * (products[p * n + q] / count / scales) ** 2;
    }
  }
  // Σ_{i≠j} Σ_k z_ki²·z_kj²: the mean square of the products, of which their mean's square is taken off
  const ofProducts = squares.reduce((sum, square, k) => sum + square ** 2 - fourth[k], 0);
  const spread = (ofProducts / count - energy) / (count - 1); // of the mean
  const keep = 1 - Math.min(1, energy === 0 ? 1 : Math.max(0, spread / energy));
  for (let p = 0; p < n; p++) {
    for (let q = 0; q < p; q++) {
      products[p * n + q] = products[q * n + p] = keep * products[p * n + q] / count;
    }
    products[p * n + p] /= count;
  }
  return products;
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
