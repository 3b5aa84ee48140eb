import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { dataset, image } from "lib/data/dataset.ts";
import { DlogNotFoundError } from "lib/fe/params.ts";
import { group } from "lib/math/group.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { Authority } from "lib/protocol/cryptonn/authority.ts";
import { Client } from "lib/protocol/cryptonn/client.ts";
import { clearViews, emptiedColumns, firstLayer } from "lib/protocol/cryptonn/first_layer.ts";
import { forwardPass } from "lib/protocol/cryptonn/forward.ts";
import { Server } from "lib/protocol/cryptonn/server.ts";
import { encodeMessage, ProtocolError } from "lib/net/wire.ts";

const rng = seededRng(1);
const images = dataset({
  name: "noise",
  x: rng.bytes(3 * 9),
  y: Uint8Array.from([0, 1, 0]),
  shape: [3, 3, 1],
  classes: ["a", "b"],
});
const W1 = gaussian(rng, 4 * 9);
const layer = firstLayer(W1, 9);
const pp = { group: group("ristretto255"), n: 9, boundX: 255, boundY: 2048 };

/** Three parties that have exchanged the public key and the functional keys. */
function parties() {
  const [authority, client, server] = [new Authority(pp), new Client(images), new Server(layer)];
  client.acceptPublicKey(authority.publicKey());
  server.acceptKeys(authority.deriveKeys(server.requestKeys()));
  return { authority, client, server };
}

Deno.test("forwardPass() gives the server z1 = W1·x exactly, and counts the bytes", async () => {
  const progress: number[] = [];
  const { views, transcript } = await forwardPass(layer, images, [2, 0], {
    onProgress: (done) => progress.push(done),
  });
  assertEquals(progress, [1, 2]);
  assertEquals(views, clearViews(layer, images, [2, 0]));
  const sent = Object.fromEntries(transcript.traffic.map((t) => [t.what, t]));
  assertEquals(sent["encrypted samples"].messages, 2);
  assert(sent["encrypted samples"].sizeBytes > 2 * 10 * 32, "ten elements a ciphertext");
  assertEquals(transcript.steps.map((step) => step.runs), [1, 1, 2, 2]);
});

Deno.test("forwardPass() stops between samples when aborted", async () => {
  const signal = AbortSignal.abort(new Error("stopped by hand"));
  await assertRejects(() => forwardPass(layer, images, [0], { signal }), Error, "stopped by hand");
});

Deno.test("Server.forward() finds no inner product under another authority's keys", () => {
  const { client } = parties();
  const { server } = parties();
  assertThrows(() => server.forward(client.encryptSample(0)), DlogNotFoundError);
});

Deno.test("Server refuses keys it did not ask for, fewer keys, and acting before it has them", () => {
  const { authority, client, server } = parties();
  const other = new Server(firstLayer(W1.map((w) => -w), 9));
  assertThrows(
    () => server.acceptKeys(authority.deriveKeys(other.requestKeys())),
    ProtocolError,
    "not those that were asked for",
  );
  assertThrows(() => server.acceptKeys(encodeMessage("keys", { keys: [] })), ProtocolError);
  assertThrows(() => other.forward(client.encryptSample(0)), ProtocolError, "no keys");
  const narrow = { ...layer, W1: layer.W1.slice(1) };
  assertThrows(() => new Server(narrow), TypeError, "expected 4 × 9");
});

Deno.test("Server.forward() refuses a truncated message, an altered element and an empty ciphertext", () => {
  const { client, server } = parties();
  const sample = client.encryptSample(0);
  assertThrows(() => server.forward(sample.slice(0, -1)), ProtocolError, "Cannot read sample");
  const bent = sample.slice();
  bent[bent.length >> 1] ^= 0x80; // inside an element;
  assertThrows(() => server.forward(bent), Error);
  const empty = encodeMessage("sample", { shape: [3, 3, 1], ctX: new Uint8Array() });
  assertThrows(() => server.forward(empty), RangeError, "Cannot decode ctX");
});

