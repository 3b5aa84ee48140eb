/** Server, authority and client of CryptoNN against peers that break a rule, one fault at a time. */
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { decodeFunctionalKey, encodeFunctionalKey, keyDerive, setup } from "lib/fe/ipfe.ts";
import { seededRng } from "lib/math/rng.ts";
import { type Connection, ConnectionError, inProcess } from "lib/net/connection.ts";
import { type Answer, answerRequests, Requests } from "lib/net/requests.ts";
import { type Fields, type Message, ProtocolError } from "lib/net/wire.ts";
import { Authority } from "lib/protocol/cryptonn/authority.ts";
import { classify, ClientSession, train, type TrainOptions } from "lib/protocol/cryptonn/client.ts";
import { checkKeys, KeyRequests, serve, type ServerOptions } from "lib/protocol/cryptonn/server.ts";
import { instancesOf, paramsOf, type Terms } from "lib/protocol/cryptonn/terms.ts";
import {
  clearProducts,
  DEFAULT_SCALES,
  fixedAccuracy,
  type FixedNet,
  initFixedNet,
} from "lib/protocol/fixed_net.ts";
import { type StepRecord, trainStep } from "lib/protocol/fixed_train.ts";
import { termsFields } from "lib/protocol/terms.ts";

const [n, m] = [4, 3];
const images = dataset({
  ...{ name: "noise", x: seededRng(6).bytes(m * n), y: Uint8Array.of(0, 1, 0) },
  ...{ shape: [2, 2, 1], classes: ["a", "b"] },
});
const scales = {
  ...DEFAULT_SCALES,
  ...{ weightBits: 6, weightBound: 256, gradientBits: 7, gradientBound: 256 },
};
const options: TrainOptions = { hidden: 2, batch: m, steps: 1, learningRate: 0.5, scales };
const terms: Terms = {
  ...{ n, hidden: 2, classes: 2, count: m, batch: m, steps: 1, learningRate: 0.5, scales },
};
const net = initFixedNet({ n, hidden: 2, classes: 2 }, scales, seededRng(1));

/** A server, an authority, and a client that has asked for keys, with everything encrypted. */
async function parties(
  { authority = new Authority(), server = {} as Partial<ServerOptions> } = {},
) {
  const [ours, theirs] = inProcess();
  const toAuthority = authority.connect();
  const ended = serve(theirs, {
    ...{ authority: () => Promise.resolve(authority.connect()), rng: seededRng(1) },
    ...server,
  });
  const session = await ClientSession.open(toAuthority, instancesOf(terms));
  const server_ = new Requests(ours, { timeoutMs: 20_000 });
  const x = (i: number) => images.x.subarray(i * n, (i + 1) * n);
  return {
    ...{ authority, toAuthority, session, ended, server: server_ },
    samples: [0, 1, 2].map((i) => session.encrypt("sample", x(i))),
    columns: [0, 1, 2, 3].map((p) => session.encrypt("column", [0, 1, 2].map((i) => x(i)[p]))),
    train: (changes: Fields = {}) =>
      server_.ask("train", { session: session.name, ...termsFields(terms), ...changes }, "ready"),
    async close() {
      ours.close();
      toAuthority.close();
      return await ended;
    },
  };
}
const labels = images.y;

Deno.test("serve() takes a step from bytes alone that equals trainStep() in the clear, and classifies alike", async () => {
  const seen: [StepRecord, number, FixedNet][] = [];
  const { server, train, samples, columns, close } = await parties({
    server: { observe: (record, step, net) => seen.push([record, step, net]) },
  });
  await train();
  await server.ask("encrypted samples", { ciphertexts: samples, labels }, "stored");
  await server.ask("encrypted columns", { ciphertexts: columns }, "stored");
  const { number } = await server.ask("step", { step: 0 }, "stepped").then((answer) => ({
    number: answer.number("loss"),
  }));
  const plain = await trainStep(net, images.y, clearProducts(images.x, n), 0.5);
  assertEquals(seen, [[plain.record, 0, plain.net]]);
  assertEquals(number, plain.record.loss);
  const answer = await server.ask("classify", { ciphertexts: samples }, "classes");
  assertEquals(await fixedAccuracy(plain.net, { ...images, y: answer.bytes("classes") }), 1);
  assert((await close()).includes("done"));
});

