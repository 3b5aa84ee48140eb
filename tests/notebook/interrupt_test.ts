import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Interrupts } from "lib/notebook/run.ts";

Deno.test("trip() aborts the current signal and renews it", () => {
  const stop = new Interrupts();
  const first = stop.signal;
  assertStrictEquals(stop.signal, first);
  stop.trip();
  assert(first.aborted);
  assertEquals((first.reason as DOMException).name, "AbortError");
  assert(!stop.signal.aborted, "the next cell can run");
  stop.trip();
  assert(!stop.signal.aborted);
});

Deno.test("trip() lets an abort listener read the renewed signal", () => {
  const stop = new Interrupts();
  let seen: AbortSignal | undefined;
  stop.signal.addEventListener("abort", () => seen = stop.signal);
  stop.trip();
  assertEquals(seen?.aborted, false);
});
