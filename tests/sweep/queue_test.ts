import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { defineSweep, pointKey, pointsOf } from "lib/sweep/grid.ts";
import { runOnRedis, serveSweeps } from "lib/sweep/queue.ts";
import { connectRedis, parseRedisUrl, RedisError } from "lib/sweep/redis.ts";
import { runSweep } from "lib/sweep/runner.ts";
import { SweepStore } from "lib/sweep/store.ts";
import { withFolder } from "../tools/fixtures.ts";
import { results, start } from "./processes.ts";
import { sweep } from "./probe.ts";
import { hasRedis, startRedis } from "./redis_server.ts";

const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !hasRedis, fn });
const busyMs = 4;
const points = pointsOf(sweep, { busyMs: [busyMs] });
/** The longest that a run may take: some twenty times what it does. */
const patience = () => AbortSignal.timeout(120_000);

/** The rows of an unbroken run of these points on this machine. */
async function unbroken(some = points): Promise<unknown[]> {
  using store = new SweepStore(":memory:");
  await runSweep(sweep, some, { store });
  return results(store, sweep, some);
}

test("runOnRedis() completes with the rows of a local run though owner, worker and Redis are killed", () =>
  withFolder(async (folder) => {
    await using redis = await startRedis();
    const path = `${folder}/store.sqlite`;
    const { url } = redis;
    const busyMs = 20; // what one worker has left takes seconds, so there is a midway
    const points = pointsOf(sweep, { busyMs: [busyMs] });
    const begun = performance.now();
    const owner = start("owner", { path, url, busyMs });
    const workers = [start("worker", { url }), start("worker", { url })];
    await owner.rows(30);
    await workers[0].kill("SIGKILL");
    await owner.rows(90);
    await owner.kill("SIGKILL");
    const rows = () => {
      using store = new SweepStore(path, { readOnly: true });
      return store.statuses(sweep).size;
    };
    const afterOwner = rows();
    const resumed = start("owner", { path, url, busyMs });
    await resumed.rows(10);
    await redis.kill();
    const afterRedis = rows();
    await redis.restart();
    workers.push(start("worker", { url }));
    const { success, stderr } = await resumed.ended();
    assert(success, stderr);
    assert(90 <= afterOwner && afterOwner < afterRedis && afterRedis < 300, "killed midway");
    await Promise.all(workers.slice(1).map((worker) => worker.kill("SIGKILL")));
    assertLess(performance.now() - begun, 120_000); // of it, locks of dead workers take a few seconds
    using store = new SweepStore(path);
    assertEquals(results(store, sweep, points), await unbroken(points));
    assertStringIncludes(stderr, `Redis at 127.0.0.1:${redis.port} is back`);
    assertEquals(stderr.trimEnd().split("\n").length, 2, stderr);
  }));

test("runOnRedis() has each point's row whichever of owner and worker comes first", () =>
  withFolder(async (folder) => {
    await using redis = await startRedis();
    using store = new SweepStore(`${folder}/store.sqlite`);
    const stop = new AbortController();
    const few = points.slice(0, 20);
    const { url } = redis;
    const attempts: number[] = [];
    const onPoint = () => attempts.push(1);
    const serving = serveSweeps([sweep], { url, workers: 2, signal: stop.signal, onPoint });
    const seen: string[] = [];
    const onProgress = (done: number, total: number) => seen.push(`${done}/${total}`);
    await runOnRedis(sweep, few, { store, url, onProgress });
    assertEquals([seen.length, seen[0], seen.at(-1)], [21, "0/20", "20/20"]);
    assertEquals(attempts.length, 20);
    assert(store.rows(sweep, few).every((row) => row.status === "done" && row.attempts === 1));
    await runOnRedis(sweep, few, { store, url }); // nothing is missing
    const stopping = performance.now();
    stop.abort();
    await serving;
    assertLess(performance.now() - stopping, 20_000); // an idle worker looks once a second
    assertEquals(attempts.length, 20);
    using link = await connectRedis(url);
    assertEquals(await link.client.exists("sweep-probe-v1:owner"), 0);
  }));

test("runOnRedis() makes a poison point a failed row after its retries and completes the rest", () =>
  withFolder(async (folder) => {
    await using redis = await startRedis();
    using store = new SweepStore(`${folder}/store.sqlite`);
    const stop = new AbortController();
    const { url } = redis;
    const modes = ["throw", "crash", "odd", "fine", "fine"];
    const few = points.slice(0, 5).map((point, k) => ({ ...point, mode: modes[k] }));
    const foreign = { ...points[9], mode: "unheard of" } as typeof points[0];
    const serving = serveSweeps([sweep], { url, workers: 2, lockMs: 2000, signal: stop.signal });
    await runOnRedis(sweep, [...few, foreign], { store, url });
    stop.abort();
    await serving;
    const rows = store.rows(sweep, few);
    assertEquals(
      rows.map((row) => [row.status, row.attempts, row.status === "failed" && row.error]),
      [
        ["failed", 3, "Error: point 0 throws"],
        [
          "failed",
          3,
          "Uncaught Error: point 1 crashes its Worker (expected in this test's output)",
        ],
        ["failed", 3, "TypeError: Cannot take a row of probe: value = NaN"],
        ["done", 1, false],
        ["done", 1, false],
      ],
    );
    assertEquals([...store.statuses(sweep).values()].filter((s) => s === "failed").length, 4);
  }));

