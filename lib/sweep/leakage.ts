/** Sweep `leakage`: what split training leaks under each defence, and what the defence costs.
 *
 * A row is one training: its accuracy, the bytes of a sample's visit both ways, the time of an epoch in one thread, and
 * the error of decoders fitted to k known images on 1,000 victims that are never known. "sigmoid" is MITIG2 and
 * "mitig3-σ" is mitig3, by their real parties; all others are MITIG2's client changed, in one process (defences/split.ts). Samples go by their true names; that
 * a server finds them itself is the column `relinked`.
 * @module */
import { bytesOf, DEFENCE_NAMES } from "../defences/defences.ts";
import { castOf, measureLeakage } from "../defences/measure.ts";
import { trainUnder } from "../defences/train.ts";
import { firstImages } from "../data/dataset.ts";
import { defineSweep } from "./grid.ts";
import { signalOf } from "./stopping.ts";
import { loadTraining, TRAINING_DATASETS } from "./training.ts";

/** Known images of the three columns. */
const KNOWN = [100, 1000, 10_000] as const;

/** Where a training set has more than so many images for each victim, no more are taken. */
const [VICTIMS, LEAST_PER_VICTIM] = [1000, 8];

/** The sweep `leakage`. */
export const sweep = defineSweep({
  url: import.meta.url,
  name: "leakage",
  version: 1,
  fields: {
    defence: { type: "choice", choices: DEFENCE_NAMES },
    dataset: { type: "choice", choices: TRAINING_DATASETS },
    hidden: { type: "integer", min: 1, max: 4096 },
    epochs: { type: "integer", min: 1, max: 100 },
    images: { type: "integer", min: 200, max: 60_000 }, // of the training set, the first ones
    run: { type: "integer", min: 0, max: 999 }, // counts repetitions, each from a seed of its own
  },
  columns: [
    ...["accuracy", "bytesPerVisit", "secondsPerEpoch", "k100", "k1000", "k10000"] as const,
    ...["decoder", "floor", "part", "relinked"] as const,
  ],
  timings: ["secondsPerEpoch"],
  tolerances: {
    accuracy: 0.01,
    k100: 0.01,
    k1000: 0.01,
    k10000: 0.01,
    decoder: 0.01,
    part: 0.05,
    relinked: 0.01,
  },
  seedFields: ["dataset", "hidden", "run"],
  timed: true,
  grids: [
    {
      defence: DEFENCE_NAMES,
      ...{ dataset: ["mnist-full"], hidden: [300], epochs: [5], images: [60_000], run: [0, 1, 2] },
    },
    { // small ones, to compute again as a check
      defence: ["sigmoid", "noise-1"],
      ...{ dataset: ["mnist-full"], hidden: [100], epochs: [2], images: [1200], run: [0] },
    },
  ],
  prepare: async ({ dataset }) => void await loadTraining(dataset),
  async run({ defence: name, dataset, hidden, epochs, images }, { seed, stopped }) {
    const { train: all, test } = await loadTraining(dataset);
    const train = firstImages(all, Math.min(images, all.count));
    const victims = Math.min(VICTIMS, Math.floor(train.count / LEAST_PER_VICTIM));
    const ks = KNOWN.filter((k) => victims + k <= train.count);
    const cast = castOf({ victims, known: ks.at(-1) ?? 0 });
    using signal = signalOf(stopped);
    const run = await trainUnder(name, { train, test }, {
      ...{ hidden, epochs, signal, watched: [...cast.victims, ...cast.known] },
      seeds: { client: seed, server: (seed + 1) % Number.MAX_SAFE_INTEGER },
    });
    const { decoded, floor, part, relinked } = await measureLeakage(run.view, train, {
      ...{ ...cast, ks, signal },
    });
    const at = (k: number) => decoded.find((found) => found.k === k)?.mse ?? null;
    return {
      ...{ accuracy: run.accuracy, bytesPerVisit: bytesOf(name, hidden, train.classes.length) },
      secondsPerEpoch: run.secondsPerEpoch,
      ...{ k100: at(100), k1000: at(1000), k10000: at(10_000) },
      ...{ decoder: `${decoded.at(-1)!.kind}, ${decoded.at(-1)!.visits}`, floor, part, relinked },
    };
  },
});
