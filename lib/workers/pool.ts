/** A queue of jobs over a pool of Workers.
 *
 * Each Worker takes one job at a time: it gets the job as a message and answers with one message. A
 * Worker that dies takes its job with it and nothing else: a fresh one goes on. On abort the call
 * returns at once and the Workers are terminated; Deno lets a busy one run on until its code yields,
 * so a shared flag also tells the handler to give up.
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
  const stopFlag = new Int32Array(new SharedArrayBuffer(4));
  let [next, done] = [0, 0];

  const stop = () => {
    signal?.removeEventListener("abort", finish);
    Atomics.store(stopFlag, 0, 1);
    alive.forEach((worker) => worker.terminate());
    alive.clear();
  };
  const finish = () => {
    stop();
    resolve(outcomes);
  };
  const send = (worker: Worker, job: number) => {
    const order: Order<Job> = { job: jobs[job], stopFlag };
    worker.postMessage(order);
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
      if (next < jobs.length) send(worker, job = next++);
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
    send(worker, job);
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
