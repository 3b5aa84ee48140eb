/** Parameters of CKKS: the ring, and how deep products may go.
 *
 *   q = q_0 · q_1 ⋯ q_depth · p,   primes of baseBits | scaleBits each | baseBits
 *
 * A ciphertext of level l is modulo q_0 ⋯ q_l. Each product takes one level: it is divided by q_l, which brings its
 * scale back to about 2^scaleBits. At level 0 there is no product left, and values up to 2^(baseBits − scaleBits − 1)
 * fit. Whether the whole is secure depends on the degree and the bits of q alone.
 * @see J. H. Cheon, A. Kim, M. Kim, Y. Song, "Homomorphic Encryption for Arithmetic of Approximate Numbers", ePrint
 * 2016/421.  M. Albrecht et al., "Homomorphic Encryption Standard", 2018, table 1.
 * @module */

/** The most bits that q may have for 128 bits of security against a classical attacker, secrets in {−1, 0, 1}. */
const MAX_BITS: Readonly<Record<number, number>> = { 4096: 109, 8192: 218, 16384: 438 };

/** What both parties must have alike. */
export interface CkksParams {
  /** N, the degree of the ring: 4096, 8192 or 16384. A ciphertext holds N/2 numbers, its slots. */
  readonly degree: number;
  /** Products one after the other. */
  readonly depth: number;
  /** Bits of a number's fraction, and of the primes that products divide by; 20 to 50. */
  readonly scaleBits: number;
  /** Bits of the first prime, and of the one that keys need; at least scaleBits + 2, at most 60. */
  readonly baseBits: number;
}

/** For a gradient of a linear model: two products, 216 bits of 218. */
export const LINEAR_PARAMS: CkksParams = { degree: 8192, depth: 2, scaleBits: 48, baseBits: 60 };
/** For the gradients of a network with a hidden layer: six products, 408 bits of 438. */
export const NETWORK_PARAMS: CkksParams = { degree: 16384, depth: 6, scaleBits: 48, baseBits: 60 };

/** Numbers that a ciphertext holds. */
export const slotsOf = ({ degree }: CkksParams): number => degree / 2;

/** The bits of the primes, in the order of the module's text. */
export const primeBits = ({ depth, scaleBits, baseBits }: CkksParams): number[] => [
  baseBits,
  ...Array<number>(depth).fill(scaleBits),
  baseBits,
];

/** Bytes that a key for products or rotations takes in memory: a pair of polynomials modulo q for each prime of the top
 * level. As sent it is half of that, and packed. */
export function keyBytes({ degree, depth }: CkksParams): number {
  return (depth + 1) * 2 * (depth + 2) * degree * 8;
}

/** Refuses parameters that are none, or not secure.
 * @throws {RangeError} a number out of range, or more bits than 128 bits of security allow. */
export function checkCkksParams(params: CkksParams): CkksParams {
  const { degree, depth, scaleBits, baseBits } = params;
  const max = MAX_BITS[degree];
  if (max === undefined) {
    const degrees = Object.keys(MAX_BITS).join(", ");
    throw new RangeError(`Cannot set up CKKS: degree = ${degree}, expected one of ${degrees}`);
  }
  const within = (name: string, value: number, least: number, most: number) => {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(
        `Cannot set up CKKS: ${name} = ${value} is not an integer in [${least}, ${most}]`,
      );
    }
  };
  within("scaleBits", scaleBits, 20, 50);
  within("baseBits", baseBits, scaleBits + 2, 60);
  within("depth", depth, 0, 20);
  const bits = 2 * baseBits + depth * scaleBits;
  if (bits > max) {
    const fits = Math.floor((max - 2 * baseBits) / scaleBits);
    const way = fits >= 0 ? `depth at most ${fits}, or a` : "fewer bits, or a";
    throw new RangeError(
      `Cannot set up CKKS: ${bits} bits at degree ${degree} are insecure, at most ${max}; take ` +
        `${way} larger degree`,
    );
  }
  return params;
}
