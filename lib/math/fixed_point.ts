/** Floats as bounded integers: v ↦ round(v · 2^scaleBits).
 *
 * The schemes work on integers, so W1 is rounded once, at a stated scale, and everything after that is
 * exact: z1 = W1·x is an integer that tests compare with `===`. What cannot be represented is refused,
 * never clamped.
 * @module */

const INT32_MAX = 2 ** 31 - 1;
/** Covers every float64: the smallest is 2^-1074, the largest below 2^1024. */
const MAX_SCALE_BITS = 1100;

/** 2^scaleBits in two factors: one alone can leave the range of float64 though the product with v is in it. */
function factorsOf(scaleBits: number): [number, number] {
  if (!Number.isInteger(scaleBits) || Math.abs(scaleBits) > MAX_SCALE_BITS) {
    throw new RangeError(
      `Cannot scale: scaleBits ${scaleBits} is not an integer in ±${MAX_SCALE_BITS}`,
    );
  }
  const half = Math.trunc(scaleBits / 2);
  return [2 ** half, 2 ** (scaleBits - half)];
}

/** Rounds each value to a multiple of 2^-scaleBits, as an integer: round(v · 2^scaleBits), halves up.
 * @param scaleBits negative for values that need no fraction and do not fit without it.
 * @throws {RangeError} NaN, an infinity, or a result beyond ±(2^31 − 1). */
export function toFixed(values: ArrayLike<number>, scaleBits: number): Int32Array {
  const [a, b] = factorsOf(scaleBits);
  const out = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const scaled = Math.round(values[i] * a * b);
    if (!(Math.abs(scaled) <= INT32_MAX)) { // also true of NaN
      throw new RangeError(
        `Cannot convert to fixed point: value ${
          values[i]
        } at ${i} does not fit at scale 2^${scaleBits}`,
      );
    }
    out[i] = scaled;
  }
  return out;
}

/** The finest scale at which every rounded value still fits in `bits` bits beside its sign: the largest takes them
 * all. Negative for large values; 0 where all are zero, which fit at any.
 * @throws {RangeError} a value is not finite. */
export function scaleBitsFor(values: ArrayLike<number>, bits: number): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new RangeError(`Cannot scale: value ${values[i]} at ${i} is not finite`);
    }
    largest = Math.max(largest, Math.abs(values[i]));
  }
  if (largest === 0) return 0;
  // log2 may be off by a rounding: one step too fine, then down to what fits
  let scaleBits = bits - Math.floor(Math.log2(largest)) + 1;
  for (;; scaleBits--) {
    const [a, b] = factorsOf(scaleBits);
    if (Math.round(largest * a * b) < 2 ** bits) return scaleBits;
  }
}
