/** Files of weights: `.npy`, `.npz` and `.safetensors`, told apart by their bytes; of others is said how to get there.
 * @module */
import { extname } from "node:path";
import { DataError, refusal } from "./dataset.ts";
import { isNpy, parseNpy } from "./npy.ts";
import { isZip, parseNpz, zipEntries, type ZipEntry } from "./npz.ts";
import { shown, type Tensor, tensorOf, unreadable } from "./tensor.ts";

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

const METADATA = "__metadata__";
const LENGTH_BYTES = 8;
/** The format's own bound. */
const MAX_HEADER_BYTES = 100_000_000;

const FORMATS: Readonly<Record<string, string>> = {
  ...{ F64: "f8", F32: "f4", F16: "f2", BF16: "bf2", BOOL: "b1" },
  ...{ I64: "i8", I32: "i4", I16: "i2", I8: "i1", U64: "u8", U32: "u4", U16: "u2", U8: "u1" },
};

/** Whether a file begins as a safetensors file does: the length of a JSON map, and that map. */
export function isSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length <= LENGTH_BYTES) return false;
  const size = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  return size <= MAX_HEADER_BYTES && bytes[LENGTH_BYTES] === "{".charCodeAt(0);
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);

/** The arrays of a file and its metadata.
 * @throws {DataError} truncated, no JSON map, or an array whose bytes are not those of its shape. */
export function parseForeignSafetensors(
  file: string,
  bytes: Uint8Array,
): { tensors: Tensor[]; metadata: Record<string, unknown> } {
  const fail = refusal(`Cannot read ${file}`);
  if (bytes.length < LENGTH_BYTES) fail("truncated");
  const size = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const start = LENGTH_BYTES + Number(size);
  if (start > bytes.length) fail("truncated header");
  let header: unknown;
  try {
    const utf8 = new TextDecoder("utf-8", { fatal: true });
    header = JSON.parse(utf8.decode(bytes.subarray(LENGTH_BYTES, start)));
  } catch {
    fail("its header is not JSON");
  }
  if (!isMap(header)) return fail("its header is not a map");
  const { [METADATA]: metadata, ...described } = header;
  const tensors = Object.entries(described).map(([name, entry]) => {
    const { dtype, shape, data_offsets: offsets } = isMap(entry) ? entry : {};
    if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
      return fail(`${shown(name)} has no shape and offsets`);
    }
    if (!Object.hasOwn(FORMATS, String(dtype))) {
      const why = `${shown(name)} is of type ${shown(String(dtype))}, save it as float32`;
      return unreadable(name, new DataError(`Cannot read ${file}: ${why}`));
    }
    const [begin, end] = offsets;
    if (begin > end || start + end > bytes.length) fail(`truncated, ${shown(name)} is cut off`);
    const content = bytes.subarray(start + begin, start + end);
    const format = FORMATS[String(dtype)];
    return tensorOf({ file: `${file}, ${shown(name)}`, name, shape, bytes: content, format });
  });
  return { tensors, metadata: isMap(metadata) ? metadata : {} };
}
