/** Weights in the open format safetensors, which Python, Rust and others read without running anything:
 *
 *     u64 LE, bytes of the header | header, JSON | data, little-endian, without gaps
 *
 * The header maps a name to `{ dtype, shape, data_offsets: [begin, end] }` and `__metadata__` to a map of text.
 * Networks of ours are F32 and finite, and read strictly, all at once. A model from elsewhere may hold anything
 * beside the one matrix that is wanted: its arrays are read one by one, in any dtype of real numbers.
 *
 * A sealed file knows its own SHA-256, so that one which is not what was saved is never gone on with. The sum
 * is the first entry of the metadata, hence at a fixed place, and is taken over the whole file with zeros in its
 * place: header, tensors and padding. It tells damage, not forgery: whoever can write the file can write the sum.
 * Other readers see one more line of metadata.
 * @see https://github.com/huggingface/safetensors (Format).
 * @module */
import { createHash } from "node:crypto";
import { DataError } from "./dataset.ts";
import { countOf, shapeText, shown, type Tensor, tensorOf, unreadable } from "./tensor.ts";

/** Numbers with shapes, row-major, by name. */
export type TensorsOf<A> = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly data: A }>
>;

/** Those of our networks. */
export type Tensors = TensorsOf<Float32Array>;

/** Text by name. */
export type Metadata = Readonly<Record<string, string>>;

const METADATA = "__metadata__";
const LENGTH_BYTES = 8;
/** The format's own bound. */
const MAX_HEADER_BYTES = 100_000_000;
/** The data begin at a multiple of this, as the format advises; the header ends in spaces. */
const ALIGNMENT = 8;
const SUM = "sha256";
/** What stands in the place of the sum while it is taken. */
const BLANK = "0".repeat(64);
const OPENING = `{"${METADATA}":{"${SUM}":"`;
const SUM_AT = LENGTH_BYTES + OPENING.length;

/** Encodes tensors, as F32 or F64, and metadata as one file. The same input gives the same bytes.
 * @throws {TypeError} data do not fit their shape, or a name is taken. {RangeError} NaN or infinity. */
export function encodeSafetensors(
  tensors: TensorsOf<Float32Array | Float64Array>,
  metadata: Metadata = {},
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0
    ? { [METADATA]: metadata }
    : {};
  let size = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (countOf(shape) !== data.length || name === METADATA) {
      const shown = shapeText(shape);
      throw new TypeError(`Cannot write ${name}: ${data.length} numbers for shape ${shown}`);
    }
    if (!data.every(Number.isFinite)) {
      throw new RangeError(`Cannot write ${name}: it holds NaN or infinity`);
    }
    const dtype = data instanceof Float64Array ? "F64" : "F32";
    header[name] = { dtype, shape, data_offsets: [size, size + data.byteLength] };
    size += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  let at = LENGTH_BYTES + Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const file = new Uint8Array(at + size).fill(0x20, 0, at);
  new DataView(file.buffer).setBigUint64(0, BigInt(at - LENGTH_BYTES), true);
  file.set(json, LENGTH_BYTES);
  for (const { data } of Object.values(tensors)) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

const refuse = (state: string) => new RangeError(`Cannot read safetensors: ${state}`);

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);

/** The metadata and the tensors' descriptions, and where the data begin.
 * @param refuse makes the error of what is wrong. */
function readHeader(
  bytes: Uint8Array,
  refuse: (state: string) => Error,
): { metadata: unknown; described: [name: string, entry: unknown][]; start: number } {
  if (bytes.length < LENGTH_BYTES) throw refuse(`truncated, ${bytes.length} bytes`);
  const size = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (size > MAX_HEADER_BYTES) throw refuse(`a header of ${size} bytes is too large`);
  const start = LENGTH_BYTES + Number(size);
  if (start > bytes.length) throw refuse(`truncated, the header ends at byte ${start}`);
  let [text, header]: [string, unknown] = ["", null];
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(LENGTH_BYTES, start));
    header = JSON.parse(text);
  } catch {
    throw refuse("the header is not JSON"); // whose error quotes the bytes, which may be anything
  }
  if (!isMap(header)) throw refuse("the header is not a map");
  const twice = repeatedKey(text);
  if (twice !== null) throw refuse(`two tensors are called ${shown(twice)}`);
  const { [METADATA]: metadata, ...described } = header;
  return { metadata, described: Object.entries(described), start };
}

/** A key that comes twice in a JSON map, of which JSON.parse keeps the last in silence; null where none does.
 * @param json valid, a map. */
function repeatedKey(json: string): string | null {
  const seen = new Set<string>();
  let depth = 0;
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && token.endsWith(":")) {
      const key = JSON.parse(token.slice(0, -1)) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return null;
}

/** One tensor's description. */
function readEntry(name: string, value: unknown, refuse: (state: string) => Error) {
  const { dtype, shape, data_offsets: offsets } = isMap(value) ? value : {};
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
    throw refuse(`${name} has no shape and offsets`);
  }
  return { name, dtype: String(dtype), shape, begin: offsets[0], end: offsets[1] };
}

