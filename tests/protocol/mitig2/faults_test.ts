import { assert, assertEquals, assertRejects } from "@std/assert";
import { seededRng } from "lib/math/rng.ts";
import { answerRequests, Requests } from "lib/net/requests.ts";
import { train } from "lib/protocol/mitig2/client.ts";
import { serve } from "lib/protocol/mitig2/server.ts";
import { newSessionKey, termsFields } from "lib/protocol/mitig2/terms.ts";
import { ConnectionError, inProcess } from "lib/net/connection.ts";
import { encodeMessage, type Fields, ProtocolError } from "lib/net/wire.ts";
import { data, hidden, setting } from "./fixtures.ts";

const terms = {
  ...{ sessionKey: newSessionKey(), hidden, classes: 3, count: 50, setting },
  labels: "server",
} as const;
const zeros = (...shape: number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b)),
});
const good: Fields = { z1: zeros(4, hidden), labels: new Uint8Array(4), images: 0 };

type Request = readonly [type: string, fields: Fields, answer: string];
const begun: Request = ["train", { ...termsFields(terms), saved: [] }, "ready"];
const begunClient: Request = [
  "train",
  { ...termsFields({ ...terms, labels: "client" }), saved: [] },
  "ready",
];

/** Asks in turn; the last request must end the connection, for a reason that both sides read. */
async function refused(reason: string, ...requests: readonly Request[]) {
  const [ours, theirs] = inProcess();
  const ended = serve(theirs, { rng: seededRng(3) });
  const client = new Requests(ours, { timeoutMs: 5000 });
  for (const request of requests.slice(0, -1)) await client.ask(...request);
  const last = client.ask(...requests.at(-1)!);
  const error = await assertRejects(() => last, ConnectionError, reason);
  assertEquals(error.ending, "closed");
  const told = await ended;
  assert(told.includes(reason), told);
}