/** What a server answers to requests after `train`: the last of them is refused. */
async function refused(reason: string, ...requests: [type: string, fields: Fields][]) {
  const { server, train, close } = await parties();
  await train();
  const [last, ...before] = requests.toReversed();
  const answers: Record<string, string> = { step: "stepped", classify: "classes" };
  const ask = ([type, fields]: [string, Fields]) =>
    server.ask(type, fields, answers[type] ?? "stored");
  for (const request of before.toReversed()) await ask(request);
  await assertRejects(() => ask(last), ConnectionError, reason);
  await close();
}

Deno.test("serve() refuses batches that are too large, too small, or out of order", async () => {
  const { samples, columns, close } = await parties();
  await close();
  const three = { ciphertexts: samples, labels };
  const store: [string, Fields] = ["encrypted samples", three];
  const rest: [string, Fields] = ["encrypted columns", { ciphertexts: columns }];
  const some = (k: number) => ({ ciphertexts: samples.slice(0, k), labels: labels.slice(0, k) });
  await refused("columns: 4 more after 0 of 3 samples and 0 of 4 columns in batch 0 of 1", rest);
  await refused("columns: 4 more after 2 of 3 samples", ["encrypted samples", some(2)], rest);
  await refused("samples: 0 more", ["encrypted samples", some(0)]);
  await refused("samples: 3 more after 2 of 3 samples and 0 of 4 columns in batch 0 of 1", [
    "encrypted samples",
    some(2),
  ], store);
  await refused("samples: 3 more after 3 of 3 samples", store, store);
  await refused(
    "samples: 3 more after 0 of 3 samples and 0 of 4 columns in batch 1 of 1",
    store,
    rest,
    store,
  );
  await refused("columns: 4 more after 0 of 3 samples", store, rest, rest);
  await refused("columns: 0 more", store, ["encrypted columns", { ciphertexts: [] }]);
  await refused("columns: 5 more after 3 of 3 samples and 0 of 4", store, [
    "encrypted columns",
    { ciphertexts: [...columns, columns[0]] },
  ]);
  const wrong = (labels: number[], reason: string) =>
    refused(reason, ["encrypted samples", { ...three, labels: Uint8Array.from(labels) }]);
  await wrong([0, 1], "expected 3 labels below 2, got 2 up to 1");
  await wrong([0, 2, 0], "expected 3 labels below 2, got 3 up to 2");
  await refused("labels is not a byte string", ["encrypted samples", { ciphertexts: samples }]);
  await refused("Cannot train on batch 0: 0 batches were received", ["step", { step: 0 }]);
  await refused("batch 0: 0 batches", store, ["step", { step: 0 }]);
  const whole = [store, rest] as const;
  await refused("asked for step 1, the next of 1 is 0", ...whole, ["step", { step: 1 }]);

  const own = await parties();
  await own.train();
  await own.server.ask("encrypted samples", { ciphertexts: own.samples, labels }, "stored");
  await own.server.ask("encrypted columns", { ciphertexts: own.columns }, "stored");
  await own.server.ask("step", { step: 0 }, "stepped");
  const reason = "asked for step 1, the next of 1 is 1";
  await assertRejects(
    () => own.server.ask("step", { step: 1 }, "stepped"),
    ConnectionError,
    reason,
  );
  await own.close();
});

Deno.test("serve() refuses a step out of turn, and more images to classify than it answers at once", async () => {
  const one = await parties();
  await one.train({ steps: 2 });
  await assertRejects(
    () => one.server.ask("step", { step: 1 }, "stepped"),
    ConnectionError,
    "asked for step 1, the next of 2 is 0",
  );
  await one.close();
  const wide = await parties();
  await wide.train({ hidden: 2 ** 12 });
  const ciphertexts = Array(257).fill(wide.samples[0]);
  await assertRejects(
    () => wide.server.ask("classify", { ciphertexts }, "classes"),
    ConnectionError,
    "Cannot classify: 257 samples at once, at most 256",
  );
  await wide.close();
  const large = await parties();
  await large.train();
  const bytes = large.samples[0].length + 1;
  await assertRejects(
    () => large.server.ask("classify", { ciphertexts: [new Uint8Array(bytes)] }, "classes"),
    ConnectionError,
    `Cannot classify: one has ${bytes} bytes, expected ${bytes - 1}`,
  );
  await large.close();
});

