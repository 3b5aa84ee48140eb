/** The server's first layer in fixed point, and what it yields without cryptography.
 * @module */
import { type ServerView, serverViews } from "../../attack/view.ts";
import { type Dataset, image } from "../../data/dataset.ts";
import { scaleBitsFor, toFixed } from "../../math/fixed_point.ts";
import { clearProducts } from "../fixed_net.ts";

/** A first layer as the schemes take it: integers, row i is round(W1_i · 2^(finer.get(i) ?? scaleBits)). */
export interface FirstLayer {
  /** `[hidden, n]` row-major. */
  readonly W1: Int32Array;
  readonly hidden: number;
  readonly n: number;
  readonly scaleBits: number;
  /** Rows at a finer scale of their own, because next to the others they would round to little or nothing. A row is a
   * functional key of its own and its z1 an integer of its own, so this costs nothing and leaves W1·x = z1 as it is. */
  readonly finer: ReadonlyMap<number, number>;
}

/** Keeps |entries| of W1 below 2^11 and so the range of z1 near 2^28 for MNIST. */
const WEIGHT_BITS = 11;
/** A row whose largest entry takes fewer bits than this at the layer's scale gets its own: rows of one random draw
 * do not. */
const ROW_BITS = 7;

/** Rounds a real first layer at the finest power of two that keeps its entries within 11 bits and a sign, whatever
 * their magnitude.
 * @param W1 `[hidden, n]` row-major.
 * @throws {TypeError} W1 is not rows of n. {RangeError} a weight is not finite. */
export function firstLayer(W1: ArrayLike<number>, n: number): FirstLayer {
  if (W1.length === 0 || W1.length % n !== 0) {
    throw new TypeError(`Cannot take the first layer: ${W1.length} weights are not rows of ${n}`);
  }
  const reals = Float64Array.from(W1);
  const scaleBits = scaleBitsFor(reals, WEIGHT_BITS);
  const fixed = toFixed(reals, scaleBits);
  const finer = new Map<number, number>();
  for (let at = 0; at < reals.length; at += n) {
    const row = reals.subarray(at, at + n);
    const rowBits = scaleBitsFor(row, WEIGHT_BITS);
    if (rowBits <= scaleBits + WEIGHT_BITS - ROW_BITS || row.every((w) => w === 0)) continue;
    finer.set(at / n, rowBits);
    fixed.set(toFixed(row, rowBits), at);
  }
  return { W1: fixed, hidden: W1.length / n, n, scaleBits, finer };
}

/** How many columns of a layer hold weights that all round to zero: pixels that the server no longer sees. Of rows there
 * is none. */
export function emptiedColumns(W1: ArrayLike<number>, { W1: fixed, n }: FirstLayer): number {
  const [had, has] = [new Uint8Array(n), new Uint8Array(n)];
  for (let k = 0; k < fixed.length; k++) {
    if (W1[k] !== 0) had[k % n] = 1;
    if (fixed[k] !== 0) has[k % n] = 1;
  }
  return had.reduce((count, held, j) => count + Number(held > has[j]), 0);
}

/** Images of one product. */
const CHUNK = 100;

/** The views that the protocol yields, computed in the clear: z1 = W1·x in the same integers.
 *
 * For experiments on the leak itself, which is the same number either way; that it is the same is
 * asserted wherever both are at hand.
 * @throws {TypeError} images of another size. {RangeError} no such image. */
export function clearViews(
  { W1, n, scaleBits }: FirstLayer,
  images: Dataset,
  indices: readonly number[],
): ServerView[] {
  if (images.n !== n) {
    throw new TypeError(`Cannot compute z1: W1 takes ${n} pixels, ${images.name} has ${images.n}`);
  }
  const z1s: Float64Array[] = [];
  for (let from = 0; from < indices.length; from += CHUNK) {
    const some = indices.slice(from, from + CHUNK);
    const x = new Uint8Array(some.length * n);
    some.forEach((index, at) => x.set(image(images, index), at * n));
    const z1 = clearProducts(x, n).forward(W1);
    const hidden = W1.length / n;
    some.forEach((_, at) => z1s.push(z1.slice(at * hidden, (at + 1) * hidden)));
  }
  return serverViews({ W1, z1s, shape: images.shape, scaleBits });
}
