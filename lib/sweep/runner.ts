/** Runs a sweep on this machine: a pool of Workers on all cores, every row stored as soon as it is there.
 *
 * Points that the store has a row for are left out, so a run that was cut off at any moment goes on where
 * it stood, and ends with the rows of an unbroken one.
 * @module */
import { type Point, pointKey, type Sweep } from "./grid.ts";
import type { SweepStore } from "./store.ts";
import { WorkerPool } from "../workers/pool.ts";
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
  using pool = pointPool(workers);
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
      const outcome = await pool.runOne({ url: sweep.url, point }, stop);
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

/** Workers that compute points. A point that kills its Worker takes nothing else with it.
 * @throws {RangeError} workers is not a positive integer. */
export function pointPool(workers: number): WorkerPool<PointJob, Evaluation> {
  return new WorkerPool(new URL("./point_worker.ts", import.meta.url), workers);
}
