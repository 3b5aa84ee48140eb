/** Files of models: `.npy`, `.npz`, `.safetensors`, tfjs and ONNX, told apart by their bytes; of others is said how to
 * get there. Nothing in a file is executed.
 * @module */
import { extname, join } from "node:path";
import { refusal } from "./dataset.ts";
import type { FoundLayer } from "./found_layer.ts";
import type { InputOrder, InputSizes } from "./input_order.ts";
import { isNpy, isZip, parseNpy, parseNpz, zipEntries, type ZipEntry } from "./npy.ts";
import { isOnnx, readOnnx } from "./onnx_file.ts";
import { isSafetensors, parseForeignSafetensors } from "./safetensors.ts";
import { shown, type Tensor } from "./tensor.ts";
import { readTfjs } from "./tfjs_model.ts";

/** Far above any first layer here; a file is read whole. */
const MAX_BYTES = 2 ** 30;

const ACCEPTED = "--weights takes .npy, .npz, .safetensors, .onnx and tfjs' model.json";
const save = (array: string) => `numpy.save("w.npy", ${array})`;
const TORCH = 'safetensors.torch.save_file(model.state_dict(), "w.safetensors")';
const KERAS = 'numpy.savez("w.npz", *model.get_weights())';

type Formats = readonly [begins: RegExp, what: string, way: string][];

/** Formats by their first bytes in hexadecimal, and how to export one's first layer from them. */
const BINARY: Formats = [
  [/^89484446/, "HDF5 (Keras .h5)", KERAS],
  [/^800[2-5]/, "a Python pickle (.pkl, old PyTorch)", TORCH],
  [/^47475546/, "GGUF", "convert it to .safetensors"],
  [/^.{8}54464c33/, "TensorFlow Lite", KERAS],
  [/^.{8}4f52544d/, "an ORT file", "give the .onnx that it was made from"],
  [/^(1f8b|425a68|fd377a58|377abcaf|52617221|28b52ffd)/, "compressed", "unpack it first"],
];

/** Formats by their first characters. */
const TEXT: Formats = [
  [/^MATLAB 5/, "a MATLAB file", save('scipy.io.loadmat("w.mat")["W"]')],
  [/^version https:\/\/git-lfs/, "a pointer of Git LFS", "git lfs pull fetches the file itself"],
  [/^\s*<(!doctype|html|\?xml)/i, "a web page", "download the file itself"],
  [/^\s*[[{]/, "JSON", save('json.load(open("w.json"))')],
  [/^[\t\n\r\x20-\x7e]*$/, "text", save('numpy.loadtxt("w.csv", delimiter=",")')],
];

/** What an archive is that holds no array of NumPy. */
function archive(entries: readonly ZipEntry[]): [what: string, way: string] {
  const has = (pattern: RegExp) => entries.some(({ name }) => pattern.test(name));
  if (has(/data\.pkl$/)) return ["a PyTorch file", TORCH];
  if (has(/\.weights\.h5$/)) return ["a Keras file", KERAS];
  return ["an archive without .npy files", save("W")];
}

/** What a file says of its own layers. */
export interface Structure {
  /** Sizes of the model's input without the batch. */
  readonly input: InputSizes;
  /** How images lie in it where its sizes do not tell; null: as the layer's orientation has it. */
  readonly usual: InputOrder | null;
  /** The first layer with weights, for an input of these sizes.
   * @throws {DataError} none, or a step before it that is not linear. */
  first(input: readonly number[]): FoundLayer;
}

/** A model as a file has it. */
export interface ModelFile {
  /** Its arrays by name. */
  readonly tensors: readonly Tensor[];
  /** What safetensors may have beside them. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** null where the file knows names only. */
  readonly structure: Structure | null;
}

const bare = (tensors: readonly Tensor[]): ModelFile => ({
  tensors,
  metadata: {},
  structure: null,
});

/** The name that tfjs gives a model, in a folder of its own. */
const MODEL_JSON = "model.json";

/** Reads a model, once and whole: `.npy`, `.npz`, `.safetensors`, ONNX, or tfjs' `model.json` or its folder.
 * @throws {DataError} no file, over a gigabyte, another format (the message says how to export from it), or damaged. */
export async function readModelFile(path: string): Promise<ModelFile> {
  const fail = refusal(`Cannot read ${path}`);
  const reason = (error: Error): never =>
    fail(error instanceof Deno.errors.NotFound ? "no such file" : error.message);
  const { isFile, isDirectory, size } = await Deno.stat(path).catch(reason);
  if (isDirectory) {
    const inside = join(path, MODEL_JSON);
    if (await Deno.stat(inside).then(() => true, () => false)) return await readModelFile(inside);
    fail(`it is a folder without ${MODEL_JSON}, name the file in it; ${ACCEPTED}`);
  }
  if (!isFile) fail("it is no regular file");
  if (size > MAX_BYTES) {
    fail(`${(size / 1e9).toFixed(1)} GB is too much, save the first layer alone: ${TORCH}`);
  }
  const bytes = await Deno.readFile(path).catch(reason);
  if (bytes.length === 0) fail("it is empty");
  if (isNpy(bytes)) return bare([parseNpy(path, bytes)]);
  if (isSafetensors(bytes)) return { ...parseForeignSafetensors(path, bytes), structure: null };
  const other = (what: string, way: string) => fail(`it is ${what}; ${ACCEPTED}: ${way}`);
  if (isZip(bytes)) {
    const entries = zipEntries(path, bytes);
    const tensors = parseNpz(path, bytes, entries);
    return tensors.length > 0 ? bare(tensors) : other(...archive(entries));
  }
  if (isOnnx(path, bytes)) return await readOnnx(path, bytes);
  const head = bytes.subarray(0, 512);
  const text = String.fromCharCode(...head); // one character a byte
  if (/^\s*[[{]/.test(text)) {
    const model = await readTfjs(path, bytes);
    if (model !== null) return model;
  }
  const [, what, way] = BINARY.find(([begins]) => begins.test(head.toHex())) ??
    TEXT.find(([begins]) => begins.test(text)) ??
    [, `of unknown format (${shown(extname(path)) || "no ending"})`, save("W")];
  return other(what, way);
}
