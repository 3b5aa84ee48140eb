/** Whether points of the curve lie in the subgroup of order q, all of them at once.
 *
 * Checking one point takes longer than reading it. So random combinations Σ c_i·P_i are checked instead, with
 * c_i drawn from ℓ integers side by side, where ℓ is the smallest prime factor of the cofactor: 3 for G1, 13 for
 * G2. A P_i outside the subgroup has an order of at least ℓ in the quotient, so for given other terms at most
 * one of the ℓ values of c_i brings the sum into the subgroup: a combination misses with probability at most 1/ℓ,
 * k of them with ℓ^−k. Large random coefficients alone would not do: against a component of order 3 they fail
 * as often as small ones.
 * @module */
import { secureRng } from "../rng.ts";

/** The smallest prime factor of each cofactor, and combinations for an error below 2^-64. */
export const COMBINATIONS = {
  G1: { factor: 3, count: 41 },
  G2: { factor: 13, count: 18 },
} as const;

/** Combinations pay from here on; below, each point is checked by itself. */
export const MIN_BATCH = 64;

/** Coefficients of the combinations for n points, uniform in −(ℓ − 1)/2 … (ℓ − 1)/2, from the CSPRNG: who sends
 * points must not know them. */
export function drawCombinations(which: keyof typeof COMBINATIONS, n: number): Int32Array[] {
  const { factor, count } = COMBINATIONS[which];
  const limit = 256 - 256 % factor;
  const rng = secureRng();
  return Array.from({ length: count }, () => {
    const out = new Int32Array(n);
    for (let at = 0; at < n;) {
      for (const byte of rng.bytes(n - at)) {
        if (byte < limit) out[at++] = byte % factor - (factor - 1) / 2;
      }
    }
    return out;
  });
}