test("runOnRedis() completes though Redis forgets everything on the way", () =>
  withFolder(async (folder) => {
    await using redis = await startRedis();
    using store = new SweepStore(`${folder}/store.sqlite`);
    const stop = new AbortController();
    const { url } = redis;
    const few = points.slice(0, 100);
    using link = await connectRedis(url);
    const onProgress = (done: number) => done === 20 && void link.client.flushall();
    const serving = serveSweeps([sweep], { url, workers: 1, signal: stop.signal });
    await runOnRedis(sweep, few, { store, url, onProgress, signal: patience() });
    stop.abort();
    await serving;
    assertEquals(results(store, sweep, few), await unbroken(few));
  }));

test("runOnRedis() sends again what Redis throws away: jobs waiting, in hand and done, and whole lists", () =>
  withFolder(async (folder) => {
    await using redis = await startRedis();
    using store = new SweepStore(`${folder}/store.sqlite`);
    const stop = new AbortController();
    const { url } = redis;
    const few = points.slice(0, 80);
    using link = await connectRedis(url);
    const keys = (name: string) => `bull:sweep-probe-v1:${name}`;
    const notices: string[] = [];
    const onNotice = (notice: string) => notices.push(notice);
    /** What eviction takes is any key: here every other job of a list. */
    async function evict(list: "wait" | "active"): Promise<void> {
      const ids = await link.client.lrange(keys(list), 0, -1);
      await Promise.all(ids.filter((_, k) => k % 2 === 0).map((id) => link.client.del(keys(id))));
    }
    const onProgress = (done: number) => {
      if (done === 10) void evict("active");
      if (done === 20) void evict("wait");
      if (done === 25) void link.client.del(keys("wait"));
    };
    const serving = serveSweeps([sweep], { url, workers: 2, lockMs: 1000, signal: stop.signal });
    await runOnRedis(sweep, few, { store, url, onProgress, onNotice, signal: patience() });
    stop.abort();
    await serving;
    assertEquals(results(store, sweep, few), await unbroken(few));
    assert(
      notices.some((notice) => /has lost \d+ points: sending them again/.test(notice)),
      notices.join(),
    );
  }));

test("runOnRedis() takes no result from a job of which only a stump is left, or none", () =>
  withFolder(async (folder) => {
    await using redis = await startRedis();
    using store = new SweepStore(`${folder}/store.sqlite`);
    const { url } = redis;
    const few = points.slice(0, 6);
    using link = await connectRedis(url);
    const [gone, stump, foreign] = few.map((point) => pointKey(sweep, point));
    const keys = (name: string) => `bull:sweep-probe-v1:${name}`;
    await link.client.zadd(keys("completed"), 1, gone);
    await link.client.zadd(keys("failed"), 1, stump, 2, foreign);
    await link.client.hset(keys(stump), { failedReason: "job stalled", finishedOn: "5" });
    const other = {
      data: JSON.stringify(points[9]),
      finishedOn: "5",
      failedReason: "of another point",
    };
    await link.client.hset(keys(foreign), other);
    const stop = new AbortController();
    const serving = serveSweeps([sweep], { url, workers: 1, signal: stop.signal });
    await runOnRedis(sweep, few, { store, url, signal: patience() });
    stop.abort();
    await serving;
    assertEquals(results(store, sweep, few), await unbroken(few));
  }));

test("connectRedis() refuses a server that may evict keys, and says what to do", async () => {
  await using redis = await startRedis();
  const { port } = redis;
  for (const policy of ["allkeys-lru", "volatile-ttl", "allkeys-random"]) {
    {
      using link = await connectRedis(redis.url);
      await link.client.config("SET", "maxmemory-policy", policy);
    }
    await assertRejects(
      () => connectRedis(redis.url),
      RedisError,
      `Cannot use Redis at 127.0.0.1:${port}: it evicts keys when memory is full (maxmemory-policy ${policy})`,
    );
    const { Redis } = await import("ioredis"); // as it loads it asks for the environment
    const client = new Redis(parseRedisUrl(redis.url));
    await client.config("SET", "maxmemory-policy", "noeviction");
    client.disconnect();
  }
});

