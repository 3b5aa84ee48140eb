import { assert, assertEquals, assertRejects } from "@std/assert";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { encodeCiphertext, encodeFunctionalKey, encrypt, keyDerive, setup } from "lib/fe/fhipe.ts";
import { startPairing } from "lib/math/pairing/group.ts";
import { seededRng } from "lib/math/rng.ts";
import { type Seen, serve } from "lib/protocol/mitig1/server.ts";
import { paramsOf, type Terms } from "lib/protocol/mitig1/terms.ts";
import { termsFields } from "lib/protocol/terms.ts";
import { ConnectionError, inProcess } from "lib/net/connection.ts";
import { Requests } from "lib/net/requests.ts";
import type { Fields } from "lib/net/wire.ts";
import { options, scales } from "./fixtures.ts";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted";
const { hidden } = options;
const terms: Terms = {
  ...{ curve: "bls12-381", n: 2, hidden, classes: 3, count: 4, batch: 2, epochs: 1 },
  ...{ learningRate: 1, scales, keysPer: "training" },
};
const group = await startPairing();
const pp = paramsOf(terms, group);
const [msk, foreign] = [setup(pp), setup(pp)];
const other = setup({ ...pp, n: 3 });
const wider = setup({ ...pp, boundY: pp.boundY + 1 });

const keyOf = (of = msk, length = 2) => encodeFunctionalKey(keyDerive(of, Array(length).fill(5)));
const sampleOf = (of = msk, length = 2) => encodeCiphertext(encrypt(of, Array(length).fill(9)));
const keys = Array.from({ length: hidden }, () => keyOf());
const samples = Array.from({ length: 4 }, () => sampleOf());
const labels = Uint8Array.of(0, 1, 2, 0);

/** An encoding whose last element is replaced. */
function ending(encoding: Uint8Array, element: Uint8Array): Uint8Array {
  const changed = encoding.slice();
  changed.set(element, changed.length - element.length);
  return changed;
}

/** Compressed, with the flags for compression and, where asked, infinity. */
const compressed = (x: Uint8Array, flags: number) => {
  const bytes = x.slice();
  bytes[0] |= flags;
  return bytes;
};

/** The first x = 0, 1, … in G1's field whose point has what is asked. */
function pointG1(has: (x: bigint) => boolean): Uint8Array {
  for (let x = 1;; x++) {
    if (has(BigInt(x))) {
      return compressed(Uint8Array.from({ length: 48 }, (_, i) => i < 47 ? 0 : x), 0x80);
    }
  }
}

/** Likewise for G2's, of x in the base field. */
function pointG2(has: (x: bigint) => boolean): Uint8Array {
  for (let x = 1;; x++) {
    if (has(BigInt(x))) {
      return compressed(Uint8Array.from({ length: 96 }, (_, i) => i < 95 ? 0 : x), 0x80);
    }
  }
}
const { Fp, Fp2 } = bls12_381.fields;
const rooted = (root: () => unknown) => {
  try {
    root();
    return true;
  } catch {
    return false;
  }
};
const onG1 = (x: bigint) => rooted(() => Fp.sqrt(Fp.create(x ** 3n + 4n)));
const onG2 = (x: bigint) =>
  rooted(() =>
    Fp2.sqrt(Fp2.add(Fp2.create({ c0: x ** 3n, c1: 0n }), Fp2.create({ c0: 4n, c1: 4n })))
  );
// A point of small x is in the subgroup with a probability of 1 to the cofactor, at most 2^-125.
const bad = {
  g1: { off: pointG1((x) => !onG1(x)), outside: pointG1(onG1) },
  g2: { off: pointG2((x) => !onG2(x)), outside: pointG2(onG2) },
};
const infinity = (length: number) => compressed(new Uint8Array(length), 0xc0);

