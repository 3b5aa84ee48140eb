/** Sweep `advise_leakage`: what the best attack of ours makes of a training under each scheme, for `deno task advise`.
 *
 * The server is honest but curious, and has what its scheme gives it. CryptoNN's decrypts dW1 and solves for the batch,
 * with nothing known besides. The servers of MITIG1, MITIG2 and mitig3 happen to know k private images, as many as there are up to
 * 10,000, and fit decoders from z1 of all visits and the label to pixels (attack/training/decoder.ts); those that need no
 * known image are weaker (notebook 06). Trainings are as long as the search's longest, since each visit tells more.
 * Samples go by their true names. MITIG1 is trained in the clear, **group operations omitted**.
 * @module */
import { fromGradients } from "../attack/training/gradient.ts";
import { meanMse, share } from "../attack/training/leakage.ts";
import { castOf, measureLeakage } from "../defences/measure.ts";
import { watchMitig1 } from "../defences/mitig1.ts";
import { watchMitig2 } from "../defences/mitig2.ts";
import { watchMitig3 } from "../defences/mitig3.ts";
import { type Dataset, firstImages, type SplitDataset } from "../data/dataset.ts";
import { MODERN } from "../nn/optimizer.ts";
import { trainPlain } from "../protocol/cryptonn/in_process.ts";
import { DEFAULT_SCALES } from "../protocol/fixed_net.ts";
import type { StepRecord } from "../protocol/fixed_train.ts";
import { NARROW } from "../protocol/mitig3/terms.ts";
import { cryptonnView } from "../protocol/training_views.ts";
import { defineSweep } from "./grid.ts";
import { loadTraining, TRAINING_DATASETS } from "./training.ts";

/** Images that are recovered, and the most that the attacker knows. */
const [VICTIMS, MOST_KNOWN] = [1000, 10_000];

/** Epochs of every training: those of the search's last round. */
const EPOCHS = 12;

/** Of the fixed-point trainings: what serves accuracy best among advise's. */
const FIXED = { batch: 50, learningRate: 2, scales: DEFAULT_SCALES };

/** A batch of CryptoNN visited twice, and its images from dW1. @returns the error; 0 where each pixel is right. */
async function fromCryptonn(images: Dataset, hidden: number, seed: number): Promise<number> {
  const { batch, learningRate, scales } = FIXED;
  const train = firstImages(images, batch);
  const records: StepRecord[] = [];
  await trainPlain(train, {
    ...{ hidden, batch, learningRate, scales, steps: 2, insecureSeed: seed },
    onStep: (record) => records.push(record),
  });
  const terms = { scales, learningRate, count: batch, labels: train.y };
  const { X } = await fromGradients(cryptonnView(records, train, terms), { prior: false });
  if (X === null || X.length !== train.x.length) throw new Error("some sample has no gradient");
  return meanMse(X, train.x);
}

/** The sweep `advise_leakage`. */
export const sweep = defineSweep({
  url: import.meta.url,
  name: "advise_leakage",
  version: 1,
  fields: {
    scheme: { type: "choice", choices: ["cryptonn", "mitig1", "mitig2", "mitig3"] },
    dataset: { type: "choice", choices: TRAINING_DATASETS },
    hidden: { type: "integer", min: 1, max: 4096 },
    sigma: { type: "real", min: 0, max: 100 }, // of mitig3; others have none and take 0
  },
  columns: ["leakage", "mse", "floor", "attack", "known", "part"],
  seedFields: ["scheme", "dataset", "hidden"],
  grids: [
    {
      scheme: ["cryptonn", "mitig1", "mitig2"],
      ...{ dataset: ["mnist"], hidden: [30, 100, 300], sigma: [0] },
    },
    { scheme: ["mitig3"], dataset: ["mnist"], hidden: [30, 100, 300], sigma: [0.5, 0.7, 1] },
  ],
  prepare: async ({ dataset }) => void await loadTraining(dataset),
  async run({ scheme, dataset, hidden, sigma }, { seed }) {
    const data = await loadTraining(dataset);
    const { train } = data;
    const victims = Math.min(VICTIMS, Math.floor(train.count / 3));
    const k = Math.min(MOST_KNOWN, train.count - victims);
    const cast = castOf({ victims, known: k });
    const options = {
      ...{ hidden, seeds: { client: seed, server: (seed + 1) % Number.MAX_SAFE_INTEGER } },
      watched: [...cast.victims, ...cast.known],
    };
    const trainings: Record<string, (data: SplitDataset) => ReturnType<typeof watchMitig2>> = {
      cryptonn: (data) => watchMitig1(data, { ...options, ...FIXED, epochs: 1 }), // for the floor
      mitig1: (data) => watchMitig1(data, { ...options, ...FIXED, epochs: EPOCHS }),
      mitig2: (data) => watchMitig2(data, { ...options, setting: { ...MODERN, epochs: EPOCHS } }),
      mitig3: (data) =>
        watchMitig3(data, { ...options, sigma, setting: { ...NARROW, epochs: EPOCHS } }),
    };
    const { view } = await trainings[scheme](data);
    const { decoded: [best], floor, part } = await measureLeakage(view, train, {
      ...{ ...cast, ks: [k] },
    });
    if (scheme === "cryptonn") {
      const mse = await fromCryptonn(train, hidden, seed);
      return { leakage: share(mse, floor), mse, floor, attack: "gradient", known: 0, part: 1 };
    }
    const { mse, kind: attack } = best;
    return { leakage: share(mse, floor), mse, floor, attack, known: k, part };
  },
});