/** Decodes a file. The arrays are copies.
 * @throws {RangeError} truncated, not the format, offsets that overlap, leave gaps or point outside, NaN or
 * infinity. {TypeError} another dtype than F32. Messages begin "Cannot read". */
export function decodeSafetensors(bytes: Uint8Array): { tensors: Tensors; metadata: Metadata } {
  const { metadata = {}, described, start } = readHeader(bytes, refuse);
  if (!isMap(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw refuse("the metadata are not a map of text");
  }
  const entries = described.map(([name, value]) => {
    const entry = readEntry(name, value, refuse);
    const { dtype, shape, begin, end } = entry;
    if (dtype !== "F32") throw new TypeError(`Cannot read ${name}: dtype ${dtype}, expected F32`);
    if (end - begin !== 4 * countOf(shape)) {
      throw refuse(`${name} has bytes ${begin} to ${end} for shape ${shapeText(shape)}`);
    }
    return entry;
  }).sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  const tensors = entries.map(({ name, shape, begin, end }) => {
    if (begin !== at) throw refuse(`${name} begins at byte ${begin} of the data, expected ${at}`);
    if (start + end > bytes.length) throw refuse(`truncated, ${name} ends at byte ${start + end}`);
    at = end;
    const data = new Float32Array(bytes.slice(start + begin, start + end).buffer);
    if (!data.every(Number.isFinite)) throw refuse(`${name} holds NaN or infinity`);
    return [name, { shape, data }] as const;
  });
  if (start + at !== bytes.length) throw refuse(`${bytes.length - start - at} bytes too many`);
  return { tensors: Object.fromEntries(tensors), metadata: metadata as Metadata };
}

const ascii = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

/** The SHA-256 of a sealed file, in hexadecimal, whatever stands in its place. */
const digest = (file: Uint8Array) =>
  createHash("sha256").update(file.subarray(0, SUM_AT)).update(BLANK)
    .update(file.subarray(SUM_AT + BLANK.length)).digest("hex");

/** Encodes tensors and metadata with their SHA-256. The same input gives the same bytes.
 * @throws {TypeError} data do not fit their shape, or a name is taken or a number. {RangeError} NaN or infinity. */
export function seal(
  tensors: TensorsOf<Float32Array | Float64Array>,
  metadata: Metadata,
): Uint8Array<ArrayBuffer> {
  if (SUM in metadata) throw new TypeError(`Cannot seal: the metadata have a ${SUM} already`);
  const file = encodeSafetensors(tensors, { [SUM]: BLANK, ...metadata });
  // JavaScript puts names that are integers first: the sum would not stand where it is looked for.
  if (ascii(file.subarray(LENGTH_BYTES, SUM_AT)) !== OPENING) {
    throw new TypeError("Cannot seal: a name is an integer");
  }
  file.set(new TextEncoder().encode(digest(file)), SUM_AT);
  return file;
}

/** Decodes what `seal` wrote, and nothing else. The metadata are without the sum.
 * @throws {RangeError} the sum is missing, as in files of earlier versions, or another one; else as
 * `decodeSafetensors`. */
export function unseal(bytes: Uint8Array): { tensors: Tensors; metadata: Metadata } {
  checkSum(bytes);
  const { tensors, metadata: { [SUM]: _, ...metadata } } = decodeSafetensors(bytes);
  return { tensors, metadata };
}

/** Refuses a file that is not as it was sealed.
 * @throws {RangeError} as {@linkcode unseal}. */
export function checkSum(bytes: Uint8Array): void {
  if (ascii(bytes.subarray(LENGTH_BYTES, SUM_AT)) !== OPENING) {
    decodeSafetensors(bytes); // says more of a file that is none
    throw refuse("it carries no SHA-256, as files of an earlier version do");
  }
  if (digest(bytes) !== ascii(bytes.subarray(SUM_AT, SUM_AT + BLANK.length))) {
    throw refuse("its SHA-256 is not the one it was saved with");
  }
}

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

/** The arrays of a file from elsewhere and its metadata.
 * @param file its name, for messages.
 * @throws {DataError} truncated, no JSON map, or an array whose bytes are not those of its shape. */
export function parseForeignSafetensors(
  file: string,
  bytes: Uint8Array,
): { tensors: Tensor[]; metadata: Record<string, unknown> } {
  const refuse = (why: string) => new DataError(`Cannot read ${file}: ${why}`);
  const { metadata, described, start } = readHeader(bytes, refuse);
  const tensors = described.map(([key, entry]) => {
    const name = shown(key);
    const { dtype, shape, begin, end } = readEntry(name, entry, refuse);
    if (!Object.hasOwn(FORMATS, dtype)) {
      return unreadable(key, refuse(`${name} is of type ${shown(dtype)}, save it as float32`));
    }
    if (begin > end || start + end > bytes.length) throw refuse(`truncated, ${name} is cut off`);
    const content = bytes.subarray(start + begin, start + end);
    const format = FORMATS[dtype];
    return tensorOf({ file: `${file}, ${name}`, name: key, shape, bytes: content, format });
  });
  return { tensors, metadata: isMap(metadata) ? metadata : {} };
}
