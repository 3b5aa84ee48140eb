/** The naive baseline: the minimum-norm solution of W1·x = z1, clipped to the pixel range.
 *
 * x = Wᵀ·(W·Wᵀ)⁻¹·z by Cholesky; with more equations than pixels x = (Wᵀ·W)⁻¹·Wᵀ·z, which is the image
 * itself if W has rank n. This attack knows no image: it projects onto what the equations say and
 * leaves the rest at zero.
 * @module */
import {
  apply,
  applyTransposed,
  cholesky,
  multiplyTransposed,
  solveCholesky,
  transpose,
} from "../math/dense.ts";
import { provesInfeasible } from "./farkas.ts";
import { type PixelRule } from "./priors.ts";
import { noRecovery, type Recovery, recovery, solution } from "./recovery.ts";
import type { ServerView } from "./view.ts";

/** Corrections of a least-squares point: normal equations square the condition number. */
const CORRECTIONS = 2;

/** Least-squares solution clipped to the pixel range. Always "optimal" (as a least-squares problem),
 * unless W1 is all zeros: "error". */
export function leastSquares(view: ServerView): Recovery {
  const start = performance.now();
  const objective = "least-squares";
  const { rank, nearest } = leastSquaresSystem(view);
  const x = nearest(new Float64Array(view.n));
  const elapsedMs = performance.now() - start;
  return rank > 0
    ? recovery(view, x, { objective, elapsedMs })
    : noRecovery("error", objective, { elapsedMs, message: "Cannot solve: W1 is all zeros" });
}

/** The verdict of equations that leave one point at most: an image, or "infeasible" if that can be proved.
 * Null where they leave more, and where neither holds up. */
export function soleSolution(
  view: ServerView,
  objective: Recovery["objective"],
  rules: readonly PixelRule[] = [],
): Recovery | null {
  if (view.hidden < view.n) return null;
  const start = performance.now();
  const { rank, nearest, multipliers } = leastSquaresSystem(view);
  if (rank < view.n) return null;
  const x = nearest(new Float64Array(view.n));
  const details = () => ({ objective, elapsedMs: performance.now() - start });
  const found = solution(view, rules, { point: x, rank }, details());
  if (found !== null) return found;
  // Equations that disagree leave a residual; else it is a pixel off its range, or a rule, that is broken.
  const Wx = apply(view.W1, x);
  const residual = view.z1.map((z, row) => z - Wx[row]);
  const proved = provesInfeasible(view, rules, residual) || brokenBounds(view, rules, x).some(
    ({ form, rule }) => provesInfeasible(view, rules, multipliers(form), rule),
  );
  return proved ? noRecovery("infeasible", objective, details()) : null;
}

/** The linear forms of the pixels that x breaks most, above their bounds: of one pixel, and of a rule. */
function brokenBounds(
  { n, pixelRange: [low, high] }: ServerView,
  rules: readonly PixelRule[],
  x: Float64Array,
): { form: Float64Array; rule: Float64Array }[] {
  const excess = x.map((v) => Math.max(v - high, low - v));
  const p = excess.indexOf(Math.max(...excess));
  const pixel = new Float64Array(n);
  pixel[p] = x[p] > high ? 1 : -1;
  const broken = [{ form: pixel, rule: new Float64Array(rules.length) }];
  const sums = rules.map(({ indices, values }) =>
    indices.reduce((total, at, k) => total + values[k] * x[at], 0)
  );
  const worst = sums.reduce(
    (best, sum, e) =>
      Math.abs(sum) - rules[e].bound > Math.abs(sums[best]) - rules[best].bound ? e : best,
    0,
  );
  if (rules.length > 0) {
    const sign = Math.sign(sums[worst]);
    const form = new Float64Array(n);
    rules[worst].indices.forEach((at, k) => form[at] += sign * rules[worst].values[k]);
    const rule = new Float64Array(rules.length);
    rule[worst] = sign;
    broken.push({ form, rule });
  }
  return broken;
}

/** The least-squares problem of a view, factored. */
export interface LeastSquaresSystem {
  /** Of W1, as far as float64 tells. */
  readonly rank: number;
  /** The point nearest to x, in 0..255 and not clipped, that solves the equations as well as any. */
  nearest(x: Float64Array): Float64Array;
  /** y [hidden] with y·W1 as near as can be to a form [n]. */
  multipliers(form: Float64Array): Float64Array;
}

/** Factors W1·W1ᵀ, or W1ᵀ·W1 where that is smaller. */
export function leastSquaresSystem({ W1, z1, hidden, n }: ServerView): LeastSquaresSystem {
  const wide = hidden <= n;
  const gram = !wide
    ? columnGram(W1, n)
    : isSparse(W1)
    ? columnGram(transpose(W1, hidden, n), hidden)
    : multiplyTransposed(W1, W1, { n, lower: true });
  const rank = cholesky(gram, Math.min(hidden, n));
  const shortest = (r: Float64Array) =>
    wide
      ? applyTransposed(W1, solveCholesky(gram, r))
      : solveCholesky(gram, applyTransposed(W1, r));
  return {
    rank,
    nearest(x) {
      for (let correction = 0; correction <= CORRECTIONS; correction++) {
        const Wx = apply(W1, x);
        const dx = shortest(z1.map((z, row) => z - Wx[row]));
        x = x.map((v, p) => v + dx[p]);
      }
      return x;
    },
    multipliers: (form) =>
      wide ? solveCholesky(gram, apply(W1, form)) : apply(W1, solveCholesky(gram, form)),
  };
}

/** Whether most entries of W1 are zero. */
export function isSparse(W1: Float64Array): boolean {
  return 2 * W1.reduce((count, w) => w === 0 ? count + 1 : count, 0) > W1.length;
}

/** Lower triangle of Wᵀ·W `[n, n]`, row by row over the entries that are not zero: the rows of a
 * convolution have few. */
function columnGram(W1: Float64Array, n: number): Float64Array {
  const gram = new Float64Array(n * n);
  for (let start = 0; start < W1.length; start += n) {
    const row = W1.subarray(start, start + n);
    const entries = [...row.keys()].filter((p) => row[p] !== 0);
    for (let i = 0; i < entries.length; i++) {
      const p = entries[i];
      for (let j = 0; j <= i; j++) gram[p * n + entries[j]] += row[p] * row[entries[j]];
    }
  }
  return gram;
}
