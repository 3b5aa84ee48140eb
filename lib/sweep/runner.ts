/** Runs a sweep on this machine: a pool of Workers on all cores, every row stored as soon as it is there.
 *
 * Points that the store has a row for are left out, so a run that was cut off at any moment goes on where
 * it stood, and ends with the rows of an unbroken one.
 * @module */
import { type Point, pointKey, type Sweep } from "./grid.ts";
import type { SweepStore } from "./store.ts";
import { type JobOutcome, WorkerPool } from "../workers/pool.ts";
import type { Evaluation, PointJob } from "./point_worker.ts";

/** How a sweep runs, on one machine or on many. */
export interface RunOptions {
  readonly store: SweepStore;
  readonly signal?: AbortSignal;
  /** Points that have a row, of all that were asked for. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** The points that have no row yet. */
export function missingPoints(
  store: SweepStore,
  sweep: Sweep,
  points: readonly Point[],
): Point[] {
  const statuses = store.statuses(sweep);
  return points.filter((point) => !statuses.has(pointKey(sweep, point)));
}

/** Computes every missing point, in any order; a point that throws or kills its Worker is tried three times,
 * then stored as failed. Resolves when all have a row.
 * @param options.workers the machine's cores by default, or 1 for a sweep of timings.
 * @throws {RangeError} workers is not a positive integer. {StoreError} a row cannot be written.
 * @throws what the sweep's `prepare` throws, before any point is computed; the signal's reason, at once when
 * it aborts: the rows that were there are stored. */
export async function runSweep(
  sweep: Sweep,
  points: readonly Point[],
  { store, signal, onProgress, workers = sweep.timed ? 1 : navigator.hardwareConcurrency }:
    & RunOptions
    & { readonly workers?: number },
): Promise<void> {
  using pool = new PointPool(workers);
  const missing = missingPoints(store, sweep, points);
  let done = points.length - missing.length;
  onProgress?.(done, points.length);
  for (const point of missing) {
    signal?.throwIfAborted();
    await sweep.prepare?.(point);
  }
  const failure = new AbortController(); // a store that fails stops every Worker
  const stop = AbortSignal.any([failure.signal, ...signal === undefined ? [] : [signal]]);
  const tasks = missing.map((point) => ({ point, attempts: 0 }));
  let next = 0;

  async function work(): Promise<void> {
    while (next < tasks.length) {
      const { point, attempts: before } = tasks[next++];
      const startedAt = new Date().toISOString();
      const start = performance.now();
      const outcome = await pool.run(sweep, point, stop);
      const attempts = before + 1;
      if (outcome.status === "crashed" && attempts < ATTEMPTS) {
        tasks.push({ point, attempts }); // after the others
        continue;
      }
      if (outcome.status === "crashed") {
        const pointMs = performance.now() - start;
        const error = outcome.message;
        store.add(sweep, point, { status: "failed", error, attempts, startedAt, pointMs });
      } else {
        const { row, startedAt, elapsedMs: pointMs } = outcome.result;
        store.add(sweep, point, { status: "done", row, attempts, startedAt, pointMs });
      }
      onProgress?.(++done, points.length);
    }
  }

  try {
    await Promise.all(Array.from({ length: Math.min(workers, tasks.length) }, work));
  } catch (error) {
    failure.abort();
    throw error;
  }
}

/** How often a point is tried before it becomes a failed row. */
export const ATTEMPTS = 3;

/** Workers that are handed out one by one. A point that kills its Worker takes nothing else with it. */
export class PointPool implements Disposable {
  readonly #all: WorkerPool<PointJob, Evaluation>[];
  readonly #idle: WorkerPool<PointJob, Evaluation>[];
  readonly #waiting: ((worker: WorkerPool<PointJob, Evaluation>) => void)[] = [];

  /** @throws {RangeError} workers is not a positive integer. */
  constructor(workers: number) {
    const url = new URL("./point_worker.ts", import.meta.url);
    const first = new WorkerPool<PointJob, Evaluation>(url, workers); // checks the number
    this.#all = Array.from(
      { length: first.workers },
      () => new WorkerPool<PointJob, Evaluation>(url, 1),
    );
    this.#idle = [...this.#all];
  }

  /** Computes a point on the next free Worker; rejects on no account of the point.
   * @throws the signal's reason, at once when it aborts. */
  async run(sweep: Sweep, point: Point, signal?: AbortSignal): Promise<JobOutcome<Evaluation>> {
    const worker = this.#idle.pop() ??
      await new Promise<WorkerPool<PointJob, Evaluation>>((free) => this.#waiting.push(free));
    try {
      const [outcome] = await worker.run([{ url: sweep.url, point }], { signal });
      return outcome;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(worker);
      else next(worker);
    }
  }

  /** Ends the Workers. */
  [Symbol.dispose](): void {
    this.#all.forEach((worker) => worker[Symbol.dispose]());
  }
}