const faults: Record<string, [reason: string, ...requests: Request[]]> = {
  "labels of another number": [
    "expected 4 labels below 3, got 3",
    begun,
    ["z1", { ...good, labels: new Uint8Array(3) }, "dz1"],
  ],
  "a label that is no class": [
    "expected 4 labels below 3, got 4 up to 3",
    begun,
    ["z1", { ...good, labels: Uint8Array.of(0, 1, 2, 3) }, "dz1"],
  ],
  "z1 of another width": [
    "z1 has shape [4, 6], expected [any, 5]",
    begun,
    ["z1", { ...good, z1: zeros(4, 6) }, "dz1"],
  ],
  "NaN in z1": ["z1 holds NaN or infinity", begun, [
    "z1",
    { ...good, z1: { shape: [4, hidden], data: new Float32Array(4 * hidden).fill(NaN) } },
    "dz1",
  ]],
  "infinity in dz2": [
    "dz2 holds NaN or infinity",
    begunClient,
    ["z1", { z1: good.z1 }, "z2"],
    [
      "dz2",
      { dz2: { shape: [4, 3], data: new Float32Array(12).fill(Infinity) }, images: 0 },
      "dz1",
    ],
  ],
  "dz2 of another batch": [
    "dz2 has shape [3, 3], expected [4, 3]",
    begunClient,
    ["z1", { z1: good.z1 }, "z2"],
    ["dz2", { dz2: zeros(3, 3), images: 0 }, "dz1"],
  ],
  "dz2 before its z1": [
    "dz2 came before its z1",
    begunClient,
    ["dz2", { dz2: zeros(4, 3), images: 0 }, "dz1"],
  ],
  "more images than a batch has": [
    "9 images in a batch of 8",
    begun,
    ["z1", { ...good, z1: zeros(9, hidden), labels: new Uint8Array(9) }, "dz1"],
  ],
  "a batch that closes with another number of images": [
    "a batch of 8 images closes after 4",
    begun,
    ["z1", { ...good, images: 8 }, "dz1"],
  ],
  "a checkpoint in the middle of an epoch": [
    "epoch 1 does not end at step 0",
    begun,
    ["checkpoint", { epoch: 1 }, "saved"],
  ],
  "a checkpoint before the first step": [
    "epoch 0 does not end at step 0",
    begun,
    ["checkpoint", { epoch: 0 }, "saved"],
  ],
  "an end before its time": ["epoch 3 does not end", begun, ["finish", {}, "finished"]],
  "a request before the session": ["has not begun", ["classify", { z1: good.z1 }, "classes"]],
  "training before the session": ["no training has begun", ["z1", good, "dz1"]],
  "a second session": ["the session has begun already", begun, begun],
  "an unknown request": ['got "steal"', begun, ["steal", {}, "W2"]],
  "a field that is missing": ["images is not an integer", begun, [
    "z1",
    { z1: good.z1, labels: good.labels },
    "dz1",
  ]],
  "a session key of another length": [
    "sessionKey has 15 bytes",
    ["use", { sessionKey: new Uint8Array(15) }, "ready"],
  ],
  "a width beyond reason": [
    "hidden = 1000000000 is not in",
    ["train", { ...termsFields(terms), hidden: 1e9, saved: [] }, "ready"],
  ],
  "more weights than it draws for anybody": [
    "hidden · classes = 67108864 weights, at most 1048576",
    ["train", { ...termsFields(terms), hidden: 65536, classes: 1024, saved: [] }, "ready"],
  ],
  "a batch too large for its width": [
    "a batch of 65536 images, at most 64 for 65536 hidden units and 3 classes",
    ["train", { ...termsFields(terms), hidden: 65536, batch: 65536, saved: [] }, "ready"],
  ],
  "a batch too large for its classes": [
    "a batch of 65536 images, at most 4096 for 5 hidden units and 1024 classes",
    ["train", { ...termsFields(terms), classes: 1024, batch: 65536, saved: [] }, "ready"],
  ],
  "a batch too large for its weights": [
    "a batch of 2048 images, at most 1024 for 1024 hidden units and 1024 classes",
    [
      "train",
      { ...termsFields(terms), hidden: 1024, classes: 1024, batch: 2048, saved: [] },
      "ready",
    ],
  ],
  "images to classify whose outputs are too large": [
    "Cannot classify: 1048576 images at once, at most 4096 for 1 hidden units and 1024 classes",
    ["train", { ...termsFields(terms), hidden: 1, classes: 1024, saved: [] }, "ready"],
    ["classify", { z1: zeros(2 ** 20, 1) }, "classes"],
  ],
  "images to classify, one more than it takes": [
    "Cannot classify: 65 images at once, at most 64 for 65536 hidden units and 3 classes",
    ["train", { ...termsFields(terms), hidden: 65536, saved: [] }, "ready"],
    ["classify", { z1: zeros(64, 65536) }, "classes"],
    ["classify", { z1: zeros(65, 65536) }, "classes"],
  ],
  "z1 after z1 and never dz2": [
    "12 images in a batch of 8",
    begunClient,
    ["z1", { z1: good.z1 }, "z2"],
    ["z1", { z1: good.z1 }, "z2"],
    ["z1", { z1: good.z1 }, "z2"],
  ],
  "z1 after z1 in a batch that never closes": [
    "12 images in a batch of 8",
    begun,
    ["z1", good, "dz1"],
    ["z1", good, "dz1"],
    ["z1", good, "dz1"],
  ],
  "z1 beyond the batch, some of it waiting and some gone back": [
    "9 images in a batch of 8",
    begunClient,
    ["z1", { z1: good.z1 }, "z2"],
    ["z1", { z1: good.z1 }, "z2"],
    ["dz2", { dz2: zeros(4, 3), images: 0 }, "dz1"],
    ["z1", { z1: zeros(1, hidden) }, "z2"],
  ],
  "a learning rate that is none": [
    "learningRate = -1 is not positive",
    [
      "train",
      { ...termsFields({ ...terms, setting: { ...setting, learningRate: -1 } }), saved: [] },
      "ready",
    ],
  ],
  "checkpoints that the server never saw": [
    "no checkpoint of epoch 2 here",
    ["train", { ...termsFields(terms), saved: [2] }, "ready"],
  ],
};

for (const [fault, [reason, ...requests]] of Object.entries(faults)) {
  Deno.test(`serve() ends the connection, both sides told why, on ${fault}`, () =>
    refused(reason, ...requests));
}

Deno.test("serve() refuses steps beyond the last epoch", async () => {
  const one = { ...setting, epochs: 1, batch: 50 };
  await refused(
    "the 1 epochs are over",
    ["train", { ...termsFields({ ...terms, setting: one }), saved: [] }, "ready"],
    ["z1", { z1: zeros(50, hidden), labels: new Uint8Array(50), images: 50 }, "dz1"],
    ["z1", { z1: zeros(50, hidden), labels: new Uint8Array(50), images: 50 }, "dz1"],
  );
});

