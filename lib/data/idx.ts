/** The IDX file format of MNIST and Fashion-MNIST: a big-endian header, then bytes.
 *
 * Header: two zero bytes, type 0x08 (unsigned byte), number of dimensions, then one big-endian
 * uint32 a dimension.
 * @see Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", file formats.
 * @module */
import { DataError } from "./dataset.ts";

/** Reads an IDX file of unsigned bytes.
 * @param name file name for messages.   @param bytes the whole file.
 * @param dimensions the expected sizes, -1 where any size is fine, e.g. `[-1, 28, 28]`.
 * @returns the sizes and a view of the payload (not a copy).
 * @throws {DataError} wrong magic, wrong sizes, truncated file or trailing bytes. */
export function parseIdx(
  name: string,
  bytes: Uint8Array,
  dimensions: readonly number[],
): { sizes: number[]; values: Uint8Array } {
  const fail = (why: string): never => {
    throw new DataError(`Cannot read ${name}: ${why}`);
  };
  const header = 4 + 4 * dimensions.length;
  if (bytes.length < header) {
    fail(`truncated, ${bytes.length} bytes are fewer than a header of ${header}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = 0x0800 | dimensions.length;
  if (view.getUint32(0) !== magic) {
    fail(`not an IDX file of ${dimensions.length}-dimensional bytes (expected magic ${magic})`);
  }
  const sizes = dimensions.map((_, i) => view.getUint32(4 + 4 * i));
  if (sizes.some((size, i) => dimensions[i] !== -1 && dimensions[i] !== size)) {
    fail(`expected sizes ${dimensions.join("×").replace("-1", "any")}, got ${sizes.join("×")}`);
  }
  const expected = header + sizes.reduce((a, b) => a * b, 1);
  if (bytes.length !== expected) {
    fail(`${bytes.length < expected ? "truncated" : "trailing bytes"}, expected ${expected} bytes`);
  }
  return { sizes, values: bytes.subarray(header) };
}
