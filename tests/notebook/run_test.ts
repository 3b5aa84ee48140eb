import { assert, assertEquals, assertLess, assertRejects, assertStrictEquals } from "@std/assert";
import { type ProgressState, progressText, startProgress } from "lib/notebook/progress.ts";
import { type On, runStep } from "lib/notebook/run.ts";

const reason = new DOMException("Interrupted by the stop button", "AbortError");
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A step under a signal of its own, and the texts that its bar showed. */
function step<T>(work: (on: On, stop: () => void) => Promise<T>) {
  const controller = new AbortController();
  const shown: string[] = [];
  const sink = {
    intervalMs: 0,
    write: (state: ProgressState) => void shown.push(progressText(state)),
    flush: () => Promise.resolve(),
  };
  const bar = startProgress("solving", 0, { clock: () => 0, sink });
  const stop = () => controller.abort(reason);
  const ended = runStep("solving", (on) => work(on, stop), { signal: controller.signal, bar });
  return { ended, shown };
}

Deno.test("runStep() gives what the work gives, and its bar tells how long it took", async () => {
  const { ended, shown } = step(({ onMessage, onProgress }) => {
    onMessage("Fetching");
    onProgress(1, 2);
    onProgress(2, 2);
    return Promise.resolve("result");
  });
  assertEquals(await ended, "result");
  assertEquals(shown.at(-1), "solving 2/2 in 0 s");
  assertEquals(shown[1], "solving: Fetching");
});

Deno.test("runStep() rejects with the stop's reason whatever the work makes of it", async () => {
  const works: ((on: On) => Promise<unknown>)[] = [
    ({ signal }) => Promise.reject(signal.reason),
    () => Promise.reject(new Error("the connection was closed")), // a consequence of the stop
    () => Promise.resolve("half a result"),
  ];
  for (const work of works) {
    const { ended, shown } = step(async (on, stop) => {
      on.onProgress(12, 40);
      stop();
      return await work(on);
    });
    assertStrictEquals(await assertRejects(() => ended, DOMException), reason);
    assertEquals(shown.at(-1), "solving stopped at 12/40");
    assert(!shown.some((text) => text.includes(" in ")), shown.join());
  }
});

Deno.test("runStep() passes an error on, and its bar says that the work stopped", async () => {
  const error = new RangeError("no such width");
  const { ended, shown } = step(() => Promise.reject(error));
  assertStrictEquals(await assertRejects(() => ended, RangeError), error);
  assertEquals(shown.at(-1), "solving stopped");
});

Deno.test("runStep() sees a stop that comes while the bar ends", async () => {
  const controller = new AbortController();
  const bar = startProgress("solving", 1, {
    sink: {
      intervalMs: 0,
      write: ({ end }) => void (end === "done" && controller.abort(reason)),
      flush: () => Promise.resolve(),
    },
  });
  const ended = runStep("solving", () => Promise.resolve(), { signal: controller.signal, bar });
  assertStrictEquals(await assertRejects(() => ended, DOMException), reason);
});

Deno.test("runStep() leaves work behind that does not listen, and its bar alone", async () => {
  const deaf = Promise.withResolvers<void>();
  let late = () => {};
  const { ended, shown } = step(async ({ onProgress, onMessage }, stop) => {
    late = () => [onProgress(2, 2), onMessage("late")];
    stop();
    await deaf.promise;
  });
  const start = performance.now();
  assertStrictEquals(await assertRejects(() => ended, DOMException), reason);
  assertLess(performance.now() - start, 20_000); // two seconds of grace
  const before = shown.length;
  late();
  assertEquals(shown.length, before);
  deaf.resolve();
  await pause(0);
});
