/** safetensors of any program: every dtype of real numbers, arrays read one by one.
 *
 * lib/nn/safetensors.ts reads and writes the networks of this workspace, float32 only and all at once; a model from
 * elsewhere may hold anything beside the one matrix that is wanted.
 * @see https://github.com/huggingface/safetensors (Format).
 * @module */
import { DataError } from "./dataset.ts";
import { shown, type Tensor, tensorOf, unreadable } from "./tensor.ts";

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
  const fail = (why: string): never => {
    throw new DataError(`Cannot read ${file}: ${why}`);
  };
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