Deno.test("serve() refuses a message repeated, left out, malformed or of another version", async () => {
  const valid = encodeMessage("use", { number: 0, sessionKey: new Uint8Array(16) });
  const head = new TextDecoder("latin1").decode(valid);
  const other = valid.slice();
  other[head.indexOf("av") + 2] = 9; // the CBOR map's `v`
  const cases: [string, ...Uint8Array<ArrayBuffer>[]][] = [
    ["it is message 0 where 1", encodeMessage(...numbered(0)), encodeMessage(...numbered(0))],
    ["it is message 2 where 0", encodeMessage(...numbered(2))],
    ["version 9, this is version", other],
    ["truncated", valid.slice(0, -1)],
    ["bytes are no message", new Uint8Array(2)],
  ];
  for (const [reason, ...messages] of cases) {
    const [ours, theirs] = inProcess();
    const ended = serve(theirs);
    for (const message of messages) await ours.send(message);
    const told = await ended;
    assert(told.includes(reason), told);
    await assertRejects(
      async () => {
        while (true) await ours.receive({ timeoutMs: 5000 });
      },
      ConnectionError,
      reason,
    );
  }
});

function numbered(number: number): [string, Fields] {
  return [begun[0], { number, ...begun[1] }];
}

/** A server that answers otherwise than it should; the client must leave with the reason. */
async function wrongAnswer(answers: Record<string, [string, Fields]>, reason: string) {
  const [ours, theirs] = inProcess();
  const known: Record<string, [string, Fields]> = { train: ["ready", { epoch: 0 }], ...answers };
  const types = ["train", "z1", "dz2", "classify", "checkpoint", "finish"];
  const ended = answerRequests(theirs, types, ({ type }) => {
    const [answer, fields] = known[type];
    return { type: answer, fields };
  });
  const options = { hidden, setting, rng: seededRng(2), timeoutMs: 5000 };
  await assertRejects(() => train(ours, data, options), ProtocolError, reason);
  assert((await ended).includes(reason));
}

Deno.test("train() leaves a server whose dz1 has another shape, or holds NaN", async () => {
  await wrongAnswer({ z1: ["dz1", { dz1: zeros(4, 6), loss: 1 }] }, "dz1 has shape [4, 6]");
  const poison = { shape: [4, hidden], data: new Float32Array(4 * hidden).fill(NaN) };
  await wrongAnswer({ z1: ["dz1", { dz1: poison, loss: 1 }] }, "dz1 holds NaN");
  await wrongAnswer({ z1: ["z2", { z2: zeros(4, 3) }] }, 'got "z2"');
});

Deno.test("train() leaves a server that resumes where the client has nothing", async () => {
  await wrongAnswer({ train: ["ready", { epoch: 2 }] }, "the server resumes after epoch 2");
});

Deno.test("train() and serve() give up on a peer that stalls, and on one that leaves", async () => {
  const options = { hidden, setting, rng: seededRng(2), timeoutMs: 50 };
  const [stalled, silent] = inProcess();
  const error = await assertRejects(() => train(stalled, data, options), ConnectionError);
  assertEquals(error.ending, "stalled");
  await assertRejects(
    () => silent.receive().then(() => silent.receive()),
    ConnectionError,
    "no message for",
  );
  const [quiet, waiting] = inProcess();
  assert((await serve(waiting, { timeoutMs: 50 })).includes("no message for"));
  await assertRejects(() => quiet.receive(), ConnectionError, "no message for");
  const [leaving, left] = inProcess();
  const ended = serve(left);
  leaving.close("had enough");
  assert((await ended).includes("had enough"));
});

Deno.test("serve() ends the session in which a kernel traps, and the others go on", async () => {
  const state = "memory access out of bounds";
  const observe = () => {
    throw new WebAssembly.RuntimeError(state);
  };
  const [ours, theirs] = inProcess();
  const ended = serve(theirs, { rng: seededRng(3), observe });
  const [broken, other] = inProcess();
  const otherEnded = serve(other, { rng: seededRng(3) });
  const [client, bystander] = [new Requests(ours), new Requests(broken)];
  await client.ask(...begun);
  await bystander.ask(...begunClient);
  await bystander.ask("z1", { z1: good.z1 }, "z2");
  await assertRejects(() => client.ask("z1", good, "dz1"), ConnectionError, state);
  assert((await ended).includes(state));
  const dz2 = { dz2: zeros(4, 3), images: 4 };
  const answer = await bystander.ask("dz2", dz2, "dz1");
  assert(answer.tensor("dz1", [4, hidden]).every((d) => d === 0));
  broken.close();
  await otherEnded;
});
