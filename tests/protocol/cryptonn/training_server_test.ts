import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { DlogNotFoundError } from "lib/fe/params.ts";
import { group } from "lib/math/group.ts";
import { seededRng } from "lib/math/rng.ts";
import { Authority } from "lib/protocol/cryptonn/authority.ts";
import { Client } from "lib/protocol/cryptonn/client.ts";
import { TrainingServer } from "lib/protocol/cryptonn/training_server.ts";
import { clearProducts, initFixedNet } from "lib/protocol/fixed_net.ts";
import { DEFAULT_SCALES, trainStep } from "lib/protocol/fixed_step.ts";
import { Transcript } from "lib/net/transcript.ts";
import { encodeMessage, ProtocolError } from "lib/net/wire.ts";

const [n, m, hidden] = [4, 3, 2];
const scales = {
  ...DEFAULT_SCALES,
  ...{ weightBits: 6, weightBound: 128, gradientBits: 7, gradientBound: 128 },
};
const images = dataset({
  name: "noise",
  x: seededRng(5).bytes(m * n),
  y: Uint8Array.of(1, 0, 1),
  shape: [2, 2, 1],
  classes: ["a", "b"],
});
const batch = [0, 1, 2];
const pixels = [0, 1, 2, 3];
const net = initFixedNet({ n, hidden, classes: 2 }, scales, seededRng(1));
const common = { group: group("ristretto255"), boundX: 255 };
const samplePp = { ...common, n, boundY: scales.weightBound };
const columnPp = { ...common, n: m, boundY: scales.gradientBound };

type Bend = (answer: Uint8Array, request: Uint8Array) => Uint8Array;

/** Three parties that have exchanged the public keys; `bend` alters the authority's answers about dz1. */
function parties(bend: Bend = (answer) => answer, pp = { samples: samplePp, columns: columnPp }) {
  const [ofSamples, ofColumns] = [new Authority(pp.samples), new Authority(pp.columns)];
  const client = new Client(images);
  client.acceptPublicKey(ofSamples.publicKey());
  client.acceptColumnKey(ofColumns.publicKey());
  const lines = {
    samples: (request: Uint8Array) => Promise.resolve().then(() => ofSamples.deriveKeys(request)),
    columns: (request: Uint8Array) =>
      Promise.resolve().then(() => bend(ofColumns.deriveKeys(request), request)),
  };
  const server = new TrainingServer(net, lines, { transcript: new Transcript() });
  const samples = batch.map((index) => client.encryptSample(index));
  return { ofColumns, client, server, samples };
}

const columnsOf = (client: Client) => pixels.map((pixel) => client.encryptColumn(batch, pixel));

Deno.test("TrainingServer.step() from bytes alone equals trainStep() in the clear", async () => {
  const { client, server, samples } = parties();
  assertEquals(server.acceptBatch(client.labels(batch), samples, columnsOf(client)), 0);
  const record = await server.step(0, 0.5);
  const plain = await trainStep(net, images.y, clearProducts(images.x, n), 0.5);
  assertEquals(record, plain.record);
  assertEquals(server.net, plain.net);
});

Deno.test("TrainingServer.acceptBatch() refuses messages that are missing, repeated or out of order", () => {
  const { client, server, samples } = parties();
  const labels = client.labels(batch);
  const columns = columnsOf(client);
  const refused = (
    parts: [Uint8Array, readonly Uint8Array[], readonly Uint8Array[]],
    why: string,
  ) => assertThrows(() => server.acceptBatch(...parts), ProtocolError, why);
  refused([labels, columns, samples], 'got "column"');
  refused([samples[0], samples, columns], 'got "sample"');
  refused([labels, samples.slice(1), columns], "3 labels, 2 samples and 4 columns");
  refused([labels, samples, columns.slice(0, 3)], "3 labels, 3 samples and 3 columns");
  refused([labels, samples, columns.toReversed()], "column 3 came where 0 was due");
  refused([labels, samples, [columns[0], columns[0], ...columns.slice(2)]], "column 0 came where");
  refused([client.labels([0, 1]), samples, columns], "2 labels, 3 samples");
  refused([client.labels([]), [], columns], "0 labels");
  refused([encodeMessage("labels", { labels: [0, 2, 0] }), samples, columns], "label 2 is not in");
  refused([encodeMessage("labels", { labels: [0, -1, 0] }), samples, columns], "label -1");
  refused([labels, samples, columns.map((c) => c.slice(0, -1))], "Cannot read column");
  assertEquals(server.net, net);
});

