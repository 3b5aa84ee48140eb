/** One epoch of MNIST (60 000 images), 784-300-10, the modern setting: split training beside local training, and that
 * beside local training in one thread. All have the same seeds, and every W1 is checked against local training's before
 * anything is timed: equal to the last bit. Beside NumPy: `deno task bench --peers --only epoch`.
 *
 * What starts with a training is in the times (Workers, the connection), what serves many is not (the server).
 * Run: deno bench -A tests/bench/mitig2_bench.ts
 * @module */
import { firstImages, type SplitDataset } from "lib/data/dataset.ts";
import { loadMnistFull } from "lib/data/mnist.ts";
import { seededRng } from "lib/math/rng.ts";
import { initialUpper, initialW1 } from "lib/nn/mlp.ts";
import { MODERN } from "lib/nn/optimizer.ts";
import { trainMlp } from "lib/nn/train.ts";
import { hostServer } from "lib/net/hosted.ts";
import { loadCredentials } from "lib/net/identity.ts";
import { train } from "lib/protocol/mitig2/client.ts";
import type { Connection } from "lib/net/connection.ts";
import { connect } from "lib/net/websocket.ts";
import { ServerParty } from "../tools/party_processes.ts";

const sizes = { n: 784, hidden: 300, classes: 10 };
const setting = { ...MODERN, epochs: 1 };
const workers = navigator.hardwareConcurrency;
const group = `one epoch of 60 000 digits, 784-300-10, ${workers} cores`;
const options = { group, n: 3, warmup: 0 }; // the check was the warm-up

async function load(): Promise<SplitDataset | null> {
  try {
    const { train, test } = await loadMnistFull((message) => console.error(message));
    return { train, test: firstImages(test, 1) }; // local training classifies none
  } catch (error) {
    console.error(`mitig2_bench skipped: ${(error as Error).message}`);
    return null;
  }
}

/** Local training. */
async function local({ train }: SplitDataset, threads = workers): Promise<Float32Array> {
  const rng = seededRng(2);
  const W1 = initialW1(sizes, setting.initial, rng);
  const mlp = { ...sizes, W1, ...initialUpper(sizes, setting.initial, seededRng(3)) };
  return (await trainMlp(mlp, train, { ...setting, rng, workers: threads })).W1;
}

/** Split training over a fresh connection. */
async function split(data: SplitDataset, open: () => Promise<Connection>): Promise<Float32Array> {
  const connection = await open();
  const { hidden } = sizes;
  const { W1 } = await train(connection, data, { hidden, setting, workers, rng: seededRng(2) });
  connection.close();
  return W1;
}

const data = await load();
if (data) {
  const folder = await Deno.makeTempDir({ prefix: "mitig2-bench-" });
  const cleanUp = [() => Deno.removeSync(folder, { recursive: true })];
  globalThis.addEventListener("unload", () => cleanUp.reverse().forEach((end) => end()));
  const expected = await local(data);
  const check = (name: string, W1: Float32Array) => {
    const error = W1.reduce((max, w, i) => Math.max(max, Math.abs(w - expected[i])), 0);
    if (error !== 0) throw new Error(`${name} is wrong: W1 differs by ${error}`);
  };

  check("one thread", await local(data, 0));
  Deno.bench({ ...options, name: "local, trainMlp()", baseline: true }, async () => {
    await local(data);
  });
  Deno.bench({ ...options, name: "local, one thread" }, async () => {
    await local(data, 0);
  });

  const port = await hostServer("mitig2", { transport: "port", insecureSeed: 3 });
  const tls = await hostServer("mitig2", { transport: "tls", insecureSeed: 3 });
  const server = await ServerParty.start("mitig2:server", folder, [
    "--directory",
    `${folder}/server`,
    "--insecure-seed",
    "3",
  ]);
  cleanUp.push(() => server.process.kill("SIGTERM"));
  const { token, cert: caCert } = await loadCredentials(server.identity);
  const ways: [string, () => Promise<Connection>][] = [
    ["split, server in a Worker, port", () => port.connect()],
    ["split, server in a Worker, TLS", () => tls.connect()],
    ["split, two processes, TLS", () => connect(server.url, { token, caCert })],
  ];
  for (const [name, open] of ways) {
    check(name, await split(data, open));
    Deno.bench({ ...options, name }, async () => {
      await split(data, open);
    });
  }
}
