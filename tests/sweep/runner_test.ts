import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { defineSweep, pointsOf } from "lib/sweep/grid.ts";
import { runSweep } from "lib/sweep/runner.ts";
import { StoreError, SweepStore } from "lib/sweep/store.ts";
import { permitted, withFolder } from "../tools/fixtures.ts";
import { killedRun, results } from "./processes.ts";
import { sweep } from "./probe.ts";

const points = pointsOf(sweep);
const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !permitted, fn });

test("runSweep() gives the same rows for any number of Workers, and reports progress", async () => {
  const tables = [];
  for (const workers of [1, 2, 3]) {
    using store = new SweepStore(":memory:");
    const seen: number[] = [];
    await runSweep(sweep, points, { store, workers, onProgress: (done) => seen.push(done) });
    assertEquals([seen.length, seen[0], seen.at(-1)], [301, 0, 300]);
    tables.push(results(store, sweep, points));
  }
  assertEquals(tables[0].length, 300);
  assertEquals(tables[1], tables[0]);
  assertEquals(tables[2], tables[0]);
});

test("runSweep() makes a poison point a failed row after three attempts and completes the rest", async () => {
  using store = new SweepStore(":memory:");
  const poison = (["throw", "crash", "odd"] as const).map((mode, k) => ({ ...points[k], mode }));
  await runSweep(sweep, [...poison, ...points], { store, workers: 2 });
  const failures = store.rows(sweep, poison)
    .map((row) => [row.status, row.status === "failed" && row.error, row.attempts]);
  assertEquals(failures, [
    ["failed", "Error: point 0 throws", 3],
    ["failed", "Uncaught Error: point 1 crashes its Worker (expected in this test's output)", 3],
    ["failed", "TypeError: Cannot take a row of probe: value = NaN", 3],
  ]);
  assertEquals(store.rows(sweep, points).filter(({ status }) => status === "done").length, 300);
});

test("runSweep() rejects when aborted, keeps what it has, and goes on later with what is missing", async () => {
  using store = new SweepStore(":memory:");
  const busy = points.slice(0, 20).map((point) => ({ ...point, busyMs: 20 }));
  const stop = new AbortController();
  const reason = new Error("the person stops");
  const onProgress = (done: number) => done === 5 && stop.abort(reason);
  const options = { store, workers: 2, signal: stop.signal, onProgress };
  assertStrictEquals(await assertRejects(() => runSweep(sweep, busy, options), Error), reason);
  const first = store.rows(sweep, busy);
  assert(first.length >= 5 && first.length < 20, `${first.length} rows`);
  await runSweep(sweep, busy, { store, workers: 2 });
  const rows = store.rows(sweep, busy);
  assertEquals(rows.length, 20);
  const times = new Map(rows.map(({ key, startedAt }) => [key, startedAt]));
  for (const { key, startedAt } of first) assertEquals(times.get(key), startedAt);
});

test("runSweep() fails at once, and stops its Workers, when a listener, the store or prepare() fails", async () => {
  const busy = points.slice(0, 50).map((point) => ({ ...point, busyMs: 20 }));
  using store = new SweepStore(":memory:");
  const onProgress = (done: number) => {
    if (done === 3) throw new Error("the listener throws");
  };
  const listening = () => runSweep(sweep, busy, { store, workers: 2, onProgress });
  await assertRejects(listening, Error, "the listener throws");
  const stopped = store.rows(sweep, busy).length;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assertEquals(store.rows(sweep, busy).length, stopped);

  const closed = new SweepStore(":memory:");
  const close = (done: number) => done === 3 && closed[Symbol.dispose]();
  const closing = () => runSweep(sweep, busy, { store: closed, workers: 2, onProgress: close });
  await assertRejects(closing, StoreError, "Cannot write to :memory:");
  const prepare = () => Promise.reject(new Error("no network"));
  const offline = defineSweep({ ...sweep, prepare });
  await assertRejects(() => runSweep(offline, points, { store }), Error, "no network");
  assertEquals(store.rows(sweep, points), []);
  await assertRejects(
    () => runSweep(sweep, points, { store, workers: 0 }),
    RangeError,
    "0 workers",
  );
});

test("runSweep() killed at any moment and resumed ends with the rows of an unbroken run", () =>
  withFolder(async (folder) => {
    const busyMs = 10; // so that the last kill comes more than a second before the end
    const busy = pointsOf(sweep, { busyMs: [busyMs] });
    using whole = new SweepStore(":memory:");
    await runSweep(sweep, busy, { store: whole });
    const path = `${folder}/store.sqlite`;
    const counts = [0];
    for (const afterRows of [1, 40, 100]) counts.push(await killedRun(path, { afterRows, busyMs }));
    assertEquals(counts, counts.toSorted((a, b) => a - b));
    assert(counts[1] > 0 && counts[3] < 300, `rows at the kills: ${counts}`);
    using store = new SweepStore(path);
    await runSweep(sweep, busy, { store });
    assertEquals(results(store, sweep, busy), results(whole, sweep, busy));
  }));
