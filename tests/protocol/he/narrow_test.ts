import { assert, assertEquals, assertRejects } from "@std/assert";
import { firstImages, poolImages } from "lib/data/dataset.ts";
import { loadMnist } from "lib/data/mnist.ts";
import { decodeSealed } from "lib/he/encoding.ts";
import { LINEAR_PARAMS } from "lib/he/params.ts";
import { seededRng } from "lib/math/rng.ts";
import { ConnectionError, inProcess } from "lib/net/connection.ts";
import { answerRequests } from "lib/net/requests.ts";
import { Transcript } from "lib/net/transcript.ts";
import { decodeMessage, type Message } from "lib/net/wire.ts";
import {
  clearHeadGradient,
  LeastSquaresHead,
  trainNarrowClear,
  trainNarrowEncrypted,
} from "lib/protocol/he/narrow.ts";
import { serve } from "lib/protocol/he/server.ts";
import { optimizer } from "lib/nn/optimizer.ts";
import { NARROW } from "lib/protocol/mitig3/terms.ts";
import { sealTest } from "../../he/fixtures.ts";
import { byHand } from "./fixtures.ts";

const digits = await loadMnist();
const data = {
  train: firstImages(poolImages(digits.train, 4), 24),
  test: firstImages(poolImages(digits.test, 4), 200),
};
const setting = { ...NARROW, epochs: 2, batch: 16, learningRate: 0.01 };
const options = () => ({ units: 8, setting, rng: seededRng(2) });

sealTest(
  "trainNarrowEncrypted() ends where its twin in the clear ends, after a short last batch too",
  async () => {
    const [client, server] = inProcess();
    const served = serve(server);
    const transcript = new Transcript();
    const [seen, twin]: [number[], number[]] = [[], []];
    const accuracy = await trainNarrowEncrypted(client, data, {
      ...options(),
      transcript,
      onEpoch: (_, accuracy) => void seen.push(accuracy),
    });
    client.close();
    await served;
    assertEquals(
      await trainNarrowClear(data, {
        ...options(),
        onEpoch: (_, accuracy) => void twin.push(accuracy),
      }),
      accuracy,
    );
    assertEquals(seen, twin);
    const messages = transcript.traffic.filter(({ from }) => from === "client");
    assertEquals(messages.map(({ what, messages }) => [what, messages]), [
      ["train", 1],
      ["key", 13],
      ["step", 8], // two batches of two parts, twice
      ["finish", 1],
    ]);
  },
);

/** What stands in a message, sorted by name. */
const fieldsOf = (message: Message) =>
  Object.entries((message as unknown as { fields: Record<string, unknown> }).fields)
    .sort(([a], [b]) => a < b ? -1 : 1);

sealTest(
  "trainNarrowEncrypted() sends sizes, keys and fresh ciphertexts, whatever the images are",
  async () => {
    const messagesOf = async (train: typeof data.train) => {
      const [client, server] = inProcess();
      const served = serve(server);
      const sent: Message[] = [];
      const send = (message: Uint8Array<ArrayBuffer>) => {
        sent.push(decodeMessage(message.slice(), "train", "key", "step", "finish"));
        return client.send(message);
      };
      await trainNarrowEncrypted({ ...client, peer: client.peer, send }, { ...data, train }, {
        ...options(),
        setting: { ...setting, epochs: 1 },
      });
      client.close();
      await served;
      return sent;
    };
    const { train } = data;
    const others = { ...train, x: train.x.map((v) => 255 - v), y: train.y.toReversed() };
    const [first, second] = [await messagesOf(train), await messagesOf(others)];
    const ciphertexts = new Set<string>();
    /** Without what is encrypted, of which nothing comes twice. */
    const shape = (messages: Message[]) =>
      messages.map((message) => [
        message.type,
        (message as unknown as { tensors: Map<string, unknown> }).tensors.size,
        ...fieldsOf(message).map(([name, value]) => {
          if (!Array.isArray(value)) return [name, value instanceof Uint8Array ? "key" : value];
          for (const part of value) {
            const { body } = decodeSealed(LINEAR_PARAMS, "ciphertext", part);
            assert(ciphertexts.size < ciphertexts.add(body.toHex()).size);
          }
          return [name, value.length];
        }),
      ]);
    const [own, other] = [shape(first), shape(second)];
    assertEquals(own, other);
    assertEquals(own[0], [
      ...["train", 0],
      ...[["batch", 8], ["batches", 0], ["hidden", 0], ["n", 11], ["number", 0], ["outputs", 10]],
    ]);
    assertEquals(own.findLast(([type]) => type === "step"), [
      ...["step", 0, ["batch", 2], ["number", 17], ["weights", 1]],
    ]);
    assertEquals(ciphertexts.size, 2 * 4 * 3);
  },
);

