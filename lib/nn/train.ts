/** Mini-batch training of the paper's network, for any setting (optimizer.ts), the authors' by default.
 *
 * For both output functions the cross-entropy's gradient at the output is simply a2 − y:
 *
 *   dz2 = a2 − y,  dz1 = (W2ᵀ·dz2) ∘ a1 ∘ (1 − a1),
 *   dW1 = dz1·Xᵀ / m,  dW2 = dz2·A1ᵀ / d,  db1 = Σ dz1 / d,  db2 = Σ dz2 / d
 *
 * with batch size m, and d as the setting divides. The one loop serves local and split training: it has
 * the first layer on one side, whoever has the rest on the other. Every batch goes in two parts, so that
 * the one side works on the second while the other has the first; gradients are those of the whole batch.
 * @module */
import { createHash } from "node:crypto";
import type { Dataset } from "../data/dataset.ts";
import { type Rng, secureRng } from "../math/rng.ts";
import { breather } from "../workers/pool.ts";
import type { TrainableFirstLayer } from "./first_layer.ts";
import type { Mlp } from "./mlp.ts";
import { AUTHORS, checkSetting, learningRateAt, type Setting } from "./optimizer.ts";
import { openFirstLayer } from "./parallel_first_layer.ts";
import { type BatchEnd, lossGradient, UpperLayers } from "./upper_layers.ts";

/** One part of a batch, as the owner of the upper layers meets it. */
export interface Part {
  /** `[m, hidden]`, without b1. */
  readonly z1: Float32Array;
  /** `[m]` */
  readonly labels: Uint8Array;
  /** Set in the last part of a batch, which closes it. */
  readonly close?: BatchEnd;
}

/** What comes back for a part: dz1 `[m, hidden]`, not divided by m, and the summed loss. */
export interface PartGradient {
  readonly dz1: Float32Array;
  readonly loss: number;
}

/** Whoever has the upper layers; parts come in order, and a call need not be answered before the next. */
export interface UpperParty {
  step(part: Part): PartGradient | Promise<PartGradient>;
}

/** The parts of a batch. */
const PARTS = 2;

/** Length of the key that the orders of the epochs come from. */
export const ORDER_KEY_BYTES = 32;

/** The order in which epoch `epoch` takes the images: Fisher and Yates on the output of SHAKE256 over
 * key ‖ epoch, so that a training resumed at any epoch goes on with the same orders.
 * @param key secret, 32 bytes; without one, the images come as they are. */
