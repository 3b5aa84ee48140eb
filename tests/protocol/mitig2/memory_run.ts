/** One long training, both parties in this process: resident memory after each epoch, MiB. A process of its own, with the
 * transport as argument, because beside other tests memory would be theirs too.
 * @module */
import { dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { MODERN } from "lib/nn/optimizer.ts";
import { selfSigned } from "lib/net/certificate.ts";
import { train } from "lib/protocol/mitig2/client.ts";
import { serve } from "lib/protocol/mitig2/server.ts";
import { type Connection, inProcess } from "lib/net/connection.ts";
import { connect } from "lib/net/websocket.ts";
import { listen } from "lib/net/server.ts";

const EPOCHS = 60;

/** Images of noise: what is learnt does not matter here. */
function noise(name: string, count: number) {
  const rng = seededRng(5);
  const y = Uint8Array.from(rng.bytes(count), (byte) => byte % 2);
  return dataset({ name, x: rng.bytes(count * 49), y, shape: [7, 7, 1], classes: ["a", "b"] });
}
const data = { train: noise("noise train", 400), test: noise("noise test", 100) };

async function trainOver(connection: Connection): Promise<number[]> {
  const memory: number[] = [];
  const onEpoch = () => void memory.push(Deno.memoryUsage().rss / 2 ** 20);
  const setting = { ...MODERN, epochs: EPOCHS, batch: 40 };
  await train(connection, data, { hidden: 1024, setting, onEpoch });
  connection.close();
  return memory;
}

async function overPort(): Promise<number[]> {
  const [ours, theirs] = inProcess();
  const ended = serve(theirs);
  const memory = await trainOver(ours);
  await ended;
  return memory;
}

async function overTls(): Promise<number[]> {
  const { cert, key } = selfSigned(["127.0.0.1"]);
  const token = "a-token-for-tests";
  const onConnection = async (connection: Connection) => void await serve(connection);
  const listener = listen({ cert, key, token, onConnection });
  const memory = await trainOver(await connect(listener.url, { token, caCert: cert }));
  await listener.close();
  return memory;
}

if (import.meta.main) {
  console.log(JSON.stringify(await (Deno.args[0] === "tls" ? overTls() : overPort())));
  Deno.exit(); // the commands do so too: after many messages something below `ws` lingers for a minute
}