sealTest("trainNarrowEncrypted() tells the server nothing of why it left", async () => {
  const [client, server] = inProcess();
  const ended = answerRequests(server, ["train", "key", "step"], (request) => {
    if (request.type === "train") return { type: "ready" };
    if (request.type === "key") return { type: "stored" };
    return { type: "gradients", fields: { ciphertexts: [] } };
  });
  const own = await assertRejects(
    () => trainNarrowEncrypted(client, data, options()),
    Error,
    "0 ciphertexts, expected 2",
  );
  const heard = await ended;
  assert(heard.includes("the client ended the training") && !heard.includes(own.message), heard);
});

Deno.test("trainNarrowClear() learns digits", async () => {
  const train = firstImages(digits.train, 512);
  const test = firstImages(digits.test, 200);
  const accuracy = await trainNarrowClear({ train, test }, {
    ...{ units: 64, rng: seededRng(1) },
    setting: { ...NARROW, epochs: 6, batch: 32, learningRate: 0.003 },
  });
  assert(accuracy > 0.6, `${accuracy}`);
});

Deno.test("clearHeadGradient() is the slope of half the squared error", async () => {
  const [A, z, y] = [[1, 2, 3, 4], [1, -1, 2, 1], [0, 1, 1, 0]].map((v) => Float64Array.from(v));
  const loss = (A: Float64Array, z: Float64Array) => {
    let sum = 0;
    for (let k = 0; k < 2; k++) {
      for (let j = 0; j < 2; j++) {
        sum += (A[2 * j] * z[2 * k] + A[2 * j + 1] * z[2 * k + 1] - y[2 * k + j]) ** 2 / 2;
      }
    }
    return sum;
  };
  const [dA, dz] = await clearHeadGradient(2, 2)(A, z, y);
  for (let i = 0; i < 4; i++) {
    const moved = (v: Float64Array, by: number) =>
      v.map((value, k) => k === i ? value + by : value);
    assert(Math.abs((loss(moved(A, 1e-5), z) - loss(moved(A, -1e-5), z)) / 2e-5 - dA[i]) < 1e-6);
    assert(Math.abs((loss(A, moved(z, 1e-5)) - loss(A, moved(z, -1e-5))) / 2e-5 - dz[i]) < 1e-6);
  }
});

Deno.test("LeastSquaresHead sums a batch's parts, bias and all, and begins the next from 0", async () => {
  const sizes = { n: 3, hidden: 0, outputs: 2, batch: 2 };
  const head = new LeastSquaresHead(sizes, seededRng(1), clearHeadGradient(2, 3));
  const { A, b } = head.weights;
  assertEquals([...b], [0, 0]);
  const W = Float32Array.of(A[0], A[1], b[0], A[2], A[3], b[1]); // as it is kept
  const adam = optimizer("adam", 6);
  const parts = [[[1, 2], [3, -1]], [[-2, 1]]]; // codes of class 0, then of class 1
  for (let batch = 0; batch < 2; batch++) {
    const sums = new Float32Array(6);
    for (const [k, codes] of parts.entries()) {
      const labels = new Uint8Array(codes.length).fill(k);
      const close = k === 1 ? { images: 3, learningRate: 0.1 } : undefined;
      const { dz1 } = await head.step({ z1: Float32Array.from(codes.flat()), labels, close });
      codes.forEach(([u, v], i) => {
        const errors = [0, 1].map((j) =>
          W[3 * j] * u + W[3 * j + 1] * v + W[3 * j + 2] - Number(j === k)
        );
        errors.forEach((e, j) => [u, v, 1].forEach((x, c) => sums[3 * j + c] += e * x));
        [0, 1].forEach((c) => {
          const expected = errors[0] * W[c] + errors[1] * W[3 + c];
          assert(Math.abs(dz1[2 * i + c] - expected) < 1e-5);
        });
      });
    }
    adam.step(W, sums, 3, 0.1);
    const moved = head.weights;
    [0, 1, 3, 4].forEach((at, i) => assert(Math.abs(moved.A[i] - W[at]) < 1e-5));
    [2, 5].forEach((at, i) => assert(Math.abs(moved.b[i] - W[at]) < 1e-5));
  }
});

sealTest("serve() takes a step with its own batch only where none are stored", async () => {
  const client = await byHand();
  await client.begin();
  const step = { batch: client.zeros([2, 1]), weights: client.zeros([2]) };
  const why = "its batch is one of those that are here";
  await assertRejects(() => client.ask("step", step, "gradients"), ConnectionError, why);
  assert((await client.ended).includes(why));
  client.close();
});
