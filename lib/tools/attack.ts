/** `deno task attack`: attacks test images behind a first layer, the user's own or a random one.
 *
 * The layer is not a secret in this setting (the server owns it), so `--seed` may fix it; keys and
 * encryption always draw from the CSPRNG. With `--encrypted` z1 is really encrypted, derived and
 * decrypted; without, it is computed in the same integers.
 * @module */
import { attack } from "../attack/attack.ts";
import { convMatrix, convWeights } from "../attack/conv.ts";
import { meanScore, score } from "../attack/metrics.ts";
import { OBJECTIVES, PUBLISHED_PERIODS, type Shape } from "../attack/priors.ts";
import { certificateText } from "../attack/recovery.ts";
import { fitGaussian } from "../attack/solvers/gaussian.ts";
import { image } from "../data/dataset.ts";
import { MAX_HIDDEN, ORIENTATIONS } from "../data/layer_file.ts";
import { DATASETS, loadDataset, shapeOf } from "../data/load.ts";
import { countOf } from "../data/tensor.ts";
import { gaussian, secureRng, seededRng } from "../math/rng.ts";
import { clearViews, type FirstLayer, firstLayer } from "../protocol/cryptonn/first_layer.ts";
import { forwardPass } from "../protocol/cryptonn/in_process.ts";
import { startProgress } from "../notebook/progress.ts";
import { runCommand, UsageError, type Values } from "./args.ts";
import { attackTrainingRun, trainingFlags } from "./attack_training.ts";
import { readLayer } from "./read_layer.ts";

const command = {
  name: "attack",
  summary: `Recovers test images from what an FE-training server decrypts: W1 and z1 = W1·x.

With --against and --attack it recovers training images instead, from what the server of that scheme has of a
whole training, and says how far beyond the mean image of each class they lie.`,
  flags: {
    dataset: {
      type: "choice",
      choices: DATASETS,
      default: "mnist",
      help: "whose test images; all but mnist are fetched when first asked for",
    },
    layer: {
      type: "choice",
      choices: ["dense", "conv5", "conv3"],
      default: "dense",
      help: "conv5: six 5 × 5 filters on grey images; conv3: three 3 × 3 filters on colour",
    },
    hidden: {
      type: "integer",
      min: 1,
      max: MAX_HIDDEN,
      help: "width of the first layer (default: 300, or the rows of --weights)",
    },
    objective: {
      type: "choice",
      choices: [...OBJECTIVES, "gaussian"],
      default: "tv-sum",
      help: "what the linear program minimises; gaussian: closed form, fitted to the train split",
    },
    solver: {
      type: "choice",
      choices: ["highs", "batched", "fast"],
      default: "fast",
      help: "who solves it: HiGHS, all images at once by ADMM, or one by one on its structure",
    },
    period: {
      type: "choice",
      choices: ["none", ...PUBLISHED_PERIODS.map(String)],
      default: "none",
      help: "neighbour inequalities where (i + j) mod period = 0",
    },
    images: { type: "integer", min: 1, max: 10_000, default: 5, help: "how many images" },
    offset: { type: "integer", min: 0, max: 10_000, default: 0, help: "the first test image" },
    seed: {
      type: "integer",
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      help: "repeats the same random W1 (default: a fresh one)",
    },
    encrypted: { type: "switch", help: "encrypt, derive and decrypt for real" },
    weights: {
      type: "path",
      placeholder: "FILE",
      help:
        "attack the first layer in this .npy, .npz or .safetensors instead of a random N(0, 1) one",
    },
    tensor: {
      type: "text",
      placeholder: "NAME",
      help: "which array of the file, where several could be the layer",
    },
    orientation: {
      type: "choice",
      choices: ORIENTATIONS,
      help: "how a square matrix lies: PyTorch has [hidden, in], Keras [in, hidden]",
    },
    ...trainingFlags,
    json: { type: "switch", help: "print one JSON object and nothing else" },
  },
} as const;

type Options = Values<typeof command.flags>;

/** The layers of the paper: LeNet's first on grey images, a narrow ResNet's on colour. */
const CONVOLUTIONS = {
  conv5: { filters: 6, kernel: 5, channels: 1 },
  conv3: { filters: 3, kernel: 3, channels: 3 },
};

