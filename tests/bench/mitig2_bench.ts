/** One epoch of MNIST (60 000 images), 784-300-10, the modern setting: split training beside local training
 * and beside NumPy. All have the same seeds, and every W1 is checked against local training's before anything
 * is timed: equal to the last bit, NumPy's to 10⁻³ of the largest weight.
 *
 * What starts with a training is in the times (Workers, the connection), what serves many is not (the server,
 * Python). NumPy runs where `python3` or `python` of the PATH has it; a virtual environment's bin there will do.
 * Run: deno bench -A tests/bench/mitig2_bench.ts
 * @module */
import { firstImages, type SplitDataset } from "lib/data/dataset.ts";
import { loadMnistFull } from "lib/data/mnist.ts";
import { seededRng } from "lib/math/rng.ts";
import { initialUpper, initialW1 } from "lib/nn/mlp.ts";
import { MODERN } from "lib/nn/optimizer.ts";
import { epochOrder, ORDER_KEY_BYTES, trainMlp } from "lib/nn/train.ts";
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

/** Local training, and what it starts from. */
function local({ train }: SplitDataset) {
  const rng = seededRng(2);
  const W1 = initialW1(sizes, setting.initial, rng);
  const mlp = { ...sizes, W1, ...initialUpper(sizes, setting.initial, seededRng(3)) };
  return { mlp, rng, run: () => trainMlp(mlp, train, { ...setting, rng, workers }) };
}

/** Split training over a fresh connection. */
async function split(data: SplitDataset, open: () => Promise<Connection>): Promise<Float32Array> {
  const connection = await open();
  const { hidden } = sizes;
  const { W1 } = await train(connection, data, { hidden, setting, workers, rng: seededRng(2) });
  connection.close();
  return W1;
}

/** A Python with NumPy, and how it was found; null where there is none. */
async function findNumpy(): Promise<{ python: string; version: string } | null> {
  for (const python of ["python3", "python"]) {
    const code = "import numpy, sys; print(numpy.__version__, 'on Python', sys.version.split()[0])";
    const output = await new Deno.Command(python, { args: ["-c", code], stderr: "null" }).output()
      .catch(() => null);
    if (output?.success) return { python, version: new TextDecoder().decode(output.stdout).trim() };
  }
  return null;
}

/** The same epoch in a Python that stays: each call trains and returns W1. */
async function startNumpy(python: string, data: SplitDataset, folder: string) {
  const { mlp, rng } = local(data);
  const order = epochOrder(data.train.count, rng.bytes(ORDER_KEY_BYTES), 0);
  const files = {
    "x.u8": data.train.x,
    "y.u8": data.train.y,
    "order.u32": new Uint8Array(order.buffer),
    "W1.f32": new Uint8Array(mlp.W1.map((w) => w / setting.pixelScale).buffer),
    "W2.f32": new Uint8Array(mlp.W2.slice().buffer),
    "setting.json": new TextEncoder().encode(JSON.stringify({ ...sizes, ...setting })),
  };
  for (const [name, bytes] of Object.entries(files)) {
    await Deno.writeFile(`${folder}/${name}`, bytes);
  }
  const script = new URL("./mlp_numpy.py", import.meta.url).pathname;
  const child = new Deno.Command(python, {
    args: [script, folder],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const orders = child.stdin.getWriter();
  const answers = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  return {
    child,
    async run(): Promise<Float32Array> {
      await orders.write(new TextEncoder().encode("epoch\n"));
      for (let answer = ""; answer !== "done\n";) { // Python may write it in pieces
        const { done, value } = await answers.read();
        if (done) throw new Error("Cannot time NumPy: it ended");
        answer += value;
      }
      const bytes = await Deno.readFile(`${folder}/W1.out`);
      return new Float32Array(bytes.buffer).map((w) => w * setting.pixelScale);
    },
  };
}

const data = await load();
if (data) {
  const folder = await Deno.makeTempDir({ prefix: "mitig2-bench-" });
  const cleanUp = [() => Deno.removeSync(folder, { recursive: true })];
  globalThis.addEventListener("unload", () => cleanUp.reverse().forEach((end) => end()));
  const { W1: expected } = await local(data).run();
  const largest = expected.reduce((max, w) => Math.max(max, Math.abs(w)), 0);
  const check = (name: string, W1: Float32Array, tolerance: number) => {
    const error = W1.reduce((max, w, i) => Math.max(max, Math.abs(w - expected[i])), 0);
    if (!(error <= tolerance * largest)) {
      throw new Error(`${name} is wrong: W1 differs by ${error}`);
    }
  };

  Deno.bench({ ...options, name: "local, trainMlp()", baseline: true }, async () => {
    await local(data).run();
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
    check(name, await split(data, open), 0);
    Deno.bench({ ...options, name }, async () => {
      await split(data, open);
    });
  }

  const found = await findNumpy();
  if (found === null) console.error("NumPy skipped: neither python3 nor python of the PATH has it");
  const numpy = found && await startNumpy(found.python, data, folder);
  if (found && numpy) {
    cleanUp.push(() => numpy.child.kill());
    console.error(`NumPy ${found.version}, found as ${found.python}`);
    check("NumPy", await numpy.run(), 1e-3);
    Deno.bench({ ...options, name: `NumPy ${found.version}` }, async () => {
      await numpy.run();
    });
  }
}