Deno.test("TrainingServer.step() refuses a batch that it was not sent", async () => {
  const { server } = parties();
  await assertRejects(
    () => server.step(0, 0.5),
    ProtocolError,
    "batch 0: 0 batches were received",
  );
});

Deno.test("TrainingServer.step() refuses other keys than it asked for and keeps its weights", async () => {
  const bends: Bend[] = [
    (answer) => answer.slice(0, -1),
    () => encodeMessage("keys", { keys: [] }),
    () => ofColumns.deriveKeys(encodeMessage("key-request", { rows: [new Uint8Array(4 * m)] })),
  ];
  const { ofColumns } = parties();
  for (const bend of bends) {
    const { client, server, samples } = parties(bend);
    server.acceptBatch(client.labels(batch), samples, columnsOf(client));
    await assertRejects(() => server.step(0, 0.5), ProtocolError);
    assertEquals(server.net, net);
  }
});

Deno.test("TrainingServer.step() finds no dW1 in columns under another authority's key", async () => {
  const { client, server, samples } = parties();
  server.acceptBatch(client.labels(batch), samples, columnsOf(parties().client));
  await assertRejects(() => server.step(0, 0.5), DlogNotFoundError, "no inner product");
});

Deno.test("Authority refuses rows of dz1 over its bound, and rows for another batch size", async () => {
  const narrow = { samples: samplePp, columns: { ...columnPp, boundY: 1 } };
  const over = parties((answer) => answer, narrow);
  over.server.acceptBatch(over.client.labels(batch), over.samples, columnsOf(over.client));
  await assertRejects(() => over.server.step(0, 0.5), RangeError, "is not an integer in [-1, 1]");

  const larger = parties((answer) => answer, {
    samples: samplePp,
    columns: { ...columnPp, n: m + 1 },
  });
  larger.server.acceptBatch(
    larger.client.labels(batch),
    larger.samples,
    columnsOf(parties().client),
  );
  await assertRejects(() => larger.server.step(0, 0.5), ProtocolError, "12 bytes, expected 16");
});

Deno.test("Client.encryptColumn() refuses another batch size, a missing key, pixel or image", () => {
  const { client } = parties();
  const encrypt = (indices: number[], pixel: number) => () => client.encryptColumn(indices, pixel);
  assertThrows(encrypt([0, 1], 0), TypeError, "the key is for batches of 3, got 2");
  assertThrows(encrypt(batch, n), RangeError, "Cannot encrypt column 4");
  assertThrows(encrypt(batch, 0.5), RangeError, "Cannot encrypt column 0.5");
  assertThrows(encrypt([0, 1, 3], 0), RangeError, "images 0 to 2");
  assertThrows(() => client.labels([3]), RangeError, "images 0 to 2");
  assertThrows(
    () => new Client(images).encryptColumn(batch, 0),
    ProtocolError,
    "no column key was received yet",
  );
});

Deno.test("The server's modules import neither the client nor any data", async () => {
  const modules = ["training_server", "decrypt", "keys"];
  for (const name of modules) {
    const source = await import(`lib/protocol/cryptonn/${name}.ts`, { with: { type: "text" } });
    const imports = [...source.default.matchAll(/from "([^"]+)"/g)].map(([, from]) => from);
    assert(imports.length >= 2);
    assertEquals(imports.filter((from) => /client|data\//.test(from)), []);
  }
});
