/** Reads a matrix from a NumPy `.npy` file: how people hand us their own first layer.
 *
 * Format: `\x93NUMPY`, version, little-endian header length, a Python dict literal
 * `{'descr': '<f4', 'fortran_order': False, 'shape': (300, 784), }`, then the raw values.
 * Taken: float32, float64 and the signed integers, little-endian, C order, two dimensions.
 * @see NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays".
 * @module */
import { DataError } from "./dataset.ts";

/** A dense matrix, `[rows, columns]` row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const readers: Record<string, { size: number; read(view: DataView, at: number): number }> = {
  "<f4": { size: 4, read: (view, at) => view.getFloat32(at, true) },
  "<f8": { size: 8, read: (view, at) => view.getFloat64(at, true) },
  "|i1": { size: 1, read: (view, at) => view.getInt8(at) },
  "<i2": { size: 2, read: (view, at) => view.getInt16(at, true) },
  "<i4": { size: 4, read: (view, at) => view.getInt32(at, true) },
  "<i8": { size: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
};

/** Parses a two-dimensional `.npy` file.
 * @param name file name for messages.   @returns the matrix, values as float64.
 * @throws {DataError} not a .npy file, another type, order or rank, truncated, trailing bytes, or a
 * value that is not finite. */
export function parseNpy(name: string, bytes: Uint8Array): Matrix {
  const fail = (why: string): never => {
    throw new DataError(`Cannot read ${name}: ${why}`);
  };
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) fail("not a .npy file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[6] >= 2; // version 1 has a 16-bit header length, 2 and 3 a 32-bit one
  const start = wide ? 12 : 10;
  const offset = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (offset > bytes.length) fail("truncated header");
  const header = new TextDecoder().decode(bytes.subarray(start, offset));
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? "missing";
  const fortran = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const dimensions = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1]
    .split(",").map((part) => part.trim()).filter((part) => part !== "").map(Number);
  if (!Object.hasOwn(readers, descr)) {
    fail(`type ${descr} is not one of ${Object.keys(readers).join(", ")}`);
  }
  if (fortran !== "False") fail("expected C order (fortran_order False)");
  if (dimensions?.length !== 2 || dimensions.some((size) => !(size > 0))) {
    fail(`expected a matrix [hidden, in], got shape (${dimensions?.join(", ") ?? "missing"})`);
  }
  const [rows, columns] = dimensions as [number, number];
  const { size, read } = readers[descr];
  const expected = offset + rows * columns * size;
  if (bytes.length !== expected) {
    fail(`${bytes.length < expected ? "truncated" : "trailing bytes"}, expected ${expected} bytes`);
  }
  const values = Float64Array.from(
    { length: rows * columns },
    (_, i) => read(view, offset + i * size),
  );
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    fail(`value [${Math.floor(wrong / columns)}, ${wrong % columns}] is ${values[wrong]}`);
  }
  return { rows, columns, values };
}
