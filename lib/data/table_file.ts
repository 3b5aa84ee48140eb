/** Tables of the user's own, taken to the bytes that the schemes encrypt.
 *
 * Each column goes linearly from its smallest value, 0, to its largest, 255: value ≈ offset + step · byte. The ranges are
 * taken to be public. To a server that knows them, W1·x is then W1·diag(step)·bytes + W1·offset, of which the second term
 * is a constant that it knows ({@linkcode scaledLayer}).
 * @module */
import { isNumber, parseCsv } from "./csv.ts";
import { dataset, refusal } from "./dataset.ts";
import { checkTotal, labelBytes, type OwnSamples, type Scaling } from "./own_samples.ts";
import { readBytes } from "./read_bytes.ts";
import { arraysOf, chooseArray, isArrayFile, labelsBeside, numbersOf } from "./sample_array.ts";
import { shapeText, shown } from "./tensor.ts";

/** More make matrices that fit in no memory. */
export const MAX_COLUMNS = 4096;

/** Fewer columns are no image, whatever their root. */
export const LEAST_PIXELS = 64;

/** What is asked of a table. */
export interface TableOptions {
  /** The column of the labels: its name, or its number counted from 1. Of a .npz, the array; or a .npy of them. */
  readonly label?: string;
  /** Which array of a .npz, where several could be the table. */
  readonly tensor?: string;
  /** At most so many rows, the first. */
  readonly limit?: number;
  /** Of another table of the same columns, so that equal bytes mean equal values; what lies outside its ranges becomes
   * 0 or 255. Without it the table's own. */
  readonly scaling?: Scaling;
}

/** Numbers with their names, before they are bytes. */
interface Numbers {
  readonly columns: readonly string[];
  /** [count, columns] */
  readonly values: Float64Array;
  readonly labels: readonly string[] | null;
  readonly notes: readonly string[];
}

const MISSING = /^(|\?|-|na|n\/a|nan|null|none)$/i;

function fromCsv(path: string, bytes: Uint8Array, { label, limit }: TableOptions): Numbers {
  const { names, cells, lines } = parseCsv(path, bytes, { label, limit });
  const fail = refusal(`Cannot use ${path}`);
  let labelAt = -1;
  if (label !== undefined) {
    labelAt = names.indexOf(label);
    if (labelAt < 0 && /^\d+$/.test(label)) labelAt = Number(label) - 1;
    if (!(labelAt >= 0 && labelAt < names.length)) {
      const some = names.slice(0, 8).map(shown).join(", ") + (names.length > 8 ? ", …" : "");
      fail(`it has no column "${shown(label)}" for labels but ${some}`);
    }
  }
  // as pandas writes its index unless told not to
  const isIndex = names[0] === "" && cells.every((row, k) => row[0] === String(k));
  const kept = names.map((_, j) => j).filter((j) => j !== labelAt && !(isIndex && j === 0));
  const values = new Float64Array(cells.length * kept.length);
  cells.forEach((row, k) =>
    kept.forEach((j, at) => {
      const cell = row[j], value = Number(cell);
      if (isNumber(cell) && Number.isFinite(value)) {
        values[k * kept.length + at] = value;
        return;
      }
      const where = `line ${lines[k]}, column "${names[j]}"`;
      if (MISSING.test(cell)) fail(`${where} has no value: fill it in, or leave the row out`);
      const way = /^[+-]?\d+,\d+$/.test(cell)
        ? "write a decimal point"
        : names.length === 1 && /\s/.test(cell)
        ? "separate cells by commas, semicolons or tabs"
        : `leave the column out, or --labels "${names[j]}" if it is the label`;
      fail(`${where} is "${shown(cell)}", expected a number: ${way}`);
    })
  );
  const labels = labelAt < 0 ? null : cells.map((row) => row[labelAt]);
  const missing = labels?.findIndex((value) => MISSING.test(value)) ?? -1;
  if (missing >= 0) fail(`line ${lines[missing]} has no label: leave the row out`);
  const notes = [
    ...labelAt >= 0 ? [`${path}: "${names[labelAt]}", column ${labelAt + 1}, has the labels`] : [],
    ...isIndex ? [`${path}: left out the first column, which numbers the rows`] : [],
  ];
  return { columns: kept.map((j) => names[j]), values, labels, notes };
}

async function fromArray(
  path: string,
  bytes: Uint8Array,
  { label, tensor, limit = Infinity }: TableOptions,
): Promise<Numbers> {
  const arrays = arraysOf(path, bytes);
  const what = "a table [count, columns]";
  const array = chooseArray(path, arrays, {
    ...{ name: tensor, what },
    fits: ({ shape }) => shape.length === 2 && shape[1] > 1,
  });
  if (array.shape.length === 0) array.values(); // says why it cannot be read
  if (array.shape.length !== 2) {
    const called = arrays.length > 1 ? shown(array.name) : "it";
    const state = `${called} is ${shapeText(array.shape)}, expected ${what}`;
    refusal(`Cannot use ${path} as a table`)(state);
  }
  const [rows, n] = array.shape, count = Math.min(rows, limit);
  checkColumns(path, n);
  const beside = await labelsBeside(path, { arrays, samples: array, wanted: label });
  return {
    columns: Array.from({ length: n }, (_, j) => `column ${j + 1}`),
    values: numbersOf(path, array).slice(0, count * n),
    labels: beside?.labels.slice(0, count) ?? null,
    notes: beside === null ? [] : [beside.note],
  };
}

