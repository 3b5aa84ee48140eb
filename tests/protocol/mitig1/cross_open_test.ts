import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { expandedRng } from "lib/math/rng.ts";
import { startPairing } from "lib/math/pairing/group.ts";
import { type ClientRecord } from "lib/protocol/mitig1/client.ts";
import { crossOpen } from "lib/protocol/mitig1/cross_open.ts";
import { type KeysPer, MasterKeys } from "lib/protocol/mitig1/master_keys.ts";
import { paramsOf } from "lib/protocol/mitig1/terms.ts";
import { data, scales, trainBoth } from "./fixtures.ts";

/** What a server keeps of a training, and the W1 of each step. */
async function kept(keysPer: KeysPer) {
  const [ciphertexts, keys, W1s]: [Uint8Array[], Uint8Array[][], Int32Array[]] = [[], [], []];
  const { finish } = await trainBoth({
    ...{ keysPer, epochs: 1 },
    onRecord: ({ W1 }: ClientRecord) => W1s.push(W1),
  }, {
    observe: (step) => keys.push([...step.keys]),
    observeSamples: (more) => ciphertexts.push(...more),
  });
  await finish();
  return { ciphertexts, keys, W1s };
}
const terms = { n: 9, scales };

Deno.test("crossOpen() under one master key has W1(t)·x of every step and sample", async () => {
  const { ciphertexts, keys, W1s } = await kept("training");
  const opened = await crossOpen(terms, { ciphertexts, keys });
  const rows = opened.length / data.count;
  assert(rows > 3, `${rows} rows`); // into the second step
  const expected = Float64Array.from(opened, (_, at) => {
    const [row, i] = [Math.floor(at / data.count), at % data.count];
    const [W1, unit] = [W1s[Math.floor(row / 3)], row % 3];
    let sum = 0;
    for (let p = 0; p < 9; p++) sum += W1[unit * 9 + p] * data.x[i * 9 + p];
    return sum;
  });
  assertEquals(opened, expected);
});

Deno.test("crossOpen() under a master key for each batch opens no other batch", async () => {
  const { ciphertexts, keys } = await kept("batch");
  await assertRejects(() => crossOpen(terms, { ciphertexts, keys }), Error, "no inner product");
  const own = await crossOpen(terms, {
    ciphertexts: ciphertexts.slice(0, 4),
    keys: keys.slice(0, 1),
  });
  assertEquals(own.length, 4 * 3);
});

Deno.test("MasterKeys repeats a batch's key, and no two batches, requests or clients share one", async () => {
  const pp = paramsOf(terms, await startPairing());
  const [one, other] = [new MasterKeys(pp, "batch"), new MasterKeys(pp, "batch")];
  const first = one.ofBatch(0).matrix;
  assertNotEquals(one.ofBatch(1).matrix, first);
  assertEquals(one.ofBatch(0).matrix, first);
  assertNotEquals(other.ofBatch(0).matrix, first);
  assertNotEquals(one.ofRequest().matrix, one.ofRequest().matrix);
  const single = new MasterKeys(pp, "training");
  assertEquals(single.ofBatch(3).matrix, single.ofRequest().matrix);
});

Deno.test("expandedRng() gives a stream a name, another for another secret, and takes 32 bytes", () => {
  const secret = new Uint8Array(32);
  const of = (secret: Uint8Array, name: string) => expandedRng(secret, name).bytes(16).toHex();
  assertEquals(of(secret, "a"), of(secret, "a"));
  assertNotEquals(of(secret, "a"), of(secret, "b"));
  assertNotEquals(of(secret, "a"), of(secret.with(0, 1), "a"));
  let message = "";
  try {
    expandedRng(new Uint8Array(31), "a");
  } catch (error) {
    message = (error as Error).message;
  }
  assertEquals(message, "Cannot expand a secret: expected 32 bytes, got 31");
});
