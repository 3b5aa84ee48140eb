/** Planted views for the attack's tests: a known image behind Gaussian integer weights. */
import type { SparseLp } from "lib/attack/lp_model.ts";
import { checkedPriors, type Objective, type Priors, type Shape } from "lib/attack/priors.ts";
import { type ServerView, serverView } from "lib/attack/view.ts";
import { toFixed } from "lib/math/fixed_point.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { type ExactSolver, type Limits, solveExact } from "lib/attack/solvers/exact.ts";

/** An 8 × 8 "digit": a bright square with a hole on black. */
export const SQUARE: Uint8Array = Uint8Array.from({ length: 64 }, (_, p) => {
  const [i, j] = [Math.floor(p / 8), p % 8];
  const inside = i >= 2 && i < 6 && j >= 2 && j < 6;
  return inside && !(i === 3 && j === 4) ? 200 : 0;
});

export const SQUARE_SHAPE: Shape = [8, 8, 1];

/** What the server sees of `xTrue` behind N(0, 1) weights at scale 2^8. */
export function plantedView(
  xTrue: ArrayLike<number>,
  { hidden, shape = SQUARE_SHAPE, seed = 1, weightSeed = seed }: {
    hidden: number;
    shape?: Shape;
    /** Seed of the weights behind z1. */
    seed?: number;
    /** Seed of the weights the server believes in; another one makes the view contradictory. */
    weightSeed?: number;
  },
): ServerView {
  const n = xTrue.length;
  const weights = (from: number) => toFixed(gaussian(seededRng(from), hidden * n), 8);
  const behind = weights(seed);
  const z1 = Float64Array.from({ length: hidden }, (_, row) => {
    let sum = 0;
    for (let p = 0; p < n; p++) sum += behind[row * n + p] * xTrue[p];
    return sum;
  });
  return serverView({ W1: weights(weightSeed), z1, shape, scaleBits: 8 });
}

/** `solveExact` with its solver filled in. */
const by = (solver: ExactSolver) => (view: ServerView, priors: Priors, limits: Limits = {}) =>
  solveExact(view, priors, { ...limits, solver });
export const byStructure = by("fast");
export const byHighs = by("highs");

/** Priors without a neighbour rule. */
export const plain = (objective: Objective) => checkedPriors({ objective });

/** Σ|x_p − x_right| + Σ|x_p − x_below|, the obvious way. */
export function totalVariation(x: ArrayLike<number>, [height, width]: Shape): number {
  let sum = 0;
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const p = i * width + j;
      if (j + 1 < width) sum += Math.abs(x[p] - x[p + 1]);
      if (i + 1 < height) sum += Math.abs(x[p] - x[p + width]);
    }
  }
  return sum;
}

/** How far a point is from satisfying the program: the worst violation over rows, relative to the
 * row's Σ|a|·|v| (at least 1), and over column bounds, relative to 255 (at least 1). */
export function worstViolation(lp: SparseLp, point: Float64Array): number {
  let worst = 0;
  const see = (violation: number) => worst = Math.max(worst, violation); // NaN stays
  for (let row = 0; row < lp.numRows; row++) {
    let [activity, size] = [0, 1];
    for (let at = lp.starts[row]; at < lp.starts[row + 1]; at++) {
      const term = lp.values[at] * point[lp.indices[at]];
      activity += term;
      size += Math.abs(term);
    }
    see(Math.max(lp.rowLower[row] - activity, activity - lp.rowUpper[row]) / size);
  }
  for (let col = 0; col < lp.numCols; col++) {
    see(Math.max(lp.colLower[col] - point[col], point[col] - lp.colUpper[col]) / 255);
  }
  return worst;
}
