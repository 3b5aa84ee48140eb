/** What an audit is told, as flags of `deno task audit` or keys of a file: one declaration, and the rules by which they go
 * together.
 * @module */
import { SCHEMES } from "../attack/training/view.ts";
import { INPUT_ORDERS, MAX_HIDDEN, ORIENTATIONS } from "../data/layer_file.ts";
import { DATASETS } from "../data/load.ts";
import { SIGMA } from "../protocol/mitig3/terms.ts";
import { UsageError, type Values } from "../tools/args.ts";

/** How long an audit may take, where nobody says. */
export const SECONDS = 60;

/** The keys. A file takes all but `example`. */
export const AUDIT_FLAGS = {
  weights: {
    type: "path",
    placeholder: "FILE",
    help:
      "the model: .npy, .npz, .safetensors, a tfjs model.json or its folder, .onnx; its first layer is audited",
  },
  tensor: {
    type: "text",
    placeholder: "NAME",
    help: "which array of the model, where several could be the first layer",
  },
  orientation: {
    type: "choice",
    choices: ORIENTATIONS,
    help: "how its matrix lies, where both would do: PyTorch has hidden-in, Keras in-hidden",
  },
  "input-order": {
    type: "choice",
    choices: INPUT_ORDERS,
    help: "how its inputs lie in a colour image: PyTorch has channels-first, Keras channels-last",
  },
  stride: {
    type: "integer",
    min: 1,
    max: 1024,
    help: "of a convolution whose file does not say (default: 1)",
  },
  padding: {
    type: "integer",
    min: 0,
    max: 1024,
    help: "of a convolution whose file does not say, pixels on each side (default: a tenth)",
  },
  "images-from": {
    type: "paths",
    placeholder: "DIR|FILE…",
    help:
      "the private samples: a folder or files of PNG, JPEG or WebP, a .npy or .npz, or a .csv of numbers",
  },
  "public-from": {
    type: "paths",
    placeholder: "DIR|FILE…",
    help:
      "samples of the same kind that an attacker may have, none of them private (default: a part of the private ones " +
      "is set aside)",
  },
  dataset: {
    type: "choice",
    choices: DATASETS,
    help:
      "in place of both: the training and the test images of a dataset that comes along or is fetched",
  },
  resize: {
    type: "text",
    placeholder: "HxW",
    help: "resize images to so many pixels, such as 28x28",
  },
  grey: { type: "switch", help: "take colour images as grey" },
  labels: {
    type: "text",
    placeholder: "NAME",
    help:
      "where the classes are: an array of the .npz, a .npy, a column of the .csv; subfolders are classes by themselves",
  },
  known: {
    type: "integer",
    min: 0,
    max: 60_000,
    help: "how many private samples the attacker has, for attacks that need some (default: 0)",
  },
  scheme: {
    type: "choice",
    choices: SCHEMES,
    help:
      "how it is trained: cryptonn, where the server has the weights (the default), or a mitigation",
  },
  hidden: {
    type: "integer",
    min: 1,
    max: MAX_HIDDEN,
    help:
      "units of the first layer, in place of a model under mitig1 to mitig3, whose servers do not have it",
  },
  epochs: {
    type: "integer",
    min: 1,
    max: 1000,
    help: "visits to each sample of a training (default: 5)",
  },
  sigma: { type: "text", placeholder: "X", help: `of mitig3's noise (default: ${SIGMA})` },
  run: {
    type: "path",
    placeholder: "FILE",
    help: "audit a recorded training in place of a model (--record DIR of any server task)",
  },
  names: {
    type: "path",
    placeholder: "FILE",
    help:
      "which image stood where in that training (--record-names DIR of its client): to measure by, not for attacks",
  },
  out: {
    type: "path",
    placeholder: "DIR",
    help: "where report.html, report.json and the pictures go; needed unless --json",
  },
  seconds: {
    type: "integer",
    min: 1,
    max: 86_400,
    help: `how long it may take (default: ${SECONDS})`,
  },
  "insecure-seed": {
    type: "integer",
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    help: "draw whatever attacks and searches draw from this seed, for an audit that repeats",
  },
  json: { type: "switch", help: "print report.json and nothing else on stdout" },
} as const;

/** What an audit is told: a value for each key that is given. */
export type AuditConfig = Partial<Values<typeof AUDIT_FLAGS>>;

const OF_WEIGHTS = ["tensor", "orientation", "input-order", "stride", "padding"] as const;
const OF_FILES = ["resize", "grey", "labels"] as const;
const OF_TRAININGS = ["hidden", "epochs", "sigma"] as const;

/** Refuses what does not go together, before any file is read.
 * @throws {UsageError} with the line to show. */
export function checkConfig(config: AuditConfig): AuditConfig {
  const { weights, run, hidden, scheme = "cryptonn", dataset } = config;
  const given = (key: keyof AuditConfig) => config[key] !== undefined && config[key] !== false;
  const refuseIf = (wrong: boolean, why: string) => {
    if (wrong) throw new UsageError(why);
  };
  refuseIf(given("weights") && given("run"), "--weights and --run exclude each other");
  refuseIf(
    hidden !== undefined && (weights !== undefined || scheme === "cryptonn"),
    "--hidden is in place of --weights, under --scheme mitig1, mitig2 or mitig3",
  );
  refuseIf(
    !given("weights") && !given("run") && !given("hidden"),
    "nothing to audit: give --weights FILE (or --hidden N under --scheme mitig1 to mitig3) and --images-from DIR, or --run FILE",
  );
  const files = given("images-from") || given("public-from");
  refuseIf(
    dataset !== undefined && files,
    "--dataset is in place of --images-from and --public-from",
  );
  const truth = given("images-from") || dataset !== undefined;
  const samples = "--images-from DIR|FILE or --dataset NAME";
  refuseIf(run === undefined && !truth, `samples are needed: give ${samples}`);
  for (const key of OF_WEIGHTS) {
    refuseIf(weights === undefined && given(key), `--${key} is for --weights`);
  }
  for (const key of OF_TRAININGS) {
    refuseIf(run !== undefined && given(key), `--${key} is for a training that is made, not --run`);
  }
  refuseIf(given("sigma") && scheme !== "mitig3", "--sigma is for --scheme mitig3");
  if (config.sigma !== undefined) sigmaOf(config);
  for (const key of OF_FILES) {
    refuseIf(!files && given(key), `--${key} is for --images-from and --public-from`);
  }
  refuseIf(given("names") && run === undefined, "--names is for --run");
  for (const key of ["names", "known"] as const) {
    refuseIf(!truth && given(key), `--${key} needs ${samples}`);
  }
  if (config.resize !== undefined) sizeOf(config.resize);
  refuseIf(!given("out") && !config.json, "--out DIR is needed, or --json to print alone");
  return config;
}

/** Of mitig3's noise.
 * @throws {UsageError} it is no positive number. */
export function sigmaOf({ sigma = String(SIGMA) }: { readonly sigma?: string }): number {
  const value = Number(sigma);
  if (sigma.trim() !== "" && value > 0 && value < Infinity) return value;
  throw new UsageError(`--sigma must be a positive number: got "${sigma}"`);
}

/** "28x28" as [height, width].
 * @throws {UsageError} it is no such text. */
export function sizeOf(text: string): [height: number, width: number] {
  const [, height, width] = /^(\d{1,5})[x×](\d{1,5})$/i.exec(text) ?? [];
  if (Number(height) > 0 && Number(width) > 0) return [Number(height), Number(width)];
  throw new UsageError(`--resize must be height x width in pixels, such as 28x28: got "${text}"`);
}
