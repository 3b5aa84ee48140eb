/** NumPy's `.npz`: a zip of `.npy` files, stored or deflated.
 *
 * Own code on top of node:zlib, because the small package for it (fflate) checks no checksum, and the one that does
 * (zip.js) brings 9 MB. What is declared is bounded before it is allocated. No zip64: it begins at 4 GB.
 * @see APPNOTE.TXT, ".ZIP File Format Specification", 4.3.
 * @module */
import { crc32, inflateRawSync } from "node:zlib";
import { DataError } from "./dataset.ts";
import { parseNpy } from "./npy.ts";
import { shown, type Tensor, unreadable } from "./tensor.ts";

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
/** Of all arrays together, unpacked. */
const MAX_BYTES = 2 ** 30;

/** A file in an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly sizeBytes: number;
  readonly at: number;
}

/** Whether a file begins as a zip does; the second form is an archive of nothing. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b &&
  (bytes[2] === 3 && bytes[3] === 4 || bytes[2] === 5 && bytes[3] === 6);

const viewOf = (bytes: Uint8Array) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** What an archive holds, from the directory at its end.
 * @throws {DataError} truncated, or no directory. */
export function zipEntries(file: string, bytes: Uint8Array): ZipEntry[] {
  const view = viewOf(bytes);
  const truncated = () => new DataError(`Cannot read ${file}: truncated or damaged archive`);
  let end = bytes.length - END_BYTES;
  const first = Math.max(0, end - MAX_COMMENT_BYTES);
  while (end >= first && view.getUint32(end, true) !== END) end--;
  if (end < first) throw truncated();
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  return Array.from({ length: count }, () => {
    if (at + 46 > end || view.getUint32(at, true) !== CENTRAL) throw truncated();
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) =>
      view.getUint16(at + offset, true)
    );
    const entry = {
      name: new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameBytes)),
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packedBytes: view.getUint32(at + 20, true),
      sizeBytes: view.getUint32(at + 24, true),
      at: view.getUint32(at + 42, true),
    };
    at += 46 + nameBytes + extraBytes + commentBytes;
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
 * @throws {DataError} truncated, or over a gigabyte unpacked. */
export function parseNpz(
  file: string,
  bytes: Uint8Array,
  entries: readonly ZipEntry[] = zipEntries(file, bytes),
): Tensor[] {
  const arrays = entries.filter(({ name }) => name.endsWith(".npy"));
  const total = arrays.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total > MAX_BYTES) {
    throw new DataError(
      `Cannot read ${file}: its arrays take ${
        (total / 1e9).toFixed(1)
      } GB, save the first layer alone`,
    );
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
