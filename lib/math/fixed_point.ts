/** Floats as bounded integers: v ↦ round(v · 2^scaleBits).
 *
 * The schemes work on integers, so W1 is rounded once, at a stated scale, and everything after that is
 * exact: z1 = W1·x is an integer that tests compare with `===`. What cannot be represented is refused,
 * never clamped.
 * @module */

const INT32_MAX = 2 ** 31 - 1;

function scaleOf(scaleBits: number): number {
  if (!Number.isInteger(scaleBits) || scaleBits < 0 || scaleBits > 30) {
    throw new RangeError(`Cannot scale: scaleBits ${scaleBits} is not an integer in [0, 30]`);
  }
  return 2 ** scaleBits;
}

/** Rounds each value to a multiple of 2^-scaleBits, as an integer: round(v · 2^scaleBits), halves up.
 * @throws {RangeError} NaN, an infinity, or a result beyond ±(2^31 − 1). */
export function toFixed(values: ArrayLike<number>, scaleBits: number): Int32Array {
  const scale = scaleOf(scaleBits);
  const out = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const scaled = Math.round(values[i] * scale);
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

/** The floats that fixed-point integers stand for: v / 2^scaleBits. */
export function fromFixed(values: ArrayLike<number>, scaleBits: number): Float64Array {
  const scale = scaleOf(scaleBits);
  return Float64Array.from(values, (value) => value / scale);
}

/** The finest scale at which every rounded value still fits in `bits` bits beside its sign.
 * @throws {RangeError} a value is not finite, or too large at scale 1. */
export function scaleBitsFor(values: ArrayLike<number>, bits: number): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]));
  for (let scaleBits = 30; scaleBits >= 0; scaleBits--) {
    if (Math.round(largest * 2 ** scaleBits) < 2 ** bits) return scaleBits; // false for NaN
  }
  throw new RangeError(`Cannot scale: largest value ${largest} does not fit in ${bits} bits`);
}
