import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Budget, within } from "lib/audit/budget.ts";

Deno.test("each part gets its weight's share of what is left, and what it leaves is shared on", () => {
  const budget = new Budget(10);
  budget.plan([1, 1, 3]);
  assertAlmostEquals(budget.next(1).left(), 2, 0.05);
  assertAlmostEquals(budget.next(1).left(), 2.5, 0.05); // the first took nothing
  assertAlmostEquals(budget.next(3).left(), 10, 0.05);
  budget.plan([1]);
  assert(budget.next(0).left() <= 0);
  for (const seconds of [0, -1, NaN, Infinity]) {
    assertThrows(() => new Budget(seconds), RangeError, `${seconds} s`);
  }
});

Deno.test("work ends with its slice; the audit's own stop and other errors go on", async () => {
  const stop = new AbortController();
  const wait = (signal: AbortSignal) =>
    new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason), { once: true })
    );
  const budget = new Budget(0.05, stop.signal);
  budget.plan([1, 1]);
  assertEquals(await within(budget.next(1), wait, stop.signal), null);
  assertEquals(await within({ signal: stop.signal, left: () => 0 }, wait), null);
  const slice = { signal: stop.signal, left: () => 1 };
  assertEquals(await within(slice, () => Promise.resolve(3)), 3);
  await assertRejects(() => within(slice, () => Promise.reject(new TypeError("own"))), TypeError);
  stop.abort(new Error("stopped"));
  await assertRejects(() => within(slice, wait, stop.signal), Error, "stopped");
});