Deno.test("serve() refuses to go on before train, a second train, and terms that no training has", async () => {
  const { server, close } = await parties();
  await assertRejects(
    () => server.ask("step", { step: 0 }, "stepped"),
    ConnectionError,
    "no training has begun",
  );
  await close();
  const again = await parties();
  await again.train();
  await assertRejects(() => again.train(), ConnectionError, "the session has begun already");
  await again.close();
  const faults: [Fields, string][] = [
    [{ n: 2 ** 13 }, "n = 8192 is not an integer in [1, 4096]"],
    [{ hidden: 0 }, "hidden = 0"],
    [{ hidden: 2 ** 12, n: 2 ** 11 }, "hidden · n = 8388608 entries of W1, at most 4194304"],
    [{ hidden: 2 ** 12, classes: 2 ** 10 }, "hidden · classes = 4194304 weights, at most 1048576"],
    [{ count: 4 }, "4 images are not whole batches of 3"],
    [{ steps: 0 }, "steps = 0 is not an integer in [1, 1073741824]"],
    [{ learningRate: -1 }, "learningRate = -1 is not positive"],
    [{ weightBound: 2 ** 27 }, "n · 255 · weightBound = 136902082560 exceeds"],
    [{ gradientBound: 2 ** 25 }, "gradientBound = 33554432 is not an integer in"],
    [{ count: 3 * 2 ** 18, n: 2 ** 12 }, "bytes of ciphertexts, there is room for 805306368"],
    [{ hidden: 2 ** 11, batch: 2 ** 10, count: 2 ** 10 }, "hidden · batch = 2097152 z1 of a batch"],
    [{ scales: 1, weightBits: "many" }, "weightBits is not an integer"],
    [{ session: 3 }, "session is not text"],
  ];
  for (const [changes, reason] of faults) {
    const { train, close } = await parties();
    await assertRejects(() => train(changes), ConnectionError, reason);
    await close();
  }
});

Deno.test("serve() says that the authority vanished, is not there, or knows no such session", async () => {
  const connections: Connection[] = [];
  const authority = new Authority();
  const connect = () => {
    const [ours, theirs] = inProcess();
    authority.serve(theirs);
    connections.push(theirs);
    return Promise.resolve(ours);
  };
  const { server, train, samples, columns, close } = await parties({
    ...{ authority, server: { authority: connect } },
  });
  await train();
  await server.ask("encrypted samples", { ciphertexts: samples, labels }, "stored");
  await server.ask("encrypted columns", { ciphertexts: columns }, "stored");
  connections[0].close("the power is out");
  const reason = "Cannot get keys from the authority: Cannot receive from server: it closed the " +
    "connection (the power is out)";
  await assertRejects(() => server.ask("step", { step: 0 }, "stepped"), ConnectionError, reason);
  await close();

  const none = await parties({
    server: { authority: () => Promise.reject(new Error("Cannot connect to wss://gone")) },
  });
  await assertRejects(() => none.train(), ConnectionError, "Cannot connect to wss://gone");
  await none.close();

  const over = await parties();
  await over.train();
  await over.server.ask("encrypted samples", { ciphertexts: samples, labels }, "stored");
  await over.server.ask("encrypted columns", { ciphertexts: columns }, "stored");
  over.toAuthority.close(); // its session ends with it
  await new Promise((resolve) => setTimeout(resolve, 20));
  await assertRejects(
    () => over.server.ask("step", { step: 0 }, "stepped"),
    ConnectionError,
    "Cannot derive keys for W1: there is no such session",
  );
  await over.close();
});