export function epochOrder(
  count: number,
  key: Uint8Array | undefined,
  epoch: number,
): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  if (!key) return order;
  const input = Uint8Array.from([...key, ...new Uint8Array(Uint32Array.of(epoch).buffer)]);
  const hash = createHash("shake256", { outputLength: 4 * count }).update(input);
  const draws = new Uint32Array(Uint8Array.from(hash.digest()).buffer);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(draws[i] / 2 ** 32 * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Cuts indices into runs of `length`. */
function cut(indices: Uint32Array, length: number): Uint32Array[] {
  return Array.from(
    { length: Math.ceil(indices.length / length) },
    (_, k) => indices.subarray(k * length, (k + 1) * length),
  );
}

/** Lets a value wait until it is awaited: a rejection does not count before. */
function handled<T>(value: T | Promise<T>): Promise<T> {
  const promise = Promise.resolve(value);
  promise.catch(() => {});
  return promise;
}

/** Whoever has the images and what is computed of them first. Parts go in turn, first in, first out. */
export type FirstParty = Pick<
  TrainableFirstLayer,
  "prepare" | "forward" | "backward" | "update"
>;

/** Trains one epoch. @param epoch counted from 0.   @returns the mean loss over the images.
 * @throws whatever a party throws; the signal's reason when aborted. */
export async function trainEpoch(
  first: FirstParty,
  upper: UpperParty,
  { setting, order, labels, epoch, signal }: {
    setting: Pick<Setting, "epochs" | "batch" | "learningRate" | "anneal">;
    order: Uint32Array;
    labels: Uint8Array;
    epoch: number;
    signal?: AbortSignal;
  },
): Promise<number> {
  const batches = cut(order, setting.batch).map((batch) =>
    cut(batch, Math.ceil(batch.length / PARTS))
  );
  const steps = setting.epochs * batches.length;
  let loss = 0;
  const prepare = (b: number) => batches[b].forEach((part) => first.prepare(part));
  prepare(0);
  const breathe = breather(signal);
  for (const [b, parts] of batches.entries()) {
    const images = parts.reduce((sum, part) => sum + part.length, 0);
    const learningRate = learningRateAt(setting, epoch * batches.length + b, steps);
    const z1s = parts.map(() => handled(first.forward()));
    if (b + 1 < batches.length) prepare(b + 1); // done while the other side is at work
    let returned: Promise<void> = Promise.resolve();
    for (const [k, part] of parts.entries()) {
      const z1 = await z1s[k];
      const close = k === parts.length - 1 ? { images, learningRate } : undefined;
      const labelled = Uint8Array.from(part, (image) => labels[image]);
      const answer = handled(upper.step({ z1, labels: labelled, close }));
      returned = handled(returned.then(async () => { // not awaited here: the next part is under way
        const gradient = await answer;
        first.backward(gradient.dz1);
        loss += gradient.loss;
      }));
    }
    await returned;
    first.update(images, learningRate);
    await breathe();
  }
  return loss / order.length;
}

/** The upper layers and the loss in this thread: local training's, and the server's of MITIG2 where it has the
 * labels. */
export function localUpper(layers: UpperLayers, setting: Setting): UpperParty {
  return {
    step({ z1, labels, close }) {
      const { dz2, loss } = lossGradient(layers.forward(z1), labels, setting.output);
      const dz1 = layers.backward(dz2);
      if (close) layers.update(close, setting);
      return { dz1, loss };
    },
  };
}

/** How to train: what of the setting differs from the authors', and who listens. */
export interface TrainOptions extends Partial<Setting> {
  /** Called after every epoch with the mean loss over the images. */
  readonly onEpoch?: (epoch: number, loss: number) => void;
  readonly signal?: AbortSignal;
  /** Draws the order of the images where the setting shuffles. */
  readonly rng?: Rng;
  /** Workers for the first layer; 0, the default, is this thread. The result is the same. */
  readonly workers?: number;
}

/** Trains a copy of `mlp` on `data`.
 * @param options a setting, or what of it differs from the authors': `{ ...MODERN, signal }`.
 * @returns the trained network, for pixels in 0..255 as before; `mlp` is unchanged.
 * @throws {TypeError} data of another shape.   @throws {RangeError} an option that is not positive.
 * @throws the signal's reason when aborted. */
export async function trainMlp(
  mlp: Mlp,
  data: Dataset,
  { onEpoch, signal, rng = secureRng(), workers = 0, ...options }: TrainOptions = {},
): Promise<Mlp> {
  const setting: Setting = { ...AUTHORS, ...options };
  checkSetting(setting);
  const { n, hidden, classes } = mlp;
  if (data.n !== n || data.classes.length !== classes) {
    throw new TypeError(
      `Cannot train: the network takes ${n} pixels and ${classes} classes, ${data.name} has ` +
        `${data.n} and ${data.classes.length}`,
    );
  }
  const W1 = mlp.W1.map((w) => w / setting.pixelScale);
  using first = openFirstLayer({ W1, n, images: data.x, setting }, workers);
  using layers = new UpperLayers(mlp, setting);
  const upper = localUpper(layers, setting);
  const breathe = breather(signal);
  const key = rng.bytes(ORDER_KEY_BYTES);
  for (let epoch = 0; epoch < setting.epochs; epoch++) {
    const order = epochOrder(data.count, setting.shuffle ? key : undefined, epoch);
    const { y: labels } = data;
    const loss = await trainEpoch(first, upper, { setting, order, labels, epoch, signal });
    onEpoch?.(epoch + 1, loss);
    await breathe();
  }
  const trained = (await first.state()).W1.map((w) => w * setting.pixelScale);
  return { n, hidden, classes, W1: trained, ...layers.state().weights };
}
