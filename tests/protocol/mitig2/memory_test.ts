/** Memory over the epochs of one long training, both parties in this process. */
import { assert, assertEquals, assertLess } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { MODERN } from "lib/nn/setting.ts";
import { selfSigned } from "lib/protocol/certificate.ts";
import { type EpochReport, train } from "lib/protocol/mitig2/client.ts";
import { serve } from "lib/protocol/mitig2/server.ts";
import { inProcess } from "lib/protocol/port.ts";
import type { Connection } from "lib/protocol/transport.ts";
import { connect, listen } from "lib/protocol/websocket.ts";

const granted = async (name: "net" | "env") =>
  (await Deno.permissions.query({ name })).state === "granted";

const EPOCHS = 60;
/** Both parties have all that they keep, and the collector has found its pace. */
const SETTLED = 20;

/** Images of noise: what is learnt does not matter here. */
function noise(name: string, count: number) {
  const rng = seededRng(5);
  const y = Uint8Array.from(rng.bytes(count), (byte) => byte % 2);
  return dataset({ name, x: rng.bytes(count * 49), y, shape: [7, 7, 1], classes: ["a", "b"] });
}
const data = { train: noise("noise train", 400), test: noise("noise test", 100) };

/** Trains, and asserts that nothing grows. z1 of an epoch is 1.6 MB: kept, it would be 65 MB at the end. */
async function assertFlat(connection: Connection): Promise<void> {
  const tensors: number[] = [];
  const rss: number[] = [];
  const onEpoch = (_: EpochReport) => {
    tensors.push(tf.memory().numTensors);
    rss.push(Deno.memoryUsage().rss / 2 ** 20);
  };
  const setting = { ...MODERN, epochs: EPOCHS, batch: 40 };
  await train(connection, data, { hidden: 1024, setting, onEpoch });
  connection.close();
  assertEquals([...new Set(tensors.slice(SETTLED))].length, 1, `${tensors}`);
  const growth = Math.max(...rss.slice(SETTLED)) - rss[SETTLED];
  assertLess(growth, 50, `${rss.map(Math.round)}`);
}

Deno.test("train() and serve() take no more memory from epoch to epoch, over a port", async () => {
  const [ours, theirs] = inProcess();
  const ended = serve(theirs);
  await assertFlat(ours);
  await ended;
  assert(tf.memory().numTensors === 0);
});

Deno.test({
  name: "train() and serve() take no more memory from epoch to epoch, over TLS",
  ignore: !(await granted("net") && await granted("env")),
  async fn() {
    const { cert, key } = selfSigned(["127.0.0.1"]);
    const token = "a-token-for-tests";
    const onConnection = async (connection: Connection) => void await serve(connection);
    const listener = listen({ cert, key, token, onConnection });
    await assertFlat(await connect(listener.url, { token, caCert: cert }));
    await listener.close();
  },
});
