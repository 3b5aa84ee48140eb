/** A queue of jobs over a pool of Workers.
 *
 * Each Worker takes one job at a time: it gets the job as a message and answers with one message. A
 * Worker that dies takes its job with it and nothing else: a fresh one goes on. On abort the call
 * rejects at once and the Workers are terminated; Deno lets a busy one run on until its code yields,
 * so a shared flag also tells the handler to give up.
 * @module */

/** What became of one job. */
export type JobOutcome<Result> =
  | { status: "done"; result: Result }
  | { status: "crashed"; message: string };

/** How a pool runs. */
export interface PoolOptions {
  /** Number of Workers; the machine's cores by default. */
  workers?: number;
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

/** What a Worker is sent. */
interface Order<Job> {
  job: Job;
  /** One shared cell, not 0 once the pool has stopped. */
  stopFlag: Int32Array;
}

/** What a Worker answers: its result, or what its handler threw. */
type Answer<Result> = { result: Result } | { error: string };

/** The Worker's side: answers every job it is sent. What `handle` throws is reported, not fatal.
 * @param handle a long one asks `stopped` now and then, and returns anything once it is true. */
export function serveJobs<Job, Result>(
  handle: (job: Job, stopped: () => boolean) => Result | Promise<Result>,
): void {
  const scope = self as unknown as Worker; // the types of this file are those of the main thread
  scope.onmessage = async ({ data: { job, stopFlag } }: MessageEvent<Order<Job>>) => {
    let answer: Answer<Result>;
    try {
      answer = { result: await handle(job, () => Atomics.load(stopFlag, 0) !== 0) };
    } catch (error) {
      answer = { error: String(error) };
    }
    scope.postMessage(answer);
  };
}

/** Workers of one module, started when first needed and kept between runs until disposed of. */
export class WorkerPool<Job, Result> implements Disposable {
  /** The most Workers at a time. */
  readonly workers: number;
  readonly #url: URL;
  readonly #idle: Worker[] = [];

  /** @param url a module that calls {@linkcode serveJobs}.
   * @throws {RangeError} workers is not a positive integer. */
  constructor(url: URL, workers: number = navigator.hardwareConcurrency) {
    if (!Number.isSafeInteger(workers) || workers < 1) {
      throw new RangeError(`Cannot run jobs: ${workers} workers, expected a positive integer`);
    }
    this.#url = url;
    this.workers = workers;
  }

  /** Runs every job; outcomes in the order of the jobs, whatever the number of Workers. Never rejects on
   * account of a job. One run at a time.   @throws the signal's reason, at once when it aborts. */
  async run(
    jobs: readonly Job[],
    { signal, onProgress }: Omit<PoolOptions, "workers"> = {},
  ): Promise<JobOutcome<Result>[]> {
    signal?.throwIfAborted();
    if (jobs.length === 0) return [];
    const { promise, resolve, reject } = Promise.withResolvers<JobOutcome<Result>[]>();
    const outcomes = new Array<JobOutcome<Result>>(jobs.length);
    const busy = new Set<Worker>();
    const stopFlag = new Int32Array(new SharedArrayBuffer(4));
    let [next, done] = [0, 0];

    const stop = () => {
      signal?.removeEventListener("abort", abort);
      Atomics.store(stopFlag, 0, 1);
      busy.forEach((worker) => worker.terminate());
      busy.clear();
    };
    const abort = () => {
      stop();
      reject(signal!.reason);
    };
    const record = (job: number, outcome: JobOutcome<Result>) => {
      outcomes[job] = outcome;
      done++;
      onProgress?.(done, jobs.length);
      if (done < jobs.length) return;
      stop();
      resolve(outcomes);
    };
    const takeNext = (worker: Worker) => {
      if (next >= jobs.length) {
        busy.delete(worker);
        this.#idle.push(worker);
        return;
      }
      const job = next++;
      busy.add(worker);
      worker.onmessage = ({ data }: MessageEvent<Answer<Result>>) => {
        if (!busy.has(worker)) return;
        takeNext(worker);
        record(
          job,
          "result" in data
            ? { status: "done", result: data.result }
            : { status: "crashed", message: data.error },
        );
      };
      worker.onerror = (event) => {
        event.preventDefault();
        if (!busy.delete(worker)) return;
        worker.terminate();
        if (next < jobs.length) takeNext(this.#worker());
        record(job, { status: "crashed", message: event.message });
      };
      const order: Order<Job> = { job: jobs[job], stopFlag };
      worker.postMessage(order);
    };

    signal?.addEventListener("abort", abort);
    try {
      for (let k = 0; k < Math.min(this.workers, jobs.length); k++) takeNext(this.#worker());
    } catch (error) { // no permission to read the module
      stop();
      reject(error);
    }
    return await promise;
  }

  #worker(): Worker {
    return this.#idle.pop() ?? new Worker(this.#url, { type: "module" });
  }

  /** Ends the Workers. */
  [Symbol.dispose](): void {
    this.#idle.splice(0).forEach((worker) => worker.terminate());
  }
}

/** Runs jobs in a pool that lives for this call; see {@linkcode WorkerPool}.
 * @throws {RangeError} workers is not a positive integer.   @throws the signal's reason when aborted. */
export async function runJobs<Job, Result>(
  url: URL,
  jobs: readonly Job[],
  options: PoolOptions = {},
): Promise<JobOutcome<Result>[]> {
  using pool = new WorkerPool<Job, Result>(url, options.workers);
  return await pool.run(jobs, options);
}

/** Longest stretch without a pause. */
const STRETCH_MS = 30;

/** A function to await between two pieces of work: pauses when the last pause was a while ago.
 * @throws (the returned function) the signal's reason when aborted. */
export function breather(signal: AbortSignal | undefined): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last > STRETCH_MS) {
      await new Promise((resolve) => setTimeout(resolve));
      last = performance.now();
    }
    signal?.throwIfAborted();
  };
}
