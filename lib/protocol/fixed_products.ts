/** The exact integer products of a batch through float32 matrix products, at the speed of the backend.
 *
 * A float32 holds every integer up to 2^24. So the factor that is not pixels is written in balanced digits,
 * W = Σ_k D_k·2^{k·b}, so small that no partial sum of D_k·X leaves that range:
 *
 *     terms · max pixel · 2^{b−1} ≤ 2^24
 *
 * Then every sum is exact in whatever order, with or without fused additions, and Σ_k 2^{k·b}·(D_k·X) in
 * float64 is the integer that `clearProducts` computes. At n = 784 that is b = 7 and two digits for a W1 within
 * ±2^13. The digits come from the actual maxima: larger entries cost another product, never a bit.
 * @module */
import * as tf from "@tensorflow/tfjs";
import { startBackend } from "../nn/backend.ts";
import type { InnerProducts } from "./fixed_step.ts";

/** Integers up to here are exact in float32. */
const EXACT = 2 ** 24;

const largest = (values: ArrayLike<number>) => {
  let max = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    if (size > max) max = size;
  }
  return max;
};

/** Bits of a digit such that `terms` products with entries up to `other` sum up exactly.
 * @throws {RangeError} there is no such digit. */
function digitBits(terms: number, other: number): number {
  const bits = Math.floor(Math.log2(EXACT / (terms * Math.max(other, 1)))) + 1;
  if (bits < 1) {
    throw new RangeError(
      `Cannot multiply exactly: ${terms} terms of up to ${other} leave no room in float32`,
    );
  }
  return bits;
}

/** Balanced digits, lowest first: values = Σ_k digits[k]·2^{k·bits}, |digit| ≤ 2^{bits−1}. */
function balancedDigits(values: Int32Array, bits: number): Float32Array[] {
  const [half, mask] = [2 ** (bits - 1), 2 ** bits - 1];
  const digits: Float32Array[] = [];
  let rest = values;
  while (largest(rest) > half) {
    const digit = new Float32Array(rest.length);
    const next = new Int32Array(rest.length);
    for (let i = 0; i < rest.length; i++) {
      const low = ((rest[i] + half) & mask) - half;
      digit[i] = low;
      next[i] = (rest[i] - low) / 2 ** bits;
    }
    digits.push(digit);
    rest = next;
  }
  return [...digits, new Float32Array(rest)];
}

/** values·pixels exactly. The factor that changes stands on the left, where the backend takes it as it is.
 * @param values `[rows, terms]`, integers.   @param pixels `[terms, columns]`.   @returns `[rows, columns]` */
function product(
  values: Int32Array,
  pixels: Float32Array,
  [rows, terms, columns]: readonly [number, number, number],
): Float64Array {
  const bits = digitBits(terms, largest(pixels));
  const sums = new Float64Array(rows * columns);
  const right = tf.tensor2d(pixels, [terms, columns]);
  balancedDigits(values, bits).forEach((digit, k) => {
    const unit = 2 ** (k * bits);
    const part = tf.tidy(() => tf.tensor2d(digit, [rows, terms]).matMul(right));
    const data = part.dataSync<"float32">();
    part.dispose();
    for (let i = 0; i < sums.length; i++) sums[i] += unit * data[i];
  });
  right.dispose();
  return sums;
}

/** The columns of a matrix `[rows, columns]` as rows. */
function turned<T extends Float32Array | Float64Array>(
  from: ArrayLike<number>,
  rows: number,
  columns: number,
  to: T,
): T {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) to[j * rows + i] = from[i * columns + j];
  }
  return to;
}

/** The products of images that are at hand in the clear, the same integers as `clearProducts`.
 * @param x pixels, `[m, n]`.   @throws (from the products) {RangeError} a size beyond exactness. */
export function fastProducts(x: Uint8Array, n: number): InnerProducts {
  const m = x.length / n;
  return {
    async forward(W1) {
      await startBackend();
      const hidden = W1.length / n;
      const columns = turned(x, m, n, new Float32Array(x.length));
      const z1 = product(W1, columns, [hidden, n, m]);
      return turned(z1, hidden, m, new Float64Array(z1.length));
    },
    async backward(dz1) {
      await startBackend();
      return product(dz1, new Float32Array(x), [dz1.length / m, m, n]);
    },
  };
}