Deno.test("serve() finds nothing in ciphertexts of another authority, and refuses damaged ones", async () => {
  const foreign = await parties();
  const bend = (part: Uint8Array) => part.map((byte, at) => at === 40 ? byte ^ 0x80 : byte);
  const cases: [string, (all: typeof foreign) => [Uint8Array[], Uint8Array[]]][] = [
    ["no inner product", ({ columns }) => [foreign.samples, columns]],
    ["no inner product", ({ samples }) => [samples, foreign.columns]],
    ["", ({ samples, columns }) => [samples.map(bend), columns]],
    ["", ({ samples, columns }) => [samples, columns.map(bend)]],
  ];
  for (const [reason, choose] of cases) {
    const seen: unknown[] = [];
    const all = await parties({ server: { observe: (record) => seen.push(record) } });
    const [samples, columns] = choose(all);
    await all.train();
    await all.server.ask("encrypted samples", { ciphertexts: samples, labels }, "stored");
    await all.server.ask("encrypted columns", { ciphertexts: columns }, "stored");
    await assertRejects(
      () => all.server.ask("step", { step: 0 }, "stepped"),
      ConnectionError,
      reason,
    );
    assertEquals(seen, []);
    await all.close();
  }
  await foreign.close();
  const cut = foreign.samples.map((part) => part.slice(0, -1));
  const long = foreign.columns.map((part) => Uint8Array.from([...part, 0]));
  const store = (type: string, ciphertexts: Uint8Array[]): [string, Fields] => [
    `encrypted ${type}`,
    { ciphertexts, labels },
  ];
  await refused(
    "Cannot store encrypted samples: one has 178 bytes, expected 179",
    store("samples", cut),
  );
  await refused(
    "Cannot store encrypted samples: one has 147 bytes, expected 179",
    store("samples", foreign.columns.slice(1)),
  );
  await refused(
    "Cannot store encrypted columns: one has 148 bytes, expected 147",
    store("samples", foreign.samples),
    store("columns", long),
  );
});

Deno.test("checkKeys() takes the keys that were asked for and no others", () => {
  const pp = paramsOf(2, 10);
  const { msk } = setup(pp);
  const matrix = Int32Array.of(1, 2, -3, 4);
  const key = (...y: number[]) => encodeFunctionalKey(keyDerive(msk, y));
  const keys = [key(1, 2), key(-3, 4)];
  checkKeys(pp, matrix, keys);
  const other = encodeFunctionalKey(keyDerive(setup(paramsOf(2, 11)).msk, [1, 2]));
  for (
    const wrong of [
      [],
      keys.slice(1),
      keys.toReversed(),
      [...keys, keys[0]],
      [keys[0], key(-3, 5)],
      [keys[0], keys[1].slice(1)],
      [other, keys[1]],
    ]
  ) {
    assertThrows(() => checkKeys(pp, matrix, wrong), ProtocolError, "not those that were asked");
  }
});

Deno.test("KeyRequests.ask() refuses keys that an authority made for other rows", async () => {
  const [ours, theirs] = inProcess();
  const pp = paramsOf(2, 10);
  const keys = [encodeFunctionalKey(keyDerive(setup(pp).msk, [1, 1]))];
  answerRequests(theirs, ["rows of W1"], () => ({ type: "keys for W1", fields: { keys } }));
  const line = new KeyRequests(ours, "a session", {});
  await assertRejects(() => line.ask("W1", pp, Int32Array.of(1, 2)), ProtocolError, "not those");
  assertEquals(await line.ask("W1", pp, Int32Array.of(1, 1)), keys);
  ours.close();
});

/** A session at an authority, and how to ask for keys of it. */
function atAuthority(lengths = [n], bounds = [10]) {
  const lines: string[] = [];
  const authority = new Authority();
  const [ours, theirs] = inProcess();
  const ended = authority.serve(theirs, { onEvent: (line) => lines.push(line) });
  const requests = new Requests(ours, { timeoutMs: 20_000 });
  const setUp = () => requests.ask("setup", { lengths, bounds }, "public keys");
  const rows = (session: string, rows: Fields[string], of = "W1") =>
    requests.ask(`rows of ${of}`, { session, rows }, `keys for ${of}`);
  return { ...{ authority, ours, ended, lines, setUp, rows } };
}

