/** First layers that users really have, as files: what NumPy, PyTorch and Keras users save.
 * @module */
import { Buffer } from "node:buffer";
import { crc32, deflateRawSync } from "node:zlib";
import { gaussian, seededRng } from "lib/math/rng.ts";

type Write = (view: DataView, at: number, value: number, little: boolean) => void;
const WRITERS: Record<string, Write> = {
  f2: (view, at, value, little) => view.setFloat16(at, value, little),
  f4: (view, at, value, little) => view.setFloat32(at, value, little),
  f8: (view, at, value, little) => view.setFloat64(at, value, little),
  i1: (view, at, value) => view.setInt8(at, value),
  i2: (view, at, value, little) => view.setInt16(at, value, little),
  i4: (view, at, value, little) => view.setInt32(at, value, little),
  i8: (view, at, value, little) => view.setBigInt64(at, BigInt(value), little),
  u1: (view, at, value) => view.setUint8(at, value),
  u2: (view, at, value, little) => view.setUint16(at, value, little),
  u4: (view, at, value, little) => view.setUint32(at, value, little),
  u8: (view, at, value, little) => view.setBigUint64(at, BigInt(value), little),
  b1: (view, at, value) => view.setUint8(at, value),
};

/** Numbers as bytes in the order given. */
export function payload(values: ArrayLike<number>, descr: string): Uint8Array {
  const [little, format] = [descr[0] !== ">", descr.slice(1)];
  const size = Number(format.slice(1));
  const view = new DataView(new ArrayBuffer(values.length * size));
  for (let k = 0; k < values.length; k++) WRITERS[format](view, k * size, values[k], little);
  return new Uint8Array(view.buffer);
}

