/** The worker side of a queue: takes points from Redis and computes them on Workers of this machine.
 *
 * The main thread only talks to Redis, so it renews the locks of its jobs however busy the points keep their
 * Workers. A point that kills its Worker is an attempt that failed; one that takes the whole process along
 * stalls, is tried elsewhere, and fails after as many attempts.
 * @module */
import type { Job } from "bullmq";
import { checkPoint, type Point, type Sweep } from "./grid.ts";
import { ATTEMPTS, PointPool } from "./point_pool.ts";
import type { Evaluation } from "./point_worker.ts";
import { queueName } from "./queue.ts";
import { connectRedis } from "./redis.ts";

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
  using pool = new PointPool(workers);
  using link = await connectRedis(url, listen);

  async function process(sweep: Sweep, job: Job<Point, Evaluation>): Promise<Evaluation> {
    let point: Point;
    try {
      point = checkPoint(sweep, job.data);
    } catch (error) {
      throw new UnrecoverableError(String(error)); // no attempt will mend it
    }
    await sweep.prepare?.(point);
    const outcome = await pool.run(sweep, point);
    if (outcome.status === "done") {
      listen.onPoint?.(sweep, point);
      return outcome.result;
    }
    listen.onPoint?.(sweep, point, outcome.message);
    throw new Error(outcome.message);
  }

  const consumers = sweeps.map((sweep) => {
    const consumer = new Consumer<Point, Evaluation>(
      queueName(sweep),
      (job) => process(sweep, job),
      {
        connection: link.client,
        concurrency: workers,
        lockDuration: lockMs,
        stalledInterval: lockMs,
        maxStalledCount: ATTEMPTS - 1,
        drainDelay: IDLE_S, // a retry that comes due does not always wake a worker that waits
      },
    );
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
