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
  return [...digits, Float32Array.from(rest)];
}

/** left·right exactly. @param left `[rows, terms]`, bytes.   @param right `[columns, terms]`, integers.
 * @returns `[columns, rows]` where `turned`, else `[rows, columns]`. */
function product(
  left: Float32Array,
  right: Int32Array,
  [rows, terms, columns]: readonly [number, number, number],
  turned: boolean,
): Float64Array {
  const bits = digitBits(terms, largest(left));
  const out = new Float64Array(rows * columns);
  balancedDigits(right, bits).forEach((digit, k) => {
    const unit = 2 ** (k * bits);
    const [a, b] = [tf.tensor2d(left, [rows, terms]), tf.tensor2d(digit, [columns, terms])];
    const part = tf.tidy(() => {
      const whole = a.matMul(b.transpose()); // a transpose flag would take ten times as long
      return turned ? whole.transpose() : whole;
    });
    const values = part.dataSync<"float32">();
    tf.dispose([a, b, part]);
    for (let i = 0; i < out.length; i++) out[i] += unit * values[i];
  });
  return out;
}

/** The products of images that are at hand in the clear, the same integers as `clearProducts`.
 * @param x pixels, `[m, n]`.   @throws (from the products) {RangeError} a size beyond exactness. */
export function fastProducts(x: Uint8Array, n: number): InnerProducts {
  const m = x.length / n;
  return {
    async forward(W1) {
      await startBackend();
      return product(Float32Array.from(x), W1, [m, n, W1.length / n], false);
    },
    async backward(dz1) {
      await startBackend();
      const columns = new Float32Array(x.length); // [n, m]
      for (let sample = 0; sample < m; sample++) {
        for (let j = 0; j < n; j++) columns[j * m + sample] = x[sample * n + j];
      }
      return product(columns, dz1, [n, m, dz1.length / m], true);
    },
  };
}
