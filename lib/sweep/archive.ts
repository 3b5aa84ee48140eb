/** The rows behind the committed figures: `data/sweeps/NAME.csv`, a file a sweep.
 *
 * Whoever clones the repository has the figures' numbers without an hour of computing, and can hold rows of his
 * own against them: a point gives the same row anywhere, timings apart.
 * @module */
import { join } from "node:path";
import { writeAtomic } from "../data/write_atomic.ts";
import { blas } from "../math/blas.ts";
import { checkPoint, checkRow, pointKey, seedOf, type Sweep, type Value } from "./grid.ts";
import type { StoredRow } from "./store.ts";

const DATA = join(import.meta.dirname!, "..", "..", "data");

/** The store that `deno task sweep`, `advise` and the notebook share. */
export const STORE: string = join(DATA, "sweeps.sqlite");

const ARCHIVE = join(DATA, "sweeps");

/** What two computations of one number may differ by: their sums may run in another order. By a native BLAS they round
 * otherwise than the archive's, which multiplied in WebAssembly; a sweep says in which columns that shows. */
const RELATIVE = 1e-6;
const ABSOLUTE = 1e-12;

/** The archived rows of a sweep.
 * @throws {Error} no such file. {TypeError} it is damaged or of another version of the sweep. */
export async function readArchive(sweep: Sweep, directory: string = ARCHIVE): Promise<StoredRow[]> {
  const path = join(directory, `${sweep.name}.csv`);
  const text = await Deno.readTextFile(path).catch((error: Error) => {
    throw new Error(`Cannot read the archive of sweep ${sweep.name}: ${error.message}`);
  });
  return parseCsv(sweep, text);
}

/** The archived rows that are done, each as one record of its fields and columns, as `summary.ts` takes them.
 * @throws as {@linkcode readArchive}. */
export async function archivedRecords(
  sweep: Sweep,
  directory: string = ARCHIVE,
): Promise<Readonly<Record<string, Value>>[]> {
  const rows = await readArchive(sweep, directory);
  return rows.flatMap((row) => row.status === "done" ? [{ ...row.point, ...row.row }] : []);
}

/** Replaces the archive of a sweep, whole or not at all. A row given twice is written once. */
export async function writeArchive(
  sweep: Sweep,
  rows: readonly StoredRow[],
  directory: string = ARCHIVE,
): Promise<void> {
  const distinct = [...new Map(rows.map((row) => [row.key, row])).values()];
  await writeAtomic(directory, { [`${sweep.name}.csv`]: formatCsv(sweep, distinct) });
}

/** In what fresh rows differ from those archived for the same points, in words; timings may.
 * @returns a line a difference; a point that is not archived is one. */
export function differences(
  sweep: Sweep,
  fresh: readonly StoredRow[],
  archived: readonly StoredRow[],
): string[] {
  const byKey = new Map(archived.map((row) => [row.key, row]));
  return fresh.flatMap((row) => {
    const other = byKey.get(row.key);
    const at = JSON.stringify(row.point);
    if (other === undefined) return [`${at}: not archived`];
    if (row.status !== "done" || other.status !== "done") {
      return row.status === other.status ? [] : [`${at}: ${row.status}, not ${other.status}`];
    }
    return sweep.columns
      .filter((name) =>
        !sweep.timings?.includes(name) &&
        !same(row.row[name], other.row[name], blas() ? sweep.tolerances?.[name] : undefined)
      )
      .map((name) => `${at}: ${name} is ${row.row[name]}, archived ${other.row[name]}`);
  });
}

function same(a: unknown, b: unknown, relative = RELATIVE): boolean {
  if (typeof a !== "number" || typeof b !== "number") return a === b;
  return Math.abs(a - b) <= ABSOLUTE + relative * Math.abs(b);
}

const header = ({ fields, columns }: Sweep): string[] => [
  ...["version", ...Object.keys(fields), "seed", "status", ...columns],
  ...["error", "attempts", "startedAt", "pointMs"],
];

/** One flat object a row: version, fields, seed, status, columns, error, times. A failed row has no columns. */
export function flatRow(sweep: Sweep, stored: StoredRow): Record<string, Value> {
  const { version } = sweep;
  const { point, seed, status, attempts, startedAt, pointMs } = stored;
  const rest = status === "done" ? stored.row : { error: stored.error };
  return { version, ...point, seed, status, ...rest, attempts, startedAt, pointMs };
}

function cell(value: Value | undefined): string {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** CSV of rows, with a header; null is an empty cell. */
export function formatCsv(sweep: Sweep, rows: readonly StoredRow[]): string {
  const names = header(sweep);
  const lines = rows.map((stored) => {
    const flat = flatRow(sweep, stored);
    return names.map((name) => cell(flat[name])).join(",");
  });
  return [names.join(","), ...lines, ""].join("\n");
}

/** JSON of rows: an array of flat objects. */
export function formatJson(sweep: Sweep, rows: readonly StoredRow[]): string {
  return JSON.stringify(rows.map((stored) => flatRow(sweep, stored)), null, 1);
}

/** Cells by line. A quoted cell may hold commas, quotes and line ends. */
function parseCells(text: string): string[][] {
  const lines: string[][] = [[]];
  const cells = text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g);
  for (const [, quoted, plain, end] of cells) {
    lines.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === "") break;
    if (end !== ",") lines.push([]);
  }
  return lines.filter((line) => line.length > 1);
}

/** The value of a cell: a number, a truth, null where empty, else the text. */
function valueOf(text: string): Value {
  if (text === "") return null;
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

/** Reads what {@linkcode formatCsv} wrote.
 * @throws {TypeError} another header, sweep version, point or row. {RangeError} a value outside its range. */
export function parseCsv(sweep: Sweep, text: string): StoredRow[] {
  const [names = [], ...lines] = parseCells(text);
  const fail = (why: string): never => {
    throw new TypeError(`Cannot read CSV of sweep ${sweep.name}: ${why}`);
  };
  if (names.join() !== header(sweep).join()) fail(`its header is ${names.join()}`);
  return lines.map((line, at) => {
    const flat = Object.fromEntries(names.map((name, k) => [name, line[k] ?? ""]));
    if (line.length !== names.length || flat.version !== String(sweep.version)) {
      fail(`line ${at + 2} is cut off or of another version`);
    }
    const isWord = (name: string) => sweep.fields[name]?.type === "choice";
    const pick = (wanted: readonly string[]) =>
      Object.fromEntries(
        wanted.map((name) => [name, isWord(name) ? flat[name] : valueOf(flat[name])]),
      );
    const point = checkPoint(sweep, pick(Object.keys(sweep.fields)));
    const { startedAt, error } = flat;
    return {
      ...{ key: pointKey(sweep, point), point, seed: seedOf(sweep, point) },
      ...{ attempts: Number(flat.attempts), startedAt, pointMs: Number(flat.pointMs) },
      ...flat.status === "done"
        ? { status: "done", row: checkRow(sweep, pick(sweep.columns)) }
        : { status: "failed", error },
    };
  });
}
