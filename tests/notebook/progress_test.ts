import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type ProgressSink,
  type ProgressState,
  progressText,
  rewritesLines,
  startProgress,
} from "lib/notebook/progress.ts";

function recorder(intervalMs = 100) {
  const states: ProgressState[] = [];
  const recorded = { states, flushed: false };
  const sink: ProgressSink = {
    intervalMs,
    write: (state) => void states.push(state),
    flush() {
      recorded.flushed = true;
      return Promise.resolve();
    },
  };
  return { recorded, sink };
}

Deno.test("startProgress() writes at most ten states a second, and always the last", async () => {
  let now = 0;
  const { recorded, sink } = recorder();
  const progress = startProgress("solving", 1000, { clock: () => now, sink });
  for (let i = 1; i <= 1000; i++) {
    now += 3; // 1000 updates in 3 s
    progress.update(i);
  }
  await progress.done();
  const { states } = recorded;
  assert(states.length <= 32, `${states.length} states in 3 s`);
  assert(states.length >= 28, `${states.length} states in 3 s`);
  assertEquals(states.at(-1), {
    label: "solving",
    done: 1000,
    total: 1000,
    elapsedMs: 3000,
    leftMs: 0,
    said: undefined,
    end: "done",
  });
  assert(recorded.flushed, "done() waits until the output has left");
});

Deno.test("startProgress() shows itself at once, before the first update", () => {
  const { recorded, sink } = recorder();
  startProgress("solving", 5, { clock: () => 0, sink });
  assertEquals(recorded.states.map((state) => state.done), [0]);
});

Deno.test("startProgress() reports where it stopped, and never that as finished", async () => {
  const { recorded, sink } = recorder();
  const progress = startProgress("solving", 5, { clock: () => 0, sink });
  progress.update(2);
  await progress.stopped();
  assertEquals(recorded.states.map(({ done, end }) => [done, end]), [[0, undefined], [
    2,
    "stopped",
  ]]);
  assert(recorded.flushed, "stopped() waits too");
});

Deno.test("startProgress() takes the total from an update, and shows what is said until then", () => {
  const { recorded, sink } = recorder(0);
  const progress = startProgress("loading", 0, { clock: () => 0, sink });
  progress.say("Fetching a <file>");
  progress.update(2, 5);
  progress.update(9);
  assertEquals(recorded.states.map(progressText), [
    "loading …",
    "loading: Fetching a <file>",
    "loading 2/5 (40 %)",
    "loading 5/5 (100 %)",
  ]);
});

Deno.test("startProgress() refuses a total that is no natural number", () => {
  for (const total of [-1, 1.5, NaN]) {
    assertThrows(() => startProgress("a", total), RangeError, `total is ${total}`);
  }
});

Deno.test("progressText() tells the share, the time left, and at the end the time taken", () => {
  const state = { label: "solving", done: 10, total: 40, elapsedMs: 2000, leftMs: 6000 };
  assertEquals(progressText(state), "solving 10/40 (25 %), 6 s left");
  assertEquals(progressText({ ...state, done: 0, leftMs: null }), "solving 0/40 (0 %)");
  assertEquals(
    progressText({ ...state, leftMs: 185_000 }),
    "solving 10/40 (25 %), 3.1 min left",
  );
  assertEquals(progressText({ ...state, done: 40, end: "done" }), "solving 40/40 in 2 s");
  assertEquals(progressText({ ...state, end: "stopped" }), "solving stopped at 10/40");
  const uncounted = { ...state, done: 0, total: 0 };
  assertEquals(progressText({ ...uncounted, end: "done" }), "solving in 2 s");
  assertEquals(progressText({ ...uncounted, end: "stopped" }), "solving stopped");
});

/** Feeds updates [ms, done] and gives what was estimated each time. */
function estimates(total: number, updates: [at: number, done: number][]): (number | null)[] {
  let now = 0;
  const { recorded, sink } = recorder(0);
  const progress = startProgress("sweep", total, { clock: () => now, sink });
  for (const [at, done] of updates) {
    now = at;
    progress.update(done);
  }
  return recorded.states.slice(1).map(({ leftMs }) => leftMs);
}

Deno.test("startProgress() holds an estimate back until it rests on something", () => {
  // 24 s of starting, then 300 points a second: the first point alone would say two hours
  const quick = estimates(300, [[24_000, 1], [24_010, 4], [24_050, 16], [24_500, 151]]);
  assertEquals(quick, [null, null, 50 / 15 * 284, 500 / 150 * 149]);
  // few and slow: by time, though the second is far less than the share
  assertEquals(estimates(1000, [[5000, 1], [6000, 2], [7000, 3]]), [null, null, 2000 / 2 * 997]);
  // all at once, none, and more than once the same
  assertEquals(estimates(3, [[10, 3]]), [null]);
  assertEquals(estimates(3, [[10, 0], [9000, 0]]), [null, null]);
  assertEquals(estimates(9, [[10, 1], [5000, 1]]), [null, null]);
});

Deno.test("rewritesLines() is true of a terminal that may be sent escape codes", () => {
  const terminal = { isTerminal: () => true };
  const rewrites = (stream: typeof terminal, env: Record<string, string>) =>
    rewritesLines(stream, (name) => env[name]);
  assertEquals(rewrites(terminal, { TERM: "xterm" }), true);
  assertEquals(rewrites(terminal, { NO_COLOR: "" }), true); // no-color.org: only where it is not empty
  assertEquals(rewrites(terminal, { TERM: "dumb" }), false);
  assertEquals(rewrites(terminal, { NO_COLOR: "1" }), false);
  assertEquals(rewrites({ isTerminal: () => false }, {}), false);
});
