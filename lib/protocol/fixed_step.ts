/** One step of training with a first layer in fixed point: the same code whether its two matrix products
 * come from decryption or from plain arithmetic, so that equal weights are a statement about the products.
 *
 *   forward     z1  = W1·x for each sample        integers, from an `InnerProducts`
 *   later       dz1, and new b1, W2, b2           float64, `head.ts`
 *   rounding    dz1 → round(dz1 · 2^gradientBits)
 *   backward    dW1 = dz1·X                       integers, from an `InnerProducts`
 *   update      W1 −= round(dW1 · rate · 2^(weightBits − gradientBits − pixelBits − rateBits))
 *
 * with rate = round(learningRate/m · 2^rateBits). W1, z1, dz1, dW1 and rate are integers, every product stays
 * below 2^53, so all of it is exact and the same in every order of summation. What leaves its bound is refused,
 * never clamped: the bounds are those of the encryption scheme.
 * @module */
import { type Head, headStep } from "./head.ts";

/** How reals become integers. All are stated with a result. */
export interface Scales {
  /** W1 holds round(w · 2^weightBits). */
  readonly weightBits: number;
  /** Largest |entry| of the integer W1. */
  readonly weightBound: number;
  /** A pixel x counts as x / 2^pixelBits; 0 in the authors' code. */
  readonly pixelBits: number;
  /** dz1 is rounded to multiples of 2^-gradientBits. */
  readonly gradientBits: number;
  /** Largest |entry| of the integer dz1. */
  readonly gradientBound: number;
  /** learningRate / m is rounded to a multiple of 2^-rateBits. */
  readonly rateBits: number;
}

/** Pixels as x/256; weights up to ±8 in steps of 2^-10, dz1 up to ±16 in steps of 2^-10. */
export const DEFAULT_SCALES: Scales = {
  weightBits: 10,
  weightBound: 2 ** 13,
  pixelBits: 8,
  gradientBits: 10,
  gradientBound: 2 ** 14,
  rateBits: 20,
};

/** A network whose first layer is in fixed point. */
export interface FixedNet {
  readonly n: number;
  readonly scales: Scales;
  /** `[hidden, n]` row-major, |entry| ≤ weightBound. */
  readonly W1: Int32Array;
  /** b1 and the later layers, in float64. */
  readonly head: Head;
}

/** Where the integers of a batch of m samples come from. */
export interface InnerProducts {
  /** z1 = W1·x, `[m, hidden]`. */
  forward(W1: Int32Array): Promise<Float64Array>;
  /** dW1 = dz1·X, `[hidden, n]`. @param dz1 `[hidden, m]`: a row a hidden unit. */
  backward(dz1: Int32Array): Promise<Float64Array>;
}

/** All that whoever runs a step learns from it. */
export interface StepRecord {
  /** Mean loss of a sample, before the update. */
  readonly loss: number;
  /** The first layer that the batch went through, `[hidden, n]`. */
  readonly W1: Int32Array;
  /** `[m, hidden]`, integers. */
  readonly z1: Float64Array;
  /** `[hidden, m]`, integers: round(dz1 · 2^gradientBits). */
  readonly dz1: Int32Array;
  /** `[hidden, n]`, integers: dz1·X. */
  readonly dW1: Float64Array;
}

/** Trains on one batch. Nothing passed in is changed.
 * @param labels `[m]`, below the number of classes.
 * @throws {RangeError} dz1 is not finite or over its bound, a weight outgrows its bound, or the learning
 * rate rounds to 0.   @throws {TypeError} products of another shape, or that are no integers. */
export async function trainStep(
  net: FixedNet,
  labels: ArrayLike<number>,
  products: InnerProducts,
  learningRate: number,
): Promise<{ net: FixedNet; record: StepRecord }> {
  const { n, scales, W1, head } = net;
  const [m, { hidden }] = [labels.length, head];
  const z1 = checkIntegers("z1", await products.forward(W1), m * hidden);
  const unit = 2 ** -(scales.weightBits + scales.pixelBits);
  const later = headStep(head, z1.map((z) => z * unit), labels, learningRate);
  const dz1 = roundGradient(later.dz1, m, scales);
  const dW1 = checkIntegers("dW1", await products.backward(dz1), hidden * n);
  return {
    net: { n, scales, W1: updateW1(W1, dW1, learningRate / m, scales), head: later.head },
    record: { loss: later.loss, W1, z1, dz1, dW1 },
  };
}

/** Rounds dz1 to integers, and turns it: one row a hidden unit, which is what keys are asked for.
 * @param dz1 `[m, hidden]`, reals.   @returns `[hidden, m]`, round(dz1 · 2^gradientBits).
 * @throws {RangeError} an entry that is not finite or over gradientBound. */
export function roundGradient(dz1: Float64Array, m: number, scales: Scales): Int32Array {
  const hidden = dz1.length / m;
  const { gradientBits, gradientBound } = scales;
  const rounded = new Int32Array(dz1.length);
  for (let unit = 0; unit < hidden; unit++) {
    for (let sample = 0; sample < m; sample++) {
      const real = dz1[sample * hidden + unit];
      const value = Math.round(real * 2 ** gradientBits);
      if (!(Math.abs(value) <= gradientBound)) { // also true of NaN
        throw new RangeError(
          `Cannot take a step: dz1 of unit ${unit}, sample ${sample} is ${real}, at scale ` +
            `2^${gradientBits} not within ±${gradientBound}`,
        );
      }
      rounded[unit * m + sample] = value;
    }
  }
  return rounded;
}

/** W1 after a step of gradient descent.
 * @param dW1 `[hidden, n]`, integers at scale 2^(gradientBits + pixelBits).   @param rate learning rate / m.
 * @throws {RangeError} a weight outgrows weightBound, the rate rounds to 0 or a product exceeds 2^53. */
export function updateW1(
  W1: Int32Array,
  dW1: Float64Array,
  rate: number,
  scales: Scales,
): Int32Array {
  const { weightBits, weightBound, pixelBits, gradientBits, rateBits } = scales;
  const fixedRate = Math.round(rate * 2 ** rateBits);
  if (!(fixedRate > 0)) {
    throw new RangeError(`Cannot take a step: rate ${rate} rounds to 0 at scale 2^${rateBits}`);
  }
  const shift = 2 ** (weightBits - gradientBits - pixelBits - rateBits); // exact, a power of two
  const updated = new Int32Array(W1.length);
  for (let at = 0; at < W1.length; at++) {
    const product = dW1[at] * fixedRate;
    if (!Number.isSafeInteger(product)) {
      throw new RangeError(
        `Cannot take a step: dW1[${at}] · rate = ${dW1[at]} · ${fixedRate} exceeds 2^53; ` +
          `take fewer gradientBits or rateBits`,
      );
    }
    const next = W1[at] - Math.round(product * shift);
    if (Math.abs(next) > weightBound) {
      throw new RangeError(
        `Cannot take a step: W1[${at}] would be ${next}, not within ±${weightBound}; ` +
          `take a lower learning rate or fewer weightBits`,
      );
    }
    updated[at] = next;
  }
  return updated;
}

function checkIntegers(name: string, values: Float64Array, length: number): Float64Array {
  if (values.length !== length) {
    throw new TypeError(
      `Cannot take a step: ${name} has ${values.length} entries, expected ${length}`,
    );
  }
  for (let i = 0; i < length; i++) {
    if (!Number.isSafeInteger(values[i])) {
      throw new TypeError(`Cannot take a step: ${name}[${i}] = ${values[i]} is no integer`);
    }
  }
  return values;
}
