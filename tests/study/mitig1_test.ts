import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { firstImages } from "lib/data/dataset.ts";
import { drawNet, runBoth, runInClear } from "lib/study/mitig1.ts";
import { data, options } from "../protocol/mitig1/fixtures.ts";

const training = { ...options, seeds: { client: 2, server: 3 } };
const fresh = firstImages(data, 3);
const clear = await runInClear(data, training);

Deno.test("runBoth() ends in the run in the clear, bit for bit, and draws what it measured", async () => {
  const counts: [number, number][] = [];
  const onProgress = (done: number, total: number) => counts.push([done, total]);
  const both = await runBoth(data, { ...training, fresh, workers: 0, onProgress });
  assertEquals([both.sameZ1(clear), both.sameW1(clear), both.sameHead(clear)], [true, true, true]);
  assertEquals(both.right, await clear.right(fresh));
  assertEquals([counts.length, counts.at(-1)], [12, [12, 12]]); // 8 samples, 4 steps
  assertMatch(both.text, /^8 digits of 3×3, 3 units, 4 steps in \d+ s$/);
  const text = JSON.stringify(both.sequence("sequence").layout);
  for (
    const words of ["every batch of 4", "3 fresh keys", "decrypt z1 of a sample and row", "8 times"]
  ) {
    assert(text.includes(words), words);
  }
  const other = await runInClear(data, { ...training, seeds: { client: 4, server: 5 } });
  assertEquals([both.sameZ1(other), both.sameW1(other), both.sameHead(other)], [
    false,
    false,
    false,
  ]);
});

Deno.test("runInClear() measures how far z1 moves from one epoch to the next", () => {
  const { z1s, distances } = clear;
  const flat = z1s.map((z1) => [...z1]);
  assertEquals(distances.slice(0, 24), flat.slice(0, 2).flat().map(Math.abs));
  const moved = [2, 3].flatMap((step) => flat[step].map((z, i) => Math.abs(z - flat[step - 2][i])));
  assertEquals(distances.slice(24), moved);
});

Deno.test("drawNet() draws W1 from the client's seed and the later layers from the server's", () => {
  const [one, other] = [{ client: 2, server: 3 }, { client: 2, server: 4 }].map((seeds) =>
    drawNet(data, { ...training, seeds })
  );
  assertEquals(one.W1, other.W1);
  assert(one.head.W2[0] !== other.head.W2[0]);
});

Deno.test("runBoth() refuses what the client refuses, and leaves no server behind", async () => {
  const odd = { ...training, batch: 3, fresh, workers: 0 };
  await assertRejects(() => runBoth(data, odd), RangeError, "8 images are not whole batches of 3");
});

Deno.test("runBoth() stops with the signal", async () => {
  const signal = AbortSignal.abort(new DOMException("stop", "AbortError"));
  const stopped = runBoth(data, { ...training, fresh, workers: 0, signal });
  await assertRejects(() => stopped, DOMException, "stop");
});
