/** Two ways to train the same network: the authors', to reproduce, and one of today.
 *
 * A setting is data for the one training loop (train.ts): `trainMlp(network, data, MODERN)`.
 * @module */
import type { Output } from "./loss.ts";
import type { Initial } from "./mlp.ts";
import type { OptimizerName } from "./optimizer.ts";

/** How to train. */
export interface Setting {
  /** How the weights are drawn: see `initialW1`. */
  readonly initial: Initial;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Whether the learning rate falls linearly to 0 over the run. */
  readonly anneal: boolean;
  readonly output: Output;
  readonly optimizer: OptimizerName;
  /** Whether every epoch takes the images in a new random order. */
  readonly shuffle: boolean;
  /** The network works on pixel · pixelScale; its W1 is kept for pixels in 0..255 all the same. */
  readonly pixelScale: number;
  /** What the summed gradients of b1, W2 and b2 are divided by; W1's always by the batch size. */
  readonly divideBy: "batch" | "classes";
}

/** The authors': bytes 0..255 as they are, the data's order, plain gradient descent. The division by the
 * number of classes where one expects the batch size is theirs (mitigation1_server.py takes the length
 * of a label for the batch size); it makes their server's learning rate m/c times larger, and we keep it
 * because their accuracy depends on it.
 * @see Juve45/cryptonn, mitigation1_server.py and mitigation2_client.py. */
export const AUTHORS: Setting = {
  initial: "authors",
  epochs: 10,
  batch: 250,
  learningRate: 0.005,
  anneal: false,
  output: "sigmoid",
  optimizer: "sgd",
  shuffle: false,
  pixelScale: 1,
  divideBy: "classes",
};

/** A modern one for the same 784-300-10 network with a sigmoid hidden layer. */
export const MODERN: Setting = {
  initial: "glorot",
  epochs: 10,
  batch: 256,
  learningRate: 0.01,
  anneal: true,
  output: "softmax",
  optimizer: "adam",
  shuffle: true,
  pixelScale: 1 / 255,
  divideBy: "batch",
};

/** Batches of an epoch over `count` images. */
export function stepsPerEpoch(count: number, { batch }: Pick<Setting, "batch">): number {
  return Math.ceil(count / batch);
}

/** The learning rate of step `step` of `steps`, counted from 0. */
export function learningRateAt(
  { learningRate, anneal }: Setting,
  step: number,
  steps: number,
): number {
  return learningRate * (anneal ? 1 - step / steps : 1);
}

/** What the summed gradients of the upper layers are divided by; those of W1 always by m.
 * @param m images in the batch. */
export function upperDivisor({ divideBy }: Setting, m: number, classes: number): number {
  return divideBy === "classes" ? classes : m;
}

/** Refuses a setting that cannot be trained with.
 * @throws {RangeError} a count or a factor that is not positive. */
export function checkSetting(setting: Setting): void {
  for (const name of ["epochs", "batch", "learningRate", "pixelScale"] as const) {
    const value = setting[name];
    const counts = name === "epochs" || name === "batch";
    if (!(value > 0) || !Number.isFinite(value) || (counts && !Number.isInteger(value))) {
      const expected = counts ? "a positive integer" : "positive";
      throw new RangeError(`Cannot train: ${name} = ${value} is not ${expected}`);
    }
  }
}
