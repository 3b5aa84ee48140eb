/** Sweep `training`: accuracy and time by scheme, dataset, width, batch, learning rate and fixed-point scale.
 *
 * `scheme` says who trains. "plain" is the network in the clear in the authors' setting (nn/train.ts);
 * "mitig2" is the same code in the setting of today, which split training reproduces bit for bit; "mitig1" is
 * the fixed-point training (protocol/fixed_train.ts) that both encrypted schemes, CryptoNN and MITIG1,
 * reproduce bit for bit; "float" is that very training in float32: same loss, optimizer, batches, order and
 * initial weights, so that a run of it and one of "mitig1" differ by the fixed point alone; "mitig3-σ" is mitig3's
 * training with that noise. `seconds` are thus what training takes without encryption and without a network.
 * @module */
import type { Dataset, SplitDataset } from "../data/dataset.ts";
import { accuracyOf, dataset, firstImages, image } from "../data/dataset.ts";
import { type DatasetName, loadDataset } from "../data/load.ts";
import { type Rng, seededRng } from "../math/rng.ts";
import { startBackend } from "../nn/backend.ts";
import { linearClasses } from "../nn/linear_head.ts";
import { accuracy, initialMlp, type MlpSizes } from "../nn/mlp.ts";
import { AUTHORS, MODERN, type Setting } from "../nn/optimizer.ts";
import { epochOrder, ORDER_KEY_BYTES, trainMlp } from "../nn/train.ts";
import {
  DEFAULT_SCALES,
  fixedAccuracy,
  floatNet,
  initFixedNet,
  type Scales,
} from "../protocol/fixed_net.ts";
import { trainFixed } from "../protocol/fixed_train.ts";
import { NoisyEncoder } from "../protocol/mitig3/encoder.ts";
import { trainNarrow } from "../protocol/mitig3/local.ts";
import { NARROW } from "../protocol/mitig3/terms.ts";
import { defineSweep } from "./grid.ts";

/** The datasets that the network trains on. */
export const TRAINING_DATASETS = ["mnist", "mnist-full", "fashion-mnist"] as const;

/** What a training is told beside its data. */
interface Options extends Pick<Setting, "batch" | "learningRate" | "epochs"> {
  readonly scaleBits: number;
  readonly rng: Rng;
}

/** One training: what the network it ends with scores on images. */
type Train = (
  sizes: MlpSizes,
  train: Dataset,
  options: Options,
) => Promise<(images: Dataset) => number | Promise<number>>;

/** In float32, in a setting of `nn/optimizer.ts`. */
const float = (base: Setting): Train => async (sizes, train, { scaleBits: _, rng, ...own }) => {
  const setting = { ...base, ...own };
  const network = await trainMlp(initialMlp(sizes, base.initial, rng), train, { ...setting, rng });
  return (images) => accuracy(network, images);
};

/** Weights within ±8 in steps of 2^-scaleBits. */
export function scalesOf(scaleBits: number): Scales {
  return { ...DEFAULT_SCALES, weightBits: scaleBits, weightBound: 2 ** (scaleBits + 3) };
}

/** The images in a random order. */
function shuffled(images: Dataset, rng: Rng): Dataset {
  const { count, n } = images;
  const [x, y] = [new Uint8Array(count * n), new Uint8Array(count)];
  epochOrder(count, rng.bytes(ORDER_KEY_BYTES), 0).forEach((from, at) => {
    x.set(image(images, from), at * n);
    y[at] = images.y[from];
  });
  return dataset({ ...images, x, y });
}

/** Whole batches in one order for all epochs: the client encrypts a batch once. The order is random, since the
 * small MNIST ends with digits of few classes, 1s at last. */
function wholeBatches(all: Dataset, batch: number, rng: Rng) {
  const batches = Math.floor(all.count / batch);
  return { batches, train: firstImages(shuffled(all, rng), batches * batch) };
}

/** In fixed point. */
const fixed: Train = async (sizes, all, { batch, learningRate, epochs, scaleBits, rng }) => {
  const { batches, train } = wholeBatches(all, batch, rng);
  const { net } = await trainFixed(initFixedNet(sizes, scalesOf(scaleBits), rng), train, {
    ...{ batch, learningRate, steps: epochs * batches },
  });
  return (images) => fixedAccuracy(net, images);
};

/** Steps of 2⁻²⁰ in the weights that "float" starts from: as good as none. */
const FINEST = 20;

