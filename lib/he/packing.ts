/** Matrices in one ciphertext: where their entries stand, and how sums over an axis are rotations.
 *
 *   slot of (c, j, b) = (c·J + j)·B + b,   C·J·B = slots
 *
 * c is an input or an output, j a hidden unit, b a sample. C comes first, so rotations by multiples of J·B turn it
 * cyclically: a sum over c stands in every c at once. Sums over j and b stand where these are 0, what other slots
 * hold is of no use. An operand without one of the axes is repeated along it, so none is ever transposed.
 *
 *   sum over an axis of length L, stride s:   x ← x + rotate(x, s·2^i),   i = 0 … log2 L − 1
 *
 * After M. Mihara et al., "Neural Network Training With Homomorphic Encryption", arXiv 2012.13552, who train packed;
 * this order of the axes is ours.
 * @module */
import type { Ciphertext } from "./ckks.ts";
import type { CkksEvaluator } from "./evaluator.ts";

/** Lengths of the axes, powers of two. */
export interface Packing {
  readonly C: number;
  readonly J: number;
  readonly B: number;
}

const powerAbove = (length: number) => 2 ** Math.ceil(Math.log2(length));

/** The packing for matrices of these sizes; the samples' axis takes what the others leave.
 * @throws {RangeError} a size that is no positive integer, or more numbers than slots. */
export function packingFor(
  slots: number,
  sizes: { readonly c: number; readonly j: number; readonly b: number },
): Packing {
  for (const [axis, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(`Cannot pack: ${size} along ${axis} is not a positive integer`);
    }
  }
  const [C, J] = [powerAbove(sizes.c), powerAbove(sizes.j)];
  const B = slots / (C * J);
  if (B < sizes.b) {
    throw new RangeError(
      `Cannot pack: ${C} inputs or outputs × ${J} hidden units leave ${Math.floor(B)} samples a ` +
        `ciphertext of ${slots} slots, ${sizes.b} are wanted; take fewer samples a batch`,
    );
  }
  return { C, J, B };
}

/** A vector of slots. @param valueOf the entry at (c, j, b). */
export function pack(
  { C, J, B }: Packing,
  valueOf: (c: number, j: number, b: number) => number,
): Float64Array {
  const values = new Float64Array(C * J * B);
  for (let c = 0, at = 0; c < C; c++) {
    for (let j = 0; j < J; j++) {
      for (let b = 0; b < B; b++) values[at++] = valueOf(c, j, b);
    }
  }
  return values;
}

/** A sum over b: the matrix `[c, j]` that stands in the slots of b = 0. */
export function unpackSums(
  { J, B }: Packing,
  values: Float64Array,
  cs: number,
  js: number,
): Float64Array {
  return Float64Array.from({ length: cs * js }, (_, at) => {
    const [c, j] = [Math.floor(at / js), at % js];
    return values[(c * J + j) * B];
  });
}

const powers = (length: number) =>
  Array.from({ length: Math.ceil(Math.log2(length)) }, (_, i) => 2 ** i);

/** Rotations whose sum is over c, in every slot. */
export const overC = ({ C, J, B }: Packing): number[] => powers(C).map((step) => step * J * B);
/** Rotations whose sum is over j, where j = 0. */
export const overJ = ({ J, B }: Packing): number[] => powers(J).map((step) => step * B);
/** Rotations that spread what stands at j = 0, with zeros beside it, to every j. */
export const spreadJ = ({ J, B }: Packing): number[] => powers(J).map((step) => -step * B);
/** Rotations whose sum is over the first `count` of b, where b = 0. */
export const overB = (count: number): number[] => powers(count);

/** x + rotate(x, step), for each of the steps in turn. Disposes of what it is given.
 * @throws {RangeError} a rotation key is missing. */
export function rotateSum(
  evaluator: CkksEvaluator,
  ciphertext: Ciphertext,
  steps: readonly number[],
): Ciphertext {
  let sum = ciphertext;
  for (const step of steps) {
    using before = sum;
    using rotated = evaluator.rotate(before, step);
    sum = evaluator.add(before, rotated);
  }
  return sum;
}