type Request = readonly [type: string, fields: Fields, answer: string];
const begin: Request = ["train", termsFields(terms), "ready"];
const store = (ciphertexts: Uint8Array[], marks = labels): Request => [
  "samples",
  { ciphertexts, labels: marks },
  "stored",
];
const step = (
  number: number,
  of: Uint8Array[],
): Request => ["keys", { step: number, keys: of }, "dz1"];
const begun = [begin, store(samples)];
const onlySample = (sample: Uint8Array): Request[] => [begin, store([sample], labels.slice(0, 1))];
const withKey = (key: Uint8Array): Request[] => [...begun, step(0, [...keys.slice(1), key])];
const terming = (changes: Partial<Terms>): Request[] => [
  ["train", termsFields({ ...terms, ...changes }), "ready"],
];

/** Asks in turn; the last request must end the connection, for a reason that both sides read. */
async function refused(reason: string, requests: readonly Request[], workers = 0) {
  const [ours, theirs] = inProcess();
  const ended = serve(theirs, { rng: seededRng(3), workers });
  const client = new Requests(ours, { timeoutMs: 20_000 });
  for (const request of requests.slice(0, -1)) await client.ask(...request);
  const last = client.ask(...requests.at(-1)!);
  const error = await assertRejects(() => last, ConnectionError, reason);
  assertEquals(error.ending, "closed");
  const told = await ended;
  assert(told.includes(reason), told);
}

