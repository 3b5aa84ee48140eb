/** NumPy's files: `.npy`, one array, and `.npz`, a zip of them, stored or deflated.
 *
 * A `.npy` is `\x93NUMPY`, version, little-endian header length, a Python dict literal
 * `{'descr': '<f4', 'fortran_order': False, 'shape': (300, 784), }`, then the raw values. Python 2 on Windows
 * writes the shape as `(300L, 784L)`.
 *
 * The zip is own code on top of node:zlib, because the small package for it (fflate) checks no checksum, and the one
 * that does (zip.js) brings 9 MB. What is declared is bounded before it is allocated. No zip64: it begins at 4 GB.
 * @see NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays".
 * @see APPNOTE.TXT, ".ZIP File Format Specification", 4.3.
 * @module */
import { crc32, inflateRawSync } from "node:zlib";
import { DataError, refusal } from "./dataset.ts";
import { isFormat, shown, type Tensor, tensorOf, unreadable } from "./tensor.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** NumPy itself writes some 100 bytes and refuses to read more than 10 000. */
const MAX_HEADER_BYTES = 10_000;

/** Whether a file begins as a `.npy` does. */
export const isNpy = (bytes: Uint8Array): boolean => MAGIC.every((byte, i) => bytes[i] === byte);

/** Reads an array of real numbers: float16 to 64, integers of either sign, truths; either byte order, C or
 * Fortran order, any shape.
 * @param file for messages.   @param name the array's, where the file is one of several.
 * @throws {DataError} not a .npy file, other values than real numbers, truncated or too long, an empty shape. */
