import { assert, assertEquals } from "@std/assert";
import { loadPatients } from "lib/data/tables.ts";
import { decodeSealed } from "lib/he/encoding.ts";
import { batchesOf, countRight, sizesFor, trainClear } from "lib/he/learner.ts";
import { clearGradients } from "lib/he/model.ts";
import { LINEAR_PARAMS } from "lib/he/params.ts";
import { startSeal } from "lib/he/seal.ts";
import { standardised } from "lib/he/samples.ts";
import { seededRng } from "lib/math/rng.ts";
import { type Connection, inProcess } from "lib/net/connection.ts";
import { Transcript } from "lib/net/transcript.ts";
import { decodeMessage, type Message } from "lib/net/wire.ts";
import { train } from "lib/protocol/he/client.ts";
import { serve } from "lib/protocol/he/server.ts";
import { countHandles, error, ignore, sealTest } from "../../he/fixtures.ts";
import { samples, setting, terms } from "./fixtures.ts";

sealTest(
  "train() on encrypted patients takes the clear twin's steps, and ends where it ends",
  async () => {
    const patients = await loadPatients();
    const { train: ours, test } = standardised(patients.train, patients.test);
    const options = { hidden: 0, batch: 455, epochs: 3, learningRate: 0.05 };
    const sizes = sizesFor(ours, options);
    const [batch] = batchesOf(ours, sizes);
    using handles = countHandles(await startSeal());
    const [client, server] = inProcess();
    const served = serve(server);
    let steps = 0;
    const weights = await train(client, ours, {
      ...options,
      rng: seededRng(1),
      onGradients(_, weights, [gradient]) {
        assert(error(gradient, clearGradients(sizes, weights, batch)[0]) < 1e-6);
        steps++;
      },
    });
    client.close();
    assert((await served).includes("closed"));
    assertEquals([steps, handles.live], [3, 0]);
    const twin = trainClear(ours, options, seededRng(1));
    assert(error(weights[0], twin[0]) < 1e-4);
    assertEquals(countRight(test, weights), countRight(test, twin));
  },
);

/** What a client sends, before it is given away. */
function watched(connection: Connection, sent: Uint8Array<ArrayBuffer>[]): Connection {
  const send = (message: Uint8Array<ArrayBuffer>) => {
    sent.push(message.slice());
    return connection.send(message);
  };
  return { ...connection, peer: connection.peer, send };
}

/** A training whose messages are kept. */
async function messagesOf(data: typeof samples, epochs: number) {
  const [client, server] = inProcess();
  const served = serve(server);
  const [sent, transcript] = [[] as Uint8Array<ArrayBuffer>[], new Transcript()];
  const received: Uint8Array[] = [];
  const receive: Connection["receive"] = async (options) => {
    const message = await client.receive(options);
    received.push(message.slice());
    return message;
  };
  const connection = { ...watched(client, sent), receive };
  await train(connection, data, { ...setting, epochs, rng: seededRng(1), transcript });
  client.close();
  await served;
  const types = ["train", "key", "batch", "weights", "finish"];
  return { messages: sent.map((bytes) => decodeMessage(bytes, ...types)), received, transcript };
}

/** Fields of a message, as an object. */
const fieldsOf = (message: Message) =>
  (message as unknown as { fields: Record<string, unknown> }).fields;

sealTest(
  "train() sends sizes, keys and fresh ciphertexts, and nothing that it decrypted",
  async () => {
    const { messages, received } = await messagesOf(samples, 2);
    const known: Record<string, (value: unknown, message: Message) => void> = {
      number: (value) => assert(Number.isSafeInteger(value)),
      batch: (value, { type }) =>
        assert(type === "train" ? value === 8 : value === 0 || value === 1),
      kind: (value) => assert(value === "relinearisation" || value === "rotation"),
      key: (value, message) => {
        const kind = message.text("kind") === "rotation" ? "rotation key" : "relinearisation key";
        decodeSealed(LINEAR_PARAMS, kind, value as Uint8Array);
      },
      ciphertexts: (value) => {
        for (const part of value as Uint8Array[]) decodeSealed(LINEAR_PARAMS, "ciphertext", part);
      },
    };
    for (const name of ["n", "hidden", "outputs", "batches"] as const) {
      known[name] = (value) => assertEquals(value, terms[name]);
    }
    for (const message of messages) {
      for (const [name, value] of Object.entries(fieldsOf(message))) {
        assert(name in known, `${message.type} has ${name}`);
        known[name](value, message);
      }
      assertEquals((message as unknown as { tensors: Map<string, unknown> }).tensors.size, 0);
    }
    const bodies = (parts: Uint8Array[]) =>
      parts.map((part) => decodeSealed(LINEAR_PARAMS, "ciphertext", part).body.toHex());
    const up = messages.filter(({ type }) => type === "batch" || type === "weights")
      .flatMap((message) => bodies(message.parts("ciphertexts")));
    assertEquals(up.length, 2 * 2 + 4);
    assertEquals(new Set(up).size, up.length); // each is encrypted anew, also where weights have not moved
    const down = received.map((bytes) =>
      decodeMessage(bytes, "ready", "stored", "gradients", "finished")
    )
      .filter(({ type }) => type === "gradients")
      .flatMap((message) => bodies(message.parts("ciphertexts")));
    assertEquals(down.length, 4);
    assert(down.every((body) => !up.includes(body)));
  },
);

sealTest(
  "train() sends the same messages whatever the data are, and says nothing of how it goes",
  async () => {
    const others = { ...samples, x: samples.x.map((v) => 5 * v), y: samples.y.map((v) => -v) };
    const runs = [await messagesOf(samples, 1), await messagesOf(others, 1)];
    const shapes = runs.map(({ messages }) =>
      messages.map((message) =>
        [
          message.type,
          ...Object.entries(fieldsOf(message)).map(([name, value]) =>
            `${name} ${
              Array.isArray(value) ? value.length : value instanceof Uint8Array ? "" : value
            }`
          ),
        ].join()
      )
    );
    assertEquals(shapes[0], shapes[1]);
    const traffic = runs[0].transcript.traffic.filter(({ from }) => from === "client");
    assertEquals(traffic.map(({ what, messages }) => [what, messages]), [
      ["train", 1],
      ["key", 6],
      ["batch", 2],
      ["weights", 2],
      ["finish", 1],
    ]);
  },
);

/** The modules that one imports, and those that they import, for what runs and not for types. */
async function importsOf(url: URL, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(url.href)) return seen;
  seen.add(url.href);
  const source = await Deno.readTextFile(url);
  for (
    const [, clause, path] of source.matchAll(/^(?:import|export) ([^;]*?) from "(\.[^"]+)"/gms)
  ) {
    if (!clause.startsWith("type ")) await importsOf(new URL(path, url), seen);
  }
  return seen;
}

Deno.test({
  name: "the server has no code that decrypts, learns or reads data",
  ignore,
  async fn() {
    const lib = new URL("../../../lib/", import.meta.url);
    const of = async (path: string) =>
      [...await importsOf(new URL(path, lib))].map((href) => href.slice(lib.href.length));
    const server = await of("protocol/he/server.ts");
    assert(server.includes("he/evaluator.ts"));
    const secret = /secret_key|learner|samples|protocol\/he\/client|^data\//;
    assertEquals(server.filter((path) => secret.test(path)), []);
    assert((await of("protocol/he/client.ts")).some((path) => secret.test(path)));
  },
});
