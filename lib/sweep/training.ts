/** Sweep `training`: accuracy and time by dataset, width, batch and learning rate, in the authors' setting.
 *
 * `scheme` says who trains; "plain" is the network in the clear (nn/train.ts). A scheme with its own
 * arithmetic joins as a further choice with its own function in `SCHEMES`.
 * @module */
import type { SplitDataset } from "../data/dataset.ts";
import { type DatasetName, loadDataset } from "../data/load.ts";
import { type Rng, seededRng } from "../math/rng.ts";
import { startBackend } from "../nn/backend.ts";
import { accuracy, initialMlp, type Mlp, type MlpSizes } from "../nn/mlp.ts";
import { AUTHORS, type Setting } from "../nn/setting.ts";
import { trainMlp } from "../nn/train.ts";
import { defineSweep } from "./grid.ts";

const DATASETS = ["mnist", "mnist-full", "fashion-mnist"] as const;

/** One training: the network it ends with. */
type Train = (
  sizes: MlpSizes,
  data: SplitDataset,
  options: { setting: Setting; rng: Rng },
) => Promise<Mlp>;

const SCHEMES = {
  plain: (sizes, { train }, { setting, rng }) =>
    trainMlp(initialMlp(sizes, "authors", rng), train, { ...setting, rng }),
} satisfies Record<string, Train>;

let loaded: { name: DatasetName; data: Promise<SplitDataset> } | undefined;

/** A dataset, the last one kept. */
function load(name: DatasetName): Promise<SplitDataset> {
  if (loaded?.name !== name) loaded = { name, data: loadDataset(name) };
  return loaded.data;
}

export const sweep = defineSweep({
  url: import.meta.url,
  name: "training",
  version: 1,
  fields: {
    scheme: { type: "choice", choices: Object.keys(SCHEMES) as (keyof typeof SCHEMES)[] },
    dataset: { type: "choice", choices: DATASETS },
    hidden: { type: "integer", min: 1, max: 4096 },
    batch: { type: "integer", min: 1, max: 10_000 },
    learningRate: { type: "real", min: 1e-6, max: 10 },
    epochs: { type: "integer", min: 1, max: 100 },
  },
  columns: ["accuracy", "seconds"], // of the test images; of training alone
  seedFields: ["dataset", "hidden"],
  timed: true,
  grids: [{
    scheme: ["plain"],
    dataset: ["mnist"],
    hidden: [30, 100, 300],
    batch: [50, 250, 1000],
    learningRate: [0.001, 0.005, 0.02],
    epochs: [10],
  }],
  prepare: async ({ dataset }) => void await load(dataset),
  async run({ scheme, dataset, hidden, batch, learningRate, epochs }, { seed }) {
    const data = await load(dataset);
    await startBackend();
    const sizes = { n: data.train.n, hidden, classes: data.train.classes.length };
    const setting = { ...AUTHORS, batch, learningRate, epochs };
    const start = performance.now();
    const network = await SCHEMES[scheme](sizes, data, { setting, rng: seededRng(seed) });
    const seconds = (performance.now() - start) / 1000;
    return { accuracy: accuracy(network, data.test), seconds };
  },
});
