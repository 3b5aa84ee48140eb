import { assert, assertEquals, assertRejects } from "@std/assert";
import { seededRng } from "lib/math/rng.ts";
import { train, type TrainOptions } from "lib/protocol/mitig1/client.ts";
import { serve } from "lib/protocol/mitig1/server.ts";
import { ConnectionError, inProcess } from "lib/net/connection.ts";
import { answerRequests } from "lib/net/requests.ts";
import { type Fields, ProtocolError } from "lib/net/wire.ts";
import { data, options, scales } from "./fixtures.ts";

const { hidden } = options;

/** A server that answers keys otherwise than it should; the client must leave with the reason. */
async function wrongGradient(answer: Fields, reason: string, type = "dz1") {
  const [ours, theirs] = inProcess();
  const types = ["train", "samples", "keys", "classify", "finish"];
  const ended = answerRequests(theirs, types, (request) => {
    if (request.type === "train") return { type: "ready", fields: { keysPer: "batch" } };
    return request.type === "samples" ? { type: "stored" } : { type, fields: answer };
  });
  await assertRejects(() => train(ours, data, options), ProtocolError, reason);
  assert((await ended).includes(reason));
}
const gradient = (value: number, shape = [hidden, options.batch]): Fields => ({
  dz1: { shape, data: new Int32Array(shape[0] * shape[1]).fill(value) },
  loss: 1,
});

Deno.test("train() leaves a server whose dz1 has another shape, is no integers, or over its bound", async () => {
  await wrongGradient(
    gradient(1, [options.batch, hidden]),
    "dz1 has shape [4, 3], expected [3, 4]",
  );
  const reals = { shape: [hidden, options.batch], data: new Float32Array(hidden * options.batch) };
  await wrongGradient({ dz1: reals, loss: 1 }, "dz1 is not of int32");
  await wrongGradient(gradient(-16385), "-16385 is not within ±16384");
  await wrongGradient({ dz1: 3, loss: 1 }, "dz1 is not a tensor");
  await wrongGradient({ ...gradient(1), loss: "low" }, "loss is not a number");
  await wrongGradient(gradient(1), 'got "z1"', "z1");
});

Deno.test("train() leaves a server that agreed to other master keys, or does not know of them", async () => {
  for (const fields of [{ keysPer: "training" }, {}] as Fields[]) {
    const [ours, theirs] = inProcess();
    const ended = answerRequests(theirs, ["train"], () => ({ type: "ready", fields }));
    const error = await assertRejects(() => train(ours, data, options), ProtocolError, "keysPer");
    assert((await ended).includes(error.message));
  }
});

Deno.test("train() refuses what cannot be trained before it sends anything", async () => {
  const refuse = async (bad: Partial<TrainOptions>, why: string, ErrorClass = RangeError) => {
    const [ours, theirs] = inProcess();
    await assertRejects(() => train(ours, data, { ...options, ...bad }), ErrorClass, why);
    await assertRejects(() => theirs.receive(), ConnectionError, why);
  };
  await refuse({ batch: 3 }, "8 images are not whole batches of 3");
  await refuse({ hidden: 0 }, "hidden = 0");
  const keysPer = "step" as "batch";
  await refuse({ keysPer }, "keysPer = step, expected batch or training", TypeError);
  await refuse({ learningRate: NaN }, "learningRate = NaN");
  await refuse(
    { scales: { ...scales, weightBound: 2 ** 30 } },
    "weightBound = 2464237486080 exceeds",
  );
  await refuse({ scales: { ...scales, weightBound: 2 } }, "exceeds ±2");
});

Deno.test("train() and serve() give up on a peer that stalls, on an abort, and on one that leaves", async () => {
  const [stalled, silent] = inProcess();
  const error = await assertRejects(
    () => train(stalled, data, { ...options, timeoutMs: 50 }),
    ConnectionError,
  );
  assertEquals(error.ending, "stalled");
  silent.close();
  const [quiet, waiting] = inProcess();
  assert((await serve(waiting, { timeoutMs: 50 })).includes("no message for"));
  quiet.close();
  const stop = new AbortController();
  const [ours, theirs] = inProcess();
  const ended = serve(theirs, { rng: seededRng(3) });
  const onStep = () => stop.abort(new Error("stopped by hand"));
  const run = train(ours, data, { ...options, onStep, signal: stop.signal });
  await assertRejects(() => run, Error, "stopped by hand");
  assert((await ended).includes("stopped by hand"));
});
