/** What a client does with gradients, whoever computed them: weights, and Adam.
 *
 * Decrypted gradients carry noise of 1e-7. Adam divides a gradient by its own size, so a weight whose gradient is 0 (a
 * pixel that is always black) would go at full speed wherever the noise points: what is below 2^-20 counts as 0, for
 * the clear twin too.
 * @module */
import { type Optimizer, optimizer } from "../nn/optimizer.ts";
import { gaussian, type Rng } from "../math/rng.ts";
import {
  type Batch,
  checkWeights,
  clearGradients,
  outputsOf,
  type Sizes,
  weightCounts,
  type Weights,
} from "./model.ts";

/** Gradients below it are noise. */
export const GRADIENT_FLOOR = 2 ** -20;

/** Samples with their targets. */
export interface Samples extends Batch {
  readonly count: number;
  readonly n: number;
  readonly outputs: number;
}

/** How to train. */
export interface TrainSetting {
  /** Hidden units; 0 is the linear model. */
  readonly hidden: number;
  /** Samples a step; divides their number. */
  readonly batch: number;
  readonly epochs: number;
  /** Of Adam. */
  readonly learningRate: number;
}

/** The sizes of a model for samples.
 * @throws {RangeError} samples that are not whole batches, or a number out of range.  {TypeError} samples of
 * another length than they say. */
export function sizesFor(samples: Samples, setting: TrainSetting): Sizes {
  const { count, n, outputs, x, y } = samples;
  const { hidden, batch, epochs, learningRate } = setting;
  if (x.length !== count * n || y.length !== count * outputs) {
    throw new TypeError(
      `Cannot train: ${x.length} inputs and ${y.length} targets for ${count} samples of ${n} and ${outputs}`,
    );
  }
  if (!(batch > 0) || count % batch !== 0) {
    throw new RangeError(`Cannot train: ${count} samples are not whole batches of ${batch}`);
  }
  if (!Number.isInteger(epochs) || epochs < 1) {
    throw new RangeError(`Cannot train: epochs = ${epochs} is not a positive integer`);
  }
  if (!(learningRate > 0 && learningRate < Infinity)) {
    throw new RangeError(`Cannot train: learningRate = ${learningRate} is not positive`);
  }
  return { n, hidden, outputs, batch };
}

/** The batches, in order. */
export function batchesOf({ x, y }: Samples, { n, outputs, batch }: Sizes): Batch[] {
  return Array.from({ length: x.length / (n * batch) }, (_, i) => ({
    x: x.subarray(i * batch * n, (i + 1) * batch * n),
    y: y.subarray(i * batch * outputs, (i + 1) * batch * outputs),
  }));
}

/** Weights that learn. */
export class Learner {
  readonly #weights: readonly Float32Array[];
  readonly #optimizers: readonly Optimizer[];

  /** Draws W1 and W2 from N(0, 1/inputs of the layer); the linear model begins at 0. */
  constructor(readonly sizes: Sizes, private readonly learningRate: number, rng: Rng) {
    const { n, hidden } = sizes;
    this.#weights = weightCounts(sizes).map((count, layer) => {
      if (hidden === 0) return new Float32Array(count);
      const deviation = 1 / Math.sqrt(layer === 0 ? n : hidden);
      return Float32Array.from(gaussian(rng, count), (draw) => draw * deviation);
    });
    this.#optimizers = this.#weights.map((weights) => optimizer("adam", weights.length));
  }

  /** A copy of the weights. */
  get weights(): Weights {
    return this.#weights.map((weights) => Float64Array.from(weights));
  }

  /** Takes a step of Adam. @throws {TypeError} gradients of another size. */
  step(gradients: Weights): void {
    checkWeights(this.sizes, gradients, "gradients");
    gradients.forEach((gradient, i) => {
      const floored = Float32Array.from(gradient, (g) => Math.abs(g) < GRADIENT_FLOOR ? 0 : g);
      this.#optimizers[i].step(this.#weights[i], floored, 1, this.learningRate);
    });
  }
}

/** Trains in the clear, as `protocol/he/client.ts` does on ciphertexts: the twin to compare with.
 * @throws as `sizesFor`. */
export function trainClear(samples: Samples, setting: TrainSetting, rng: Rng): Weights {
  const sizes = sizesFor(samples, setting);
  const learner = new Learner(sizes, setting.learningRate, rng);
  for (let epoch = 0; epoch < setting.epochs; epoch++) {
    for (const batch of batchesOf(samples, sizes)) {
      learner.step(clearGradients(sizes, learner.weights, batch));
    }
  }
  return learner.weights;
}

/** How many samples get the right class: the largest output, or of a single one the sign.
 * @throws {TypeError} weights of another size. */
export function countRight({ x, y, n, outputs, count }: Samples, weights: Weights): number {
  const hidden = weights.length === 1 ? 0 : weights[0].length / n;
  const sizes = { n, outputs, hidden, batch: count };
  checkWeights(sizes, weights);
  const out = outputsOf(sizes, weights, x);
  const classOf = (values: Float64Array, i: number) => {
    if (outputs === 1) return Number(values[i] > 0);
    const row = values.subarray(i * outputs, (i + 1) * outputs);
    return row.indexOf(Math.max(...row));
  };
  let right = 0;
  for (let i = 0; i < count; i++) right += Number(classOf(out, i) === classOf(y, i));
  return right;
}
