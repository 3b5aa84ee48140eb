/** A Worker for the pool's tests: doubles its number, after `busyMs` of blocking work that ends with a
 * sign of life on channel "echo"; throws for -1, dies for -2. */
import { serveJobs } from "lib/workers/pool.ts";

export interface EchoJob {
  value: number;
  busyMs?: number;
}

serveJobs(({ value, busyMs = 0 }: EchoJob, stopped): number | Promise<number> => {
  const end = performance.now() + busyMs;
  while (performance.now() < end && !stopped());
  if (busyMs > 0 && !stopped()) new BroadcastChannel("echo").postMessage("alive");
  if (value === -1) throw new Error("the handler throws");
  if (value === -2) {
    setTimeout(() => {
      throw new Error("the worker dies (expected in this test's output)");
    });
    return Promise.withResolvers<number>().promise;
  }
  return 2 * value;
});
