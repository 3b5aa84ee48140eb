/** NumPy's `.npy`: one array.
 *
 * `\x93NUMPY`, version, little-endian header length, a Python dict literal
 * `{'descr': '<f4', 'fortran_order': False, 'shape': (300, 784), }`, then the raw values. Python 2 on Windows
 * writes the shape as `(300L, 784L)`.
 * @see NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays".
 * @module */
import { refusal } from "./dataset.ts";
import { isFormat, shown, type Tensor, tensorOf } from "./tensor.ts";

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
