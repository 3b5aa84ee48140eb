/** Peers that break rules: what the server refuses of a client, and the client of a server. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { seededRng } from "lib/math/rng.ts";
import { ConnectionError, inProcess } from "lib/net/connection.ts";
import { answerRequests, Requests } from "lib/net/requests.ts";
import { decodeMessage, encodeMessage, type Fields, ProtocolError } from "lib/net/wire.ts";
import { type EpochReport, train } from "lib/protocol/mitig3/client.ts";
import { CLIP, clipRows } from "lib/protocol/mitig3/encoder.ts";
import { serve } from "lib/protocol/mitig3/server.ts";
import { termsFields } from "lib/protocol/mitig3/terms.ts";
import { newSessionKey } from "lib/protocol/split/terms.ts";
import { data, setting, units } from "./fixtures.ts";

const terms = { sessionKey: newSessionKey(), width: 3, classes: 3, count: 50, setting };
const tensor = (shape: number[], value = 0) => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b)).fill(value),
});
const good: Fields = { z: tensor([4, 3]), labels: new Uint8Array(4), images: 0 };
type Request = readonly [type: string, fields: Fields, answer: string];
const begun: Request = ["train", { ...termsFields(terms), saved: [] }, "ready"];
const asking = (fields: Fields): Request => [
  "train",
  { ...termsFields(terms), saved: [], ...fields },
  "ready",
];

const faults: Record<string, [reason: string, ...requests: Request[]]> = {
  "codes of another width": [
    "z has shape [4, 4], expected [any, 3]",
    begun,
    ["z", { ...good, z: tensor([4, 4]) }, "dz"],
  ],
  "NaN in a code": [
    "z holds NaN or infinity",
    begun,
    ["z", { ...good, z: tensor([4, 3], NaN) }, "dz"],
  ],
  "labels of another number": [
    "expected 4 labels below 3, got 3",
    begun,
    ["z", { ...good, labels: new Uint8Array(3) }, "dz"],
  ],
  "a label that is no class": [
    "expected 4 labels below 3, got 4 up to 3",
    begun,
    ["z", { ...good, labels: Uint8Array.of(0, 1, 2, 3) }, "dz"],
  ],
  "more images than a batch has": [
    "9 images in a batch of 8",
    begun,
    ["z", { ...good, z: tensor([9, 3]), labels: new Uint8Array(9) }, "dz"],
  ],
  "a batch that closes with another number of images": [
    "a batch of 8 images closes after 4",
    begun,
    ["z", { ...good, images: 8 }, "dz"],
  ],
  "a checkpoint in the middle of an epoch": [
    "epoch 1 does not end at step 0",
    begun,
    ["checkpoint", { epoch: 1 }, "saved"],
  ],
  "an end before its time": ["epoch 3 does not end", begun, ["finish", {}, "finished"]],
  "codes before the terms": ["no training has begun", ["z", good, "dz"]],
  "a second session": ["the session has begun already", begun, begun],
  "an unknown request": ['got "again"', begun, ["again", {}, "z"]],
  "no epoch": ["epochs = 0 is not in [1, 10000]", asking({ epochs: 0 })],
  "a batch of none": ["batch = 0 is not in [1, 65536]", asking({ batch: 0 })],
  "codes without numbers": ["width = 0 is not in [1, 1024]", asking({ width: 0 })],
  "codes beyond reason": ["width = 2000 is not in [1, 1024]", asking({ width: 2000 })],
  "one image too many in a batch": [
    "a batch of 129 images, at most 128 for codes of 1024 numbers and 1024 classes",
    asking({ width: 1024, classes: 1024, batch: 129 }),
  ],
  "a rate that is none": ["learningRate = -1 is not positive", asking({ learningRate: -1 })],
  "an optimizer that nobody knows": [
    "optimizer is not sgd or adam",
    asking({ optimizer: "newton" }),
  ],
  "a session key of another length": [
    "sessionKey has 15 bytes",
    asking({ sessionKey: new Uint8Array(15) }),
  ],
  "checkpoints that the server never saw": [
    "no checkpoint of epoch 2 here",
    asking({ saved: [2] }),
  ],
};

for (const [fault, [reason, ...requests]] of Object.entries(faults)) {
  Deno.test(`serve() ends the connection, both sides told why, on ${fault}`, async () => {
    const [ours, theirs] = inProcess();
    const ended = serve(theirs, { rng: seededRng(3) });
    const client = new Requests(ours, { timeoutMs: 5000 });
    for (const request of requests.slice(0, -1)) await client.ask(...request);
    const error = await assertRejects(
      () => client.ask(...requests.at(-1)!),
      ConnectionError,
      reason,
    );
    assertEquals(error.ending, "closed");
    const told = await ended;
    assert(told.includes(reason), told);
  });
}

Deno.test("serve() refuses steps beyond the last epoch", async () => {
  const [ours, theirs] = inProcess();
  const ended = serve(theirs);
  const client = new Requests(ours);
  const one = { ...terms, setting: { ...setting, epochs: 1, batch: 50 } };
  await client.ask("train", { ...termsFields(one), saved: [] }, "ready");
  const all = { z: tensor([50, 3]), labels: new Uint8Array(50), images: 50 };
  await client.ask("z", all, "dz");
  await assertRejects(() => client.ask("z", all, "dz"), ConnectionError, "the 1 epochs are over");
  await ended;
});

const head = { A: tensor([3, 3], 1), b: tensor([3]) };
const honest: Record<string, (m: number) => [string, Fields]> = {
  train: () => ["ready", { epoch: 0 }],
  z: (m) => ["dz", { dz: tensor([m, 3], 0.1), loss: 1 }],
  checkpoint: () => ["saved", head],
  finish: () => ["finished", { busyMs: 1, ...head }],
};

/** Trains with a server that answers as an honest one would, but where told otherwise.
 * @returns why the connection ended, at the server. */
