/** A sweep on many machines: BullMQ on Redis carries points out and results back.
 *
 * The one process that owns the store puts the missing points on the sweep's queue, each as a job named
 * by the point's key, and collects what became of them; any number of workers ({@linkcode serveSweeps}) take
 * them. The store is the truth: a result leaves Redis only after it has been written there, and a second
 * one for the same point changes nothing. So whoever is killed, whenever, the rows come out the same:
 * jobs of a dead worker stall and are taken over, a new owner finds the results of a dead one, and a job that Redis
 * has lost, whole or in part, is sent again.
 *
 * Queues are named by sweep and version: a worker of other code never takes a job.
 * @see https://docs.bullmq.io
 * @module */
import type { Job, Queue } from "bullmq";
import { checkPoint, checkRow, type Point, pointKey, type Sweep } from "./grid.ts";
import { ATTEMPTS, missingPoints, pointPool, type RunOptions } from "./runner.ts";
import type { Evaluation } from "./point_worker.ts";
import { connectRedis, RedisError, type RedisLink } from "./redis.ts";
import type { Outcome } from "./store.ts";

const BACKOFF_MS = 500;
/** Jobs sent or fetched at once. */
const BATCH = 500;
const POLL_MS = 100;
/** So often a quiet owner looks whether Redis still has its jobs. */
const RECKON_MS = 3000;
/** An owner that has not renewed its claim for so long has died. */
const CLAIM_MS = 15_000;

/** The queue of a sweep's version. */
export const queueName = ({ name, version }: Sweep): string => `sweep-${name}-v${version}`;

type PointQueue = Queue<Point, Evaluation>;

/** Computes every missing point on the workers of a Redis server; else as `runSweep`. Aborting takes
 * the points that wait off the queue.
 * @param options.onNotice told in a line what a person should know.
 * @throws {RedisError} unreachable, wrong password, gone for a minute, or another store's owner is at it.
 * @throws the signal's reason when aborted. */
export async function runOnRedis(
  sweep: Sweep,
  points: readonly Point[],
  { url, store, signal, onProgress, onNotice }: RunOptions & {
    readonly url: string;
    readonly onNotice?: (message: string) => void;
  },
): Promise<void> {
  const { Queue: BullQueue } = await import("bullmq"); // as it loads it asks for the environment
  using link = await connectRedis(url, { onNotice });
  const queue: PointQueue = new BullQueue(queueName(sweep), { connection: link.client });
  queue.on("error", () => {}); // the link tells
  const wanted = new Map(
    missingPoints(store, sweep, points).map((point) => [pointKey(sweep, point), point]),
  );
  const progress = () => onProgress?.(points.length - wanted.size, points.length);

  /** Moves results from Redis to the store. @returns how many jobs there were. */
  async function collect(): Promise<number> {
    const ids = await queue.getRanges(["completed", "failed"], 0, BATCH - 1);
    const jobs = await Promise.all(ids.map((id) => queue.getJob(id)));
    const lost = new Map<string, Point>();
    const ended: Job[] = [];
    for (const [k, id] of ids.entries()) {
      const [job, point] = [jobs[k], wanted.get(id)];
      if (job === undefined || pointKey(sweep, job.data ?? {}) !== id) {
        // of a job that Redis threw away, those who end it leave a stump
        await forget(id);
        if (point !== undefined) lost.set(id, point);
      } else if (point === undefined) { // of an earlier run with other points
        ended.push(job);
      } else if (job.finishedOn === undefined) { // lost, and sent again: only its name stands here still
        await unlist(id);
      } else {
        store.add(sweep, point, outcomeOf(sweep, job));
        wanted.delete(id);
        progress();
        ended.push(job);
      }
    }
    await Promise.all(ended.map((job) => job.remove()));
    await sendAgain(lost);
    return ids.length;
  }

  /** Takes a name off the lists of what has ended. */
  const unlist = (id: string) =>
    Promise.all(["completed", "failed"].map((list) => link.client.zrem(jobKey(sweep, list), id)));

  /** Removes what is left of a job, else it would not be taken as new. */
  const forget = (id: string) => Promise.all([link.client.del(jobKey(sweep, id)), unlist(id)]);

  async function sendAgain(lost: ReadonlyMap<string, Point>): Promise<void> {
    if (lost.size === 0) return;
    onNotice?.(`Redis at ${link.address} has lost ${lost.size} points: sending them again`);
    await send(queue, lost);
  }

  /** Sends again the points that no list of Redis names any more: it came back without its data, or with less of it.
   * (Of a job that is gone though its name is there, the worker who takes it leaves a stump.) */
  async function reckon(): Promise<void> {
    const listed = new Set(await queue.getRanges(STATES, 0, -1));
    const lost = new Map([...wanted].filter(([id]) => !listed.has(id)));
    for (const id of lost.keys()) await forget(id);
    await sendAgain(lost);
  }

  async function watch(): Promise<void> {
    await claim(link, sweep, store.id);
    await queue.drain(true); // what a dead owner left waiting; what workers have in hand stays
    while (await collect() > 0);
    await send(queue, wanted);
    let [reckonedAt, idle] = [performance.now(), false];
    while (wanted.size > 0 && !signal?.aborted) {
      await claim(link, sweep, store.id);
      const collected = await collect();
      if (collected < BATCH) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (collected > 0) reckonedAt = performance.now();
      if (performance.now() - reckonedAt < RECKON_MS) continue;
      await reckon();
      reckonedAt = performance.now();
      if (!idle && await queue.getWorkersCount() === 0) {
        idle = true;
        onNotice?.(`No worker takes points from ${link.address}: start deno task worker there`);
      }
    }
  }

  progress();
  if (wanted.size === 0) return;
  const aborted = Promise.withResolvers<void>();
  signal?.addEventListener("abort", () => aborted.resolve(), { once: true });
  await Promise.race([watch(), aborted.promise, link.lost]);
  if (link.client.status === "ready") {
    await queue.drain(true);
    await link.client.del(claimKey(sweep));
  }
  signal?.throwIfAborted();
}