Deno.test("parseRedisUrl() takes passwords with raw signs, and refuses what they tear", () => {
  const parts = (text: string) => {
    const { host, port, username, password, db, tls } = parseRedisUrl(text);
    return [host, port, username, password, db, tls !== undefined];
  };
  assertEquals(parts("redis://h"), ["h", 6379, undefined, undefined, 0, false]);
  assertEquals(parts("rediss://me:p@ss@wo@h:1/2"), ["h", 1, "me", "p@ss@wo", 2, true]);
  assertEquals(parts("redis://:p%40s%2Fs@h/"), ["h", 6379, undefined, "p@s/s", 0, false]);
  assertEquals(parts("redis://:100%@[::1]:7"), ["::1", 7, undefined, "100%", 0, false]);
  const torn = [
    "redis://me:12/secret@h",
    "redis://h?secret@x",
    "redis://h#secret",
    "redis://:se#cret@h",
  ];
  for (const text of [...torn, "redis://h/secret", "http://h", "h", "redis://"]) {
    const error = assertThrows(() => parseRedisUrl(text), TypeError, "percent-encoded");
    assert(!error.message.includes("secret"), error.message);
  }
});

test("runOnRedis() rejects when aborted, tells when nobody works, and leaves nothing waiting", () =>
  withFolder(async (folder) => {
    await using redis = await startRedis();
    using store = new SweepStore(`${folder}/store.sqlite`);
    const stop = new AbortController();
    const notices: string[] = [];
    const onNotice = (message: string) => {
      notices.push(message);
      stop.abort();
    };
    const options = { store, url: redis.url, signal: stop.signal, onNotice };
    await assertRejects(() => runOnRedis(sweep, points, options), DOMException, "aborted");
    assertEquals(notices, [
      `No worker takes points from 127.0.0.1:${redis.port}: start deno task worker there`,
    ]);
    using link = await connectRedis(redis.url);
    assertEquals(await link.client.llen("bull:sweep-probe-v1:wait"), 0);
  }));

test("runOnRedis() refuses a sweep whose rows another store collects", () =>
  withFolder(async (folder) => {
    await using redis = await startRedis();
    const { url } = redis;
    const owner = start("owner", { path: `${folder}/first.sqlite`, url, busyMs });
    const worker = start("worker", { url });
    await owner.rows(1);
    using store = new SweepStore(`${folder}/second.sqlite`);
    await assertRejects(
      () => runOnRedis(sweep, points, { store, url }),
      RedisError,
      "another store collects its rows",
    );
    await Promise.all([owner.kill("SIGKILL"), worker.kill("SIGKILL")]);
    const newer = defineSweep({ ...sweep, version: 2 }); // has a queue of its own
    const signal = AbortSignal.timeout(300);
    await assertRejects(() => runOnRedis(newer, points, { store, url, signal }), DOMException);
    assertEquals(store.statuses(newer).size, 0);
  }));

test("connectRedis() refuses quickly and names no password", async () => {
  await using redis = await startRedis();
  const { port } = redis;
  const faults: [string, typeof RedisError | typeof TypeError, string][] = [
    [`redis://:wrong-secret@127.0.0.1:${port}`, RedisError, `127.0.0.1:${port}: it refuses`],
    [`redis://127.0.0.1:${port}`, RedisError, "it refuses the user or the password"],
    ["redis://:wrong-secret@127.0.0.1:1", RedisError, "127.0.0.1:1: connect ECONNREFUSED"],
    [`redis://:a@wrong-secret@127.0.0.1:${port}`, RedisError, `127.0.0.1:${port}: it refuses`],
    [`redis://u:1/wrong-secret@127.0.0.1:${port}`, TypeError, "percent-encoded"],
    ["redis://:wrong-secret@no-such-host.invalid", RedisError, "no-such-host.invalid:6379"],
    ["http://:wrong-secret@127.0.0.1", TypeError, "expected redis://"],
    ["wrong-secret", TypeError, "expected redis://"],
  ];
  const notices: string[] = [];
  const begun = performance.now();
  for (const [url, kind, message] of faults) {
    const onNotice = (notice: string) => notices.push(notice);
    const connect = () => connectRedis(url, { onNotice });
    const error = await assertRejects(connect, kind as typeof Error, message);
    assert(!Deno.inspect(error).includes("wrong-secret"), Deno.inspect(error));
  }
  assertLess(performance.now() - begun, 30_000); // a lost server is waited for a minute
  assertEquals(notices, []);
});

test("connectRedis() gives up a server that stays away, with one line about it", async () => {
  await using redis = await startRedis();
  const notices: string[] = [];
  const onNotice = (message: string) => notices.push(message);
  using link = await connectRedis(redis.url, { onNotice, patienceMs: 500 });
  await redis.kill();
  await assertRejects(() => link.lost, RedisError, `Redis at 127.0.0.1:${redis.port} is gone`);
  assertEquals(notices, [`Lost Redis at 127.0.0.1:${redis.port}; trying again for 0.5 s`]);
  await redis.restart();
});
