/** Where the rows of sweeps are kept: one SQLite file, one row a point and code version.
 *
 * A row is written once and never over: whoever computes a point twice (a Worker that was taken for dead,
 * a run cut off between two steps) changes nothing. A failed point is a row too, with its error. Every
 * row is a transaction of its own in WAL mode: a killed process loses at most the row it was writing,
 * and others may read meanwhile. One process at a time may write: it holds a lock on `FILE.lock`, which
 * the system drops when the process dies.
 *
 * SQLite keeps no checksums. What a row says of itself can still be held against its point: its key and its seed are
 * hashes of it. A row that fails that is damaged; it is never handed out, and computed again.
 * @module */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import type { Point, Row, Sweep } from "./grid.ts";
import { checkPoint, checkRow, pointKey, seedOf } from "./grid.ts";

/** Raised when the tables change. */
const STORE_VERSION = 1;
/** "FEsw": what marks a SQLite file as ours. */
const APPLICATION_ID = 0x46457377;
/** How long a write waits for another process's transaction. */
const BUSY_MS = 2000;

/** Without row numbers a scan reads rows where they lie: half the time. */
const SCHEMA = `
  CREATE TABLE rows (
    sweep TEXT NOT NULL, version INTEGER NOT NULL, key TEXT NOT NULL,
    point TEXT NOT NULL, seed INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('done', 'failed')),
    row TEXT, error TEXT,
    attempts INTEGER NOT NULL, startedAt TEXT NOT NULL, pointMs REAL NOT NULL,
    CHECK ((status = 'done') = (row IS NOT NULL) AND (status = 'failed') = (error IS NOT NULL)),
    PRIMARY KEY (sweep, version, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE identity (id TEXT NOT NULL) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${STORE_VERSION};`;

/** Integers of a damaged row may be larger than a number can hold: they come as text. */
const COLUMNS = `key, point, CAST(seed AS TEXT) AS seed, status, row, error,
  CAST(attempts AS TEXT) AS attempts, startedAt, pointMs`;

/** A store that cannot be opened or written. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}

/** What became of a point. */
export type Outcome =
  & ({ readonly status: "done"; readonly row: Row } | {
    readonly status: "failed";
    readonly error: string;
  })
  & {
    readonly attempts: number;
    /** ISO 8601. */
    readonly startedAt: string;
    /** The whole point, loading included. */
    readonly pointMs: number;
  };

/** A row of the store. */
export type StoredRow = Outcome & {
  readonly key: string;
  readonly point: Point;
  readonly seed: number;
};

type Columns = Record<string, string | number | null>;

/** Damaged text on one line. */
const plain = (text: unknown) => String(text).replaceAll(/[^\x20-\x7e]/g, "?");

/** A row as it was read, or what is wrong with it. */
function examined(sweep: Sweep, columns: Columns): StoredRow | string {
  const { key, status, ...texts } = columns as Record<string, string>;
  const [pointMs, attempts] = [columns.pointMs as number, Number(columns.attempts)];
  try {
    const point = checkPoint(sweep, JSON.parse(texts.point));
    const outcome = status === "done"
      ? { status, row: checkRow(sweep, JSON.parse(texts.row)) } as const
      : { status: "failed", error: texts.error } as const;
    const seed = seedOf(sweep, point);
    if (pointKey(sweep, point) !== key) return "its key is not its point's";
    if (String(seed) !== texts.seed) return "its seed is not its point's";
    if (status !== outcome.status) return "its status is neither";
    const timed = Number.isSafeInteger(attempts) && attempts > 0 && pointMs >= 0 &&
      pointMs < Infinity && !Number.isNaN(Date.parse(texts.startedAt));
    const { startedAt } = texts;
    return timed
      ? { key, point, seed, ...outcome, attempts, startedAt, pointMs }
      : "its times are none";
  } catch (error) {
    return error instanceof SyntaxError ? "not JSON" : (error as Error).message;
  }
}

/** The rows of sweeps on disk. */
export class SweepStore implements Disposable {
  readonly path: string;
  /** Tells this store from any other, e.g. on a Redis that they share. */
  readonly id: string;
  readonly #db: DatabaseSync;
  readonly #lock: Lock | null;

  /** Opens a store, made if it is not there.
   * @param path a file, or ":memory:".   @param options.readOnly beside another process that writes.
   * @throws {StoreError} no store, one of another version, corrupt, or written by another process. */
  constructor(path: string, { readOnly = false }: { readOnly?: boolean } = {}) {
    this.path = path;
    const memory = path === ":memory:";
    this.#lock = memory || readOnly ? null : lockFile(path);
    let opened: DatabaseSync | undefined;
    try {
      this.#db = new DatabaseSync(path, { readOnly });
      opened = this.#db;
      this.#db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
      this.id = this.#open(readOnly);
    } catch (error) {
      opened?.close();
      this.#lock?.abandon();
      throw error instanceof StoreError ? error : this.#failure("open", error);
    }
  }

