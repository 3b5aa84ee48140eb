/** Everything after the first layer's product, in float64 and plain JavaScript: the same operations in the
 * same order on every run, so that two runs agree to the last bit.
 *
 *   a1 = σ(z1 + b1),  z2 = W2·a1 + b2,  a2 = σ(z2),
 *   dz2 = a2 − y,  dz1 = (W2ᵀ·dz2) ∘ a1 ∘ (1 − a1),  dW2 = Σ dz2·a1ᵀ / m,  db = Σ dz / m
 *
 * The network and loss of the paper (sigmoids, element-wise cross-entropy against one-hot labels), with every
 * gradient divided by the batch size m; the authors divide some by the number of classes.
 * @module */
import { gaussian, type Rng } from "../math/rng.ts";

/** b1 and the second layer. */
export interface Head {
  readonly hidden: number;
  readonly classes: number;
  /** `[hidden]` */
  readonly b1: Float64Array;
  /** `[classes, hidden]` */
  readonly W2: Float64Array;
  /** `[classes]` */
  readonly b2: Float64Array;
}

/** Draws W2 from N(0, 1/hidden); biases are 0. */
export function initHead(hidden: number, classes: number, rng: Rng): Head {
  return {
    ...{ hidden, classes, b1: new Float64Array(hidden), b2: new Float64Array(classes) },
    W2: gaussian(rng, classes * hidden).map((w) => w / Math.sqrt(hidden)),
  };
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
/** log(1 + e^z) without overflow. */
const softplus = (z: number) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/** a1 and z2 of one sample. */
function outputs(head: Head, z1: Float64Array): { a1: Float64Array; z2: Float64Array } {
  const { hidden, b1, W2, b2 } = head;
  const a1 = z1.map((z, i) => sigmoid(z + b1[i]));
  const z2 = b2.map((b, k) => {
    let sum = b;
    for (let i = 0; i < hidden; i++) sum += W2[k * hidden + i] * a1[i];
    return sum;
  });
  return { a1, z2 };
}

/** The class with the largest output for each sample. @param z1 `[m, hidden]`, reals, without b1. */
export function headClasses(head: Head, z1: Float64Array): Uint8Array {
  const { hidden } = head;
  return Uint8Array.from({ length: z1.length / hidden }, (_, i) => {
    const { z2 } = outputs(head, z1.subarray(i * hidden, (i + 1) * hidden));
    return z2.indexOf(Math.max(...z2));
  });
}

/** One step of gradient descent on the head, and the gradient for the first layer.
 * @param z1 `[m, hidden]`, reals, without b1.   @param labels `[m]`.
 * @returns dz1 `[m, hidden]`, not divided by m, by the old weights; the mean loss; the new head. */
export function headStep(
  head: Head,
  z1: Float64Array,
  labels: ArrayLike<number>,
  learningRate: number,
): { dz1: Float64Array; loss: number; head: Head } {
  const { hidden, classes, b1, W2, b2 } = head;
  const m = labels.length;
  const rate = learningRate / m;
  const next = { hidden, classes, b1: b1.slice(), W2: W2.slice(), b2: b2.slice() };
  const dz1 = new Float64Array(m * hidden);
  let loss = 0;
  for (let sample = 0; sample < m; sample++) {
    const at = sample * hidden;
    const { a1, z2 } = outputs(head, z1.subarray(at, at + hidden));
    for (let k = 0; k < classes; k++) {
      const y = labels[sample] === k ? 1 : 0;
      loss += softplus(z2[k]) - y * z2[k]; // −y·log σ(z) − (1−y)·log(1−σ(z))
      const dz2 = sigmoid(z2[k]) - y;
      next.b2[k] -= rate * dz2;
      for (let i = 0; i < hidden; i++) {
        next.W2[k * hidden + i] -= rate * dz2 * a1[i];
        dz1[at + i] += W2[k * hidden + i] * dz2;
      }
    }
    for (let i = 0; i < hidden; i++) {
      dz1[at + i] *= a1[i] * (1 - a1[i]);
      next.b1[i] -= rate * dz1[at + i];
    }
  }
  return { dz1, loss: loss / m, head: next };
}