/** Every list that a job may be on. */
const STATES = [
  ...["active", "wait", "delayed", "prioritized", "completed", "failed"] as const,
];

/** Where Redis keeps a job, or one of the lists. */
const jobKey = (sweep: Sweep, name: string) => `bull:${queueName(sweep)}:${name}`;

/** Enqueues points; those that are on the queue already stay as they are. */
async function send(queue: PointQueue, points: ReadonlyMap<string, Point>): Promise<void> {
  const jobs = [...points].map(([jobId, data]) => ({
    ...{ name: "point", data },
    opts: { jobId, attempts: ATTEMPTS, backoff: { type: "exponential", delay: BACKOFF_MS } },
  }));
  for (let at = 0; at < jobs.length; at += BATCH) await queue.addBulk(jobs.slice(at, at + BATCH));
}

/** What became of a job that has ended. Its row crossed a network: it is checked. */
function outcomeOf(sweep: Sweep, job: Job<Point, Evaluation>): Outcome {
  const { processedOn, finishedOn } = job;
  const shared = {
    attempts: Math.max(1, job.attemptsMade),
    startedAt: new Date(processedOn ?? job.timestamp).toISOString(),
    pointMs: finishedOn! - (processedOn ?? finishedOn!),
  };
  if (job.failedReason) return { status: "failed", error: job.failedReason, ...shared };
  try {
    return { status: "done", row: checkRow(sweep, job.returnvalue?.row), ...shared };
  } catch (error) {
    return { status: "failed", error: String(error), ...shared };
  }
}

const claimKey = (sweep: Sweep) => `${queueName(sweep)}:owner`;

/** Makes this store the one that takes the results, or renews its claim.
 * @throws {RedisError} another store has it. */
async function claim({ client, address }: RedisLink, sweep: Sweep, id: string): Promise<void> {
  const key = claimKey(sweep);
  if (await client.set(key, id, "PX", CLAIM_MS, "NX") === "OK") return;
  if (await client.get(key) !== id) {
    throw new RedisError(
      `Cannot sweep ${sweep.name} on Redis at ${address}: another store collects its rows`,
    );
  }
  await client.pexpire(key, CLAIM_MS);
}

/** A worker that has not renewed its jobs' locks for so long has died. */
const LOCK_MS = 15_000;
/** An idle worker looks again after so many seconds. */
const IDLE_S = 1;

/** Takes points of these sweeps until aborted; points in hand are finished first.
 * @param options.workers points at a time, the machine's cores by default.
 * @param options.lockMs after how long others take over what a dead worker had in hand, at most thrice this.
 * @param options.onPoint called after each attempt; with the error where it failed.
 * @throws {RedisError} unreachable, wrong password, or gone for a minute. {RangeError} workers not positive. */
export async function serveSweeps(
  sweeps: readonly Sweep[],
  { url, workers = navigator.hardwareConcurrency, lockMs = LOCK_MS, signal, onReady, ...listen }: {
    readonly url: string;
    readonly workers?: number;
    readonly lockMs?: number;
    readonly signal?: AbortSignal;
    /** Called with the server's host and port once points may come. */
    readonly onReady?: (address: string) => void;
    readonly onNotice?: (message: string) => void;
    readonly onPoint?: (sweep: Sweep, point: Point, error?: string) => void;
  },
): Promise<void> {
  const { UnrecoverableError, Worker: Consumer } = await import("bullmq"); // needs the environment
  using pool = pointPool(workers);
  using link = await connectRedis(url, listen);

  async function process(sweep: Sweep, job: Job<Point, Evaluation>): Promise<Evaluation> {
    let point: Point;
    try {
      point = checkPoint(sweep, job.data);
    } catch (error) {
      throw new UnrecoverableError(String(error)); // no attempt will mend it
    }
    await sweep.prepare?.(point);
    const outcome = await pool.runOne({ url: sweep.url, point });
    const error = outcome.status === "crashed" ? outcome.message : undefined;
    listen.onPoint?.(sweep, point, error);
    if (outcome.status === "done") return outcome.result;
    throw new Error(error);
  }

  const consumers = sweeps.map((sweep) => {
    const consumer = new Consumer(queueName(sweep), (job) => process(sweep, job), {
      connection: link.client,
      concurrency: workers,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      maxStalledCount: ATTEMPTS - 1,
      drainDelay: IDLE_S, // a retry that comes due does not always wake a worker that waits
    });
    consumer.on("error", () => {}); // the link tells; a lost lock means that another took over
    return consumer;
  });
  const aborted = Promise.withResolvers<void>();
  if (signal?.aborted) aborted.resolve();
  signal?.addEventListener("abort", () => aborted.resolve(), { once: true });
  try {
    await Promise.all(consumers.map((consumer) => consumer.waitUntilReady()));
    onReady?.(link.address);
    await Promise.race([aborted.promise, link.lost]);
  } finally {
    const gone = link.client.status === "end";
    await Promise.race([link.lost, Promise.all(consumers.map((c) => c.close(gone)))])
      .catch(() => {}); // the reason is on its way up
  }
}
