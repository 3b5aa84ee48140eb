import { assert, assertEquals, assertRejects } from "@std/assert";
import { firstImages, poolImages } from "lib/data/dataset.ts";
import {
  accuracies,
  learnedTable,
  learnInClear,
  runClear,
  runEncrypted,
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

Deno.test("accuracies() has a row per run", async () => {
  const [few, many] = [
    await runClear({ images, ...run }),
    await runClear({ images, ...run, steps: 9 }),
  ];
  const found = await accuracies({ few, many }, pooled);
  const rows = found.table("t").rows;
  assertEquals(rows.map((row) => row.slice(0, 2)), [["few", 3], ["many", 9]]);
  assertEquals(rows[1][2], `${(100 * found.of("many")).toFixed(2)} %`);
});

Deno.test({
  name: "learnInClear() trains in its setting, repeats by its seed and stops",
  ignore: !mayRead,
  async fn() {
    const data = { train: SQUARES, test: SQUARES };
    const options = { data, hidden: 20, insecureSeed: 1, workers: 1 };
    const epochs: number[] = [];
    const modern = await learnInClear({
      ...{ ...options, name: "modern" },
      onProgress: (done) => epochs.push(done),
    });
    assertEquals([epochs.length, modern.epochs], [10, 10]);
    const again = await learnInClear({ ...options, name: "modern" });
    assertEquals(again.accuracy, modern.accuracy);
    assertEquals(learnedTable("t", [modern]).rows[0].slice(0, 2), ["modern", 10]);
    const signal = AbortSignal.abort(new Error("stopped"));
    await assertRejects(
      () => learnInClear({ ...options, name: "authors'", signal }),
      Error,
      "stopped",
    );
  },
});