  #open(readOnly: boolean): string {
    const one = (sql: string) => Object.values(this.#db.prepare(sql).get()!)[0];
    const isEmpty = one("SELECT count(*) FROM sqlite_schema") === 0;
    if (isEmpty && one("PRAGMA application_id") === 0 && !readOnly) {
      const id = crypto.randomUUID();
      this.#db.exec(`PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; ${SCHEMA}
        INSERT INTO identity VALUES ('${id}'); COMMIT`);
    }
    const version = one("PRAGMA user_version");
    if (one("PRAGMA application_id") !== APPLICATION_ID) {
      throw new StoreError(`Cannot open ${this.path}: it is no store of sweeps`);
    }
    if (version !== STORE_VERSION) {
      throw new StoreError(
        `Cannot open ${this.path}: written as store version ${version}, expected ${STORE_VERSION}`,
      );
    }
    const damage = one("PRAGMA quick_check(1)");
    if (damage !== "ok") throw new StoreError(`Cannot open ${this.path}: corrupt (${damage})`);
    this.#db.exec("PRAGMA synchronous = NORMAL"); // safe against a killed process
    return one("SELECT id FROM identity") as string;
  }

  #failure(action: string, error: unknown): StoreError {
    const message = error instanceof Error ? error.message : String(error);
    const reason = /locked|busy/i.test(message)
      ? "locked by another process"
      : /malformed|not a database|disk I\/O/i.test(message)
      ? `corrupt or no store (${message})`
      : message;
    return new StoreError(`Cannot ${action} ${this.path}: ${reason}`);
  }

  /** Runs a statement; what SQLite throws becomes a {@linkcode StoreError}. */
  #all(action: string, sql: string, ...values: SQLInputValue[]): Columns[] {
    try {
      return this.#db.prepare(sql).all(...values) as Columns[];
    } catch (error) {
      throw this.#failure(action, error);
    }
  }

  /** Writes what became of a point, once: false if the store has a row for it, which stays as it is.
   * @throws {StoreError} locked, or the disk is full. */
  add(sweep: Sweep, point: Point, outcome: Outcome): boolean {
    const { status, attempts, startedAt, pointMs } = outcome;
    const written = this.#all(
      "write to",
      "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1",
      ...[sweep.name, sweep.version, pointKey(sweep, point), JSON.stringify(point)],
      ...[seedOf(sweep, point), status],
      status === "done" ? JSON.stringify(outcome.row) : null,
      status === "failed" ? outcome.error : null,
      ...[attempts, startedAt, pointMs],
    );
    return written.length === 1;
  }

  /** What the rows of a sweep's version have in these columns. */
  #read(sweep: Sweep, columns: string, order = ""): Columns[] {
    const sql = `SELECT ${columns} FROM rows WHERE sweep = ? AND version = ? ${order}`;
    return this.#all("read", sql, sweep.name, sweep.version);
  }

  /** Which points have a row of this version, by key. */
  statuses(sweep: Sweep): Map<string, Outcome["status"]> {
    return new Map(
      this.#read(sweep, "key, status")
        .map(({ key, status }) => [key as string, status as Outcome["status"]]),
    );
  }

  /** Removes the failed rows of these points, so that a run tries them again. */
  forgetFailed(sweep: Sweep, points: readonly Point[]): void {
    const sql =
      "DELETE FROM rows WHERE sweep = ? AND version = ? AND key = ? AND status = 'failed'";
    for (const point of points) {
      this.#all("write to", sql, sweep.name, sweep.version, pointKey(sweep, point));
    }
  }

  /** Removes the rows of a sweep that are damaged, so that a run computes their points again.
   * @returns a line each. */
  dropDamaged(sweep: Sweep): string[] {
    const lines: string[] = [];
    for (const columns of this.#read(sweep, COLUMNS)) {
      const fault = examined(sweep, columns);
      if (typeof fault !== "string") continue;
      lines.push(`row ${plain(columns.key)} of ${sweep.name} is damaged: ${plain(fault)}`);
      // "+" reads row by row: a damaged key is not where an index would look for it
      const remove = "DELETE FROM rows WHERE +sweep = ? AND +version = ? AND +key = ? RETURNING 1";
      const gone = this.#all("write to", remove, sweep.name, sweep.version, columns.key);
      if (gone.length === 0) throw new StoreError(`Cannot mend ${this.path}: ${lines.at(-1)}`);
    }
    return lines;
  }

  /** The rows of these points, in their order, or all, sorted by point; a point without a row is left out.
   * @throws {StoreError} a damaged row. */
  rows(sweep: Sweep, points?: readonly Point[]): StoredRow[] {
    const all = this.#read(sweep, COLUMNS, points === undefined ? "ORDER BY point" : "");
    if (points === undefined) return all.map((columns) => this.#stored(sweep, columns));
    const byKey = new Map(all.map((columns) => [columns.key as string, columns]));
    return points.flatMap((point) => {
      const columns = byKey.get(pointKey(sweep, point));
      return columns === undefined ? [] : [this.#stored(sweep, columns)];
    });
  }

  #stored(sweep: Sweep, columns: Columns): StoredRow {
    const stored = examined(sweep, columns);
    if (typeof stored === "string") {
      throw new StoreError(
        `Cannot read ${this.path}: row ${plain(columns.key)} of ${sweep.name} is damaged ` +
          `(${plain(stored)}); deno task sweep ${sweep.name} --resume computes it again`,
      );
    }
    return stored;
  }

  /** Closes the file and gives up the lock. */
  [Symbol.dispose](): void {
    this.#db.close();
    this.#lock?.file.close();
  }
}

/** Held by the process that writes. `abandon` gives it up and, where it is new because the store could not be opened,
 * leaves no trace. */
type Lock = { readonly file: Deno.FsFile; abandon(): void };

/** Locks `path.lock` until the file is closed or the process dies.
 * @throws {StoreError} another process holds it, or the folder cannot be written. */
function lockFile(path: string): Lock {
  const lock = `${path}.lock`;
  const isNew = !existsSync(lock);
  let file: Deno.FsFile;
  try {
    mkdirSync(dirname(path), { recursive: true });
    file = Deno.openSync(lock, { create: true, write: true });
  } catch (error) {
    throw new StoreError(`Cannot open ${path}: ${(error as Error).message}`);
  }
  if (!file.tryLockSync(true)) {
    file.close();
    throw new StoreError(`Cannot open ${path}: locked by another process that writes to it`);
  }
  const abandon = () => {
    if (isNew) Deno.removeSync(lock);
    file.close();
  };
  return { file, abandon };
}
