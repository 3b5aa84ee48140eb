/** Proof that no image fits a view, in exact integers.
 *
 * For y and r of any values and each 0 ≤ x ≤ 255 with W1·x = z1 and |R·x| ≤ τ,
 *
 *     y·z1 = y·W1·x = (y·W1 − r·R)·x + r·R·x ≤ 255·Σ max(0, y·W1 − r·R) + Σ τ·|r|
 *
 * so a larger y·z1 is impossible (Farkas). Any y and r may be tried: a solver's multipliers are taken to
 * integers, and all sums are exact. The check errs on one side only: it may miss, never accept wrongly.
 * @module */
import { dot } from "../../math/dense.ts";
import { type PixelRule, RULE_SCALE } from "../priors.ts";
import type { ServerView } from "../view.ts";

/** Multipliers so far below the largest are taken for 0: binary digits. */
const DIGITS = 160;

/** What y·z1 must exceed, relative to its terms, to be worth the exact check. */
const MARGIN = 1e-9;

/** Whether float64 takes y and r for a proof, for b = A·x with pixels in [0, 1]: the quick look before.
 * @param reach y·A − r·R, [n].   @param allowance Σ τ·|r|; 0 without rules. */
export function suggestsInfeasible(
  { y, b, reach, allowance = 0 }: {
    y: Float64Array;
    b: Float64Array;
    reach: Float64Array;
    allowance?: number;
  },
): boolean {
  let most = allowance;
  for (let p = 0; p < reach.length; p++) most += Math.max(0, reach[p]);
  let terms = most;
  for (let row = 0; row < b.length; row++) terms += Math.abs(b[row] * y[row]);
  return dot(y, b) - most > MARGIN * terms;
}

/** Whether y [hidden] and r [rules] prove that no image, whole or not, solves the view under the rules. */
export function provesInfeasible(
  { W1, z1, hidden, n, pixelRange: [, white] }: ServerView,
  rules: readonly PixelRule[],
  y: ArrayLike<number>,
  r: ArrayLike<number> = [],
): boolean {
  const multipliers = integers([...Array.from(y), ...Array.from(r, (v) => v / RULE_SCALE)]);
  if (multipliers === null) return false;
  const reach = new Array<bigint>(n).fill(0n);
  let surplus = 0n; // y·z1 − what a point can reach
  for (let row = 0; row < hidden; row++) {
    const weight = multipliers[row];
    if (weight === 0n) continue;
    surplus += weight * BigInt(z1[row]);
    for (let p = 0; p < n; p++) {
      const w = W1[row * n + p];
      if (w !== 0) reach[p] += weight * BigInt(w);
    }
  }
  rules.forEach(({ indices, values, bound }, e) => {
    const weight = multipliers[hidden + e] ?? 0n;
    if (weight === 0n) return;
    indices.forEach((p, k) => reach[p] -= weight * wholeNumber(RULE_SCALE * values[k]));
    surplus -= (weight < 0n ? -weight : weight) * wholeNumber(RULE_SCALE * bound);
  });
  for (const most of reach) if (most > 0n) surplus -= BigInt(white) * most;
  return surplus > 0n;
}

function wholeNumber(value: number): bigint {
  const whole = Math.round(value);
  if (Math.abs(value - whole) > 1e-9) throw new RangeError(`Cannot prove: ${value} is no integer`);
  return BigInt(whole);
}

/** The values as integers, all times one factor; null unless all are finite and one is not 0. */
function integers(values: readonly number[]): bigint[] | null {
  const largest = values.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  if (!(largest > 0 && largest < Infinity) || values.some(Number.isNaN)) return null;
  return values.map((value) => {
    const share = value / largest;
    const exponent = share === 0 ? 0 : Math.floor(Math.log2(Math.abs(share)));
    const shift = DIGITS + exponent - 52;
    if (shift < 0) return 0n;
    return BigInt(Math.round(share * 2 ** (52 - exponent))) << BigInt(shift);
  });
}
