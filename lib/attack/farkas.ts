/** Proof that no image fits a view.
 * @module */
import { dot } from "../math/dense.ts";

/** What the inequality must exceed, relative to its terms, to be no rounding error. */
const MARGIN = 1e-9;

/** Whether y and r prove that no 0 ≤ x ≤ 1 with |R·x| ≤ τ solves A·x = b: for each such x,
 *
 *     y·b = y·A·x = (y·A − r·R)·x + r·R·x ≤ Σ max(0, y·A − r·R) + Σ τ·|r|
 *
 * so a larger y·b is impossible (Farkas). Any y and r may be tried: the check never errs.
 * @param reach y·A − r·R, [n].   @param allowance Σ τ·|r|; 0 without rules. */
export function provesInfeasible(
  { y, b, reach, allowance = 0 }: {
    y: Float64Array;
    b: Float64Array;
    reach: Float64Array;
    allowance?: number;
  },
): boolean {
  const most = reach.reduce((sum, v) => sum + Math.max(0, v), allowance);
  const terms = b.reduce((sum, value, row) => sum + Math.abs(value * y[row]), most);
  return dot(y, b) - most > MARGIN * terms;
}
