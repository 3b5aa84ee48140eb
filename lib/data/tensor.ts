/** Arrays of numbers as other programs save them, read in any of their number formats.
 * @module */
import { type DataError, refusal } from "./dataset.ts";

/** An array in a file. Its numbers are decoded when they are asked for: a file has many, a layer is one. */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** The numbers, row-major.
   * @throws {DataError} damaged, or one is NaN or infinite. */
  values(): Float64Array;
}

/** An array that is there and cannot be read, beside others that can: asking for its numbers says why. */
export const unreadable = (name: string, error: DataError): Tensor => ({
  name,
  shape: [],
  values() {
    throw error;
  },
});

type Read = (view: DataView, at: number, little: boolean) => number;

/** A number format: NumPy's kind and its bytes; `bf2` is bfloat16, the upper half of a float32. */
const READERS: Readonly<Record<string, Read>> = {
  f2: (view, at, little) => view.getFloat16(at, little),
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
  i1: (view, at) => view.getInt8(at),
  i2: (view, at, little) => view.getInt16(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  u1: (view, at) => view.getUint8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
  b1: (view, at) => Number(view.getUint8(at) !== 0),
  bf2: (view, at, little) => bfloat16(view.getUint16(at, little)),
};

const scratch = new DataView(new ArrayBuffer(4));

function bfloat16(bits: number): number {
  scratch.setUint16(0, bits);
  return scratch.getFloat32(0);
}

/** Whether numbers of this format can be read. */
export const isFormat = (format: string): boolean => Object.hasOwn(READERS, format);

/** Bytes a number. */
const sizeOf = (format: string): number => Number(format.slice(-1));

/** How many numbers a shape holds. */
export const countOf = (shape: readonly number[]): number =>
  shape.reduce((count, size) => count * size, 1);

/** Text from a file on one line of a message: no control characters, not too long. */
export function shown(text: string): string {
  const plain = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
  return plain.length > 60 ? `${plain.slice(0, 59)}…` : plain;
}

/** "[300, 784]". */
export const shapeText = (shape: readonly number[]): string => `[${shape.join(", ")}]`;

/** An array over bytes of a file.
 * @param input.fortran the first index runs fastest, as NumPy has it after a transpose.
 * @param input.file for messages.
 * @throws {DataError} the bytes are not those of the shape: found out before anything is allocated. */
export function tensorOf(
  { file, name, shape, bytes, format, little = true, fortran = false }: {
    file: string;
    name: string;
    shape: readonly number[];
    bytes: Uint8Array;
    format: string;
    little?: boolean;
    fortran?: boolean;
  },
): Tensor {
  const [count, size] = [countOf(shape), sizeOf(format)];
  const fail = refusal(`Cannot read ${file}`);
  if (bytes.length !== count * size) {
    const state = bytes.length < count * size ? "truncated" : "too long";
    fail(`${state}, shape ${shapeText(shape)} takes ${count * size} bytes, got ${bytes.length}`);
  }
  function values(): Float64Array {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const read = READERS[format];
    const out = new Float64Array(count);
    for (let k = 0; k < count; k++) {
      out[fortran ? fortranPlace(k, shape) : k] = read(view, k * size, little);
    }
    const wrong = out.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) fail(`value ${shapeText(indexOf(wrong, shape))} is ${out[wrong]}`);
    return out;
  }
  return { name, shape, values };
}

/** Where the k-th number belongs in row-major order, when the first index runs fastest. */
function fortranPlace(k: number, shape: readonly number[]): number {
  let [place, stride] = [0, countOf(shape)];
  for (const size of shape) {
    stride /= size;
    place += (k % size) * stride;
    k = Math.floor(k / size);
  }
  return place;
}

/** The indices of the k-th number in row-major order. */
function indexOf(k: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (const size of [...shape].reverse()) {
    index.unshift(k % size);
    k = Math.floor(k / size);
  }
  return index;
}
