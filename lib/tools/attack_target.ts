/** What `deno task attack --against` attacks: a training made for the purpose, or one that was recorded, with the images
 * that it is held to.
 * @module */
import { TRAINING_ATTACKS, type TrainingAttack } from "../attack/training/attack.ts";
import type { TrainingView } from "../attack/training/view.ts";
import { fromDataset, readSampleSets, readSubject } from "../audit/read_subject.ts";
import { type Dataset, firstImages, poolImages } from "../data/dataset.ts";
import { loadDataset } from "../data/load.ts";
import { splitSamples } from "../data/own_samples.ts";
import { secureRng } from "../math/rng.ts";
import { startProgress } from "../notebook/progress.ts";
import { serverNames } from "../audit/server_names.ts";
import { freshView } from "../study/training_attack.ts";
import { UsageError } from "./args.ts";
import type { TrainingOptions } from "./attack_training.ts";

/** Default numbers. */
const DEFAULTS = { hidden: 300, train: 1000, epochs: 5, sigma: 0.7 };
/** Of `--images-from`, for attackers who need images of the same kind. */
const PUBLIC_SHARE = 1 / 3;

/** A training to attack. */
export interface Target {
  readonly view: TrainingView;
  /** The private images by the view's names; null where nobody has them. */
  readonly train: Dataset | null;
  readonly publicImages: Dataset;
  /** Where the names come from; null: samples are named by the protocol. */
  readonly how: string | null;
  readonly setting: Record<string, unknown> & { readonly insecureSeed?: number };
}

/** What a target is made by. */
export type TargetOptions = TrainingOptions & {
  readonly attack: TrainingAttack;
  readonly signal: AbortSignal;
};

const say = (message: string) => console.error(message);

/** Images of the user's own, or a dataset's: private ones, public ones. */
async function imagesFor(options: TargetOptions): Promise<{ train: Dataset; test: Dataset }> {
  const { dataset = "mnist", attack, labels, grey, resize } = options;
  const from = options["images-from"], others = options["public-from"];
  if (from === undefined) {
    const stray = (["public-from", "labels", "resize", "grey"] as const).find((key) =>
      options[key]
    );
    if (stray !== undefined) throw new UsageError(`--${stray} is for --images-from`);
  }
  const { pool = attack === "span" && from === undefined ? 4 : 1 } = options;
  const pooled = (images: Dataset) => pool === 1 ? images : poolImages(images, pool);
  const read = await readSampleSets({
    ...{ labels, grey, resize, "images-from": from, "public-from": others },
    ...from === undefined ? { dataset } : {},
  }, { onMessage: say });
  const own = read.own!;
  for (const note of [...own.notes, ...read.others?.notes ?? []]) say(note);
  if (!own.labelled) {
    throw new UsageError("--against needs labels: a subfolder for each class, or --labels");
  }
  if (read.others !== null) return { train: pooled(own), test: pooled(read.others) };
  const { privateSamples, publicSamples } = splitSamples(own, PUBLIC_SHARE);
  return { train: pooled(privateSamples), test: pooled(publicSamples) };
}

/** A training made for the purpose. */
export async function freshTarget(options: TargetOptions): Promise<Target> {
  const { against: scheme, attack, signal } = options;
  const sigma = Number(options.sigma ?? DEFAULTS.sigma);
  if (!(sigma > 0 && Number.isFinite(sigma))) {
    throw new UsageError(`--sigma must be a positive number: got "${options.sigma}"`);
  }
  if (!TRAINING_ATTACKS[attack].schemes.some((one) => one === scheme)) {
    throw new UsageError(
      `--attack ${attack} is for ${TRAINING_ATTACKS[attack].schemes.join(", ")}, not ${scheme}`,
    );
  }
  const { hidden = DEFAULTS.hidden, epochs = DEFAULTS.epochs } = options;
  if (options.train !== undefined && options.train % BATCH !== 0) refuseCount(options.train);
  const images = await imagesFor(options);
  const most = images.train.count - images.train.count % BATCH;
  const count = options.train ?? Math.min(DEFAULTS.train, most);
  if (count === 0 || count > most) refuseCount(count, images.train);
  const insecureSeed = options.seed ?? new DataView(secureRng().bytes(4).buffer).getUint32(0);
  const train = firstImages(images.train, count);
  const bar = startProgress("training", 1000);
  const view = await freshView({ train, test: firstImages(images.test, 1) }, {
    ...{ scheme: scheme!, hidden, epochs, sigma, seed: insecureSeed, signal },
    opened: attack === "span",
    onProgress: (done, total) => bar.update(Math.floor(1000 * done / total)),
  });
  await bar.done();
  const own = scheme === "mitig3" ? { sigma } : {};
  const { dataset = "mnist", pool = attack === "span" ? 4 : 1 } = options;
  const source = options["images-from"] === undefined ? { dataset, pool } : { pool };
  const setting = { ...source, hidden, train: count, epochs, ...own, insecureSeed };
  return { view, train, publicImages: images.test, how: null, setting };
}

/** Of the trainings made here. */
const BATCH = 50;

function refuseCount(count: number, images?: Dataset): never {
  const most = images === undefined ? "" : ` and at most the ${images.count} of ${images.name}`;
  throw new UsageError(`--train must be a multiple of ${BATCH}${most}: got ${count}`);
}

/** A recorded training, held to the images where it is clear which they are: they are given, or --names goes with
 * those of the dataset. */
export async function recordedTarget(run: string, options: TargetOptions): Promise<Target> {
  const { names, resize, grey, labels, dataset = "mnist", attack, signal } = options;
  const from = options["images-from"], others = options["public-from"];
  const isOurs = from === undefined && others === undefined &&
    (options.dataset !== undefined || names !== undefined);
  const { subject, count, notes } = await readSubject({
    ...{ run, names, resize, grey, labels, "images-from": from, "public-from": others },
    ...isOurs ? { dataset } : {},
  }, say);
  for (const note of notes) say(note);
  const { samples, publicSamples } = subject;
  const { view: seen, truth } = subject.run!;
  if (from !== undefined && publicSamples === null) {
    throw new UsageError(
      "--public-from is needed with --images-from: what an attacker has anyway, and the floor",
    );
  }
  const publicImages = publicSamples ??
    fromDataset((await loadDataset(dataset, say)).test, seen.shape);
  const isSplit = seen.scheme === "mitig2" || seen.scheme === "mitig3";
  // A split server is not told the shape: it is that of the images.
  const view = isSplit ? { ...seen, shape: (samples ?? publicImages).shape } : seen;
  const needed = samples !== null || TRAINING_ATTACKS[attack].needs === "public";
  if (needed && String(publicImages.shape) !== String(view.shape)) {
    throw new UsageError(
      `--public-from is needed: the images are [${view.shape}], those of ${dataset} [${publicImages.shape}]`,
    );
  }
  const bar = startProgress("names", 1000);
  const { view: named, how } = await serverNames(view, {
    ...{ truth, count, attack, signal },
    onProgress: (done, total) => bar.update(Math.floor(1000 * done / total)),
  });
  await bar.done();
  const train = truth === null ? null : samples;
  return { view: named, train, publicImages, how, setting: { dataset } };
}
