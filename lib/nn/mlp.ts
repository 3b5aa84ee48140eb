/** The network of the paper: one hidden layer, sigmoids, 784-300-10 on MNIST.
 *
 *   z1 = W1·x + b1,  a1 = σ(z1),  z2 = W2·a1 + b2,  a2 = σ(z2),  prediction = argmax a2
 *
 * Weights are plain float32 arrays, row-major with one row a unit, because that is how the protocols
 * hand them out: the rows of `W1` are what functional keys are asked for. Pixels enter as bytes
 * 0..255, unscaled, as in the authors' code (Juve45/cryptonn, mitigation2_client.py) and as encryption
 * needs them; a training that scales pixels has the factor in its W1.
 * @module */
import * as tf from "@tensorflow/tfjs";
import type { Dataset } from "../data/dataset.ts";
import { gaussian, type Rng, secureRng } from "../math/rng.ts";
import type { UpperWeights } from "./upper_layers.ts";

/** Sizes of a network with one hidden layer. */
export interface MlpSizes {
  /** Inputs, n. */
  readonly n: number;
  readonly hidden: number;
  readonly classes: number;
}

/** Weights of such a network. */
export interface Mlp extends MlpSizes, UpperWeights {
  /** `[hidden, n]` */
  readonly W1: Float32Array;
}

/** Refuses sizes that no network has. @throws {RangeError} one that is not a positive integer. */
function check(sizes: MlpSizes): void {
  for (const name of ["n", "hidden", "classes"] as const) {
    if (!Number.isInteger(sizes[name]) || sizes[name] < 1) {
      throw new RangeError(
        `Cannot build a network: ${name} = ${sizes[name]} is not a positive integer`,
      );
    }
  }
}

const normal = (rng: Rng, length: number, deviation: number) =>
  Float32Array.from(gaussian(rng, length), (value) => value * deviation);

/** How weights are drawn: `authors`: N(0, 0.01²), all of them; `glorot`: N(0, 2 / (inputs + outputs)) a
 * layer, for pixels scaled to [0, 1]; since ours are 0..255, its W1 is 255 times smaller.
 * @see X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
 * networks", AISTATS 2010, equation 12.  Juve45/cryptonn, mitigation2_client.py. */
export type Initial = "authors" | "glorot";

/** Draws a first layer: W1 `[hidden, n]`, for pixels in 0..255.
 * @throws {RangeError} a size that is not a positive integer. */
export function initialW1(sizes: MlpSizes, initial: Initial, rng: Rng = secureRng()): Float32Array {
  check(sizes);
  const { n, hidden } = sizes;
  return normal(rng, hidden * n, initial === "authors" ? 0.01 : Math.sqrt(2 / (n + hidden)) / 255);
}

/** Draws everything after the first layer's product: W2; the biases are 0.
 * @throws {RangeError} a size that is not a positive integer. */
export function initialUpper(
  sizes: MlpSizes,
  initial: Initial,
  rng: Rng = secureRng(),
): UpperWeights {
  check(sizes);
  const { hidden, classes } = sizes;
  const deviation = initial === "authors" ? 0.01 : Math.sqrt(2 / (hidden + classes));
  return {
    b1: new Float32Array(hidden),
    W2: normal(rng, classes * hidden, deviation),
    b2: new Float32Array(classes),
  };
}

/** Draws an untrained network, W1 first.
 * @throws {RangeError} a size that is not a positive integer. */
export function initialMlp(sizes: MlpSizes, initial: Initial, rng: Rng = secureRng()): Mlp {
  const { n, hidden, classes } = sizes;
  const W1 = initialW1(sizes, initial, rng);
  return { n, hidden, classes, W1, ...initialUpper(sizes, initial, rng) };
}

/** Outputs of the network for a batch, a2 = σ(W2·σ(W1·x + b1) + b2). Call `startBackend` first.
 * A network trained with softmax outputs has the same order of outputs here, hence predictions.
 * @param x pixels, `[m, n]` row-major.   @returns `[m, classes]` row-major.
 * @throws {TypeError} x is not whole rows of n pixels. */
export function forward(mlp: Mlp, x: Uint8Array): Float32Array {
  const { n, hidden, classes } = mlp;
  if (x.length === 0 || x.length % n !== 0) {
    throw new TypeError(`Cannot run the network: ${x.length} pixels are not rows of ${n}`);
  }
  return tf.tidy(() => {
    const X = tf.tensor2d(Float32Array.from(x), [x.length / n, n]);
    const W1 = tf.tensor2d(mlp.W1, [hidden, n]);
    const W2 = tf.tensor2d(mlp.W2, [classes, hidden]);
    const A1 = X.matMul(W1.transpose()).add(tf.tensor1d(mlp.b1)).sigmoid(); // [m, hidden]
    const A2 = A1.matMul(W2.transpose()).add(tf.tensor1d(mlp.b2)).sigmoid(); // [m, classes]
    return A2.dataSync() as Float32Array;
  });
}

/** Share of images whose largest output is their label, in [0, 1]. Call `startBackend` first. */
export function accuracy(mlp: Mlp, data: Dataset): number {
  const outputs = forward(mlp, data.x);
  let right = 0;
  for (let i = 0; i < data.count; i++) {
    const row = outputs.subarray(i * mlp.classes, (i + 1) * mlp.classes);
    if (row.indexOf(Math.max(...row)) === data.y[i]) right++;
  }
  return right / data.count;
}
