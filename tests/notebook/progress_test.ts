import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type ProgressSink,
  type ProgressState,
  progressText,
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
    "loading 2/5 (40 %), 0.0 s left",
    "loading 5/5 (100 %), 0.0 s left",
  ]);
});

Deno.test("startProgress() refuses a total that is no natural number", () => {
  for (const total of [-1, 1.5, NaN]) {
    assertThrows(() => startProgress("a", total), RangeError, `total is ${total}`);
  }
});

Deno.test("progressText() tells the share, the time left, and at the end the time taken", () => {
  const state = { label: "solving", done: 10, total: 40, elapsedMs: 2000 };
  assertEquals(progressText(state), "solving 10/40 (25 %), 6.0 s left");
  assertEquals(progressText({ ...state, done: 0 }), "solving 0/40 (0 %)");
  assertEquals(
    progressText({ ...state, elapsedMs: 60_000 }),
    "solving 10/40 (25 %), 3 min 0 s left",
  );
  assertEquals(progressText({ ...state, done: 40, end: "done" }), "solving 40/40 in 2.0 s");
  assertEquals(progressText({ ...state, end: "stopped" }), "solving stopped at 10/40");
  const uncounted = { ...state, done: 0, total: 0 };
  assertEquals(progressText({ ...uncounted, end: "done" }), "solving in 2.0 s");
  assertEquals(progressText({ ...uncounted, end: "stopped" }), "solving stopped");
});
