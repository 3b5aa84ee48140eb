import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { decodeFunctionalKey } from "lib/fe/fhipe.ts";
import { startPairing } from "lib/math/pairing/group.ts";
import { fixedAccuracy } from "lib/protocol/fixed_net.ts";
import { type StepRecord, trainFixed } from "lib/protocol/fixed_train.ts";
import { classify, type ClientRecord } from "lib/protocol/mitig1/client.ts";
import type { Seen } from "lib/protocol/mitig1/server.ts";
import { Transcript } from "lib/net/transcript.ts";
import { data, initialNet, options, trainBoth } from "./fixtures.ts";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted";
const { batch, epochs, learningRate } = options;
const steps = 2 * epochs;

const plainRun = async () => {
  const records: StepRecord[] = [];
  const onStep = (record: StepRecord) => records.push(record);
  const { net } = await trainFixed(initialNet(), data, { batch, steps, learningRate, onStep });
  return { net, records };
};

Deno.test("train() with serve() ends with z1 and weights of the plain fixed-point run, bit for bit", async () => {
  const plain = await plainRun();
  const [seen, records]: [Seen[], ClientRecord[]] = [[], []];
  const losses: number[] = [];
  const { model, finish } = await trainBoth({
    onRecord: (record) => records.push(record),
    onStep: (done, total, loss) => losses.push(done, total, loss),
  }, { observe: (part) => seen.push(part) });
  assertEquals(seen.map(({ z1 }) => z1), plain.records.map(({ z1 }) => z1));
  assertEquals(seen.map(({ dz1 }) => dz1), plain.records.map(({ dz1 }) => dz1));
  assertEquals(seen.map(({ step, from }) => [step, from]), [[0, 0], [1, 4], [2, 0], [3, 4]]);
  assertEquals(seen.flatMap(({ labels }) => [...labels]), [...data.y, ...data.y]);
  assertEquals(records.map(({ W1 }) => W1), plain.records.map(({ W1 }) => W1));
  assertEquals(records.map(({ dz1 }) => dz1), plain.records.map(({ dz1 }) => dz1));
  assertEquals(records.map(({ dW1 }) => dW1), plain.records.map(({ dW1 }) => dW1));
  assertEquals(losses, plain.records.flatMap(({ loss }, step) => [step + 1, steps, loss]));
  assertEquals(model.W1, plain.net.W1);
  assertEquals(seen.at(-1)!.head, plain.net.head);
  assertNotEquals(model.W1, initialNet().W1);

  const classes = await classify(model, data.x);
  assertEquals(await fixedAccuracy(plain.net, { ...data, y: classes }), 1);
  const reason = await finish();
  assert(reason.includes("done"), reason);
});

Deno.test({
  name: "serve() gives the same over two Workers, and over more than there are samples in a batch",
  ignore,
  async fn() {
    const plain = await plainRun();
    for (const workers of [2, 5]) {
      const seen: Seen[] = [];
      const { model, finish } = await trainBoth({}, { workers, observe: (s) => seen.push(s) });
      assertEquals(seen.map(({ z1 }) => z1), plain.records.map(({ z1 }) => z1));
      assertEquals(model.W1, plain.net.W1);
      const classes = await classify(model, data.x);
      assertEquals(await fixedAccuracy(plain.net, { ...data, y: classes }), 1);
      await finish();
    }
  },
});

Deno.test("train() sends each ciphertext once, fresh keys every step, and notes both", async () => {
  const seen: Seen[] = [];
  const transcript = new Transcript();
  const lines: string[] = [];
  const { finish } = await trainBoth({ transcript, epochs: 3 }, {
    observe: (part) => seen.push(part),
    onEvent: (line) => lines.push(line),
  });
  await finish();
  const traffic = (what: string) => transcript.traffic.find((t) => t.what === what)!;
  assertEquals(traffic("samples").messages, 1);
  assert(traffic("samples").sizeBytes > 8 * 12 * 96 && traffic("samples").sizeBytes < 10_000);
  assertEquals(traffic("keys").messages, 6);
  assertEquals(traffic("dz1").messages, 6);
  const group = await startPairing();
  const keys = seen.flatMap((s) => s.keys.map((key) => decodeFunctionalKey(group, key)));
  const elements = keys.flatMap(({ k1, k2 }) => [k1, ...k2])
    .map((element) => group.encodeG1(element).toHex());
  assertEquals(new Set(elements).size, 6 * 3 * 12); // no element ever comes twice
  const runs = Object.fromEntries(transcript.steps.map(({ what, runs }) => [what, runs]));
  assertEquals(runs, {
    ...{ setup: 8, encrypt: 8, "derive keys": 18, "update W1": 6 },
    ...{ "store samples, elapsed": 8, "open batches, elapsed": 6, "later layers": 6 },
    ...{ "decode ciphertexts, all threads": 8, "decode keys, all threads": 6 },
    "decrypt, all threads": 72,
  });
  assert(transcript.steps.every(({ elapsedMs }) => elapsedMs > 0));
  assertEquals(lines.length, 5);
  assert(lines[0].includes("weights from insecureSeed=3: 9-3-3, 8 samples"), lines[0]);
  assert(lines[3].startsWith("epoch 3 of 3, loss "), lines[3]);
});

Deno.test("train() with one master key for the training, as in the paper, ends in the same weights", async () => {
  const results = [];
  for (const keysPer of ["batch", "training"] as const) {
    const seen: Seen[] = [];
    const transcript = new Transcript();
    const { model, finish } = await trainBoth(
      { keysPer, transcript },
      { observe: (part) => seen.push(part) },
    );
    const classes = await classify(model, data.x);
    await finish();
    const setups = transcript.steps.find(({ what }) => what === "setup")!.runs;
    results.push({ W1: model.W1, z1: seen.map(({ z1 }) => z1), classes, setups });
  }
  const [batch, training] = results;
  assertEquals({ ...batch, setups: 1 }, training);
  assertEquals(batch.setups, 2 + 4 + 1); // two batches are encrypted, four steps, a request to classify
});

Deno.test("train() draws the master key from the CSPRNG, whatever draws W1", async () => {
  const [one, two] = [await trainBoth(), await trainBoth()];
  assertEquals(one.model.W1, two.model.W1);
  assertNotEquals(one.model.masterKeys.ofBatch(0).matrix, two.model.masterKeys.ofBatch(0).matrix);
  await Promise.all([one.finish(), two.finish()]);
});