async function trainWith(
  answers: Partial<typeof honest>,
  options: Parameters<typeof train>[2] = {},
): Promise<string> {
  const [ours, theirs] = inProcess();
  const ended = answerRequests(theirs, Object.keys(honest), (request) => {
    const m = request.type === "z" ? request.bytes("labels").length : 0;
    const [type, fields] = { ...honest, ...answers }[request.type]!(m);
    return { type, fields };
  });
  try {
    await train(ours, data, { units, setting, insecureSeed: 2, timeoutMs: 5000, ...options });
  } finally {
    ours.close();
  }
  return await ended;
}

const refuse = async (answers: Partial<typeof honest>, reason: string) => {
  await assertRejects(() => trainWith(answers), ProtocolError, reason);
};

Deno.test("train() leaves a server whose dz has another shape, or is not finite", async () => {
  await refuse({ z: (m) => ["dz", { dz: tensor([m, 4]), loss: 1 }] }, "dz has shape [4, 4]");
  await refuse({ z: (m) => ["dz", { dz: tensor([m + 1, 3]), loss: 1 }] }, "dz has shape [5, 3]");
  await refuse({ z: (m) => ["dz", { dz: tensor([m, 3], NaN), loss: 1 }] }, "dz holds NaN");
  await refuse({ z: (m) => ["dz", { dz: tensor([m, 3], Infinity), loss: 1 }] }, "dz holds NaN or");
  await refuse({ z: (m) => ["dz", { dz: tensor([m, 3]) }] }, "loss is not a number");
  await refuse(
    { checkpoint: () => ["saved", { ...head, A: tensor([3, 4]) }] },
    "A has shape [3, 4]",
  );
  await refuse({ finish: () => ["finished", { busyMs: 1, A: head.A }] }, "b is not a tensor");
});

Deno.test("train() leaves a server that asks for the codes again, or resumes where nothing is kept", async () => {
  await refuse({ z: () => ["again", { step: 0 }] }, 'got "again"');
  await refuse({ checkpoint: () => ["ready", { epoch: 0 }] }, 'got "ready"');
  await refuse({ train: () => ["ready", { epoch: 2 }] }, "the server resumes after epoch 2");
});

Deno.test("train() leaves a server that answers for a batch a second time, or for another", async () => {
  for (const wrong of [0, 7]) {
    const [ours, theirs] = inProcess();
    const server = async () => {
      for (let k = 0;; k++) {
        const request = decodeMessage(await theirs.receive(), ...Object.keys(honest));
        const [type, fields] = honest[request.type](4);
        const number = k === 3 ? wrong : request.integer("number");
        await theirs.send(encodeMessage(type, { number, ...fields }));
      }
    };
    const ended = assertRejects(server, ConnectionError, "where 3 was expected");
    await assertRejects(
      () => train(ours, data, { units, setting, insecureSeed: 2 }),
      ProtocolError,
      `it is message ${wrong} where 3 was expected`,
    );
    await ended;
  }
});

Deno.test("train() cuts gradients to the clip, and reports how many and how long", async () => {
  const train = async (dz: number) => {
    const reports: EpochReport[] = [];
    const reply = (m: number): [string, Fields] => ["dz", { dz: tensor([m, 3], dz), loss: 1 }];
    await trainWith({ z: reply }, { onEpoch: (report) => reports.push(report) });
    return reports.map(({ clipped, longest }) => [clipped, Math.fround(longest)]);
  };
  const norm = (dz: number) => Math.fround(Math.hypot(...new Float32Array(3).fill(dz)));
  assertEquals(await train(1e6), new Array(3).fill([1, norm(1e6)]));
  assertEquals(await train(0.5), new Array(3).fill([0, norm(0.5)]));
});

Deno.test("clipRows() leaves rows up to the clip, and keeps the direction of longer ones", () => {
  const rows = Float32Array.of(0.6, 0.7, 30, -40, 0, 0);
  assertEquals(clipRows(rows, 2), { clipped: 1, longest: 50 });
  [0.6, 0.7, 0.6, -0.8, 0, 0].forEach((value, i) => assertAlmostEquals(rows[i], value, 1e-7));
  assertEquals(CLIP, 1);
});

Deno.test("train() gives up on a server that stalls or leaves, and serve() on a silent client", async () => {
  const [stalled] = inProcess();
  const options = { units, setting, timeoutMs: 50 };
  const error = await assertRejects(() => train(stalled, data, options), ConnectionError);
  assertEquals(error.ending, "stalled");
  const [leaving, left] = inProcess();
  left.close("the server stops");
  await assertRejects(() => train(leaving, data, options), ConnectionError, "the server stops");
  const [, waiting] = inProcess();
  assert((await serve(waiting, { timeoutMs: 50 })).includes("no message for"));
});
