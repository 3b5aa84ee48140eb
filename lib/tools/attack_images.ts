/** `deno task attack` on single images: behind a first layer, the user's own or a random one, what W1 and z1 = W1·x give.
 *
 * The layer is not a secret in this setting (the server owns it), so `--seed` may fix it; keys and
 * encryption always draw from the CSPRNG. With `--encrypted` z1 is really encrypted, derived and
 * decrypted; without, it is computed in the same integers.
 * @module */
import { attack } from "../attack/attack.ts";
import { convMatrix, convWeights } from "../attack/conv.ts";
import { OBJECTIVES, PUBLISHED_PERIODS, type Shape } from "../attack/priors.ts";
import { fitGaussian } from "../attack/solvers/gaussian.ts";
import { AUDIT_FLAGS, sizeOf } from "../audit/config.ts";
import { type Dataset, image } from "../data/dataset.ts";
import { MAX_HIDDEN } from "../data/layer_file.ts";
import { DATASETS, loadDataset, shapeOf } from "../data/load.ts";
import { takeSamples } from "../data/own_samples.ts";
import { readSamples } from "../data/read_samples.ts";
import { countOf } from "../data/tensor.ts";
import { gaussian, secureRng, seededRng } from "../math/rng.ts";
import { startProgress } from "../notebook/progress.ts";
import { clearViews, type FirstLayer, firstLayer } from "../protocol/cryptonn/first_layer.ts";
import { forwardPass } from "../protocol/cryptonn/in_process.ts";
import { UsageError, type Values } from "./args.ts";
import { report } from "./attack_report.ts";
import { PairFiles } from "./pair_files.ts";
import { readLayer } from "./read_layer.ts";

const { weights, tensor, orientation, stride, padding, resize, grey, out, json } = AUDIT_FLAGS;

/** The flags of both kinds of attack. */
export const sharedFlags = {
  dataset: {
    type: "choice",
    choices: DATASETS,
    help: "whose images (default: mnist); all but mnist are fetched when first asked for",
  },
  "images-from": {
    ...AUDIT_FLAGS["images-from"],
    help:
      "images of your own in place of a dataset's: a folder or files of PNG, JPEG or WebP, a .npy or .npz",
  },
  resize,
  grey,
  hidden: {
    type: "integer",
    min: 1,
    max: MAX_HIDDEN,
    help: "width of the first layer (default: 300, or the rows of --weights)",
  },
  seed: {
    type: "integer",
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    help: "repeats the same random W1 (default: a fresh one)",
  },
  out: { ...out, help: "draw original | recovered into this folder, a PNG each and grid.png" },
  json: { ...json, help: "print one JSON object and nothing else" },
} as const;

/** The flags of attacks on single images. */
export const imageFlags = {
  layer: {
    type: "choice",
    choices: ["dense", "conv5", "conv3"],
    help:
      "dense (the default); conv5: six 5 × 5 filters on grey images; conv3: three 3 × 3 filters on colour",
  },
  objective: {
    type: "choice",
    choices: [...OBJECTIVES, "gaussian"],
    help:
      "what the linear program minimises (default: tv-sum); gaussian: closed form, fitted to other images",
  },
  solver: {
    type: "choice",
    choices: ["highs", "batched", "fast"],
    help:
      "who solves it: HiGHS, all images at once by ADMM, or one by one on its structure (default: fast)",
  },
  period: {
    type: "choice",
    choices: ["none", ...PUBLISHED_PERIODS.map(String)],
    help: "neighbour inequalities where (i + j) mod period = 0 (default: none)",
  },
  images: { type: "integer", min: 1, max: 10_000, help: "how many images (default: 5)" },
  offset: { type: "integer", min: 0, max: 10_000, help: "the first image (default: 0)" },
  encrypted: { type: "switch", help: "encrypt, derive and decrypt for real" },
  weights: {
    ...weights,
    help: `attack the first layer of ${weights.help.slice("the model: ".length)}`,
  },
  tensor,
  orientation,
  "input-order": AUDIT_FLAGS["input-order"],
  stride,
  padding,
} as const;

/** What the command line says. */
export type ImageOptions = Values<typeof imageFlags> & Values<typeof sharedFlags>;

/** The layers of the paper: LeNet's first on grey images, a narrow ResNet's on colour. */
const CONVOLUTIONS = {
  conv5: { filters: 6, kernel: 5, channels: 1 },
  conv3: { filters: 3, kernel: 3, channels: 3 },
};

const OF_WEIGHTS = ["tensor", "orientation", "input-order", "stride", "padding"] as const;
/** Fewer images fit no Gaussian. */
const LEAST_TO_FIT = 20;

function refuseIf(wrong: boolean, why: string): void {
  if (wrong) throw new UsageError(why);
}

/** The layer that the options ask for, before any image of a dataset is there.
 * @param of whose shape it is, for messages. */
