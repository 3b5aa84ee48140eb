import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Ckks } from "lib/he/ckks.ts";
import { CkksEvaluator } from "lib/he/evaluator.ts";
import { LINEAR_PARAMS, NETWORK_PARAMS } from "lib/he/params.ts";
import { SecretKey } from "lib/he/secret_key.ts";
import { ConnectionError, inProcess } from "lib/net/connection.ts";
import { answerRequests } from "lib/net/requests.ts";
import type { Fields } from "lib/net/wire.ts";
import { train, type TrainOptions } from "lib/protocol/he/client.ts";
import { serve } from "lib/protocol/he/server.ts";
import { modelOf } from "lib/protocol/he/terms.ts";
import { sealTest } from "../../he/fixtures.ts";
import { type ByHand, byHand, samples, setting, terms } from "./fixtures.ts";

/** A request that the server must refuse, after others. */
async function refused(why: string, make: (client: ByHand) => Promise<unknown>): Promise<void> {
  const client = await byHand();
  await assertRejects(() => make(client), ConnectionError, why);
  assert((await client.ended).includes(why), await client.ended);
  client.close();
}

Deno.test("modelOf() refuses sizes that no training has", () => {
  const refuse = (change: Partial<typeof terms>, why: string) =>
    assertThrows(() => modelOf({ ...terms, ...change }), RangeError, why);
  refuse({ batches: -1 }, "batches = -1 is not a positive integer, or 0");
  refuse({ batches: 0, hidden: 2 }, "batches = 0 is not");
  refuse({ batches: 600 }, "600 batches of 2 ciphertexts, at most 256 of a batch and 1024 of all");
  refuse({ n: 8192, batch: 4096 }, "2 batches of 8193 ciphertexts");
  refuse({ n: 0 }, "n = 0");
});

sealTest("serve() refuses requests out of turn, of another kind and of other sizes", async () => {
  await refused("no training has begun", ({ ask }) => ask("batch", { ciphertexts: [] }, "stored"));
  await refused("n is not an integer", ({ ask }) => ask("train", {}, "ready"));
  await refused(
    "batch = 0 is not an integer",
    ({ ask }) => ask("train", { ...terms, batch: 0 }, "ready"),
  );
  await refused("the session has begun already", async ({ ask }) => {
    await ask("train", { ...terms }, "ready");
    await ask("train", { ...terms }, "ready");
  });
  await refused("kind is not relinearisation or rotation", async ({ ask, key }) => {
    await ask("train", { ...terms }, "ready");
    await ask("key", { kind: "public", key: key.relinearisationKey() }, "stored");
  });
  await refused("nothing is rotated by 7", async ({ ask, key }) => {
    await ask("train", { ...terms }, "ready");
    await ask("key", { kind: "rotation", key: key.rotationKey(7) }, "stored");
  });
  await refused("Cannot store key: all 6 are here", async ({ ask, begin, key }) => {
    await begin();
    await ask("key", { kind: "rotation", key: key.rotationKey(1) }, "stored");
  });
  await refused("1 of 2 are here", async ({ ask, begin, zeros, model }) => {
    await begin();
    await ask("batch", { ciphertexts: zeros(model.batchLevels) }, "stored");
    const ciphertexts = zeros(model.weightLevels);
    await ask("weights", { batch: 0, ciphertexts }, "gradients");
  });
});

sealTest("serve() refuses ciphertexts that are not what it waits for", async () => {
  const batch = async ({ ask, begin }: ByHand, ciphertexts: Uint8Array[]) => {
    await begin();
    await ask("batch", { ciphertexts }, "stored");
  };
  await refused("1 ciphertexts, expected 2", (client) => batch(client, client.zeros([2])));
  await refused(
    "ciphertext 1 is of level 2 and scale 2^48.00, expected level 1",
    (client) => batch(client, client.zeros([2, 2])),
  );
  await refused("expected level 1 and its own scale", async (client) => {
    const ckks = await Ckks.setup(LINEAR_PARAMS);
    using server = new CkksEvaluator(ckks);
    const parts = client.zeros([2, 2]);
    using high = server.load(parts[1]);
    using dropped = server.drop(high, 1);
    await batch(client, [parts[0], ckks.save(dropped)]);
  });
  await refused("truncated or altered", (client) => {
    const parts = client.zeros(client.model.batchLevels);
    parts[1][500] ^= 1;
    return batch(client, parts);
  });
  await refused(
    "the bytes hold a relinearisation key",
    (client) => batch(client, [client.key.relinearisationKey(), ...client.zeros([1])]),
  );
  await refused("it is under key", async (client) => {
    using other = new SecretKey(await Ckks.setup(LINEAR_PARAMS));
    await batch(client, [2, 1].map((level) => other.encrypt(new Float64Array(1), level)));
  });
});

sealTest("serve() says which key is missing for a gradient", async () => {
  await refused("no key for step 4; there are keys for 1024, 2048, 1, 2", async (client) => {
    const { ask, key, model, zeros } = client;
    await ask("train", { ...terms }, "ready");
    await ask("key", { kind: "relinearisation", key: key.relinearisationKey() }, "stored");
    for (const step of model.rotations.slice(0, -1)) {
      await ask("key", { kind: "rotation", key: key.rotationKey(step) }, "stored");
    }
    for (let i = 0; i < 2; i++) {
      await ask("batch", { ciphertexts: zeros(model.batchLevels) }, "stored");
    }
    await ask("weights", { batch: 0, ciphertexts: zeros(model.weightLevels) }, "gradients");
  });
});

/** All that a server may hear of why a client left: what the client's own error says may hold a decrypted number. */
const heardOnly = (heard: string, own: Error) => {
  assert(heard.includes("the client ended the training"), heard);
  assert(!heard.includes(own.message), heard);
};

