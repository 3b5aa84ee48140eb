import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { runJobs, WorkerPool } from "lib/workers/pool.ts";
import type { EchoJob } from "./echo_worker.ts";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted";
const url = new URL("./echo_worker.ts", import.meta.url);
const run = (jobs: EchoJob[], options = {}) => runJobs<EchoJob, number>(url, jobs, options);
const jobs = [1, 2, 3, 4, 5, 6, 7].map((value) => ({ value }));

Deno.test({
  name: "runJobs() keeps the order of the jobs for any number of Workers and reports progress",
  ignore,
  async fn() {
    const seen: string[] = [];
    const onProgress = (done: number, total: number) => seen.push(`${done}/${total}`);
    for (const workers of [1, 2, 5, 20]) {
      const outcomes = await run(jobs, { workers, onProgress });
      const expected = jobs.map(({ value }) => ({ status: "done", result: 2 * value }));
      assertEquals(outcomes as unknown[], expected);
    }
    assertEquals(seen.slice(0, 7), ["1/7", "2/7", "3/7", "4/7", "5/7", "6/7", "7/7"]);
  },
});

Deno.test({
  name: "runJobs() reports the job that throws or kills its Worker and goes on with the rest",
  ignore,
  async fn() {
    const outcomes = await run([{ value: -1 }, { value: -2 }, ...jobs], { workers: 1 });
    const statuses = outcomes.map((outcome) => outcome.status);
    assertEquals(statuses, ["crashed", "crashed", ...jobs.map(() => "done" as const)]);
    assert(outcomes[0].status === "crashed" && outcomes[1].status === "crashed");
    assertStringIncludes(outcomes[0].message, "the handler throws");
    assertStringIncludes(outcomes[1].message, "the worker dies");
  },
});

Deno.test({
  name: "runJobs() rejects at once with the signal's reason, and stops the busy Worker",
  ignore,
  async fn() {
    const stop = new AbortController();
    const signsOfLife: unknown[] = [];
    const channel = new BroadcastChannel("echo");
    channel.onmessage = ({ data }) => signsOfLife.push(data);
    let start = 0;
    const reason = new Error("the person stops");
    const seen: number[] = [];
    const stopped = run([{ value: 1 }, { value: 2, busyMs: 1500 }, { value: 3 }], {
      workers: 1,
      signal: stop.signal,
      onProgress: (done: number) => {
        seen.push(done);
        setTimeout(() => {
          start = performance.now();
          stop.abort(reason);
        }, 50);
      },
    });
    assertStrictEquals(await assertRejects(() => stopped, Error), reason);
    assertLess(performance.now() - start, 1000); // it takes some milliseconds
    assertEquals(seen, [1]);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    channel.close();
    assertEquals(signsOfLife, []);
  },
});

Deno.test("runJobs() starts no Worker for no jobs or a signal that has already aborted", async () => {
  assertEquals(await run([]), []);
  const signal = AbortSignal.abort();
  await assertRejects(() => run(jobs, { signal }), DOMException, "aborted");
  await assertRejects(() => run([], { signal }), DOMException, "aborted");
});

Deno.test("runJobs() refuses a number of Workers that is no positive integer", async () => {
  for (const workers of [0, -1, 1.5, NaN]) {
    await assertRejects(() => run(jobs, { workers }), RangeError, `${workers} workers`);
  }
});

Deno.test({
  name: "WorkerPool keeps its Workers for the next run, and replaces one that died or was aborted",
  ignore,
  async fn() {
    using pool = new WorkerPool<EchoJob, number>(url, 1);
    const answers = async (...values: number[]) =>
      (await pool.run(values.map((value) => ({ value })))).map((outcome) => outcome.status);
    assertEquals(await answers(1, 2), ["done", "done"]);
    assertEquals(await answers(3, -2, 4), ["done", "crashed", "done"]);
    const signal = AbortSignal.timeout(50);
    await assertRejects(() => pool.run([{ value: 5, busyMs: 20_000 }], { signal }), DOMException);
    assertEquals(await answers(6), ["done"]);
  },
});
