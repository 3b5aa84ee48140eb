/** `deno task sweep`: runs a sweep on this machine, or enqueues it on Redis and watches; keeps every row in
 * the store and prints or exports them.
 * @module */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { startProgress } from "../notebook/progress.ts";
import { formatCsv, formatJson } from "../sweep/archive.ts";
import { loadSweep, type Only, parseOnly, pointsOf, type Sweep, SWEEPS } from "../sweep/grid.ts";
import { runOnRedis } from "../sweep/queue.ts";
import { missingPoints, runSweep } from "../sweep/runner.ts";
import { SweepStore } from "../sweep/store.ts";
import { moduleOf, redisUrl, runCommand, stopSignal, UsageError } from "./args.ts";

const command = {
  name: "sweep",
  summary: `Computes every point of a sweep: ${SWEEPS.join(", ")}, or a module that exports one.`,
  flags: {
    redis: {
      type: "text",
      placeholder: "URL",
      help: "let the workers of this Redis compute (default: REDIS_URL, where a password belongs)",
    },
    resume: { type: "switch", help: "compute only what the store has no row for" },
    retry: { type: "switch", help: "like --resume, and compute failed points again" },
    workers: {
      type: "integer",
      min: 1,
      max: 1024,
      help: "points at a time on this machine (default: its cores; 1 for a sweep of timings)",
    },
    only: {
      type: "text",
      placeholder: "FIELD=VALUE,…",
      help: "words choose points of the grid, numbers take the place of its own; repeat for more",
    },
    store: {
      type: "path",
      placeholder: "FILE",
      default: "data/sweeps.sqlite",
      help: "where the rows are kept",
    },
    csv: { type: "path", placeholder: "FILE", help: "write the rows of these points as CSV" },
    json: { type: "switch", help: "print the rows as JSON and nothing else" },
  },
  rest: "NAME",
} as const;

/** What a bad name or `--only` throws is bad usage. */
async function choose(name: string, text?: string): Promise<{ sweep: Sweep; only: Only }> {
  try {
    const sweep = await loadSweep(moduleOf(name));
    return { sweep, only: text === undefined ? {} : parseOnly(sweep, text) };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

await runCommand(command, async (options, [name, ...others]) => {
  if (name === undefined || others.length > 0) throw new UsageError("expected one NAME");
  const { sweep, only } = await choose(name, options.only);
  const points = pointsOf(sweep, only);
  const url = redisUrl(options.redis);
  if (url !== undefined && options.workers !== undefined) {
    throw new UsageError("--workers is for this machine: on Redis give it to deno task worker");
  }
  const folder = dirname(options.csv ?? ".");
  if (!existsSync(folder)) throw new UsageError(`no such folder: ${folder}`);
  using store = new SweepStore(options.store);
  if (options.retry) store.forgetFailed(sweep, points);
  if (options.retry || options.resume) {
    for (const line of store.dropDamaged(sweep)) console.error(`${line}; it is computed again`);
  }
  const missing = missingPoints(store, sweep, points).length;
  const stored = points.length - missing;
  if (stored > 0 && !options.resume && !options.retry) {
    throw new UsageError(
      `${options.store} has ${stored} of ${points.length} rows: give --resume to go on, or another --store`,
    );
  }

  const { signal } = stopSignal();
  if (missing > 0) {
    const bar = startProgress(sweep.name, missing);
    const onProgress = (done: number) => bar.update(done - stored);
    const onNotice = (message: string) => console.error(message);
    const shared = { store, signal, onProgress };
    const { workers } = options;
    try {
      if (url === undefined) await runSweep(sweep, points, { ...shared, workers });
      else await runOnRedis(sweep, points, { ...shared, url, onNotice });
      await bar.done();
    } catch (error) {
      if (error !== signal.reason) throw error;
      await bar.stopped(); // it leaves rows, which are told below
    }
  }

  const rows = store.rows(sweep, points);
  const failed = rows.filter((row) => row.status === "failed");
  if (options.csv !== undefined) await Deno.writeTextFile(options.csv, formatCsv(sweep, rows));
  if (options.json) console.log(formatJson(sweep, rows));
  else {
    const count = `${rows.length} of ${points.length} rows in ${options.store}`;
    console.log(`${sweep.name}: ${count}, ${failed.length} failed`);
    for (const row of failed.slice(0, 5)) {
      if (row.status === "failed") console.log(`  ${JSON.stringify(row.point)}: ${row.error}`);
    }
  }
  if (signal.aborted) {
    console.error("sweep: stopped; --resume goes on");
    return 130;
  }
  return failed.length === 0 ? 0 : 1;
});
