/** One training step of MITIG1, both halves, in fixed point.
 *
 *   client        fresh keys for the rows of W1                     → server
 *   `serverStep`  z1 = W1·x, decrypted; dz1, and new b1, W2, b2 (head.ts);
 *                 round(dz1 · 2^gradientBits)                       → client
 *   `clientStep`  dW1 = dz1·X;  W1 −= round(dW1 · rate · 2^(weightBits − gradientBits − pixelBits − rateBits))
 *
 * with rate = round(learningRate/m · 2^rateBits). The run in the clear and CryptoNN's server take both halves
 * (fixed_train.ts): who takes them and where z1 and dW1 come from does not show in the result. W1, z1, dz1, dW1
 * and rate are integers, every product stays below 2^53, so all of it is exact and the same in every order of
 * summation. What leaves its bound is refused, never clamped: the bounds are those of the encryption scheme.
 * @module */
import { type InnerProducts, realZ1, type Scales } from "../fixed_net.ts";
import { type Head, headStep } from "../head.ts";

/** What both halves are told beside their data. */
export interface StepTerms {
  readonly scales: Scales;
  readonly learningRate: number;
}

/** The server's half. Nothing passed in is changed.
 * @param z1 `[m, hidden]`, integers at scale 2^(weightBits + pixelBits).   @param labels `[m]`.
 * @returns dz1 `[hidden, m]` for the client, the mean loss of a sample before the step, the head after it.
 * @throws {TypeError} z1 of another shape or no integers. {RangeError} as `roundGradient`. */
export function serverStep(
  head: Head,
  z1: Float64Array,
  labels: ArrayLike<number>,
  { scales, learningRate }: StepTerms,
): { dz1: Int32Array; loss: number; head: Head } {
  checkIntegers("z1", z1, labels.length * head.hidden);
  const later = headStep(head, realZ1(z1, scales), labels, learningRate);
  return { ...later, dz1: roundGradient(later.dz1, labels.length, scales) };
}

/** The client's half. Nothing passed in is changed.
 * @param dz1 `[hidden, m]`, integers.   @param m samples of the batch.   @param products of its images.
 * @returns dW1 `[hidden, n]`, integers, and W1 after the step.
 * @throws {TypeError} dW1 of another shape or no integers. {RangeError} as `updateW1`. */
export async function clientStep(
  W1: Int32Array,
  dz1: Int32Array,
  m: number,
  products: Pick<InnerProducts, "backward">,
  { scales, learningRate }: StepTerms,
): Promise<{ dW1: Float64Array; W1: Int32Array }> {
  const dW1 = checkIntegers("dW1", await products.backward(dz1), W1.length);
  return { dW1, W1: updateW1(W1, dW1, learningRate / m, scales) };
}

/** Rounds dz1 to integers, and turns it: one row per hidden unit, which is what keys are asked for.
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
