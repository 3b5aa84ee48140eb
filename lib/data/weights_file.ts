/** Files of weights: `.npy`, `.npz` and `.safetensors`, told apart by their bytes; of others is said how to get there.
 * @module */
import { extname } from "node:path";
import { refusal } from "./dataset.ts";
import { isNpy, isZip, parseNpy, parseNpz, zipEntries, type ZipEntry } from "./npy.ts";
import { isSafetensors, parseForeignSafetensors } from "./safetensors.ts";
import { shown, type Tensor } from "./tensor.ts";

/** Far above any first layer here; a file is read whole. */
const MAX_BYTES = 2 ** 30;

const ACCEPTED = "--weights takes .npy, .npz and .safetensors";
const save = (array: string) => `numpy.save("w.npy", ${array})`;
const TORCH = save("model.fc1.weight.detach().cpu().numpy()");
const KERAS = save("model.layers[0].get_weights()[0]");
const ONNX = save("onnx.numpy_helper.to_array(model.graph.initializer[0])");

type Formats = readonly [begins: RegExp, what: string, way: string][];

/** Formats by their first bytes in hexadecimal, and how to export one's first layer from them. */
const BINARY: Formats = [
  [/^89484446/, "HDF5 (Keras .h5)", KERAS],
  [/^800[2-5]/, "a Python pickle (.pkl, old PyTorch)", TORCH],
  [/^47475546/, "GGUF", "convert it to .safetensors"],
  [/^.{8}54464c33/, "TensorFlow Lite", KERAS],
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

/** Reads a file of weights: its arrays by name, and the metadata that safetensors may have.
 * @throws {DataError} no file, over a gigabyte, another format (the message says how to export from it), or damaged. */
export async function readWeightsFile(
  path: string,
): Promise<{ tensors: Tensor[]; metadata: Record<string, unknown> }> {
  const fail = refusal(`Cannot read ${path}`);
  const reason = (error: Error): never =>
    fail(error instanceof Deno.errors.NotFound ? "no such file" : error.message);
  const { isFile, isDirectory, size } = await Deno.stat(path).catch(reason);
  if (isDirectory) fail(`it is a folder; ${ACCEPTED}`);
  if (!isFile) fail("it is no regular file");
  if (size > MAX_BYTES) {
    fail(`${(size / 1e9).toFixed(1)} GB is too much, save the first layer alone: ${TORCH}`);
  }
  const bytes = await Deno.readFile(path).catch(reason);
  if (bytes.length === 0) fail("it is empty");
  const bare = (tensors: Tensor[]) => ({ tensors, metadata: {} });
  if (isNpy(bytes)) return bare([parseNpy(path, bytes)]);
  if (isSafetensors(bytes)) return parseForeignSafetensors(path, bytes);
  const other = (what: string, way: string) => fail(`it is ${what}; ${ACCEPTED}: ${way}`);
  if (isZip(bytes)) {
    const entries = zipEntries(path, bytes);
    const tensors = parseNpz(path, bytes, entries);
    return tensors.length > 0 ? bare(tensors) : other(...archive(entries));
  }
  if (/^\.(onnx|pb)$/i.test(extname(path))) return other("a graph of operations", ONNX);
  const head = bytes.subarray(0, 512);
  const text = String.fromCharCode(...head); // one character a byte
  const [, what, way] = BINARY.find(([begins]) => begins.test(head.toHex())) ??
    TEXT.find(([begins]) => begins.test(text)) ??
    [, `of unknown format (${shown(extname(path)) || "no ending"})`, save("W")];
  return other(what, way);
}