const faults: Record<string, [reason: string, requests: readonly Request[]]> = {
  "a key with a point off the curve": [
    "G1 element: not a canonical encoding of a group element",
    withKey(ending(keys[0], bad.g1.off)),
  ],
  "a key with a point outside the subgroup": [
    "G1 element: not a canonical encoding of a group element",
    withKey(ending(keys[0], bad.g1.outside)),
  ],
  "a key with the identity": [
    "G1 element: it is the identity",
    withKey(ending(keys[0], infinity(48))),
  ],
  "a ciphertext with a point off the curve": [
    "G2 element: not a canonical encoding of a group element",
    onlySample(ending(samples[0], bad.g2.off)),
  ],
  "a ciphertext with a point outside the subgroup": [
    "G2 element: not a canonical encoding of a group element",
    onlySample(ending(samples[0], bad.g2.outside)),
  ],
  "a ciphertext with the identity": [
    "G2 element: it is the identity",
    onlySample(ending(samples[0], infinity(96))),
  ],
  "a key that is cut short": ["bytes, expected", withKey(keys[0].slice(0, -1))],
  "a ciphertext with a byte too many": [
    "bytes, expected",
    onlySample(Uint8Array.of(...samples[0], 0)),
  ],
  "a ciphertext in place of a key": ["Cannot decode skY: this is ctX", withKey(samples[0])],
  "a key for another n": ["a key: it is for n = 3", withKey(keyOf(other, 3))],
  "a key of another bound": ["boundY = 1025, expected", withKey(keyOf(wider))],
  "a ciphertext for another n": ["a ciphertext: it is for n = 3", onlySample(sampleOf(other, 3))],
  "a key under another msk": ["no inner product in [-", withKey(keyOf(foreign))],
  "a ciphertext under another msk": [
    "no inner product in [-",
    [begin, store([sampleOf(foreign), ...samples.slice(1)]), step(0, keys)],
  ],
  "too few keys": ["2 keys for 3 hidden units", [...begun, step(0, keys.slice(1))]],
  "too many keys": ["4 keys for 3 hidden units", [...begun, step(0, [...keys, keys[0]])]],
  "the step after the next": ["step 1, the next of 2 is 0", [...begun, step(1, keys)]],
  "a step again": ["step 0, the next of 2 is 1", [...begun, step(0, keys), step(0, keys)]],
  "a step beyond the last": [
    "step 2, the next of 2 is 2",
    [...begun, step(0, keys), step(1, keys), step(2, keys)],
  ],
  "keys before the samples": ["after 0 of 4 samples", [begin, step(0, keys)]],
  "keys before all samples": [
    "after 3 of 4 samples",
    [begin, store(samples.slice(1), labels.slice(1)), step(0, keys)],
  ],
  "more samples than agreed": ["1 more after 4 of 4", [...begun, store([samples[0]], labels)]],
  "no samples": ["0 more after 0 of 4", [begin, store([], labels)]],
  "a label that is no class": ["got 4 up to 3", [begin, store(samples, Uint8Array.of(0, 1, 2, 3))]],
  "labels of another number": [
    "expected 4 labels below 3, got 3",
    [begin, store(samples, labels.slice(1))],
  ],
  "an end before its time": ["0 of 2 steps", [...begun, ["finish", {}, "finished"]]],
  "a request before the training": ["no training has begun", [store(samples)]],
  "a second training": ["has begun already", [begin, begin]],
  "an unknown request": ['got "steal"', [begin, ["steal", {}, "W1"]]],
  "keys that are none": ["keys is not an array of byte strings", [
    ...begun,
    ["keys", { step: 0, keys: 3 }, "dz1"],
  ]],
  "a width beyond reason": ["hidden = 1000000000 is not an integer in", terming({ hidden: 1e9 })],
  "more weights than it draws for anybody": [
    "hidden · classes = 4194304 weights, at most 1048576",
    terming({ hidden: 4096, classes: 1024 }),
  ],
  "a batch whose z1 is too large": [
    "hidden · batch = 268435456 z1 of a batch, at most 1048576",
    terming({ n: 1, hidden: 4096, batch: 65536, count: 65536 }),
  ],
  "a batch whose outputs are too large": [
    "classes · batch = 67108864 outputs of a batch, at most 1048576",
    terming({ n: 1, hidden: 1, classes: 1024, batch: 65536, count: 65536 }),
  ],
  "a batch that would keep everybody waiting": [
    "hidden · classes · batch = 268435456 products of a batch, at most 134217728",
    terming({ hidden: 1024, classes: 1024, batch: 256, count: 256 }),
  ],
  "keys that fit in no message": [
    "hidden · (n + 3) = 16789504 elements of a step's keys, at most 650000",
    terming({ n: 4096, hidden: 4096, classes: 2 }),
  ],
  "samples that fit in no memory": [
    "count · (n + 3) = 4298113024 elements of the ciphertexts, at most 8388608",
    terming({ n: 4096, hidden: 1, count: 2 ** 20, batch: 1 }),
  ],
  "a range that takes a minute to search": [
    "n · 255 · weightBound = 547608330240 exceeds 68719476736",
    terming({ scales: { ...scales, weightBound: 2 ** 30 } }),
  ],
  "more samples to classify than it takes": [
    "Cannot classify: 1025 samples at once, at most 1024",
    [
      ...terming({ classes: 1024 }),
      ["classify", { keys, ciphertexts: Array(1025).fill(new Uint8Array()) }, "classes"],
    ],
  ],
  "samples that are not whole batches": ["not whole batches of 3", terming({ batch: 3 })],
  "a learning rate that is none": ["learningRate = -1", terming({ learningRate: -1 })],
  "a curve that is not there": ["curve is not bls12-381", [
    ["train", { ...termsFields(terms), curve: "secp256k1" }, "ready"],
  ]],
  "a bound that float32 cannot carry": [
    "gradientBound = 16777217",
    terming({ scales: { ...scales, gradientBound: 2 ** 24 + 1 } }),
  ],
  "a range that cannot be searched": [
    "n · 255 · weightBound = 1121501860331520 exceeds",
    terming({ n: 4096, scales: { ...scales, weightBound: 2 ** 30 } }),
  ],
};

for (const [fault, [reason, requests]] of Object.entries(faults)) {
  Deno.test(`serve() ends the connection, both sides told why, on ${fault}`, () =>
    refused(reason, requests));
}

Deno.test({
  name: "serve() ends the connection on what its Workers refuse",
  ignore,
  async fn() {
    await refused(...faults["a ciphertext with the identity"], 2);
    await refused(...faults["a key for another n"], 2);
    await refused("no inner product in [-", withKey(keyOf(foreign)), 2);
  },
});

