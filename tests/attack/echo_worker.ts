/** A Worker for the pool's tests: doubles its number, after `busyMs` of blocking work; throws for -1,
 * dies for -2. */
import { serveJobs } from "lib/attack/worker_pool.ts";

export interface EchoJob {
  value: number;
  busyMs?: number;
}

serveJobs(({ value, busyMs = 0 }: EchoJob): number | Promise<number> => {
  const end = performance.now() + busyMs;
  while (performance.now() < end);
  if (value === -1) throw new Error("the handler throws");
  if (value === -2) {
    setTimeout(() => {
      throw new Error("the worker dies (expected in this test's output)");
    });
    return Promise.withResolvers<number>().promise;
  }
  return 2 * value;
});