/** The layer that the options ask for, before any image is there. */
async function loadLayer(options: Options, shape: Shape): Promise<FirstLayer> {
  const n = countOf(shape);
  const { weights, tensor, orientation, hidden, seed } = options;
  const refuseIf = (wrong: boolean, why: string) => {
    if (wrong) throw new UsageError(why);
  };
  if (weights === undefined) {
    const forFiles = tensor !== undefined || orientation !== undefined;
    refuseIf(forFiles, "--tensor and --orientation are for --weights");
    const rng = seed === undefined ? secureRng() : seededRng(seed);
    if (options.layer === "dense") return firstLayer(gaussian(rng, (hidden ?? 300) * n), n);
    const { channels, ...filters } = CONVOLUTIONS[options.layer];
    const takes = `--layer ${options.layer} takes images of ${channels} channels`;
    refuseIf(hidden !== undefined, "--layer and --hidden exclude each other");
    refuseIf(shape[2] !== channels, `${takes}, not ${options.dataset}`);
    const layer = { ...filters, shape };
    return firstLayer(convMatrix(layer, gaussian(rng, convWeights(layer))), n);
  }
  refuseIf(options.layer !== "dense", "--layer and --weights exclude each other");
  refuseIf(seed !== undefined, "--seed and --weights exclude each other");
  const { layer, notes } = await readLayer(weights, { shape, tensor, orientation });
  const isOther = (hidden ?? layer.hidden) !== layer.hidden;
  refuseIf(isOther, `--hidden is ${hidden}, ${weights} has ${layer.hidden} units`);
  for (const note of notes) console.error(note);
  return layer;
}

function format(value: number | null, digits: number): string {
  if (value === null) return "–";
  return Math.abs(value) >= 1e-3 || value === 0 ? value.toFixed(digits) : value.toExponential(1);
}

await runCommand(command, async (options) => {
  if (options.against !== undefined) return await attackTrainingRun(options);
  const stray = Object.keys(trainingFlags).find((flag) => options[flag as keyof Options]);
  if (stray !== undefined) throw new UsageError(`--${stray} is for --against`);
  if (options.objective === "gaussian" && options.period !== "none") {
    throw new UsageError("--objective gaussian takes no inequalities: no --period");
  }
  const layer = await loadLayer(options, shapeOf(options.dataset));
  const { train, test } = await loadDataset(options.dataset, (message) => console.error(message));
  const indices = Array.from({ length: options.images }, (_, k) => options.offset + k);
  if (indices.at(-1)! >= test.count) {
    throw new UsageError(`--offset and --images reach past the last test image, ${test.count - 1}`);
  }
  const progress = (label: string) => startProgress(label, indices.length);
  let views;
  if (options.encrypted) {
    const bar = progress("encrypt and decrypt");
    const onProgress = (done: number) => bar.update(done);
    ({ views } = await forwardPass(layer, test, indices, { onProgress }));
    await bar.done();
  } else {
    views = clearViews(layer, test, indices);
  }
  const bar = progress("attack");
  const { dataset, objective, solver, period, encrypted } = options;
  const recoveries = await attack(views, {
    objective,
    solver,
    period: period === "none" ? null : Number(period),
    border: options.layer === "conv3" && objective === "published",
    prior: objective === "gaussian" ? fitGaussian(train) : undefined,
    onProgress: (done) => bar.update(done),
  });
  await bar.done();

  const scores = recoveries.map((recovery, k) =>
    score(recovery, image(test, indices[k]), test.shape)
  );
  const images = scores.map(({ exact: _, ...numbers }, k) => {
    const { certificate, message } = recoveries[k];
    return { index: indices[k], ...numbers, certificate, message };
  });
  const mean = {
    mse: meanScore(scores, "mse"),
    psnr: meanScore(scores, "psnr"),
    ssim: meanScore(scores, "ssim"),
    elapsedMs: meanScore(scores, "elapsedMs"),
  };
  const exact = scores.filter((s) => s.exact).length;
  const failed = images.every(({ status }) => status === "error") ? 1 : 0;
  if (options.json) {
    const setting = {
      ...{ dataset, layer: options.layer, hidden: layer.hidden, scaleBits: layer.scaleBits },
      ...{ weights: options.weights ?? null, seed: options.seed ?? null, encrypted, objective },
      solver: objective === "gaussian" ? null : solver,
      period: period === "none" ? null : Number(period),
    };
    console.log(JSON.stringify({ ...setting, images, exact, mean }));
    return failed;
  }
  const line = (head: string, status: string, { mse, psnr, ssim, elapsedMs }: typeof mean) =>
    `${head.padStart(6)}  ${status.padEnd(10)}  ${format(mse, 4).padStart(8)}  ` +
    `${format(psnr, 1).padStart(8)}  ${format(ssim, 4).padStart(7)}  ` +
    format(elapsedMs, 0).padStart(9);
  console.log(
    `${test.name}, ${options.layer} W1 ${layer.hidden} × ${layer.n} at scale 2^${layer.scaleBits}, objective ` +
      `${objective}, period ${period}, z1 ${encrypted ? "decrypted" : "in clear"}`,
  );
  console.log(" image  status           mse  psnr dB     ssim  elapsedMs");
  for (const s of images) {
    const worth = s.status === "optimal" ? certificateText(s.certificate) : s.message ?? "";
    console.log(`${line(String(s.index), s.status, s)}  ${worth}`.trimEnd());
  }
  const recovered = images.filter((s) => s.status === "optimal").length;
  console.log(`${line("mean", `of ${recovered}`, mean)}  ${exact} exact`);
  return failed;
});
