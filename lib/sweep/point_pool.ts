/** Workers that compute points one at a time, for the runner of this machine and for a queue's worker alike.
 * @module */
import { type JobOutcome, WorkerPool } from "../workers/pool.ts";
import type { Point, Sweep } from "./grid.ts";
import type { Evaluation, PointJob } from "./point_worker.ts";

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
