import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { type CostModel, fitCostModel, predict } from "lib/protocol/cryptonn/cost.ts";
import { trainEncrypted } from "lib/protocol/cryptonn/in_process.ts";
import { DEFAULT_SCALES, type StepRecord } from "lib/protocol/fixed_step.ts";

/** Costs whose predictions can be worked out by hand. */
const model: CostModel = {
  setup: { perCoordinate: 1 },
  tables: { perCoordinate: 10 },
  encrypt: { perVector: 100, perCoordinate: 1 },
  keys: { perKey: 7, perCoordinate: 1 },
  decode: { perElement: 1 },
  decrypt: { perAddition: 0, perKey: 1000, perCiphertext: 1 },
  bytes: { publicKey: [5, 32], ciphertext: [6, 32], request: [1, 2, 4], keys: [1, 50, 4] },
  pool: { cores: 2, startSeconds: 3, efficiency: 0.5 },
};
const size = { n: 4, hidden: 2, samples: 6, batch: 3, epochs: 2, cores: 1 };

Deno.test("predict() counts the operations and bytes of a run", () => {
  const { seconds, parts, bytes } = predict(model, size); // 2 batches, 4 steps
  assertEquals(parts, {
    setup: 11 * (4 + 3),
    encryptSamples: 6 * (100 + 4),
    encryptColumns: 2 * 4 * (100 + 3),
    keys: 4 * 2 * (7 + 4 + 7 + 3),
    forward: 4 * 3 * (5 + 2 * 1000 + 1),
    backward: 4 * 4 * (4 + 2 * 1000 + 1),
  });
  assertEquals(seconds, Object.values(parts).reduce((sum, part) => sum + part));
  assertEquals(bytes, {
    publicKeys: 5 + 4 * 32 + 5 + 3 * 32,
    encryptedSamples: 6 * (6 + 4 * 32),
    encryptedColumns: 2 * 4 * (6 + 3 * 32),
    keyRequests: 4 * (1 + 2 * (2 + 16) + 1 + 2 * (2 + 12)),
    keys: 4 * (1 + 2 * (50 + 16) + 1 + 2 * (50 + 12)),
  });
});

Deno.test("predict() spreads only the decryptions over cores, and encrypts once for all epochs", () => {
  const one = predict(model, size);
  const three = predict(model, { ...size, cores: 3 });
  assertAlmostEquals(three.parts.forward, one.parts.forward / 2); // 1 + 2 · 0.5 times as fast
  assertAlmostEquals(three.parts.backward, one.parts.backward / 2);
  assertEquals(three.parts.setup, one.parts.setup + 3); // the Workers start once
  const { encryptSamples, encryptColumns, keys } = one.parts;
  assertEquals(
    [three.parts.encryptSamples, three.parts.encryptColumns, three.parts.keys],
    [encryptSamples, encryptColumns, keys],
  );
  const longer = predict(model, { ...size, epochs: 20 });
  assertEquals(longer.parts.encryptSamples, one.parts.encryptSamples);
  assertEquals(longer.bytes.keys, 10 * one.bytes.keys);
  assertEquals(longer.parts.backward, 10 * one.parts.backward);
});

Deno.test("predict() counts the additions that the entries of W1 and dz1 need", () => {
  const counting = { ...model, decrypt: { perAddition: 1, perKey: 0, perCiphertext: 0 } };
  const one = { n: 2, hidden: 1, samples: 1, batch: 1, epochs: 1, cores: 1 };
  const forward = (W1: number[]) => {
    const decoding = 3;
    return predict(counting, one, { W1, dz1: [1] }).parts.forward - decoding;
  };
  // window 2 (±1, ±2 from tables of 2): one digit a point; 1.35 · (2 table entries + 2 doublings + 2 sums)
  assertAlmostEquals(forward([1, -1]), 1.35 * (2 + 4) + 2);
  assertAlmostEquals(forward([1, 0]), 1.35 * (2 + 4) + 1);
  assert(forward([1000, -1000]) > 2 * forward([1, -1]));
});

Deno.test("predict() refuses sizes that make no run, and cores without a measured pool", () => {
  for (const bad of [{ n: 0 }, { hidden: 1.5 }, { epochs: NaN }, { cores: -1 }]) {
    assertThrows(() => predict(model, { ...size, ...bad }), RangeError, "not a positive integer");
  }
  assertThrows(() => predict(model, { ...size, batch: 4 }), RangeError, "not whole batches of 4");
  const single = { ...model, pool: null };
  assertThrows(() => predict(single, { ...size, cores: 2 }), RangeError, "no pool was measured");
  assertEquals(predict(single, size), predict(model, size));
});

Deno.test("fitCostModel() predicts a run of a size it was not fitted on", async () => {
  const progress: number[] = [];
  const model = await fitCostModel({ onProgress: (done) => progress.push(done) });
  assertEquals(progress.at(-1), 5);
  const [samples, batch, hidden, n] = [32, 16, 10, 49];
  const images = dataset({
    ...{ name: "noise", x: seededRng(1).bytes(samples * n), y: new Uint8Array(samples) },
    ...{ shape: [7, 7, 1], classes: ["a", "b"] },
  });
  const scales = { ...DEFAULT_SCALES, weightBound: 2 ** 11, gradientBound: 2 ** 12 };
  const start = performance.now();
  const options = { hidden, batch, steps: 2, learningRate: 0.1, scales, insecureSeed: 1 };
  let entries: StepRecord | undefined;
  const onStep = (record: StepRecord) => entries = record;
  const { transcript } = await trainEncrypted(images, { ...options, onStep });
  const seconds = (performance.now() - start) / 1000;
  const size = { n, hidden, samples, batch, epochs: 1, cores: 1 };
  const predicted = predict(model, size, entries);
  const ratio = predicted.seconds / seconds; // loose: other programs may run meanwhile
  assert(ratio > 1 / 4 && ratio < 4, `predicted ${predicted.seconds} s, took ${seconds} s`);

  const counted = (...what: string[]) =>
    transcript.traffic.reduce((sum, t) => what.includes(t.what) ? sum + t.sizeBytes : sum, 0);
  const close = (bytes: number, ...what: string[]) =>
    assertAlmostEquals(bytes / counted(...what), 1, 0.02, what[0]);
  close(predicted.bytes.publicKeys, "public keys");
  close(predicted.bytes.encryptedSamples, "encrypted samples");
  close(predicted.bytes.encryptedColumns, "encrypted columns");
  close(predicted.bytes.keyRequests, "rows of W1", "rows of dz1");
  close(predicted.bytes.keys, "keys for W1", "keys for dz1");
});

Deno.test("fitCostModel() stops when aborted", async () => {
  const stop = new AbortController();
  const onProgress = () => stop.abort(new Error("stopped by hand"));
  await assertRejects(
    () => fitCostModel({ signal: stop.signal, onProgress }),
    Error,
    "stopped by hand",
  );
});
