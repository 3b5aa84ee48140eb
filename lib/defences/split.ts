/** Split training under a defence, in one process; not the real parties. The loop, the first layer and the upper
 * layers are those of MITIG2, so that without a defence z1, weights and predictions are MITIG2's, bit for bit: a test
 * holds it to that. A defence that is not built as a protocol says nothing of keys, connections or checkpoints.
 * @module */
import type { TrainingView } from "../attack/training/view.ts";
import { accuracyOf, type SplitDataset } from "../data/dataset.ts";
import { gaussian, seededRng } from "../math/rng.ts";
import { initialUpper, initialW1 } from "../nn/mlp.ts";
import { checkSetting, DESCENT, type Setting } from "../nn/optimizer.ts";
import { epochOrder, ORDER_KEY_BYTES, trainEpoch, type UpperParty } from "../nn/train.ts";
import { lossGradient, UpperLayers } from "../nn/upper_layers.ts";
import { DefendedFirstLayer, type Going } from "./client.ts";
import type { Defence } from "./defences.ts";
import { Draws } from "./draws.ts";
import { DefendedUpperLayers, mixedLossGradient } from "./server.ts";
import { Watch } from "./watch.ts";

/** The seeds of both parties; never the same, because a shared seed is W1. */
export interface PartySeeds {
  readonly client: number;
  readonly server: number;
}

/** How to train under a defence. */
export interface DefendedOptions {
  readonly defence: Defence;
  /** `insecureSeed` of either party: the client's draws W1, the orders and its noise; the server's the other weights. */
  readonly seeds: PartySeeds;
  /** Images of the training set whose numbers are kept. */
  readonly watched: Iterable<number>;
  /** DESCENT by default. */
  readonly setting?: Setting;
  /** 300 by default. */
  readonly hidden?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** A training, and what its server has of the watched images. */
export interface DefendedRun {
  readonly view: TrainingView;
  /** Of the test images, nothing drawn. */
  readonly predictions: Uint8Array;
  readonly accuracy: number;
  /** Of training, in one thread. */
  readonly secondsPerEpoch: number;
}

/** Images of one request to classify. */
const CHUNK = 1000;

/** Trains under a defence. @throws {RangeError} a setting out of range; the signal's reason when aborted. */
export async function trainDefended(
  { train, test }: SplitDataset,
  { defence, seeds, watched, setting: base = DESCENT, hidden = 300, ...on }: DefendedOptions,
): Promise<DefendedRun> {
  const setting = { ...base, learningRate: defence.learningRate ?? base.learningRate };
  checkSetting(setting);
  const { n, count, shape, y: labels } = train;
  const classes = train.classes.length;
  const units = defence.rank ?? hidden;
  const [client, server] = [seededRng(seeds.client), seededRng(seeds.server)];
  const W1 = initialW1({ n, hidden: units, classes }, setting.initial, client)
    .map((w) => w / setting.pixelScale);
  const orderKey = client.bytes(ORDER_KEY_BYTES);
  const draws = new Draws(client);
  const going: Going[] = [];
  const images = new Uint8Array(train.x.length + test.x.length);
  images.set(train.x);
  images.set(test.x, train.x.length);
  using first = await DefendedFirstLayer.open({
    ...{ W1, n, images, setting, defence, draws, shape },
    onSend: (part) => going.push(part),
  }, Math.max(setting.batch, CHUNK));
  const weights = initialUpper({ n, hidden, classes }, setting.initial, server);
  using layers = new UpperLayers(weights, setting, undefined, defence.activation);
  const U = defence.rank === undefined ? null : expansion(hidden, defence.rank, server);
  const upper = new DefendedUpperLayers(layers, U);
  const watch = new Watch(watched, units);
  let step = 0;
  const party: UpperParty = {
    step({ z1, labels, close }) {
      const { indices: names, mix } = going.shift()!;
      const z2 = upper.forward(z1);
      const { dz2, loss } = mix
        ? mixedLossGradient(z2, labels, mix)
        : lossGradient(z2, labels, setting.output);
      const dz1 = upper.backward(dz2);
      watch.add({ step, names, z1, labels, dz1 });
      if (close) {
        upper.update(close, setting);
        step++;
      }
      return { dz1, loss };
    },
  };
  const started = performance.now();
  for (let epoch = 0; epoch < setting.epochs; epoch++) {
    const order = epochOrder(count, setting.shuffle ? orderKey : undefined, epoch);
    await trainEpoch(first, party, { setting, order, labels, epoch, signal: on.signal });
    on.onProgress?.(epoch + 1, setting.epochs);
  }
  const secondsPerEpoch = (performance.now() - started) / 1000 / setting.epochs;
  const predictions = new Uint8Array(test.count);
  for (let from = 0; from < test.count; from += CHUNK) {
    const length = Math.min(CHUNK, test.count - from);
    const indices = Uint32Array.from({ length }, (_, i) => count + from + i);
    predictions.set(upper.classify(first.apply(indices)), from);
  }
  return {
    view: watch.view({ classes, shape, inputScale: setting.pixelScale }),
    ...{ predictions, accuracy: accuracyOf(predictions, test.y), secondsPerEpoch },
  };
}

/** U `[hidden, rank]` of N(0, 2 / (hidden + rank)). */
function expansion(hidden: number, rank: number, rng: ReturnType<typeof seededRng>): Float32Array {
  const deviation = Math.sqrt(2 / (hidden + rank));
  return Float32Array.from(gaussian(rng, hidden * rank), (value) => value * deviation);
}