export function parseNpy(file: string, bytes: Uint8Array, name: string = file): Tensor {
  const fail = refusal(`Cannot read ${file}`);
  if (!isNpy(bytes)) fail("not a .npy file");
  if (bytes.length < 12) fail("truncated header");
  const version = bytes[6];
  if (version < 1 || version > 3) fail(`.npy of version ${version}, expected 1 to 3`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = version >= 2; // version 1 has a 16-bit header length, 2 and 3 a 32-bit one
  const start = wide ? 12 : 10;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  if (length > MAX_HEADER_BYTES) fail(`a header of ${length} bytes is too large`);
  if (start + length > bytes.length) fail("truncated header");
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));

  const descr = /['"]descr['"]\s*:\s*['"]([^'"]*)['"]/.exec(header)?.[1];
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(header)?.[1];
  const sizes = /['"]shape['"]\s*:\s*\(([^)]*)\)/.exec(header)?.[1];
  if (sizes === undefined || order === undefined) fail("its header has no shape or no order");
  const words = sizes!.split(",").map((word) => word.trim()).filter((word) => word !== "");
  if (!words.every((word) => /^\d+L?$/.test(word))) fail(`its shape is (${shown(sizes!)})`);
  const shape = words.map((word) => Number(word.replace("L", "")));
  if (shape.some((size) => size === 0)) fail(`its shape (${shape.join(", ")}) holds no number`);

  const [, byteOrder, format] = /^([<>|=]?)([a-zA-Z?]\d*)$/.exec(descr ?? "") ?? [];
  if (format?.startsWith("O")) {
    fail("it holds Python objects: save the matrix alone, as numpy.asarray(W, dtype='float32')");
  }
  const kind = format === "?" ? "b1" : format ?? "";
  if (!isFormat(kind)) {
    const type = descr === undefined ? "of records" : `type ${shown(descr)}`;
    fail(`${type}: expected real numbers, as W.astype('float32') has them`);
  }
  const payload = bytes.subarray(start + length);
  const [little, fortran] = [byteOrder !== ">", order === "True"];
  return tensorOf({ file, name, shape, bytes: payload, format: kind, little, fortran });
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
/** Of all arrays together, unpacked. */
const MAX_BYTES = 2 ** 30;

/** A file in an archive. */
export type ZipEntry = ReturnType<typeof zipEntries>[number];

/** Whether a file begins as a zip does; the second form is an archive of nothing. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b &&
  (bytes[2] === 3 && bytes[3] === 4 || bytes[2] === 5 && bytes[3] === 6);

const viewOf = (bytes: Uint8Array) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** What an archive holds, from the directory at its end.
 * @throws {DataError} truncated, or no directory. */
export function zipEntries(file: string, bytes: Uint8Array) {
  const fail = refusal(`Cannot read ${file}`);
  const view = viewOf(bytes);
  let end = bytes.length - END_BYTES;
  const first = Math.max(0, end - MAX_COMMENT_BYTES);
  while (end >= first && view.getUint32(end, true) !== END) end--;
  if (end < first) fail("truncated or damaged archive");
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  return Array.from({ length: count }, () => {
    if (at + 46 > end || view.getUint32(at, true) !== CENTRAL) fail("truncated or damaged archive");
    const short = (offset: number) => view.getUint16(at + offset, true);
    const long = (offset: number) => view.getUint32(at + offset, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + short(28)));
    const entry = {
      ...{ name, flags: short(8), method: short(10), crc: long(16) },
      ...{ packedBytes: long(20), sizeBytes: long(24), at: long(42) },
    };
    at += 46 + short(28) + short(30) + short(32); // with what follows: extra fields, comment
    return entry;
  });
}

/** The bytes of one entry, unpacked and checked. */
function unpack(file: string, bytes: Uint8Array, entry: ZipEntry): Uint8Array {
  const fail = (why: string): never => {
    throw new DataError(`Cannot read ${file}: ${shown(entry.name)} is ${why}`);
  };
  const view = viewOf(bytes);
  const { at, flags, method, packedBytes, sizeBytes } = entry;
  if (flags & 1) fail("encrypted");
  if (method !== 0 && method !== 8) fail(`packed by method ${method}, expected stored or deflated`);
  if (at + 30 > bytes.length || view.getUint32(at, true) !== LOCAL) fail("truncated or damaged");
  const start = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  const packed = bytes.subarray(start, start + packedBytes);
  if (packed.length !== packedBytes) fail("truncated");
  let content: Uint8Array = packed;
  if (method === 8) {
    try {
      content = inflateRawSync(packed, { maxOutputLength: Math.max(1, sizeBytes) });
    } catch {
      fail("damaged");
    }
  }
  if (content.length !== sizeBytes || crc32(content) !== entry.crc) fail("damaged");
  return content;
}

/** The arrays of a `.npz`, by their names without `.npy`; of one that is damaged or holds objects the others can
 * still be read.
 * @throws {DataError} truncated, two of one name, a name that points outside, or over a gigabyte unpacked. */
export function parseNpz(
  file: string,
  bytes: Uint8Array,
  entries: readonly ZipEntry[] = zipEntries(file, bytes),
): Tensor[] {
  const fail = refusal(`Cannot read ${file}`);
  const arrays = entries.filter(({ name }) => name.endsWith(".npy"));
  const names = new Set<string>();
  for (const { name } of arrays) {
    if (/^[/\\]|^[a-z]:|\\|\0/i.test(name) || name.split("/").includes("..")) {
      fail(`its array ${shown(name)} points outside the archive: save it again by numpy.savez`);
    }
    if (names.has(name)) fail(`two tensors are called ${shown(name.slice(0, -".npy".length))}`);
    names.add(name);
  }
  const total = arrays.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total > MAX_BYTES) {
    const size = (total / 1e9).toFixed(1);
    fail(`its arrays take ${size} GB, save the first layer alone`);
  }
  return arrays.map((entry) => {
    const name = entry.name.slice(0, -".npy".length);
    try {
      return parseNpy(`${file}, ${shown(name)}`, unpack(file, bytes, entry), name);
    } catch (error) {
      if (error instanceof DataError) return unreadable(name, error);
      throw error;
    }
  });
}
