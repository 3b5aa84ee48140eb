/** The rows behind the committed figures: `data/sweeps/NAME.csv`, a file a sweep.
 *
 * Whoever clones the repository has the figures' numbers without an hour of computing, and can hold rows of his
 * own against them: a point gives the same row anywhere, timings apart.
 * @module */
import { join } from "node:path";
import { writeAtomic } from "../data/write_atomic.ts";
import { formatCsv, parseCsv } from "./export.ts";
import type { Sweep, Value } from "./grid.ts";
import type { StoredRow } from "./store.ts";

const DATA = join(import.meta.dirname!, "..", "..", "data");

/** The store that `deno task sweep`, `advise` and the notebook share. */
export const STORE: string = join(DATA, "sweeps.sqlite");

const ARCHIVE = join(DATA, "sweeps");

/** What two computations of one number may differ by: their sums may run in another order. */
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
      .filter((name) => !sweep.timings?.includes(name) && !same(row.row[name], other.row[name]))
      .map((name) => `${at}: ${name} is ${row.row[name]}, archived ${other.row[name]}`);
  });
}

function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "number" || typeof b !== "number") return a === b;
  return Math.abs(a - b) <= ABSOLUTE + RELATIVE * Math.abs(b);
}