/** A server that answers weights otherwise than it should; the client must leave, and keep the reason for itself. */
async function wrongAnswer(
  make: (request: Uint8Array[]) => Fields | Promise<Fields>,
  why: string,
): Promise<void> {
  const [ours, theirs] = inProcess();
  const types = ["train", "key", "batch", "weights", "finish"];
  const ended = answerRequests(theirs, types, async (request) => {
    if (request.type === "train") return { type: "ready" };
    if (request.type !== "weights") return { type: "stored" };
    return { type: "gradients", fields: await make(request.parts("ciphertexts")) };
  });
  const own = await assertRejects(() => train(ours, samples, setting), Error, why);
  heardOnly(await ended, own);
}

sealTest("train() leaves a server whose gradients are none", async () => {
  await wrongAnswer(() => ({ ciphertexts: [] }), "0 ciphertexts, expected 1");
  await wrongAnswer(() => ({ gradient: 1 }), "ciphertexts is not an array of byte strings");
  await wrongAnswer(([w]) => ({ ciphertexts: [w.subarray(0, 99)] }), "truncated or altered");
  const foreign = async (params: typeof LINEAR_PARAMS) => {
    using other = new SecretKey(await Ckks.setup(params));
    return { ciphertexts: [other.encrypt(new Float64Array(1), 0)] };
  };
  await wrongAnswer(() => foreign(LINEAR_PARAMS), "the ciphertext is under key");
  await wrongAnswer(() => foreign({ ...NETWORK_PARAMS, depth: 0 }), "under other parameters");
});

sealTest(
  "train() decrypts no gradient at another level or scale than the last one's own",
  async () => {
    using server = new CkksEvaluator(await Ckks.setup(LINEAR_PARAMS));
    const state = (level: number) =>
      `of level ${level} and scale 2^48.00, expected level 0 and its`;
    await wrongAnswer(([w]) => ({ ciphertexts: [w] }), state(2));
    const dropped = (level: number) => ([w]: Uint8Array[]) => {
      using weights = server.load(w);
      using lower = server.drop(weights, level);
      return { ciphertexts: [server.ckks.save(lower)] };
    };
    await wrongAnswer(dropped(1), state(1));
    await wrongAnswer(([w]) => {
      using weights = server.load(w);
      using low = server.drop(weights, 0);
      low.handle.setScale(2 ** 20);
      return { ciphertexts: [server.ckks.save(low)] };
    }, "of level 0 and scale 2^20.00");
  },
);

sealTest("train() keeps a decrypted number that is out of range for itself", async () => {
  const [ours, theirs] = inProcess();
  using server = new CkksEvaluator(await Ckks.setup(LINEAR_PARAMS));
  const types = ["train", "key", "batch", "weights", "finish"];
  const ended = answerRequests(theirs, types, (request) => {
    if (request.type === "train") return { type: "ready" };
    if (request.type === "key" && request.text("kind") === "relinearisation") {
      server.addRelinearisationKey(request.bytes("key"));
    }
    if (request.type !== "weights") return { type: "stored" };
    const [part] = request.parts("ciphertexts");
    using weights = server.load(part);
    const large = new Float64Array(server.ckks.slots).fill(2 ** 30); // more than level 0 holds
    using product = server.multiplyPlain(weights, large);
    using low = server.drop(product, 0);
    return { type: "gradients", fields: { ciphertexts: [server.ckks.save(low)] } };
  });
  const own = await assertRejects(() => train(ours, samples, setting), RangeError, "a slot holds");
  heardOnly(await ended, own);
});

sealTest("train() refuses what cannot be trained before it sends anything", async () => {
  const refuse = async (
    bad: Partial<TrainOptions>,
    why: string,
    data = samples,
    Kind: new () => Error = RangeError,
  ) => {
    const [ours, theirs] = inProcess();
    await assertRejects(() => train(ours, data, { ...setting, ...bad }), Kind, why);
    await assertRejects(() => theirs.receive(), ConnectionError, "the client ended the training");
  };
  await refuse({ batch: 3 }, "16 samples are not whole batches of 3");
  await refuse({ epochs: 0 }, "epochs = 0");
  await refuse({ learningRate: 0 }, "learningRate = 0");
  await refuse({ hidden: 300, batch: 16 }, "take fewer samples a batch", {
    ...samples,
    n: 785,
    x: new Float64Array(16 * 785),
  });
  await refuse({}, "3 inputs", { ...samples, x: new Float64Array(3) }, TypeError);
  const broken = { ...samples, x: samples.x.with(5, NaN) };
  const [ours, theirs] = inProcess();
  const served = serve(theirs);
  const own = await assertRejects(
    () => train(ours, broken, setting),
    RangeError,
    "= NaN is not within",
  );
  heardOnly(await served, own);
});

sealTest("train() and serve() give up on a peer that stalls, and on an abort", async () => {
  const [stalled, silent] = inProcess();
  const error = await assertRejects(
    () => train(stalled, samples, { ...setting, timeoutMs: 50 }),
    ConnectionError,
  );
  assertEquals(error.ending, "stalled");
  silent.close();
  const [quiet, waiting] = inProcess();
  assert((await serve(waiting, { timeoutMs: 50 })).includes("no message for"));
  quiet.close();
  const stop = new AbortController();
  const [ours, theirs] = inProcess();
  const served = serve(theirs);
  const onStep = () => stop.abort(new Error("the client was stopped"));
  const own = await assertRejects(
    () => train(ours, samples, { ...setting, onStep, signal: stop.signal }),
    Error,
    "the client was stopped",
  );
  heardOnly(await served, own);
});