async function loadLayer(
  options: ImageOptions,
  shape: Shape,
  of: string,
): Promise<Pick<Scene, "layer" | "kind">> {
  const n = countOf(shape);
  const { weights, tensor, orientation, stride, padding, hidden, seed, layer = "dense" } = options;
  const inputOrder = options["input-order"];
  if (weights === undefined) {
    const stray = OF_WEIGHTS.find((key) => options[key] !== undefined);
    refuseIf(stray !== undefined, `--${stray} is for --weights`);
    const rng = seed === undefined ? secureRng() : seededRng(seed);
    if (layer === "dense") {
      return { layer: firstLayer(gaussian(rng, (hidden ?? 300) * n), n), kind: layer };
    }
    const { channels, ...filters } = CONVOLUTIONS[layer];
    refuseIf(hidden !== undefined, "--layer and --hidden exclude each other");
    const takes = `--layer ${layer} takes images of ${channels} channels`;
    refuseIf(shape[2] !== channels, `${takes}, not ${of}`);
    const own = { ...filters, shape };
    return { layer: firstLayer(convMatrix(own, gaussian(rng, convWeights(own))), n), kind: layer };
  }
  refuseIf(layer !== "dense", "--layer and --weights exclude each other");
  refuseIf(seed !== undefined, "--seed and --weights exclude each other");
  const wanted = { shape, tensor, orientation, inputOrder, stride, padding };
  const { layer: own, isConvolution, notes } = await readLayer(weights, wanted);
  const isOther = (hidden ?? own.hidden) !== own.hidden;
  refuseIf(isOther, `--hidden is ${hidden}, ${weights} has ${own.hidden} units`);
  for (const note of notes) console.error(note);
  return { layer: own, kind: isConvolution ? "convolution" : "dense" };
}

/** What is attacked, behind what, and what a prior may be fitted to. */
export interface Scene {
  readonly layer: FirstLayer;
  /** In a word. */
  readonly kind: "dense" | "conv5" | "conv3" | "convolution";
  readonly images: Dataset;
  readonly indices: readonly number[];
  /** Of each image; null: it goes by its index. */
  readonly names: readonly string[] | null;
  readonly others: Dataset;
}

async function sceneOf(options: ImageOptions): Promise<Scene> {
  const { images: count = 5, offset = 0, dataset = "mnist", objective } = options;
  const indices = Array.from({ length: count }, (_, k) => offset + k);
  const from = options["images-from"];
  if (from === undefined) {
    for (const key of ["resize", "grey"] as const) {
      refuseIf(Boolean(options[key]), `--${key} is for --images-from`);
    }
    const behind = await loadLayer(options, shapeOf(dataset), dataset);
    const { train, test } = await loadDataset(dataset, (message) => console.error(message));
    refuseIf(
      indices.at(-1)! >= test.count,
      `--offset and --images reach past the last test image, ${test.count - 1}`,
    );
    return { ...behind, images: test, indices, names: null, others: train };
  }
  refuseIf(options.dataset !== undefined, "--dataset and --images-from exclude each other");
  const size = options.resize === undefined ? undefined : sizeOf(options.resize);
  const own = await readSamples(from, { resize: size, grey: options.grey });
  for (const note of own.notes) console.error(note);
  refuseIf(offset >= own.count, `--offset is past the last image, ${own.count - 1}`);
  const some = indices.filter((index) => index < own.count);
  const rest = [...own.y.keys()].filter((index) => !some.includes(index));
  refuseIf(
    objective === "gaussian" && rest.length < LEAST_TO_FIT,
    `--objective gaussian is fitted to images that are not attacked: ${rest.length} are left, at least ${LEAST_TO_FIT}`,
  );
  const others = rest.length > 0 ? takeSamples(own, rest) : own; // which no other objective reads
  const behind = await loadLayer(options, own.shape, own.name);
  return { ...behind, images: own, indices: some, names: own.names, others };
}

/** Attacks images one by one. @returns the exit status: 1 where no attack ended.
 * @throws {UsageError} flags that do not fit together. */
export async function attackImagesRun(options: ImageOptions): Promise<number> {
  const { objective = "tv-sum", solver = "fast", period = "none", encrypted } = options;
  refuseIf(
    objective === "gaussian" && period !== "none",
    "--objective gaussian takes no inequalities: no --period",
  );
  const files = await PairFiles.open(options.out);
  const scene = await sceneOf(options);
  const { layer, images, indices } = scene;
  const progress = (label: string) => startProgress(label, indices.length);
  let views;
  if (encrypted) {
    const bar = progress("encrypt and decrypt");
    const onProgress = (done: number) => bar.update(done);
    ({ views } = await forwardPass(layer, images, indices, { onProgress }));
    await bar.done();
  } else {
    views = clearViews(layer, images, indices);
  }
  const bar = progress("attack");
  const recoveries = await attack(views, {
    ...{ objective, solver, period: period === "none" ? null : Number(period) },
    border: options.layer === "conv3" && objective === "published",
    prior: objective === "gaussian" ? fitGaussian(scene.others) : undefined,
    onProgress: (done) => bar.update(done),
  });
  await bar.done();
  const pairs = recoveries.map(({ xHat }, k) => ({
    ...{ name: `image-${indices[k]}`, truth: image(images, indices[k]), recovered: xHat },
  }));
  const drawn = await files.write(pairs, images.shape);
  return report(options, scene, recoveries, drawn);
}
