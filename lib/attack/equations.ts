/** The equations W1·x = z1 as floating-point solvers like them.
 * @module */
import type { ServerView } from "./view.ts";

/** Equations for pixels in [0, 1], and where each pixel went. */
export interface ScaledEquations {
  /** [hidden, n] rows of length 1, columns channel by channel: neighbours stay one image row apart. */
  A: Float64Array;
  /** [n] pixel p is column place[p]. */
  place: Int32Array;
  /** [hidden] of a view of this W1: its right-hand side. */
  scaled(z1: Float64Array): Float64Array;
  /** [hidden] multipliers of the rows of W1, from those of A. */
  multipliers(y: Float64Array): Float64Array;
  /** [n] pixels of 0..255 in their own order, from a point. */
  pixels(point: ArrayLike<number>): Float64Array;
}

/** Scales and orders the equations of a view. A row of zeros stays one. */
export function scaledEquations({ W1, hidden, n, shape, pixelRange }: ServerView): ScaledEquations {
  const [channels, white] = [shape[2], pixelRange[1]];
  const place = Int32Array.from(
    { length: n },
    (_, p) => (p % channels) * (n / channels) + Math.floor(p / channels),
  );
  const A = new Float64Array(hidden * n);
  const lengths = new Float64Array(hidden);
  for (let row = 0; row < hidden; row++) {
    const w = W1.subarray(row * n, (row + 1) * n);
    lengths[row] = Math.hypot(...w) || 1;
    place.forEach((at, p) => A[row * n + at] = w[p] / lengths[row]);
  }
  return {
    A,
    place,
    multipliers: (y) => y.map((value, row) => value / lengths[row]),
    scaled: (z1) => z1.map((z, row) => z / lengths[row] / white),
    pixels(point) {
      const x = new Float64Array(n);
      for (let p = 0; p < n; p++) x[p] = white * point[place[p]];
      return x;
    },
  };
}
