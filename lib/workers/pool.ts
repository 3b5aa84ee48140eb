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
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param url a module that calls {@linkcode serveJobs}.
   * @throws {RangeError} workers is not a positive integer. */
  constructor(url: URL, workers: number = navigator.hardwareConcurrency) {
    if (!Number.isSafeInteger(workers) || workers < 1) {
      throw new RangeError(`Cannot run jobs: ${workers} workers, expected a positive integer`);
    }
    this.#url = url;
    this.workers = this.#free = workers;
  }

  /** Runs every job; outcomes in the order of the jobs, whatever the number of Workers. Never rejects on
   * account of a job.   @throws the signal's reason, at once when it aborts. */
  async run(
    jobs: readonly Job[],
    { signal, onProgress }: Omit<PoolOptions, "workers"> = {},
  ): Promise<JobOutcome<Result>[]> {
    signal?.throwIfAborted();
    let done = 0;
    return await Promise.all(jobs.map(async (job) => {
      const outcome = await this.runOne(job, signal);
      signal?.throwIfAborted();
      onProgress?.(++done, jobs.length);
      return outcome;
    }));
  }

  /** Runs one job on the next free Worker; else as {@linkcode run}. */
  async runOne(job: Job, signal?: AbortSignal): Promise<JobOutcome<Result>> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      signal?.throwIfAborted();
      return await this.#compute(job, signal);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  async #compute(job: Job, signal?: AbortSignal): Promise<JobOutcome<Result>> {
    const worker = this.#idle.pop() ?? new Worker(this.#url, { type: "module" });
    const stopFlag = new Int32Array(new SharedArrayBuffer(4));
    const { promise, resolve, reject } = Promise.withResolvers<JobOutcome<Result>>();
    const abort = () => {
      Atomics.store(stopFlag, 0, 1);
      worker.terminate();
      reject(signal!.reason);
    };
    worker.onmessage = ({ data }: MessageEvent<Answer<Result>>) => {
      this.#idle.push(worker);
      resolve(
        "result" in data
          ? { status: "done", result: data.result }
          : { status: "crashed", message: data.error },
      );
    };
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      resolve({ status: "crashed", message: event.message });
    };
    signal?.addEventListener("abort", abort);
    worker.postMessage({ job, stopFlag } satisfies Order<Job>);
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", abort);
      worker.onmessage = null; // an answer on its way is too late; what fails later is still caught
    }
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