Deno.test("KeyRequests asks for more rows than the authority takes at once in parts", async () => {
  const { authority, ours, setUp } = atAuthority();
  const session = (await setUp()).text("session");
  const connection = authority.connect();
  const pp = paramsOf(n, 10);
  const matrix = Int32Array.from({ length: (2 ** 12 + 1) * n }, (_, i) => i % 10);
  const keys = await new KeyRequests(connection, session, {}).ask("W1", pp, matrix);
  assertEquals(keys.length, 2 ** 12 + 1);
  assertEquals([...decodeFunctionalKey(keys.at(-1)!).y], [...matrix.subarray(-n)]);
  for (const end of [connection, ours]) end.close();
});

Deno.test("Authority derives keys for the rows of its sessions only, within the bounds", async () => {
  const matrix = (...data: number[]) => ({ shape: [1, n], data: Int32Array.from(data) });
  const one = atAuthority();
  const session = (await one.setUp()).text("session");
  const [key] = (await one.rows(session, matrix(1, -2, 10, -10))).parts("keys");
  assertEquals([...decodeFunctionalKey(key).y], [1, -2, 10, -10]);
  assertEquals(one.lines, ["session of length 4, entries up to 10"]);
  await assertRejects(() => one.rows(session, matrix(1, 2, 3, 11)), ConnectionError, "y[3] = 11");
  const faults: [Fields[string], string, string?][] = [
    [{ shape: [1, 3], data: new Int32Array(3) }, "rows has shape [1, 3], expected [any, 4]"],
    [{ shape: [1, n], data: new Float32Array(n) }, "rows is not of int32"],
    [
      { shape: [2 ** 20 + 1, n], data: new Int32Array(4 * 2 ** 20 + 4) },
      "1048577 rows of 4, at most 4096 rows and 4194304 entries at once",
    ],
    [matrix(1, 2, 3, 4), "Cannot derive keys for dz1: there is no such session", "dz1"],
  ];
  for (const [rows, reason, of] of faults) {
    const again = atAuthority();
    const session = (await again.setUp()).text("session");
    await assertRejects(() => again.rows(session, rows, of), ConnectionError, reason);
  }
  const two = atAuthority();
  await assertRejects(
    () => two.rows(session, matrix(1, 2, 3, 4)),
    ConnectionError,
    "there is no such session",
  );
});

Deno.test("Authority sets up once a connection, and nothing that is too large", async () => {
  const one = atAuthority();
  const first = await one.setUp();
  await assertRejects(() => one.setUp(), ConnectionError, "Cannot set up: it is done already");
  const other = await atAuthority().setUp();
  assertNotEquals(other.text("session"), first.text("session"));
  assertNotEquals(other.parts("keys"), first.parts("keys"));
  const faults: [number[], number[], string][] = [
    [[4097], [1], "one or two lengths in [1, 4096]"],
    [[0], [1], "one or two lengths"],
    [[], [], "one or two lengths"],
    [[1, 1, 1], [1, 1, 1], "one or two lengths"],
    [[1, 1], [1], "a bound for each"],
    [[4096], [2 ** 21], "exceeds 2^40"],
    [[1], [0], "boundY 0 is not an integer in"],
  ];
  for (const [lengths, bounds, reason] of faults) {
    const { setUp } = atAuthority(lengths, bounds);
    await assertRejects(() => setUp(), ConnectionError, reason);
  }
});

Deno.test("ClientSession.chunks() encrypts in order, so many per message", async () => {
  const toAuthority = new Authority().connect();
  const session = await ClientSession.open(toAuthority, [paramsOf(n, 8)]);
  const sizes = async (count: number, most?: number) => {
    const vectors = Array.from({ length: count }, () => new Uint8Array(n));
    const chunks = await Array.fromAsync(session.chunks("sample", vectors, { most }));
    return chunks.map(({ from, ciphertexts }) => [from, ciphertexts.length]);
  };
  assertEquals(await sizes(5, 2), [[0, 2], [2, 2], [4, 1]]);
  assertEquals(await sizes(4, 2), [[0, 2], [2, 2]]);
  assertEquals(await sizes(5), [[0, 5]]);
  assertEquals(await sizes(0), []);
  toAuthority.close();
});