/** A `.npy` file around a payload, as NumPy writes it. @param shape as it stands in the header. */
export function npyOf(
  content: Uint8Array,
  { descr = "'<f4'", shape, fortran = false, version = 1 }: {
    descr?: string;
    shape: string;
    fortran?: boolean;
    version?: number;
  },
): Uint8Array<ArrayBuffer> {
  const order = fortran ? "True" : "False";
  const text = `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;
  const header = new TextEncoder().encode(text.padEnd(117) + "\n");
  const length = [header.length & 0xff, header.length >> 8, ...version === 1 ? [] : [0, 0]];
  return Uint8Array.from([
    ...[0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length],
    ...header,
    ...content,
  ]);
}

/** A `.npy` file of numbers in row-major order. */
export function npy(values: ArrayLike<number>, shape: number[], descr = "<f4") {
  return npyOf(payload(values, descr), { descr: `'${descr}'`, shape: `(${shape.join(", ")},)` });
}

/** A zip of files, deflated if asked for. */
export function zip(
  files: Record<string, Uint8Array>,
  deflated = false,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [], directory: Uint8Array[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(files)) {
    const packed = deflated ? new Uint8Array(deflateRawSync(content)) : content;
    const text = new TextEncoder().encode(name);
    const common = new DataView(new ArrayBuffer(26)); // what both headers share, from "version needed" on
    common.setUint16(4, deflated ? 8 : 0, true);
    common.setUint32(10, crc32(content), true);
    common.setUint32(14, packed.length, true);
    common.setUint32(18, content.length, true);
    common.setUint16(22, text.length, true);
    const shared = new Uint8Array(common.buffer);
    const where = new Uint8Array(14);
    new DataView(where.buffer).setUint32(10, at, true);
    directory.push(Uint8Array.from([0x50, 0x4b, 1, 2, 20, 0, ...shared, ...where, ...text]));
    const local = Uint8Array.from([0x50, 0x4b, 3, 4, ...shared, ...text]);
    parts.push(local, packed);
    at += local.length + packed.length;
  }
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, directory.length, true);
  end.setUint16(10, directory.length, true);
  end.setUint32(12, directory.reduce((sum, entry) => sum + entry.length, 0), true);
  end.setUint32(16, at, true);
  return concat([...parts, ...directory, new Uint8Array(end.buffer)]);
}

/** A safetensors file: every tensor with its dtype and bytes. */
export function safetensors(
  tensors: Record<string, { dtype: string; shape: number[]; content: Uint8Array }>,
  metadata?: Record<string, string>,
): Uint8Array<ArrayBuffer> {
  let at = 0;
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  for (const [name, { dtype, shape, content }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at += content.length] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  return concat([length, json, ...Object.values(tensors).map(({ content }) => content)]);
}

export const concat = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/** [rows, columns] → [columns, rows], or the same matrix in Fortran order. */
export function transposed(values: ArrayLike<number>, rows: number, columns: number): Float64Array {
  return Float64Array.from(
    { length: rows * columns },
    (_, k) => values[(k % rows) * columns + Math.floor(k / rows)],
  );
}

const [HIDDEN, N] = [300, 784];
const rng = seededRng(7);
/** The layer behind most files: N(0, 1) in float32, [300, 784]. */
export const W: Float32Array = Float32Array.from(gaussian(rng, HIDDEN * N));
const each = (change: (w: number, row: number, column: number) => number) =>
  Float32Array.from(W, (w, k) => change(w, Math.floor(k / N), k % N));
const matrix = (values: ArrayLike<number>, descr?: string) => npy(values, [HIDDEN, N], descr);

/** The product of two random factors, [300, 784]. */
function rank10(): Float32Array {
  const [left, right] = [gaussian(rng, HIDDEN * 10), gaussian(rng, 10 * N)];
  const out = new Float32Array(HIDDEN * N);
  for (let k = 0; k < out.length; k++) {
    for (let r = 0; r < 10; r++) out[k] += left[Math.floor(k / N) * 10 + r] * right[r * N + k % N];
  }
  return out;
}

/** A file and the right answer. `same`: its integers are those of the plain file, so is all else. `exact`: which of
 * images 3 and 4 of the test split come back, with default flags; fewer than two where a solve is slow. `worth`: what
 * may be said of them without the truth. Signs, truth values and a low rank with its rounding errors tell about a bit a
 * weight: 300 equations then do not exclude all images as complex as a digit, though none but the digit is found. */
export type Case = readonly [name: string, file: () => Uint8Array<ArrayBuffer>, right: Right];
export type Worth = "certified" | "consistent" | "neither";
export type Right =
  | { same: true; notes?: string[] }
  | { exact: boolean[]; worth: Worth; scaleBits: number; notes?: string[] }
  | { refused: string };

const ROUNDED = (bits: number) =>
  `attacked is W1 as the scheme takes it, rounded to multiples of 2^${bits}`;

/** The 24 files of make_weights.py. */
export const CASES: readonly Case[] = [
  ["plain.npy", () => matrix(W), { same: true }],
  ["all_zero.npy", () => matrix(each(() => 0)), {
    ...{ exact: [false, false], worth: "consistent", scaleBits: 0 },
    notes: ["W1 is all zero: no equation says anything about an image"],
  }],
  ["tiny_1e-12.npy", () => matrix(each((w) => w * 1e-12)), {
    ...{ exact: [true, true], worth: "certified", scaleBits: 48 },
  }],
  ["tiny_1e-8.npy", () => matrix(each((w) => w * 1e-8)), {
    ...{ exact: [true], worth: "certified", scaleBits: 35 },
  }],
  ["huge_1e6.npy", () => matrix(each((w) => w * 1e6)), {
    ...{ exact: [true], worth: "certified", scaleBits: -12 },
    notes: [ROUNDED(12)],
  }],
  ["one_outlier.npy", () => matrix(each((w, i, j) => i === 0 && j === 0 ? 2000 : 0.05 * w)), {
    ...{ exact: [true], worth: "certified", scaleBits: 0 },
    notes: [
      ROUNDED(0),
      "299 rows of 300 would round to little or nothing beside the largest weight and have scales of their own, " +
      "2^13",
    ],
  }],
  ["half_columns_zero.npy", () => matrix(each((w, _, j) => j < 392 ? w : 0)), {
    ...{ exact: [false], worth: "consistent", scaleBits: 8 },
  }],
  ["every_12th_column_zero.npy", () => matrix(each((w, _, j) => j % 12 === 0 ? 0 : w)), {
    ...{ exact: [false], worth: "consistent", scaleBits: 8 },
  }],
  ["half_rows_zero.npy", () => matrix(each((w, i) => i % 2 === 0 ? w : 0)), {
    ...{ exact: [false], worth: "neither", scaleBits: 8 },
  }],
  ["duplicate_rows.npy", () => matrix(each((_, i, j) => W[(i >> 1) * N + j])), {
    ...{ exact: [false], worth: "neither", scaleBits: 8 },
  }],
  ["rank_10.npy", () => matrix(rank10()), {
    ...{ exact: [true], worth: "consistent", scaleBits: 6 },
    notes: [ROUNDED(-6)],
  }],
  ["signs.npy", () => matrix(each(Math.sign), "|i1"), {
    ...{ exact: [true], worth: "consistent", scaleBits: 10 },
  }],
  ["keras_784x300.npy", () => npy(transposed(W, HIDDEN, N), [N, HIDDEN]), {
    same: true,
    notes: ["FILE: [784, 300] is taken as [in, hidden] and transposed", ROUNDED(-8)],
  }],
  [
    "fortran.npy",
    () => npyOf(payload(transposed(W, HIDDEN, N), "<f4"), { shape: "(300, 784)", fortran: true }),
    {
      same: true,
    },
  ],
  ["big_endian.npy", () => matrix(W, ">f4"), { same: true }],
  ["f2.npy", () => matrix(W, "<f2"), {
    ...{ exact: [true], worth: "certified", scaleBits: 8 },
  }],
  ["f8.npy", () => matrix(W, "<f8"), { same: true }],
  ["bool.npy", () => matrix(each((w) => Number(w > 0)), "|b1"), {
    ...{ exact: [true], worth: "consistent", scaleBits: 10 },
  }],
  ["bias_785.npy", () => {
    const rows = Float32Array.from(
      { length: HIDDEN * 785 },
      (_, k) => k % 785 === N ? 1 : W[Math.floor(k / 785) * N + k % 785],
    );
    return npy(rows, [HIDDEN, 785]);
  }, {
    refused:
      "Cannot use FILE: [300, 785] is one column more than 784 pixels, a bias: save W[:, :-1], or W[:, 1:] " +
      "if it comes first",
  }],
  ["images_28x28.npy", () => npy(W, [HIDDEN, 28, 28]), {
    same: true,
    notes: ["FILE: [300, 28, 28] is taken as [300, 784]", ROUNDED(-8)],
  }],
  ["conv_6x3x5x5.npy", () => npy(gaussian(rng, 450), [6, 3, 5, 5]), {
    refused:
      "Cannot use FILE: [6, 3, 5, 5] are filters, they take 3 channels, the images have 1: " +
      "give colour images",
  }],
  [
    "model.npz",
    () => zip({ "fc1.weight.npy": matrix(W), "fc1.bias.npy": npy(new Float32Array(300), [300]) }),
    {
      same: true,
      notes: [
        "FILE: fc1.weight [300, 784] is taken as [300, 784]",
        "FILE: fc1.bias is its bias, known to the server",
        ROUNDED(-8),
      ],
    },
  ],
  ["nan.npy", () => matrix(each((w, i, j) => i === 5 && j === 7 ? NaN : w)), {
    refused: "Cannot read FILE: value [5, 7] is NaN",
  }],
  ["objects.npy", () => npyOf(new Uint8Array(99), { descr: "'|O'", shape: "(2,)" }), {
    refused: "Cannot read FILE: it holds Python objects: save the matrix alone, as " +
      "numpy.asarray(W, dtype='float32')",
  }],
];
