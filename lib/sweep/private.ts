/** Sweep `private`: accuracy of mitig3 with DP-SGD at the client (defences/private_training.ts), and its ε at δ 1e-5.
 * @module */
import { firstImages } from "../data/dataset.ts";
import { trainPrivately } from "../defences/private_training.ts";
import { defineSweep } from "./grid.ts";
import { signalOf } from "./stopping.ts";
import { loadTraining, TRAINING_DATASETS } from "./training.ts";

/** What the grids have in common. */
const HELD = {
  ...{ dataset: ["mnist-full"] as const, clip: [1], images: [60_000], run: [0, 1, 2] },
};

/** The sweep `private`. */
export const sweep = defineSweep({
  url: import.meta.url,
  name: "private",
  version: 1,
  fields: {
    reader: { type: "choice", choices: ["model", "server"] },
    dataset: { type: "choice", choices: TRAINING_DATASETS },
    sigma: { type: "real", min: 0.01, max: 100 },
    noise: { type: "real", min: 0, max: 1000 }, // 0: clipped only, no ε
    scale: { type: "real", min: 1e-6, max: 1e6 }, // κ of the head
    clip: { type: "real", min: 1e-6, max: 1e6 },
    batch: { type: "integer", min: 1, max: 60_000 },
    epochs: { type: "integer", min: 1, max: 1000 },
    learningRate: { type: "real", min: 1e-6, max: 1000 },
    images: { type: "integer", min: 100, max: 60_000 }, // of the training set, the first ones
    run: { type: "integer", min: 0, max: 999 }, // counts repetitions, each from a seed of its own
  },
  columns: ["accuracy", "epsilon", "seconds"],
  timings: ["seconds"],
  tolerances: { accuracy: 0.01 },
  seedFields: ["dataset", "run"],
  grids: [
    {
      ...{ ...HELD, reader: ["model"], sigma: [0.7], scale: [5] },
      ...{ noise: [0.69], batch: [1200], epochs: [10], learningRate: [4] },
    },
    {
      ...{ ...HELD, reader: ["server"], sigma: [10.5], scale: [0.3] },
      ...{ noise: [4.1], batch: [6000], epochs: [10], learningRate: [8] },
    },
    { // small ones, to compute again as a check
      ...{ ...HELD, reader: ["model", "server"], sigma: [2], scale: [1], images: [1000], run: [0] },
      ...{ noise: [2], batch: [250], epochs: [2], learningRate: [4] },
    },
  ],
  prepare: async ({ dataset }) => void await loadTraining(dataset),
  async run({ dataset, images, run: _, ...setting }, { seed, stopped }) {
    const { train, test } = await loadTraining(dataset);
    const data = { train: firstImages(train, images), test };
    using signal = signalOf(stopped);
    const start = performance.now();
    const { accuracy, epsilon } = await trainPrivately(data, { ...setting, units: 300 }, {
      ...{ insecureSeed: seed, signal },
    });
    const seconds = (performance.now() - start) / 1000;
    return { accuracy, epsilon: epsilon === Infinity ? null : epsilon, seconds };
  },
});
