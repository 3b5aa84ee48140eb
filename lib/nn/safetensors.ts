/** Weights in the open format safetensors, which Python, Rust and others read without running anything:
 *
 *     u64 LE, bytes of the header | header, JSON | data, little-endian, without gaps
 *
 * The header maps a name to `{ dtype, shape, data_offsets: [begin, end] }` and `__metadata__` to a map of text.
 * We write and read F32 only, which is what our networks are made of, and finite numbers only.
 * @see https://github.com/huggingface/safetensors (Format).
 * @module */

/** Numbers with shapes, row-major, by name. */
export type Tensors = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>
>;

const METADATA = "__metadata__";
const LENGTH_BYTES = 8;
/** The format's own bound. */
const MAX_HEADER_BYTES = 100_000_000;
/** The data begin at a multiple of this, as the format advises; the header ends in spaces. */
const ALIGNMENT = 8;

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [begin: number, end: number];
}

const elements = (shape: readonly number[]) => shape.reduce((count, size) => count * size, 1);

/** Encodes tensors and metadata as one file. The same input gives the same bytes.
 * @throws {TypeError} data do not fit their shape, or a name is taken. {RangeError} NaN or infinity. */
export function encodeSafetensors(
  tensors: Tensors,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0
    ? { [METADATA]: metadata }
    : {};
  let size = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (elements(shape) !== data.length || name === METADATA) {
      throw new TypeError(
        `Cannot write ${name}: ${data.length} numbers for shape [${shape.join(", ")}]`,
      );
    }
    if (!data.every(Number.isFinite)) {
      throw new RangeError(`Cannot write ${name}: it holds NaN or infinity`);
    }
    header[name] = { dtype: "F32", shape, data_offsets: [size, size + data.byteLength] };
    size += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + size);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  file.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const { data } of Object.values(tensors)) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

const refuse = (state: string) => new RangeError(`Cannot read safetensors: ${state}`);

/** The header's JSON, and where the data begin. */
function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (bytes.length < LENGTH_BYTES) throw refuse(`truncated, ${bytes.length} bytes`);
  const size = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (size > MAX_HEADER_BYTES) throw refuse(`a header of ${size} bytes is too large`);
  const start = LENGTH_BYTES + Number(size);
  if (start > bytes.length) throw refuse(`truncated, the header ends at byte ${start}`);
  let header: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true });
    header = JSON.parse(text.decode(bytes.subarray(LENGTH_BYTES, start)));
  } catch {
    throw refuse("the header is not JSON"); // whose error quotes the bytes, which may be anything
  }
  if (!isMap(header)) throw refuse("the header is not a map");
  return { header, start };
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);

/** One tensor's description. */
function readEntry(name: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = isMap(value) ? value : {};
  if (dtype !== "F32") throw new TypeError(`Cannot read ${name}: dtype ${dtype}, expected F32`);
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
    throw refuse(`${name} has no shape and offsets`);
  }
  const [begin, end] = offsets;
  if (end - begin !== 4 * elements(shape)) {
    throw refuse(`${name} has bytes ${begin} to ${end} for shape [${shape.join(", ")}]`);
  }
  return { dtype, shape, data_offsets: [begin, end] };
}

/** Decodes a file. The arrays are copies.
 * @throws {RangeError} truncated, not the format, offsets that overlap, leave gaps or point outside, NaN or
 * infinity. {TypeError} another dtype than F32. Messages begin "Cannot read". */
export function decodeSafetensors(
  bytes: Uint8Array,
): { tensors: Tensors; metadata: Readonly<Record<string, string>> } {
  const { header: { [METADATA]: metadata = {}, ...described }, start } = readHeader(bytes);
  if (!isMap(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw refuse("the metadata are not a map of text");
  }
  const entries = Object.entries(described)
    .map(([name, value]) => ({ name, ...readEntry(name, value) }))
    .sort((a, b) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1]);
  let at = 0;
  const tensors = entries.map(({ name, shape, data_offsets: [begin, end] }) => {
    if (begin !== at) throw refuse(`${name} begins at byte ${begin} of the data, expected ${at}`);
    if (start + end > bytes.length) throw refuse(`truncated, ${name} ends at byte ${start + end}`);
    at = end;
    const data = new Float32Array(bytes.slice(start + begin, start + end).buffer);
    if (!data.every(Number.isFinite)) throw refuse(`${name} holds NaN or infinity`);
    return [name, { shape, data }] as const;
  });
  if (start + at !== bytes.length) throw refuse(`${bytes.length - start - at} bytes too many`);
  return { tensors: Object.fromEntries(tensors), metadata: metadata as Record<string, string> };
}
