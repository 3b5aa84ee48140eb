/** Sweep `frontier`: CIFAR-10 in grey, accuracy against what the server gets of the image.
 *
 * MITIG2 and mitig3 by their real parties, on pixels or on patch features that the client takes by itself
 * (nn/patches.ts); decoders are fitted to known images and measured on pixels of victims, samples named by truth.
 * @module */
import { castOf, measureLeakage } from "../defences/measure.ts";
import { watchMitig2 } from "../defences/mitig2.ts";
import { watchMitig3 } from "../defences/mitig3.ts";
import { firstImages, type SplitDataset } from "../data/dataset.ts";
import { loadDataset } from "../data/load.ts";
import { seededRng } from "../math/rng.ts";
import { DESCENT, MODERN } from "../nn/optimizer.ts";
import { patchDataset } from "../nn/patches.ts";
import { NARROW } from "../protocol/mitig3/terms.ts";
import { defineSweep } from "./grid.ts";
import { signalOf } from "./stopping.ts";

/** Known images of the two columns, and victims: at most so many. */
const KNOWN = [1000, 10_000] as const;
const [VICTIMS, LEAST_PER_VICTIM] = [1000, 12];
/** Units of both clients. */
const HIDDEN = 300;
/** Training images of CIFAR-10. */
const ALL = 50_000;

/** The dictionary is drawn from the first images by this seed, the same for all points: so features are taken once. */
const DICTIONARY_SEED = 1;

let taken: { key: string; data: Promise<SplitDataset> } | undefined;

/** Patch features of some images, the last ones kept. */
function featuresOf(images: SplitDataset, count: number): Promise<SplitDataset> {
  const key = `${count} ${images.train.count}`;
  if (taken?.key !== key) {
    taken = { key, data: patchDataset(images, { count, rng: seededRng(DICTIONARY_SEED) }) };
  }
  return taken.data;
}

let loaded: Promise<SplitDataset> | undefined;
const load = () => loaded ??= loadDataset("cifar10-gray");

const SCHEMES = ["mitig2", "mitig2-adam", "mitig3"] as const;
/** MITIG2 by plain descent, by Adam, and mitig3, by Adam. */
export type FrontierScheme = typeof SCHEMES[number];

/** How one point trains. */
export interface FrontierSetting {
  readonly scheme: FrontierScheme;
  readonly sigma: number;
  readonly learningRate: number;
  readonly epochs: number;
}

/** Trains on features and measures what the server has on the images that they come from.
 * @param features image by image those of `images`; the images themselves, or patch features.
 * @throws {TypeError} features of another number of images; as the clients' `train` and `measureLeakage`. */
export async function frontierRow(
  { train }: SplitDataset,
  features: SplitDataset,
  { scheme, sigma, learningRate, epochs }: FrontierSetting,
  { seed, signal }: { seed: number; signal?: AbortSignal },
) {
  if (features.train.count !== train.count) {
    throw new TypeError(
      `Cannot measure: features of ${features.train.count} images for ${train.count} images`,
    );
  }
  const victims = Math.min(VICTIMS, Math.floor(train.count / LEAST_PER_VICTIM));
  const ks = KNOWN.filter((k) => victims + k <= train.count);
  const cast = castOf({ victims, known: ks.at(-1) ?? 0 });
  const common = {
    ...{ hidden: HIDDEN, signal, watched: [...cast.victims, ...cast.known] },
    seeds: { client: seed, server: (seed + 1) % Number.MAX_SAFE_INTEGER },
  };
  const start = performance.now();
  const { view, accuracy } = scheme === "mitig3"
    ? await watchMitig3(features, {
      ...{ ...common, sigma, setting: { ...NARROW, epochs, learningRate } },
    })
    : await watchMitig2(features, {
      ...common,
      setting: { ...(scheme === "mitig2" ? DESCENT : MODERN), epochs, learningRate },
    });
  const seconds = (performance.now() - start) / 1000;
  const onPixels = { ...view, shape: train.shape }; // what the attacker recovers, whatever was trained on
  const { decoded, floor, part } = await measureLeakage(onPixels, train, { ...cast, ks, signal });
  const at = (k: number) => decoded.find((found) => found.k === k)?.mse ?? null;
  return { accuracy, floor, k1000: at(1000), k10000: at(10_000), part, seconds };
}

/** What the full grids have in common. */
const HELD = { epochs: [5], images: [ALL], run: [0, 1, 2] };

/** The sweep `frontier`. */
export const sweep = defineSweep({
  url: import.meta.url,
  name: "frontier",
  version: 1,
  fields: {
    scheme: { type: "choice", choices: SCHEMES },
    patches: { type: "integer", min: 0, max: 1000 }, // of the dictionary; 0: the client trains on pixels
    sigma: { type: "real", min: 0, max: 10 }, // mitig3's noise; MITIG2 has none
    learningRate: { type: "real", min: 1e-5, max: 10 },
    epochs: { type: "integer", min: 1, max: 100 },
    images: { type: "integer", min: 200, max: ALL }, // of the training set, the first ones
    run: { type: "integer", min: 0, max: 999 }, // counts repetitions, each from a seed of its own
  },
  columns: ["accuracy", "floor", "k1000", "k10000", "part", "seconds"],
  timings: ["seconds"],
  tolerances: { accuracy: 0.01, k1000: 0.01, k10000: 0.01, part: 0.05 },
  seedFields: ["run"],
  grids: [
    { ...HELD, scheme: ["mitig3"], patches: [100], sigma: [0.5, 0.7], learningRate: [0.004] },
    { ...HELD, scheme: ["mitig3"], patches: [0], sigma: [0.2], learningRate: [0.004], run: [0] },
    {
      ...{ ...HELD, scheme: ["mitig2"], patches: [0], sigma: [0], run: [0] },
      learningRate: [0.4, 1],
    },
    {
      ...{ ...HELD, scheme: ["mitig2-adam"], patches: [0, 100], sigma: [0] },
      ...{ learningRate: [0.004], run: [0] },
    },
    { // a small one, to compute again as a check
      ...{ scheme: ["mitig3"], patches: [20], sigma: [0.5], learningRate: [0.004] },
      ...{ epochs: [2], images: [2000], run: [0] },
    },
  ],
  prepare: async () => void await load(),
  async run({ patches, images: wanted, run: _, ...setting }, { seed, stopped }) {
    const all = await load();
    const images = { ...all, train: firstImages(all.train, wanted) };
    if (wanted < all.test.count) images.test = firstImages(all.test, wanted);
    const features = patches === 0 ? images : await featuresOf(images, patches);
    using signal = signalOf(stopped);
    return await frontierRow(images, features, setting, { seed, signal });
  },
});
