import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError, firstImages, poolImages } from "lib/data/dataset.ts";
import {
  attackGradients,
  compareSettings,
  runClear,
  runEncrypted,
  SolvedBatches,
} from "lib/study/encrypted_training.ts";
import { mayRead, SQUARES } from "./fixtures.ts";

const pooled = poolImages(SQUARES, 6); // 2 × 2 pixels
const images = firstImages(pooled, 6);
const run = { hidden: 2, batch: 3, steps: 3, learningRate: 2, insecureSeed: 1 };

Deno.test("runEncrypted() ends in the weights of runClear(), and in no others", async () => {
  const encrypted = await runEncrypted({ images, ...run });
  const clear = await runClear({ images, ...run });
  assert(encrypted.sameWeights(clear));
  assertEquals(encrypted.first, clear.first);
  for (const other of [{ steps: 2 }, { insecureSeed: 2 }]) {
    assert(!encrypted.sameWeights(await runClear({ images, ...run, ...other })));
  }
  const { head } = clear.net;
  const moved = { ...head, b2: head.b2.map((v, i) => i === 1 ? v + 1e-15 : v) };
  assert(!encrypted.sameWeights({ ...clear, net: { ...clear.net, head: moved } }));
  assertEquals(encrypted.sequence("s", "t").name, "s");
  const messages = encrypted.transcript.traffic.find((t) => t.what === "encrypted samples")!;
  assert(messages.messages === 2 && encrypted.sizeBytes > messages.sizeBytes);
});

Deno.test({
  name: "compareSettings() trains in both settings, repeats by its seed and stops",
  ignore: !mayRead,
  async fn() {
    const options = { data: { train: SQUARES, test: SQUARES }, hidden: 20, workers: 1 };
    const counts: [number, number][] = [];
    const onProgress = (done: number, total: number) => void counts.push([done, total]);
    const { authors, modern, table } = await compareSettings({
      ...{ ...options, insecureSeed: 1, onProgress },
    });
    assertEquals([counts.length, counts[0], counts.at(-1)], [20, [1, 20], [20, 20]]);
    const again = await compareSettings({ ...options, insecureSeed: 1 });
    assertEquals([again.authors, again.modern], [authors, modern]);
    assertEquals(table("t").rows.map((row) => row.slice(0, 2)), [["authors'", 10], ["modern", 10]]);
    const signal = AbortSignal.abort(new Error("stopped"));
    await assertRejects(
      () => compareSettings({ ...options, insecureSeed: 1, signal }),
      Error,
      "stopped",
    );
  },
});

Deno.test("attackGradients() gives a batch no larger than the layer exactly", async () => {
  const counts: number[] = [];
  const onProgress = (done: number) => counts.push(done);
  const study = await attackGradients({
    ...{ images: SQUARES, hidden: 12, batch: 4, seeds: [1, 2, 3], onProgress },
  });
  assertEquals(counts, [1, 2, 3]);
  assertEquals([study.exact.successes, study.exact.n, study.solvedIsPrivate], [12, 12, true]);
  assertEquals(study.table("t").rows, [[1, 4, "yes", 4], [2, 4, "yes", 4], [3, 4, "yes", 4]]);
  assertEquals(study.steps[1].batch.x, SQUARES.x.subarray(4 * 144, 8 * 144)); // images of its own
  assertEquals(study.grid("g", "t").name, "g");
});

Deno.test("attackGradients() has no solution to offer for a batch larger than the layer", async () => {
  const study = await attackGradients({ images: SQUARES, hidden: 3, batch: 12, seeds: [1] });
  assertEquals([study.exact.successes, study.steps[0].solves], [0, false]);
  assert(study.solvedIsPrivate); // nothing was claimed to be solved
  assertEquals(study.grid("g", "t").name, "g");
});

Deno.test("solvedIsPrivate sees a batch that solves the equations and is another", async () => {
  const { steps } = await attackGradients({ images: SQUARES, hidden: 12, batch: 4, seeds: [1] });
  assert(!new SolvedBatches([{ ...steps[0], exact: 3 }]).solvedIsPrivate);
});

Deno.test("attackGradients() refuses more batches than there are images", async () => {
  const options = { images: SQUARES, hidden: 12, batch: 12, seeds: [1, 2] };
  await assertRejects(() => attackGradients(options), DataError);
});