Deno.test("Authority refuses rows of another length and entries over the bound", () => {
  const authority = new Authority(pp);
  const request = (rows: Uint8Array[]) => encodeMessage("key-request", { rows });
  assertThrows(() => authority.deriveKeys(request([new Uint8Array(4)])), ProtocolError, "row of 4");
  const large = new Uint8Array(36).fill(0x7f);
  assertThrows(() => authority.deriveKeys(request([large])), RangeError, "y[0]");
  assertThrows(() => authority.deriveKeys(encodeMessage("keys")), ProtocolError, 'got "keys"');
});

Deno.test("Client refuses a key for other images, and encrypting without a key", () => {
  const client = new Client(images);
  assertThrows(() => client.encryptSample(0), ProtocolError, "no public key");
  const authority = new Authority({ ...pp, n: 10 });
  assertThrows(() => client.acceptPublicKey(authority.publicKey()), TypeError, "for n = 10");
  client.acceptPublicKey(new Authority(pp).publicKey());
  assertThrows(() => client.encryptSample(3), RangeError, "images 0 to 2");
});

Deno.test("firstLayer() uses the finest scale within 11 bits, and refuses what is no layer", () => {
  assertEquals(firstLayer([1, -0.5], 1), {
    ...{ W1: Int32Array.from([1024, -512]), hidden: 2, n: 1, scaleBits: 10, finer: new Map() },
  });
  const { scaleBits } = layer;
  W1.forEach((w, i) => assertEquals(layer.W1[i], Math.round(w * 2 ** scaleBits)));
  assert(W1.some((w) => Math.abs(w) * 2 ** (scaleBits + 1) > 2047), "a finer scale would fit");
  assertThrows(() => firstLayer([1, 2, 3], 2), TypeError, "not rows of 2");
  for (const bad of [NaN, Infinity]) assertThrows(() => firstLayer([bad], 1), RangeError);
});

Deno.test("firstLayer() gives the same integers whatever the magnitude, and rows of zeros stay", () => {
  for (const power of [-1060, -40, 11, 1000]) {
    const { W1: scaled, scaleBits, finer } = firstLayer(
      W1.map((w) => w * 2 ** (power / 2) * 2 ** (power / 2)),
      9,
    );
    assertEquals([scaleBits, finer.size], [layer.scaleBits - power, 0]);
    if (power > -1000) assertEquals(scaled, layer.W1); // below, the weights themselves lose bits
  }
  assertEquals(firstLayer([0, 0], 1).scaleBits, 0);
});

Deno.test("firstLayer() keeps rows alive beside an outlier, at scales of their own", () => {
  const { W1, scaleBits, finer } = firstLayer([2000, 0.1, 0.05, -0.01, 0, 0, 31, 1], 2);
  assertEquals([scaleBits, [...finer]], [0, [[1, 15], [3, 6]]]);
  assertEquals([...W1], [2000, 0, 1638, -328, 0, 0, 1984, 64]);
});

Deno.test("emptiedColumns() counts columns that round to zero and were not", () => {
  const W1 = [1000, 1e-9, 0, 800, 0, 0];
  assertEquals(emptiedColumns(W1, firstLayer(W1, 3)), 1);
  assertEquals(emptiedColumns([1, 2], firstLayer([1, 2], 2)), 0);
});

Deno.test("clearViews() computes W1·x and refuses images of another size", () => {
  const [view] = clearViews(layer, images, [1]);
  const x = image(images, 1);
  for (let i = 0; i < 4; i++) {
    assertEquals(view.z1[i], x.reduce((sum, pixel, j) => sum + pixel * layer.W1[i * 9 + j], 0));
  }
  assertThrows(() => clearViews(firstLayer([1, 2], 2), images, [0]), TypeError, "takes 2 pixels");
});
