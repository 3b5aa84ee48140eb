/** The tail of the normal distribution in float64, right to about 13 digits however far out.
 * @module */

/** Below it a power series, above it a continued fraction. */
const SEAM = 1.5;

/** The scaled complementary error function exp(x²)·erfc(x), for x ≥ 0: it falls like 1/(x·√π) where erfc itself
 * would underflow. Relative error below 1e-13.
 *
 * Below 1.5: exp(x²) − (2/√π)·Σ 2ⁿx²ⁿ⁺¹/(2n+1)!!, whose terms are positive; above: 1/√π over the continued fraction
 * x + ½/(x + 1/(x + 3/2/(x + …))).
 * @throws {RangeError} x < 0 or NaN.
 * @see Abramowitz and Stegun, 7.1.6 and 7.1.14. */
export function erfcx(x: number): number {
  if (!(x >= 0)) throw new RangeError(`Cannot compute erfcx: expected x ≥ 0, got ${x}`);
  if (x < SEAM) {
    let sum = 0;
    for (let n = 0, term = x; sum + term > sum; n++, term *= 2 * x * x / (2 * n + 1)) sum += term;
    return Math.exp(x * x) - 2 / Math.sqrt(Math.PI) * sum;
  }
  let below = x;
  for (let k = 150; k > 0; k--) below = x + k / 2 / below;
  return 1 / Math.sqrt(Math.PI) / below;
}

/** The probability that a standard normal variable exceeds x: ½·erfc(x/√2), for any x. */
export function normalTail(x: number): number {
  if (x < 0) return 1 - normalTail(-x);
  return 0.5 * Math.exp(-x * x / 2) * erfcx(x * Math.SQRT1_2);
}