/** The training of `fixed` in float32. */
const sameInFloat: Train = async (sizes, all, { batch, learningRate, epochs, rng }) => {
  const { train } = wholeBatches(all, batch, rng);
  const start = floatNet(initFixedNet(sizes, scalesOf(FINEST), rng));
  const pixelScale = 2 ** -DEFAULT_SCALES.pixelBits;
  const network = await trainMlp(start, train, {
    ...AUTHORS,
    ...{ batch, learningRate, epochs, pixelScale, divideBy: "batch", rng },
  });
  return (images) => accuracy(network, images);
};

/** mitig3 with noise of `sigma`, which its parties reproduce bit for bit. */
const narrow =
  (sigma: number): Train => async ({ hidden, n }, train, { scaleBits: _, rng, ...own }) => {
    const setting = { ...NARROW, ...own };
    const insecureSeed = new DataView(rng.bytes(4).buffer).getUint32(0);
    const { first, bottleneck, head } = await trainNarrow(train, {
      ...{ units: hidden, sigma, setting, insecureSeed, headRng: rng },
    });
    const weights = { W1: first.W1, ...bottleneck.weights };
    return async (images) => {
      using encoder = NoisyEncoder.open({ n, images: images.x, sigma, setting, weights }, 0);
      const every = Uint32Array.from({ length: images.count }, (_, i) => i);
      return accuracyOf(linearClasses(head.weights, await encoder.apply(every)), images.y);
    };
  };

const SCHEMES = {
  plain: float(AUTHORS),
  mitig1: fixed,
  float: sameInFloat,
  mitig2: float(MODERN),
  "mitig3-0.5": narrow(0.5),
  "mitig3-0.7": narrow(0.7),
  "mitig3-1": narrow(1),
} satisfies Record<string, Train>;

let loaded: { name: DatasetName; data: Promise<SplitDataset> } | undefined;

/** A dataset, the last one kept. */
export function loadTraining(name: DatasetName): Promise<SplitDataset> {
  if (loaded?.name !== name) loaded = { name, data: loadDataset(name) };
  return loaded.data;
}

/** Repetitions, each from a seed of its own. */
const RUNS = [0, 1, 2, 3, 4];

/** What most grids have in common. */
const HELD = {
  ...{ dataset: ["mnist"] as const, hidden: [10, 30, 100, 300], batch: [50], epochs: [10] },
  ...{ share: [1], run: RUNS },
};

/** The sweep `training`. */
export const sweep = defineSweep({
  url: import.meta.url,
  name: "training",
  version: 4,
  fields: {
    scheme: { type: "choice", choices: Object.keys(SCHEMES) as (keyof typeof SCHEMES)[] },
    dataset: { type: "choice", choices: TRAINING_DATASETS },
    hidden: { type: "integer", min: 1, max: 4096 },
    batch: { type: "integer", min: 1, max: 10_000 },
    learningRate: { type: "real", min: 1e-6, max: 10 },
    scaleBits: { type: "integer", min: 0, max: 20 }, // mitig1's; others have none and take 0
    epochs: { type: "integer", min: 1, max: 100 },
    share: { type: "real", min: 0.001, max: 1 }, // of the training images, the first ones
    run: { type: "integer", min: 0, max: 999 }, // counts repetitions, each from a seed of its own
  },
  columns: ["accuracy", "seconds"], // of the test images; of training alone
  timings: ["seconds"],
  tolerances: { accuracy: 0.01 },
  seedFields: ["dataset", "hidden", "run"],
  timed: true,
  grids: [
    {
      ...{ ...HELD, scheme: ["plain"], hidden: [30, 100, 300], batch: [50, 250, 1000], run: [0] },
      ...{ learningRate: [0.001, 0.005, 0.02], scaleBits: [0] },
    },
    { ...HELD, scheme: ["mitig2"], learningRate: [0.01, 0.03], scaleBits: [0] },
    { ...HELD, scheme: ["mitig1"], learningRate: [1], scaleBits: [4, 6, 8, 10] },
    { ...HELD, scheme: ["float"], learningRate: [1], scaleBits: [0] },
  ],
  prepare: async ({ dataset }) => void await loadTraining(dataset),
  async run({ scheme, dataset, hidden, share, ...rest }, { seed }) {
    const { train, test } = await loadTraining(dataset);
    await startBackend();
    const sizes = { n: train.n, hidden, classes: train.classes.length };
    const part = firstImages(train, Math.floor(train.count * share));
    const start = performance.now();
    const score = await SCHEMES[scheme](sizes, part, { ...rest, rng: seededRng(seed) });
    const seconds = (performance.now() - start) / 1000;
    return { accuracy: await score(test), seconds };
  },
});
