/** Runs in processes of their own, to be killed in the tests.
 * @module */
import { flatRow } from "lib/sweep/archive.ts";
import type { Point, Sweep } from "lib/sweep/grid.ts";
import { SweepStore } from "lib/sweep/store.ts";

/** What two runs must agree on: all of the rows but attempts and times. */
export function results(store: SweepStore, sweep: Sweep, points: readonly Point[]): unknown[] {
  return store.rows(sweep, points).map((stored) => {
    const { attempts: _, startedAt: __, pointMs: ___, ...rest } = flatRow(sweep, stored);
    return rest;
  });
}

/** A process of this folder's `run.ts`. */
export interface Process {
  readonly pid: number;
  /** Resolves once it has written this many rows, or has ended. */
  rows(count: number): Promise<void>;
  kill(signal: Deno.Signal): Promise<void>;
  /** Resolves when it has ended. */
  ended(): Promise<{ success: boolean; stderr: string }>;
}

/** Starts `run.ts` with a role and its options; it prints a line for every row. */
export function start(role: string, options: object): Process {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("./run.ts", import.meta.url).href, role, JSON.stringify(options)],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  let lines = 0;
  const waiting = new Set<() => void>();
  const read = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      lines += text.split("\n").length - 1;
      waiting.forEach((look) => look());
    }
    lines = Infinity;
    waiting.forEach((look) => look());
  })();
  return {
    pid: child.pid,
    rows: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (lines < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    async kill(signal) {
      child.kill(signal);
      await Promise.all([child.status, read, stderr]);
    },
    async ended() {
      const [{ success }, text] = await Promise.all([child.status, stderr, read]);
      return { success, stderr: text };
    },
  };
}

/** Runs the probe on this machine in a process that is killed once it has written some rows.
 * @returns how many the store has. */
export async function killedRun(
  path: string,
  { afterRows, busyMs }: { afterRows: number; busyMs: number },
): Promise<number> {
  const child = start("runner", { path, busyMs });
  await child.rows(afterRows);
  await child.kill("SIGKILL");
  const { sweep } = await import("./probe.ts");
  using store = new SweepStore(path);
  return store.statuses(sweep).size;
}
