/** A sweep: a named grid of plain-data points and one pure function from a point to a row.
 *
 * A point is an object of words and numbers. Its key and its seed are hashes of its canonical JSON, so
 * it gives the same row in any process, on any host, in any order; nothing else tells two points
 * apart. A sweep says what values each field may take (its range) and which it takes by default (its
 * grids). `version` stands for the code behind the rows: raise it whenever a change makes rows differ,
 * and old rows are no longer mixed with new ones.
 * @module */
import { sha256 } from "@noble/hashes/sha2.js";
import { pathToFileURL } from "node:url";

/** What fields and columns hold. */
export type Value = string | number | boolean | null;
/** The parameters of one run. */
export type Point = Readonly<Record<string, string | number>>;
/** What one run yields; null where there is nothing to measure. */
export type Row = Readonly<Record<string, Value>>;

/** The values that a field may take. */
export type Field =
  | { readonly type: "choice"; readonly choices: readonly string[] }
  | { readonly type: "integer"; readonly min: number; readonly max: number }
  | { readonly type: "real"; readonly min: number; readonly max: number };

/** A point of these fields. */
export type PointOf<F extends Record<string, Field>> = {
  readonly [K in keyof F]: F[K] extends { type: "choice"; choices: readonly (infer C)[] } ? C
    : number;
};

/** What the function of a sweep is given beside its point. */
export interface Context {
  /** All randomness comes from it. */
  readonly seed: number;
  /** A long computation asks now and then, and returns anything once it is true. */
  readonly stopped: () => boolean;
}

/** A sweep as its module declares it; see {@linkcode defineSweep}. */
export interface SweepParts<F extends Record<string, Field>, C extends string> {
  /** `import.meta.url` of the module that exports it as `sweep`: Workers import it again. */
  readonly url: string;
  readonly name: string;
  readonly version: number;
  readonly fields: F;
  readonly columns: readonly C[];
  /** The columns that differ from run to run; all others are the same wherever a point runs. */
  readonly timings?: readonly C[];
  /** Of columns in which it shows how sums round: by how much of itself a number may differ where a native BLAS
   * multiplies. */
  readonly tolerances?: Readonly<Partial<Record<C, number>>>;
  /** Each is a product of values; the sweep is their union. */
  readonly grids: readonly { readonly [K in keyof F]: readonly PointOf<F>[K][] }[];
  /** The fields that the seed derives from, all by default: points that differ in others share their
   * randomness and are compared in pairs. */
  readonly seedFields?: readonly (keyof F & string)[];
  /** Its rows are timings: one point at a time, unless asked otherwise. */
  readonly timed?: boolean;
  /** What a host must have before its Workers take the point, e.g. a dataset: called for every point. */
  readonly prepare?: (point: PointOf<F>) => Promise<void>;
  run(
    point: PointOf<F>,
    context: Context,
  ): Readonly<Record<C, Value>> | Promise<Readonly<Record<C, Value>>>;
}

/** Any sweep. */
export type Sweep = Omit<SweepParts<Record<string, Field>, string>, "prepare" | "run"> & {
  readonly prepare?: (point: Point) => Promise<void>;
  run(point: Point, context: Context): Row | Promise<Row>;
};

/** Names that the store and its exports use themselves. */
export const RESERVED: readonly string[] = [
  ...["sweep", "version", "key", "seed", "status", "error", "attempts", "startedAt", "pointMs"],
];

/** Declares a sweep and checks the declaration.
 * @throws {TypeError} a name twice, a reserved one, or one that is no word.
 * @throws {RangeError} a grid value outside its field. */
export function defineSweep<
  const F extends Record<string, Field>,
  const C extends string,
>(parts: SweepParts<F, C>): Sweep {
  const sweep = parts as unknown as Sweep;
  const names = [...Object.keys(sweep.fields), ...sweep.columns];
  for (const [at, name] of names.entries()) {
    if (names.indexOf(name) !== at || RESERVED.includes(name) || !/^[a-z]\w*$/i.test(name)) {
      throw new TypeError(`Cannot define sweep ${sweep.name}: "${name}" is taken or no word`);
    }
  }
  for (const grid of sweep.grids) {
    for (const field of Object.keys(sweep.fields)) {
      for (const value of grid[field]) checkValue(sweep, field, value);
    }
  }
  return sweep;
}

const cannot = ({ name }: Sweep, why: string) => `Cannot sweep ${name}: ${why}`;

/** Refuses a value that the field may not take. */
function checkValue(sweep: Sweep, name: string, value: unknown): void {
  const field = sweep.fields[name];
  const isWord = field.type === "choice";
  const fits = isWord
    ? field.choices.includes(value as string)
    : typeof value === "number" && value >= field.min && value <= field.max &&
      (field.type === "real" || Number.isSafeInteger(value));
  if (fits) return;
  const expected = isWord
    ? `one of ${field.choices.join(", ")}`
    : `${field.type === "integer" ? "an integer" : "a number"} in [${field.min}, ${field.max}]`;
  throw new RangeError(cannot(sweep, `${name} = ${JSON.stringify(value)} is not ${expected}`));
}

function checkName(sweep: Sweep, name: string): void {
  if (Object.hasOwn(sweep.fields, name)) return;
  const names = Object.keys(sweep.fields).join(", ");
  throw new TypeError(cannot(sweep, `no field "${name}", expected ${names}`));
}

/** A point from another process or a user, its fields in the sweep's order.
 * @throws {TypeError} a field is missing or unknown. {RangeError} a value outside its range. */