Deno.test("train() refuses what cannot be trained before it sends anything", async () => {
  const refuse = async (bad: Partial<TrainOptions>, reason: string) => {
    const [ours, theirs] = inProcess();
    const connections = { authority: new Authority().connect(), server: ours };
    await assertRejects(
      () => train(connections, images, { ...options, ...bad }),
      RangeError,
      reason,
    );
    await assertRejects(() => theirs.receive(), ConnectionError, reason.slice(0, 20));
  };
  await refuse({ batch: 2 }, "3 images are not whole batches of 2");
  await refuse({ steps: 0.5 }, "steps = 0.5");
  await refuse({ hidden: 5000 }, "hidden = 5000");
  await refuse({ learningRate: NaN }, "learningRate = NaN is not positive");
});

Deno.test("train() and classify() leave peers that answer otherwise than they should", async () => {
  const wrong = async (reason: string, answers: Record<string, Answer>) => {
    const [ours, theirs] = inProcess();
    const types = ["train", "encrypted samples", "encrypted columns", "step", "classify"];
    const good: Record<string, Answer> = {
      ...{ train: { type: "ready" }, step: { type: "stepped", fields: { loss: 1 } } },
      classify: { type: "classes", fields: { classes: new Uint8Array(2) } },
    };
    const respond = ({ type }: Message) => answers[type] ?? good[type] ?? { type: "stored" };
    const ended = answerRequests(theirs, types, respond);
    const connections = { authority: new Authority().connect(), server: ours };
    await assertRejects(
      async () => await classify(await train(connections, images, options), images.x.slice(0, 8)),
      ProtocolError,
      reason,
    );
    connections.authority.close();
    assert((await ended).includes(reason.slice(0, 20)), await ended);
  };
  await wrong('got "go"', { train: { type: "go" } });
  await wrong("loss is not a number", { step: { type: "stepped", fields: { loss: "low" } } });
  const classes = new Uint8Array(3);
  await wrong("3 for 2 images", { classify: { type: "classes", fields: { classes } } });

  const [ours, theirs] = inProcess();
  const narrow = new Authority();
  answerRequests(theirs, ["setup"], async () => {
    const { name } = await ClientSession.open(narrow.connect(), [paramsOf(n, 7)]);
    return { type: "public keys", fields: { session: name, keys: [] } };
  });
  await assertRejects(
    () => ClientSession.open(ours, [paramsOf(n, 8)]),
    ProtocolError,
    "Cannot use the public keys: they are for , not n = 4, |x| ≤ 255, |y| ≤ 8",
  );
  ours.close();
});

Deno.test("train() ends when the authority has gone, whatever the server does", async () => {
  const [ours, theirs] = inProcess();
  const types = ["train", "encrypted samples", "encrypted columns", "step"];
  answerRequests(theirs, types, ({ type }) => {
    if (type === "step") connections.at(0)!.close("the power is out");
    return type === "train"
      ? { type: "ready" }
      : type === "step"
      ? new Promise(() => {})
      : { type: "stored" };
  });
  const connections: Connection[] = [];
  const authority = new Authority();
  const [toAuthority, itsEnd] = inProcess();
  authority.serve(itsEnd);
  connections.push(itsEnd);
  await assertRejects(
    () => train({ authority: toAuthority, server: ours }, images, options),
    ConnectionError,
    "it closed the connection (the power is out)",
  );
});

Deno.test("The server's modules import neither the client nor any data", async () => {
  for (const name of ["cryptonn/server", "cryptonn/terms", "decryption", "samples"]) {
    const source = await import(`lib/protocol/${name}.ts`, { with: { type: "text" } });
    const imports = [...source.default.matchAll(/from "([^"]+)"/g)].map(([, from]) => from);
    assert(imports.length >= 2);
    assertEquals(imports.filter((from) => /client|data\//.test(from)), []);
  }
});
