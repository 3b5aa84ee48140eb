/** Training in fixed point without any encryption: what the encrypted trainings must equal bit for bit, and
 * what is run at sizes where encryption would take too long.
 *
 * The batches are consecutive images, step k takes batch k modulo their number, as the encrypted trainings do.
 * Only where the integers z1 and dW1 come from may differ (`fixed_step.ts`).
 * @module */
import type { Dataset } from "../data/dataset.ts";
import { breather } from "../workers/pool.ts";
import { clearProducts } from "./fixed_net.ts";
import { type FixedNet, type InnerProducts, type StepRecord, trainStep } from "./fixed_step.ts";

/** How to train. */
export interface FixedTrainOptions {
  /** Samples a step, m; divides the number of images. */
  readonly batch: number;
  /** Steps, over as many epochs as they take. */
  readonly steps: number;
  readonly learningRate: number;
  /** The products of a batch; `clearProducts` by default, `fastProducts` at full size.
   * @param x pixels, `[m, n]`. */
  readonly products?: (x: Uint8Array, n: number) => InnerProducts;
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
  const { batch, steps, learningRate, products = clearProducts } = options;
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
    const taken = await trainStep(net, labels, products(x, n), learningRate);
    net = taken.net;
    options.onStep?.(taken.record, step, net);
    options.onProgress?.(step + 1, steps);
    await breathe();
  }
  return { net };
}
