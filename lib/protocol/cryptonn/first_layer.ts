/** The server's first layer in fixed point, and what it yields without cryptography.
 * @module */
import { type ServerView, serverViews } from "../../attack/view.ts";
import { type Dataset, image } from "../../data/dataset.ts";
import { scaleBitsFor, toFixed } from "../../math/fixed_point.ts";

/** A first layer as the schemes take it: integers, round(W1 · 2^scaleBits). */
export interface FirstLayer {
  /** `[hidden, n]` row-major. */
  readonly W1: Int32Array;
  readonly hidden: number;
  readonly n: number;
  readonly scaleBits: number;
}

/** Keeps |entries| of W1 below 2^11 and so the range of z1 near 2^28 for MNIST. */
const WEIGHT_BITS = 11;

/** Rounds a real first layer at the finest scale that keeps its entries within 11 bits and a sign.
 * @param W1 `[hidden, n]` row-major.
 * @throws {TypeError} W1 is not rows of n. {RangeError} a weight is not finite or over 2047. */
export function firstLayer(W1: ArrayLike<number>, n: number): FirstLayer {
  if (W1.length === 0 || W1.length % n !== 0) {
    throw new TypeError(`Cannot take the first layer: ${W1.length} weights are not rows of ${n}`);
  }
  const scaleBits = scaleBitsFor(W1, WEIGHT_BITS);
  return { W1: toFixed(W1, scaleBits), hidden: W1.length / n, n, scaleBits };
}

/** The views that the protocol yields, computed in the clear: z1 = W1·x in the same integers.
 *
 * For experiments on the leak itself, which is the same number either way; that it is the same is
 * asserted wherever both are at hand.
 * @throws {TypeError} images of another size. {RangeError} no such image. */
export function clearViews(
  { W1, hidden, n, scaleBits }: FirstLayer,
  images: Dataset,
  indices: readonly number[],
): ServerView[] {
  if (images.n !== n) {
    throw new TypeError(`Cannot compute z1: W1 takes ${n} pixels, ${images.name} has ${images.n}`);
  }
  const z1s = indices.map((index) => {
    const x = image(images, index);
    const z1 = new Float64Array(hidden);
    for (let i = 0; i < hidden; i++) {
      for (let j = 0; j < n; j++) z1[i] += W1[i * n + j] * x[j];
    }
    return z1;
  });
  return serverViews({ W1, z1s, shape: images.shape, scaleBits });
}