Deno.test("serve() takes samples in parts and opens what is right", async () => {
  const [ours, theirs] = inProcess();
  const seen: Seen[] = [];
  const ended = serve(theirs, { rng: seededRng(3), observe: (part) => seen.push(part) });
  const client = new Requests(ours);
  const parts = [
    store(samples.slice(0, 1), labels.slice(0, 1)),
    store(samples.slice(1), labels.slice(1)),
  ];
  const requests = [begin, ...parts, step(0, keys), step(1, keys)];
  for (const request of requests) await client.ask(...request);
  await client.ask("finish", {}, "finished");
  assertEquals(seen.map((part) => [...part.labels]), [[0, 1], [2, 0]]);
  assert(seen.every(({ z1 }) => z1.every((z) => z === 2 * 5 * 9)));
  ours.close();
  await ended;
});

/** A training with samples that take seconds to open, begun: its connection, and the end of its server's. */
async function longWork(workers: number) {
  const [ours, theirs] = inProcess();
  const ended = serve(theirs, { rng: seededRng(3), workers });
  const client = new Requests(ours);
  await client.ask(
    "train",
    termsFields({ ...terms, hidden: 4, count: 160, batch: 160 }),
    "ready",
  );
  const repeated = Array.from({ length: 160 }, (_, i) => samples[i % 4]);
  await client.ask(...store(repeated, new Uint8Array(160)));
  const asked = client.ask(...step(0, [...keys, keys[0]]));
  asked.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 200));
  return { ours, ended };
}
for (const workers of [0, 2]) {
  Deno.test({
    name: `serve() ends its work with the connection, with ${workers} Workers`,
    ignore: ignore && workers > 0,
    async fn() {
      const { ours, ended } = await longWork(workers);
      ours.close("had enough");
      const start = performance.now();
      assert((await ended).includes("had enough"));
      assert(performance.now() - start < 3000); // what is open takes six
    },
  });
}

Deno.test("serve() trains four at a time, and the next as soon as one has left", async () => {
  const sessions = [];
  const open = () => {
    const [ours, theirs] = inProcess();
    const ended = serve(theirs, { rng: seededRng(3) });
    const answer = new Requests(ours, { timeoutMs: 20_000 }).ask(...begin);
    return { ours, ended, answer };
  };
  for (let k = 0; k < 4; k++) {
    sessions.push(open());
    await sessions[k].answer;
  }
  const fifth = open();
  const reason = "Cannot decrypt: 4 trainings are under way";
  await assertRejects(() => fifth.answer, ConnectionError, reason);
  sessions[1].ours.close();
  await sessions[1].ended;
  const sixth = open();
  await sixth.answer;
  for (const { ours, ended } of [...sessions, sixth]) {
    ours.close();
    await ended;
  }
});

Deno.test("serve() keeps samples of all trainings together within one bound", async () => {
  const open = (count: number) => {
    const [ours, theirs] = inProcess();
    const ended = serve(theirs, { rng: seededRng(3) });
    const many = termsFields({ ...terms, n: 13, count, batch: 1 });
    return { ours, ended, answer: new Requests(ours).ask("train", many, "ready") };
  };
  const first = open(2 ** 18);
  await first.answer;
  const second = open(2 ** 19);
  const reason = "805306368 bytes of ciphertexts, there is room for 402653184";
  await assertRejects(() => second.answer, ConnectionError, reason);
  first.ours.close();
  await first.ended;
  const third = open(2 ** 19);
  await third.answer;
  third.ours.close();
  await third.ended;
});

for (const workers of [0, 1]) {
  Deno.test({
    name: `serve() stops in the middle of a batch when aborted, with ${workers} Workers`,
    ignore: ignore && workers > 0,
    async fn() {
      const stop = new AbortController();
      const [ours, theirs] = inProcess();
      const ended = serve(theirs, { rng: seededRng(3), workers, signal: stop.signal });
      const client = new Requests(ours);
      const many = { ...terms, count: 40, batch: 40 };
      await client.ask("train", termsFields(many), "ready");
      const repeated = Array.from({ length: 40 }, (_, i) => samples[i % 4]);
      await client.ask(...store(repeated, new Uint8Array(40)));
      const asked = client.ask(...step(0, keys));
      setTimeout(() => stop.abort(new Error("stopped by hand")), 20);
      await assertRejects(() => asked, ConnectionError, "stopped by hand");
      assert((await ended).includes("stopped by hand"));
    },
  });
}
