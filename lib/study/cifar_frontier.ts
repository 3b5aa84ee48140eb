/** mitig3 on CIFAR-10 in grey: how accurate a split can be there, and how much of an image its server gets.
 *
 * A dense client on pixels classifies too little to let its codes be noisy. Patch features (nn/patches.ts), taken by the
 * client once and by itself, classify better; then noise that hides the image leaves more accuracy than MITIG2 has
 * on pixels. Whatever the client trains on, its server is measured on pixels: decoders fitted to known images, `part`.
 * @module */
import { accuracyOf, type SplitDataset } from "../data/dataset.ts";
import { castOf, measureLeakage } from "../defences/measure.ts";
import { watchMitig2 } from "../defences/mitig2.ts";
import { Watch } from "../defences/watch.ts";
import type { TrainingView } from "../attack/training/view.ts";
import { seededRng } from "../math/rng.ts";
import { inProcess } from "../net/connection.ts";
import { DESCENT } from "../nn/optimizer.ts";
import { epochOrder, ORDER_KEY_BYTES } from "../nn/train.ts";
import type { On } from "../notebook/run.ts";
import { train as trainClient } from "../protocol/mitig3/client.ts";
import { secretsOf } from "../protocol/mitig3/secrets.ts";
import { serve } from "../protocol/mitig3/server.ts";
import { NARROW } from "../protocol/mitig3/terms.ts";

/** One training. */
export interface FrontierSetting {
  readonly scheme: "mitig2" | "mitig3";
  /** Standard deviation of the noise on each number of a code; MITIG2 has none. */
  readonly sigma: number;
  readonly epochs: number;
  /** MITIG2's; mitig3 trains by Adam at its own. */
  readonly learningRate: number;
}

/** What a training's server has of the watched samples, named by truth, and how well the model classifies. */
interface Watched {
  readonly view: TrainingView;
  readonly accuracy: number;
}

/** Units of both clients. */
const UNITS = 300;

/** mitig3 by its real parties, both in this process. */
async function watchMitig3(
  data: SplitDataset,
  { sigma, epochs }: FrontierSetting,
  { seed, watched, signal, onProgress }: Partial<On> & { seed: number; watched: Uint32Array },
): Promise<Watched> {
  const { count, shape, classes: { length: classes } } = data.train;
  const setting = { ...NARROW, epochs };
  const orders = Array.from({ length: epochs }, (_, epoch) => {
    const key = secretsOf(seed).visit(epoch).bytes(ORDER_KEY_BYTES);
    return epochOrder(count, key, epoch);
  });
  const names = orders.map((order) => [...order]).flat();
  const watch = new Watch(watched, classes);
  let taken = 0;
  const [ours, theirs] = inProcess();
  const served = serve(theirs, {
    rng: seededRng((seed + 1) % Number.MAX_SAFE_INTEGER),
    observe: ({ step, z, labels, dz }) => {
      const own = Uint32Array.from(names.slice(taken, taken += labels.length));
      watch.add({ step, names: own, z1: z, labels, dz1: dz });
    },
  });
  const { predictions } = await trainClient(ours, data, {
    ...{ units: UNITS, sigma, setting, insecureSeed: seed, signal },
    onEpoch: ({ epoch }) => onProgress?.(epoch, epochs),
  });
  ours.close();
  await served;
  const view = watch.view({ classes, shape, inputScale: setting.pixelScale });
  return { view: { ...view, scheme: "mitig3" }, accuracy: accuracyOf(predictions, data.test.y) };
}

/** A training's accuracy and what its server gets. */
export interface FrontierPoint {
  /** Of the test images, in [0, 1]. */
  readonly accuracy: number;
  /** MSE on the victims, pixels in [0, 1]: of the label alone, and of the best decoder from k known images. */
  readonly floor: number;
  readonly k1000: number | null;
  readonly k10000: number | null;
  readonly part: number;
}

/** Victims, and images known: at most 1,000 and 10,000. */
const [VICTIMS, KNOWN] = [1000, [1000, 10_000]] as const;

/** Trains one scheme on some features and measures its server on the pixels that they come from.
 * @param features what the client trains on, image by image those of `images`; the images themselves, or patch features.
 * @throws as the clients' `train` and `measureLeakage`. */
export async function frontierPoint(
  images: SplitDataset,
  features: SplitDataset,
  setting: FrontierSetting,
  { seed, signal, onProgress }: Partial<On> & { seed: number },
): Promise<FrontierPoint> {
  const { train } = images;
  if (train.count !== features.train.count) {
    throw new TypeError(
      `Cannot measure: ${features.train.count} features of ${train.count} training images`,
    );
  }
  const victims = Math.min(VICTIMS, Math.floor(train.count / 12));
  const ks = KNOWN.filter((k) => victims + k <= train.count);
  const cast = castOf({ victims, known: ks.at(-1) ?? 0 });
  const watched = Uint32Array.from([...cast.victims, ...cast.known]);
  const { view, accuracy } = setting.scheme === "mitig3"
    ? await watchMitig3(features, setting, { seed, watched, signal, onProgress })
    : await watchMitig2(features, {
      setting: { ...DESCENT, epochs: setting.epochs, learningRate: setting.learningRate },
      seeds: { client: seed, server: (seed + 1) % Number.MAX_SAFE_INTEGER },
      ...{ watched, hidden: UNITS, signal, onProgress },
    });
  const onPixels = { ...view, shape: train.shape };
  const { decoded, floor, part } = await measureLeakage(onPixels, train, { ...cast, ks, signal });
  const at = (k: number) => decoded.find((found) => found.k === k)?.mse ?? null;
  return { accuracy, floor, k1000: at(1000), k10000: at(10_000), part };
}

