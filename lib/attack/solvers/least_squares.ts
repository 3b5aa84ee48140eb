/** The naive baseline: the minimum-norm solution of W1·x = z1, clipped to the pixel range.
 *
 * x = Wᵀ·(W·Wᵀ)⁻¹·z by Cholesky; with more equations than pixels x = (Wᵀ·W)⁻¹·Wᵀ·z, which is the image
 * itself if W has rank n. This attack knows no image: it projects onto what the equations say and
 * leaves the rest at zero.
 * @module */
import { apply } from "../../math/dense.ts";
import { preparedLayer } from "../layer.ts";
import type { PixelRule } from "../priors.ts";
import { noRecovery, type Recovery, recovery, solution } from "../recovery.ts";
import type { ServerView } from "../view.ts";
import { provesInfeasible } from "./farkas.ts";

/** Least-squares solution clipped to the pixel range. Always "optimal" (as a least-squares problem),
 * unless W1 is all zeros: "error". */
export function leastSquares(view: ServerView): Recovery {
  const objective = "least-squares";
  const { rank, nearest } = preparedLayer(view).leastSquares();
  return rank > 0
    ? recovery(view, nearest(view.z1, new Float64Array(view.n)), objective)
    : noRecovery("error", objective, "Cannot solve: W1 is all zeros");
}

/** The verdict of equations that leave one point at most: an image, or "infeasible" if that can be proved.
 * Null where they leave more, and where neither holds up. */
export function soleSolution(
  view: ServerView,
  objective: Recovery["objective"],
  rules: readonly PixelRule[] = [],
): Recovery | null {
  if (view.hidden < view.n) return null;
  const { rank, nearest, multipliers } = preparedLayer(view).leastSquares();
  if (rank < view.n) return null;
  const x = nearest(view.z1, new Float64Array(view.n));
  const found = solution(view, rules, { point: x, rank }, objective);
  if (found !== null) return found;
  // Equations that disagree leave a residual; else it is a pixel off its range, or a rule, that is broken.
  const Wx = apply(view.W1, x);
  const residual = view.z1.map((z, row) => z - Wx[row]);
  const proved = provesInfeasible(view, rules, residual) || brokenBounds(view, rules, x).some(
    ({ form, rule }) => provesInfeasible(view, rules, multipliers(form), rule),
  );
  return proved ? noRecovery("infeasible", objective) : null;
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
