/** The secrets of one ciphertext of quadratic encryption: γ ∈ Zq* and W ∈ GL₂(Zq), ePrint 2018/206. The rows of
 * W hide (y, −t), those of W⁻ᵀ hide (x, γ·s), and the product of the two hides neither from ⟨·, ·⟩.
 * @module */
import { invert, mod } from "@noble/curves/abstract/modular.js";
import { randomNonZero, randomScalars, type Rng } from "../math/rng.ts";

/** A 2 × 2 matrix, by rows. */
export type Matrix2 = readonly [readonly [bigint, bigint], readonly [bigint, bigint]];

/** Fresh in every ciphertext. */
export interface Mask {
  readonly gamma: bigint;
  readonly w: Matrix2;
  /** W⁻ᵀ. */
  readonly dual: Matrix2;
}

/** The mask of given γ and W. @throws {RangeError} γ = 0 or det W = 0 mod q. */
export function maskOf(q: bigint, gamma: bigint, w: Matrix2): Mask {
  const [[a, b], [c, d]] = w;
  const determinant = mod(a * d - b * c, q);
  if (mod(gamma, q) === 0n || determinant === 0n) {
    throw new RangeError("Cannot mask: γ or the determinant of W is 0");
  }
  const over = invert(determinant, q);
  const [da, db, dc, dd] = [d, -c, -b, a].map((entry) => mod(entry * over, q));
  return { gamma, w, dual: [[da, db], [dc, dd]] };
}

/** Draws γ, then W by rows; a singular W, which nobody will ever see, is drawn again. */
export function drawMask(q: bigint, rng: Rng): Mask {
  const [gamma] = randomNonZero(q, rng, 1);
  for (;;) {
    const [a, b, c, d] = randomScalars(q, rng, 4);
    if (mod(a * d - b * c, q) !== 0n) return maskOf(q, gamma, [[a, b], [c, d]]);
  }
}

/** M·(u, v) mod q. */
export function times2(
  [[a, b], [c, d]]: Matrix2,
  u: bigint,
  v: bigint,
  q: bigint,
): [bigint, bigint] {
  return [mod(a * u + b * v, q), mod(c * u + d * v, q)];
}