function checkColumns(path: string, n: number): void {
  const fail = refusal(`Cannot use ${path}`);
  if (n === 0) fail("it has no column beside the labels");
  if (n > MAX_COLUMNS) {
    fail(`${n} columns, at most ${MAX_COLUMNS}: save the first, X[:, :${MAX_COLUMNS}]`);
  }
}

/** The range of each column of values [count, n]. */
function scalingOf(values: Float64Array, n: number): Scaling {
  const offset = new Float64Array(n).fill(Infinity), most = new Float64Array(n).fill(-Infinity);
  values.forEach((value, at) => {
    offset[at % n] = Math.min(offset[at % n], value);
    most[at % n] = Math.max(most[at % n], value);
  });
  return { offset, step: most.map((value, j) => value / 255 - offset[j] / 255) }; // no overflow
}

/** Bytes of values [count, n], and how many lay outside the ranges. */
function scaledBytes(values: Float64Array, { offset, step }: Scaling, n: number) {
  let outside = 0;
  const x = Uint8Array.from(values, (value, at) => {
    const j = at % n;
    const byte = step[j] === 0 ? 0 : Math.round(value / step[j] - offset[j] / step[j]);
    if (byte < 0 || byte > 255 || step[j] === 0 && value !== offset[j]) outside++;
    return Math.min(255, Math.max(0, byte));
  });
  return { x, outside };
}

/** Whether values [count, n] look like square images. */
function areImages(values: Float64Array, n: number): boolean {
  const isSquare = n >= LEAST_PIXELS && Number.isInteger(Math.sqrt(n));
  return isSquare && values.every((value) => Number.isInteger(value) && value >= 0 && value <= 255);
}

const few = (texts: readonly string[]) =>
  texts.slice(0, 6).join(", ") + (texts.length > 6 ? ` and ${texts.length - 6} more` : "");

/** Reads a table: a .csv of numbers, with names in its first line or without, or [count, columns] of a .npy or .npz.
 * @returns samples of the shape [1, columns, 1], with `scaling`.
 * @throws {DataError} a file that cannot be read, a cell that is no number (with its line and column), a value that is
 * missing, no such label column, over 4096 columns, a scaling of another number of columns. {RangeError} a limit that is
 * no positive integer. */
export async function readTable(path: string, options: TableOptions = {}): Promise<OwnSamples> {
  const { limit = 1, scaling: given } = options;
  if (!(Number.isInteger(limit) && limit > 0)) {
    throw new RangeError(`Cannot read a table: ${limit} is no positive integer`);
  }
  const bytes = await readBytes(path);
  const { columns, values, labels, notes } = isArrayFile(bytes)
    ? await fromArray(path, bytes, options)
    : fromCsv(path, bytes, options);
  const n = columns.length, count = values.length / n;
  checkColumns(path, n);
  checkTotal(path, count, n);
  if (given !== undefined && given.step.length !== n) {
    refusal(`Cannot use ${path}`)(
      `${n} columns, expected ${given.step.length} as in the table beside`,
    );
  }
  const scaling = given ?? scalingOf(values, n);
  const { x, outside } = scaledBytes(values, scaling, n);
  const { y, classes, labelled } = labelBytes(path, labels, count);
  const samples = dataset({ name: path, x, y, shape: [1, n, 1], classes });
  const steps = columns.map((name, j) =>
    `${shown(name)} ${+scaling.offset[j].toPrecision(4)} + ${+scaling.step[j].toPrecision(4)}·byte`
  );
  const constant = columns.filter((_, j) => scaling.step[j] === 0).map(shown);
  const line = (text: string) => `${path}: ${text}`;
  return {
    ...{ ...samples, labelled, scaling, kind: "table" },
    names: Array.from({ length: count }, (_, k) => `row ${k}`),
    notes: [
      line(`${count} rows of ${n} columns`),
      ...notes,
      line(
        `columns are taken to 0..255 between smallest and largest, known to the attacker: ${
          few(steps)
        }`,
      ),
      ...constant.length > 0 ? [line(`constant, and therefore 0: ${few(constant)}`)] : [],
      ...areImages(values, n)
        ? [
          line(
            `if its rows are images, save X.reshape(-1, ${Math.sqrt(n)}, ${Math.sqrt(n)}) as .npy`,
          ),
        ]
        : [],
      ...outside > 0 ? [line(`${outside} values outside the ranges became 0 or 255`)] : [],
    ],
  };
}

/** A first layer that takes a table's values, as one that takes their bytes: W1·x = W1·diag(step)·bytes + W1·offset.
 * @param W1 [hidden, n]   @returns W1·diag(step) [hidden, n], and the constant W1·offset [hidden], to be taken off z1.
 * @throws {TypeError} another number of weights than hidden · n. */
export function scaledLayer(
  W1: ArrayLike<number>,
  hidden: number,
  { offset, step }: Scaling,
): { W1: Float64Array; constant: Float64Array } {
  const n = step.length;
  if (W1.length !== hidden * n) {
    throw new TypeError(`Cannot scale the layer: ${W1.length} weights, expected ${hidden} × ${n}`);
  }
  const constant = new Float64Array(hidden);
  const scaled = Float64Array.from(W1, (w, at) => {
    constant[Math.floor(at / n)] += w * offset[at % n];
    return w * step[at % n];
  });
  return { W1: scaled, constant };
}
