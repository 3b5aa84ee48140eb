/** Small tables of numbers, not images: patients and flowers. They come with the workspace, in `data/tables/`, whose
 * README names their authors and licence, and are imported as bytes, so no permission and no network is needed.
 *
 * - `loadPatients()`: Breast Cancer Wisconsin (Diagnostic), 569 × 30.
 * - `loadIris()`: Fisher's Iris, 150 × 4, its three species in turn.
 *
 * The first four fifths of the rows train, the rest test: 455 and 114 patients, 120 and 30 flowers. A linear model
 * fares better on these 114 patients than on most others: `lib/study/patients.ts` tells by how much.
 * @module */
import patients from "../../data/tables/breast_cancer.csv" with { type: "bytes" };
import iris from "../../data/tables/iris.csv" with { type: "bytes" };
import { refusal, verifyChecksum } from "./dataset.ts";

/** Rows of numbers with a class each. */
export interface Table {
  /** Name of dataset and split, for messages and figures, e.g. `patients test`. */
  readonly name: string;
  /** `[count, n]` row-major, in the units of the source. */
  readonly x: Float64Array;
  /** Classes in [0, classes.length), `[count]`. */
  readonly y: Uint8Array;
  /** How many rows. */
  readonly count: number;
  /** Features a row. */
  readonly n: number;
  /** What each feature is. */
  readonly features: readonly string[];
  /** What each class means. */
  readonly classes: readonly string[];
}

/** A table of two splits that share no row. */
export interface SplitTable {
  readonly train: Table;
  readonly test: Table;
}

const MEASURES = [
  ...["radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity"],
  ...["concave points", "symmetry", "fractal dimension"],
];
const PATIENT_FEATURES = ["mean", "standard error", "worst"].flatMap((of) =>
  MEASURES.map((measure) => `${measure} (${of})`)
);
const IRIS_FEATURES = ["sepal length", "sepal width", "petal length", "petal width"].map((f) =>
  `${f} (cm)`
);

const SHA256 = {
  patients: "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed",
  iris: "f13ffa8fdd56fd8e6c8d16d4081a3fbd3114bcd0aae4256c43205169cd9d1449",
};

/** The share of rows that train. */
const TRAIN = 0.8;

/** Loads the 569 patients; class 0 is malignant, 1 benign.
 * @throws {DataError} the file was altered. */
export const loadPatients = (): Promise<SplitTable> =>
  load("patients", patients as Uint8Array<ArrayBuffer>, PATIENT_FEATURES, 1);

/** Loads the 150 flowers; rows in the order of species 0, 1, 2, 0, 1, 2, …
 * @throws {DataError} the file was altered. */
export const loadIris = (): Promise<SplitTable> =>
  load("iris", iris as Uint8Array<ArrayBuffer>, IRIS_FEATURES, 3);

/** @param groups equal parts of the file that are put in turn: a species each, so that any run of rows holds all. */
async function load(
  name: keyof typeof SHA256,
  bytes: Uint8Array<ArrayBuffer>,
  features: readonly string[],
  groups: number,
): Promise<SplitTable> {
  const file = `${name} (data/tables)`;
  await verifyChecksum(file, bytes, SHA256[name]);
  const read = parseTable(file, new TextDecoder().decode(bytes), features);
  const size = read.count / groups;
  const rows = Array.from(
    { length: read.count },
    (_, i) => (i % groups) * size + Math.floor(i / groups),
  );
  const cut = Math.floor(TRAIN * read.count);
  return {
    train: rowsOf({ ...read, name: `${name} train` }, rows.slice(0, cut)),
    test: rowsOf({ ...read, name: `${name} test` }, rows.slice(cut)),
  };
}

/** Reads a table as scikit-learn writes them: a line `count,n,class 0,class 1,…`, then a line of n numbers and a class
 * for each row.
 * @param name of the file, for messages.   @throws {DataError} another number of rows or columns, a field that is not a
 * finite number, a class that is not named. */
export function parseTable(name: string, text: string, features: readonly string[]): Table {
  const fail = refusal(`Cannot read ${name}`);
  const [head, ...lines] = text.trimEnd().split(/\r?\n/).map((line) => line.split(","));
  const [count, n] = head.slice(0, 2).map(Number);
  const classes = head.slice(2);
  if (n !== features.length) fail(`expected ${features.length} features, its first line says ${n}`);
  if (lines.length !== count) fail(`expected ${count} rows, got ${lines.length}`);
  const [x, y] = [new Float64Array(count * n), new Uint8Array(count)];
  lines.forEach((fields, row) => {
    if (fields.length !== n + 1) {
      fail(`row ${row} has ${fields.length} fields, expected ${n + 1}`);
    }
    fields.forEach((field, at) => {
      const value = field.trim() === "" ? NaN : Number(field);
      if (!Number.isFinite(value)) fail(`"${field}" in row ${row} is not a finite number`);
      if (at < n) x[row * n + at] = value;
      else if (Number.isInteger(value) && value >= 0 && value < classes.length) y[row] = value;
      else fail(`class ${field} of row ${row} is none of the ${classes.length} named`);
    });
  });
  return { name, x, y, count, n, features, classes };
}

/** Some rows of a table, copied, as a table of its own.
 * @throws {RangeError} there is no such row. */
export function rowsOf(table: Table, rows: readonly number[]): Table {
  const wrong = rows.find((row) => !Number.isInteger(row) || row < 0 || row >= table.count);
  if (wrong !== undefined) {
    throw new RangeError(`Cannot take row ${wrong} of ${table.name}: it has ${table.count}`);
  }
  const x = new Float64Array(rows.length * table.n);
  rows.forEach((row, k) =>
    x.set(table.x.subarray(row * table.n, (row + 1) * table.n), k * table.n)
  );
  return { ...table, x, y: Uint8Array.from(rows, (row) => table.y[row]), count: rows.length };
}
