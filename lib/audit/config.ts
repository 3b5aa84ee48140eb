/** What an audit is told, as flags of `deno task audit` or keys of a file: one declaration, and the rules by which they go
 * together.
 * @module */
import { SCHEMES } from "../attack/training/view.ts";
import { ORIENTATIONS } from "../data/layer_file.ts";
import { UsageError, type Values } from "../tools/args.ts";

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
    choices: ["channels-first", "channels-last"],
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
    help: "of a convolution whose file does not say, pixels on each side (default: 0)",
  },
  "images-from": {
    type: "paths",
    placeholder: "DIR|FILE…",
    help:
      "the private samples: a folder or files of PNG, JPEG or WebP, a .npy or .npz, or a .csv of numbers",
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
  "public-from": {
    type: "paths",
    placeholder: "DIR|FILE…",
    help:
      "samples of the same kind that an attacker may have, none of them private (default: a part of the private ones " +
      "is set aside)",
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
    default: 60,
    help: "how long it may take",
  },
  "insecure-seed": {
    type: "integer",
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    help: "draw whatever attacks and searches draw from this seed, for an audit that repeats",
  },
  json: { type: "switch", help: "print report.json and nothing else on stdout" },
} as const;

/** What an audit is told. */
export type AuditConfig = Values<typeof AUDIT_FLAGS>;

const OF_WEIGHTS = ["tensor", "orientation", "input-order", "stride", "padding"] as const;
const OF_SAMPLES = ["resize", "grey", "labels"] as const;
const OF_TRUTH = ["known", "names"] as const;

/** Refuses what does not go together, before any file is read.
 * @throws {UsageError} with the line to show. */
export function checkConfig(config: AuditConfig): AuditConfig {
  const { weights, run, names, out, json, resize } = config;
  const images = config["images-from"];
  const given = (key: keyof AuditConfig) => config[key] !== undefined && config[key] !== false;
  const refuseIf = (wrong: boolean, why: string) => {
    if (wrong) throw new UsageError(why);
  };
  refuseIf(
    weights === undefined && run === undefined,
    "nothing to audit: give --weights FILE and --images-from DIR, or --run FILE",
  );
  refuseIf(weights !== undefined && run !== undefined, "--weights and --run exclude each other");
  refuseIf(
    weights !== undefined && images === undefined,
    "--weights needs --images-from DIR|FILE: samples that the model takes",
  );
  for (const key of OF_WEIGHTS) {
    refuseIf(run !== undefined && given(key), `--${key} is for --weights, not for --run`);
  }
  refuseIf(names !== undefined && run === undefined, "--names is for --run");
  const samples = images ?? config["public-from"];
  for (const key of OF_SAMPLES) {
    refuseIf(
      samples === undefined && given(key),
      `--${key} is for --images-from and --public-from`,
    );
  }
  for (const key of OF_TRUTH) {
    refuseIf(images === undefined && given(key), `--${key} needs --images-from DIR|FILE`);
  }
  if (resize !== undefined) sizeOf(resize);
  refuseIf(out === undefined && !json, "--out DIR is needed, or --json to print alone");
  return config;
}

/** "28x28" as [height, width].
 * @throws {UsageError} it is no such text. */
export function sizeOf(text: string): [height: number, width: number] {
  const [, height, width] = /^(\d{1,5})[x×](\d{1,5})$/i.exec(text) ?? [];
  if (Number(height) > 0 && Number(width) > 0) return [Number(height), Number(width)];
  throw new UsageError(`--resize must be height x width in pixels, such as 28x28: got "${text}"`);
}
