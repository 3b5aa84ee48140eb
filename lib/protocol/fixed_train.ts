/** Training in fixed point where one side has both halves of a step: CryptoNN's server, and the run without any
 * encryption, which the encrypted trainings must equal bit for bit and which is run at sizes where encryption
 * would take too long.
 *
 * The batches are consecutive images, step k takes batch k modulo their number, as the encrypted trainings do.
 * Only where the integers z1 and dW1 come from may differ.
 * @module */
import type { Dataset } from "../data/dataset.ts";
import { breather } from "../workers/pool.ts";
import { clearProducts, type FixedNet, type InnerProducts } from "./fixed_net.ts";
import { clientStep, serverStep } from "./mitig1/step.ts";

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
  const { scales, W1 } = net;
  const terms = { scales, learningRate };
  const z1 = await products.forward(W1);
  const { dz1, loss, head } = serverStep(net.head, z1, labels, terms);
  const { dW1, W1: next } = await clientStep(W1, dz1, labels.length, products, terms);
  return { net: { ...net, W1: next, head }, record: { loss, W1, z1, dz1, dW1 } };
}

/** How to train. */
export interface FixedTrainOptions {
  /** Samples per step, m; divides the number of images. */
  readonly batch: number;
  /** Steps, over as many epochs as they take. */
  readonly steps: number;
  readonly learningRate: number;
  readonly signal?: AbortSignal;
  /** Counts steps. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called after each step. */
  readonly onStep?: (record: StepRecord, step: number, net: FixedNet) => void;
}

/** The number of batches in an epoch, where a training of `steps` steps is possible.
 * @throws {RangeError} images that are not whole batches, or steps that are no positive integer. */
export function checkBatches(count: number, batch: number, steps: number): number {
  if (!Number.isInteger(batch) || batch < 1 || count % batch !== 0) {
    throw new RangeError(`Cannot train: ${count} images are not whole batches of ${batch}`);
  }
  if (!Number.isInteger(steps) || steps < 1) {
    throw new RangeError(`Cannot train: steps = ${steps} is not a positive integer`);
  }
  return count / batch;
}

/** Trains in the clear. Nothing passed in is changed.
 * @throws {TypeError} images of another size.  {RangeError} see `checkBatches`; a weight or gradient that
 * outgrows its bound.   @throws the signal's reason when aborted. */
export async function trainFixed(
  net: FixedNet,
  images: Dataset,
  options: FixedTrainOptions,
): Promise<{ net: FixedNet }> {
  const { batch, steps, learningRate } = options;
  const batches = checkBatches(images.count, batch, steps);
  const { n } = images;
  if (n !== net.n) {
    throw new TypeError(`Cannot train: the network takes ${net.n} pixels, ${images.name} has ${n}`);
  }
  const breathe = breather(options.signal);
  for (let step = 0; step < steps; step++) {
    const from = step % batches * batch;
    const x = images.x.subarray(from * n, (from + batch) * n);
    const labels = images.y.subarray(from, from + batch);
    const taken = await trainStep(net, labels, clearProducts(x, n), learningRate);
    net = taken.net;
    options.onStep?.(taken.record, step, net);
    options.onProgress?.(step + 1, steps);
    await breathe();
  }
  return { net };
}
