/** The rows of the four sweeps that notebook 04 reads. In the full profile they come from the store that
 * `deno task sweep` and `deno task advise` share; in the quick one from the CSV files in `data/sweeps/`. What they
 * lack is computed, each row kept as soon as it is there.
 * @module */
import type { On } from "../notebook/run.ts";
import type { Profile } from "../notebook/notebook.ts";
import { type Table, table } from "../notebook/table.ts";
import { sweep as predictions } from "../sweep/advise_cost.ts";
import { sweep as leakages } from "../sweep/advise_leakage.ts";
import { differences, readArchive, STORE, writeArchive } from "../sweep/archive.ts";
import { sweep as attack } from "../sweep/attack.ts";
import { sweep as cost } from "../sweep/cost.ts";
import { parseOnly, type Point, pointsOf, type Sweep } from "../sweep/grid.ts";
import { sweep as rates } from "../sweep/rates.ts";
import { runSweep } from "../sweep/runner.ts";
import { type StoredRow, SweepStore } from "../sweep/store.ts";
import { sweep as training } from "../sweep/training.ts";
import type { Rec } from "./rates.ts";

const SWEEPS = { attack, rates, training, cost };
type SweepName = keyof typeof SWEEPS;
const NAMES = Object.keys(SWEEPS) as SweepName[];

/** Points of a sweep in the words of `deno task sweep NAME --only`: ["attack", "dataset=mnist,hidden=325"]. */
export type Chosen = readonly [sweep: SweepName, only: string];

/** @throws {TypeError} an unknown field. {RangeError} a value outside its range, or no point is left. */
function chosenPoints(chosen: readonly Chosen[], name: SweepName): Point[] {
  const own = chosen.filter(([sweep]) => sweep === name);
  return own.flatMap(([, only]) => pointsOf(SWEEPS[name], parseOnly(SWEEPS[name], only)));
}

/** The store of a profile; the quick one's is in memory and holds the rows of the CSV files.
 * @throws {StoreError} another process writes to it. {TypeError} a damaged CSV file. */
export async function openStore(sweeps: readonly Sweep[], profile: Profile): Promise<SweepStore> {
  if (profile === "full") return new SweepStore(STORE);
  const rows = await Promise.all(sweeps.map((sweep) => readArchive(sweep)));
  const store = new SweepStore(":memory:");
  sweeps.forEach((sweep, k) => rows[k].forEach((row) => store.add(sweep, row.point, row)));
  return store;
}

/** Runs points by sweep under one progress display. */
async function runAll(
  store: SweepStore,
  wanted: Readonly<Record<SweepName, readonly Point[]>>,
  { signal, onProgress, workers }: Partial<On> & { readonly workers?: number },
): Promise<void> {
  const total = NAMES.reduce((sum, name) => sum + wanted[name].length, 0);
  let before = 0;
  for (const name of NAMES) {
    const report = (done: number) => onProgress?.(before + done, total);
    await runSweep(SWEEPS[name], wanted[name], { store, signal, onProgress: report, workers });
    before += wanted[name].length;
  }
}

const bySweep = <T>(value: (name: SweepName) => T) =>
  Object.fromEntries(NAMES.map((name) => [name, value(name)])) as Record<SweepName, T>;

/** Rows by sweep. */
export class SweepRows {
  /** @param stored rows by sweep.   @param known how many of them had been there before. */
  constructor(
    readonly stored: Readonly<Record<SweepName, readonly StoredRow[]>>,
    readonly known: Readonly<Record<SweepName, number>>,
  ) {}

  /** The rows of a sweep that are done. */
  of(name: SweepName): Rec[] {
    return this.stored[name].flatMap((row) =>
      row.status === "done" ? [{ ...row.point, ...row.row }] : []
    );
  }

  /** How many rows each sweep has. */
  table(title: string): Table {
    return table({
      title,
      columns: ["sweep", "fields", "rows", "of these computed in this run", "failed"],
      rows: NAMES.map((name) => {
        const all = this.stored[name];
        const fields = Object.keys(SWEEPS[name].fields).join(" × ");
        const failed = all.filter(({ status }) => status === "failed").length;
        return [name, fields, all.length, all.length - this.known[name], failed];
      }),
    });
  }
}

/** The rows of every grid, and of more points.
 * @throws {StoreError} the store is locked or damaged; the signal's reason when aborted. */
export async function rowsOf(
  { profile, more = [], ...on }: Partial<On> & { profile: Profile; more?: readonly Chosen[] },
): Promise<SweepRows> {
  const wanted = bySweep((name) => [...pointsOf(SWEEPS[name]), ...chosenPoints(more, name)]);
  using store = await openStore(Object.values(SWEEPS), profile);
  const known = bySweep((name) => store.statuses(SWEEPS[name]).size);
  await runAll(store, wanted, on);
  return new SweepRows(bySweep((name) => store.rows(SWEEPS[name])), known);
}

/** Points computed once more, held against the rows of the same points. */
export class Recomputed {
  constructor(readonly rows: SweepRows, readonly fresh: SweepRows) {}

  #each<T>(value: (name: SweepName, row: StoredRow) => T): T[] {
    return NAMES.flatMap((name) => this.fresh.stored[name].map((row) => value(name, row)));
  }

  #differ(name: SweepName, row: StoredRow): string[] {
    return differences(SWEEPS[name], [row], this.rows.stored[name]);
  }

  /** In what they differ, timings apart, a line each. */
  get differences(): string[] {
    return this.#each((name, row) => this.#differ(name, row)).flat();
  }

  /** Each point, the first columns of the row kept, and whether the new one is equal. */
  table(): Table {
    return table({
      columns: ["sweep", "point", "row", "computed again"],
      rows: this.#each((name, row) => [
        name,
        Object.values(row.point).join(", "),
        shortRow(SWEEPS[name], this.rows.stored[name].find(({ key }) => key === row.key)),
        this.#differ(name, row).length === 0 ? "equal" : "differs",
      ]),
    });
  }
}

function shortRow(sweep: Sweep, row: StoredRow | undefined): string {
  if (row?.status !== "done") return row?.error ?? "none";
  const columns = sweep.columns.filter((name) => !sweep.timings?.includes(name));
  return columns.slice(0, 2).map((name) => {
    const value = row.row[name];
    return `${name} ${typeof value === "number" ? +value.toPrecision(4) : value}`;
  }).join(", ");
}

/** Computes some points afresh: a point's seed is a hash of it, so it gives the same row anywhere.
 * @throws as {@linkcode rowsOf}. */
export async function computeAgain(
  chosen: readonly Chosen[],
  rows: SweepRows,
  on: Partial<On> = {},
): Promise<Recomputed> {
  using store = new SweepStore(":memory:");
  // One at a time: each Worker holds data sets of its own, and a second would take a gigabyte more.
  await runAll(store, bySweep((name) => chosenPoints(chosen, name)), { ...on, workers: 1 });
  const fresh = bySweep((name) => store.rows(SWEEPS[name]));
  return new Recomputed(rows, new SweepRows(fresh, bySweep(() => 0)));
}

/** Writes all rows of a store, the search's too, to CSV files.
 * @param path of the store.   @param directory `data/sweeps/` by default. */
export async function archiveRows(path: string = STORE, directory?: string): Promise<void> {
  using store = new SweepStore(path);
  for (const sweep of [...Object.values(SWEEPS), predictions, leakages]) {
    await writeArchive(sweep, store.rows(sweep), directory);
  }
}
