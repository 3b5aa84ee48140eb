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
} from "../math/dense.ts";
import { buildLp, worstViolation } from "./lp_model.ts";
import { checkedPriors, type Priors } from "./priors.ts";
import { noRecovery, type Recovery, recovery } from "./recovery.ts";
import type { ServerView } from "./view.ts";

/** Largest relative violation of an equation or bound in a point that counts as a solution. */
const TOLERANCE = 1e-7;

/** Least-squares solution clipped to the pixel range. Always "optimal" (as a least-squares problem),
 * unless W1 is all zeros: "error". */
export function leastSquares(view: ServerView): Recovery {
  const start = performance.now();
  const objective = "least-squares";
  const { x, rank } = leastSquaresPoint(view);
  const elapsedMs = performance.now() - start;
  return rank > 0
    ? recovery(view, x, { objective, elapsedMs })
    : noRecovery("error", objective, { elapsedMs, message: "Cannot solve: W1 is all zeros" });
}

/** The verdict of equations that leave one point at most: an image or "infeasible". Null where they leave more.
 * @param priors whose rules the image must obey, none by default. */
export function soleSolution(
  view: ServerView,
  objective: Recovery["objective"],
  priors: Priors = checkedPriors({ objective: "published" }),
): Recovery | null {
  if (view.hidden < view.n) return null;
  const start = performance.now();
  const { x, rank } = leastSquaresPoint(view);
  if (rank < view.n) return null;
  const program = buildLp(view, { ...priors, objective: "published" });
  const solves = worstViolation(program, x) <= TOLERANCE;
  const details = { objective, elapsedMs: performance.now() - start };
  return solves ? recovery(view, x, details) : noRecovery("infeasible", objective, details);
}

/** The least-squares solution in 0..255, not clipped, and the rank of W1. At rank n it is the only one. */
function leastSquaresPoint(
  { W1, z1, hidden, n }: ServerView,
): { x: Float64Array; rank: number } {
  if (hidden <= n) {
    const gram = multiplyTransposed(W1, W1, { n, lower: true });
    const rank = cholesky(gram, hidden);
    return { x: applyTransposed(W1, solveCholesky(gram, z1)), rank };
  }
  const gram = columnGram(W1, n);
  const rank = cholesky(gram, n);
  const x = solveCholesky(gram, applyTransposed(W1, z1));
  // The normal equations square the condition number: one correction brings the digits back.
  const Wx = apply(W1, x);
  const correction = applyTransposed(W1, z1.map((z, row) => z - Wx[row]));
  return { x: solveCholesky(gram, correction).map((dx, p) => x[p] + dx), rank };
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
