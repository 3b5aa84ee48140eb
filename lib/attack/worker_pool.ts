/** A queue of jobs over a pool of Workers.
 *
 * Each Worker takes one job at a time: it gets the job as a message and answers with one message. A
 * solve inside a Worker is synchronous WASM and cannot be asked to stop, so an abort terminates the
 * Workers. A Worker that dies takes its job with it and nothing else: a fresh one goes on.
 * @module */

/** What became of one job. */
export type JobOutcome<Result> =
  | { status: "done"; result: Result }
  | { status: "crashed"; message: string }
  | { status: "aborted" };

/** How a pool runs. */
export interface PoolOptions {
  /** Number of Workers; the machine's cores by default. */
  workers?: number;
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

/** What a Worker answers: its result, or what its handler threw. */
type Answer<Result> = { result: Result } | { error: string };

/** The Worker's side: answers every job it is sent. What `handle` throws is reported, not fatal. */
export function serveJobs<Job, Result>(handle: (job: Job) => Result | Promise<Result>): void {
  const scope = self as unknown as Worker; // the types of this file are those of the main thread
  scope.onmessage = async ({ data }: MessageEvent<Job>) => {
    let answer: Answer<Result>;
    try {
      answer = { result: await handle(data) };
    } catch (error) {
      answer = { error: String(error) };
    }
    scope.postMessage(answer);
  };
}

/** Runs every job in a Worker of module `url`, which calls {@linkcode serveJobs}; outcomes in the order of the jobs, whatever the number
 * of Workers. Never rejects on account of a job; resolves at once when the signal aborts.
 * @throws {RangeError} workers is not a positive integer. */
export function runJobs<Job, Result>(
  url: URL,
  jobs: readonly Job[],
  { workers = navigator.hardwareConcurrency, signal, onProgress }: PoolOptions = {},
): Promise<JobOutcome<Result>[]> {
  if (!Number.isSafeInteger(workers) || workers < 1) {
    throw new RangeError(`Cannot run jobs: ${workers} workers, expected a positive integer`);
  }
  const { promise, resolve, reject } = Promise.withResolvers<JobOutcome<Result>[]>();
  const outcomes: JobOutcome<Result>[] = jobs.map(() => ({ status: "aborted" }));
  const alive = new Set<Worker>();
  let [next, done] = [0, 0];

  const stop = () => {
    signal?.removeEventListener("abort", finish);
    alive.forEach((worker) => worker.terminate());
    alive.clear();
  };
  const finish = () => {
    stop();
    resolve(outcomes);
  };
  const record = (job: number, outcome: JobOutcome<Result>) => {
    outcomes[job] = outcome;
    done++;
    onProgress?.(done, jobs.length);
    if (done === jobs.length) finish();
  };
  const start = () => {
    if (next >= jobs.length || signal?.aborted) return;
    const worker = new Worker(url, { type: "module" });
    alive.add(worker);
    let job = next++;
    worker.onmessage = ({ data }: MessageEvent<Answer<Result>>) => {
      if (!alive.has(worker)) return;
      const finished = job;
      if (next < jobs.length) worker.postMessage(jobs[job = next++]);
      else retire(worker);
      record(
        finished,
        "result" in data
          ? { status: "done", result: data.result }
          : { status: "crashed", message: data.error },
      );
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (!alive.has(worker)) return;
      retire(worker);
      record(job, { status: "crashed", message: event.message });
      start();
    };
    worker.postMessage(jobs[job]);
  };
  const retire = (worker: Worker) => {
    alive.delete(worker);
    worker.terminate();
  };

  if (jobs.length === 0 || signal?.aborted) return Promise.resolve(outcomes);
  signal?.addEventListener("abort", finish);
  try {
    for (let k = 0; k < Math.min(workers, jobs.length); k++) start();
  } catch (error) { // no permission to read the module
    stop();
    reject(error);
  }
  return promise;
}