export function checkPoint(sweep: Sweep, input: unknown): Point {
  if (typeof input !== "object" || input === null) {
    throw new TypeError(cannot(sweep, `${JSON.stringify(input)} is no point`));
  }
  for (const name of Object.keys(input)) checkName(sweep, name);
  const given = input as Point;
  return Object.fromEntries(
    Object.keys(sweep.fields).map((name) => {
      if (!Object.hasOwn(given, name)) {
        throw new TypeError(cannot(sweep, `the point has no ${name}`));
      }
      checkValue(sweep, name, given[name]);
      return [name, given[name]];
    }),
  );
}

/** A row from another process: exactly the sweep's columns, values that JSON can hold.
 * @throws {TypeError} another column, or a value that is not a finite number, a text, a truth or null. */
export function checkRow(sweep: Sweep, input: unknown): Row {
  const given = typeof input === "object" && input !== null ? input as Row : {};
  const odd = sweep.columns.find((name) => !Object.hasOwn(given, name)) ??
    Object.keys(given).find((name) => !sweep.columns.includes(name));
  const fail = (why: string): never => {
    throw new TypeError(`Cannot take a row of ${sweep.name}: ${why}`);
  };
  if (odd !== undefined) fail(`column ${odd} is missing or unknown`);
  return Object.fromEntries(
    sweep.columns.map((name) => {
      const value = given[name];
      const plain = value === null || typeof value === "string" || typeof value === "boolean" ||
        Number.isFinite(value);
      return plain ? [name, value] : fail(`${name} = ${value}`);
    }),
  );
}

/** JSON with its keys in order: equal for equal points. */
export function canonicalJson(point: Point): string {
  return JSON.stringify(Object.fromEntries(Object.keys(point).sort().map((k) => [k, point[k]])));
}

function digest(purpose: string, name: string, point: Point): Uint8Array {
  return sha256(new TextEncoder().encode(`fe-leakage/${purpose}/${name}/${canonicalJson(point)}`));
}

/** What names a point everywhere: 128 bits of a hash of the sweep's name and the point, in hexadecimal. */
export function pointKey(sweep: Sweep, point: Point): string {
  return digest("point", sweep.name, point).subarray(0, 16).toHex();
}

/** The seed of a point: 53 bits of a hash of the fields that it derives from. Not secret. */
export function seedOf(sweep: Sweep, point: Point): number {
  const names = sweep.seedFields ?? Object.keys(sweep.fields);
  const part = Object.fromEntries(names.map((name) => [name, point[name]]));
  const view = new DataView(digest("seed", sweep.name, part).buffer);
  return Number(view.getBigUint64(0) >> 11n);
}

/** Values that some fields are held at; see {@linkcode pointsOf}. */
export type Only = Readonly<Record<string, readonly (string | number)[]>>;

/** Reads `field=value,field=value`; a field named twice takes both values.
 * @throws {TypeError} not of this form, or an unknown field. {RangeError} a value outside its range. */
export function parseOnly(sweep: Sweep, text: string): Only {
  const only: Record<string, (string | number)[]> = {};
  for (const part of text.split(",")) {
    const [, name, word] = /^\s*(\w+)=(.+?)\s*$/.exec(part) ?? [];
    if (name === undefined) throw new TypeError(cannot(sweep, `"${part}" is not field=value`));
    checkName(sweep, name);
    const value = sweep.fields[name].type === "choice" ? word : Number(word);
    checkValue(sweep, name, Number.isNaN(value) ? word : value);
    (only[name] ??= []).push(value);
  }
  return only;
}

/** The points of a sweep, each once, in the order of its grids.
 * @param only words choose among those of a grid, numbers take the place of the grid's own.
 * @throws {RangeError} no point is left. */
export function pointsOf(sweep: Sweep, only: Only = {}): Point[] {
  const points = new Map<string, Point>();
  for (const grid of sweep.grids) {
    let product: Point[] = [{}];
    for (const [name, field] of Object.entries(sweep.fields)) {
      const held = only[name] ?? grid[name];
      const isWord = field.type === "choice";
      const values = isWord ? grid[name].filter((value) => held.includes(value)) : held;
      product = product.flatMap((point) => values.map((value) => ({ ...point, [name]: value })));
    }
    for (const point of product) points.set(canonicalJson(point), point);
  }
  if (points.size === 0) throw new RangeError(cannot(sweep, "no point is left"));
  return [...points.values()];
}

/** The names that `deno task sweep` knows. */
export const SWEEPS: readonly string[] = [
  ...["attack", "rates", "training", "cost", "qfe_cost", "leakage", "frontier", "private"],
];

/** Loads a sweep.
 * @param name one of {@linkcode SWEEPS}, or the path of a module that exports a `sweep` made by `defineSweep`.
 * @throws {TypeError} an unknown name, no such module, or a module without one. */
export async function loadSweep(name: string): Promise<Sweep> {
  const own = /\.[jt]s$/.test(name);
  if (!own && !SWEEPS.includes(name)) {
    throw new TypeError(
      `Cannot sweep "${name}": expected ${SWEEPS.join(", ")} or the path of a module`,
    );
  }
  const url = own ? pathToFileURL(name).href : new URL(`./${name}.ts`, import.meta.url).href;
  const module = await import(url).catch((error) => {
    throw new TypeError(`Cannot load sweep ${name}: ${error.message}`);
  });
  if (typeof module.sweep?.run !== "function") {
    throw new TypeError(`Cannot load sweep ${name}: the module exports no sweep`);
  }
  return module.sweep;
}
