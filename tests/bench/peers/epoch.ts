/** The row of training: one epoch of MNIST, 60 000 images through 784-300-10, the modern setting, on all cores. What
 * starts with a training is in ours (the Workers). The peer is NumPy.
 * @module */
import { join } from "node:path";
import { loadMnistFull } from "lib/data/mnist.ts";
import { blas } from "lib/math/blas.ts";
import { seededRng } from "lib/math/rng.ts";
import { initialUpper, initialW1 } from "lib/nn/mlp.ts";
import { MODERN } from "lib/nn/optimizer.ts";
import { epochOrder, ORDER_KEY_BYTES, trainMlp } from "lib/nn/train.ts";
import { takeTurns } from "./turns.ts";

const sizes = { n: 784, hidden: 300, classes: 10 };
const setting = { ...MODERN, epochs: 1 };
const workers = navigator.hardwareConcurrency;
const { train: data } = await loadMnistFull((message) => console.error(message));

/** What a training starts from. */
function start() {
  const rng = seededRng(2);
  const W1 = initialW1(sizes, setting.initial, rng);
  const mlp = { ...sizes, W1, ...initialUpper(sizes, setting.initial, seededRng(3)) };
  return { mlp, rng };
}

async function prepare(folder: string): Promise<void> {
  const { mlp, rng } = start();
  const files = {
    "x.u8": data.x,
    "y.u8": data.y,
    "order.u32": epochOrder(data.count, rng.bytes(ORDER_KEY_BYTES), 0),
    "W1.f32": mlp.W1.map((w) => w / setting.pixelScale),
    "W2.f32": mlp.W2.slice(),
    "setting.json": new TextEncoder().encode(JSON.stringify({ ...sizes, ...setting })),
  };
  for (const [name, { buffer, byteOffset, byteLength }] of Object.entries(files)) {
    await Deno.writeFile(join(folder, name), new Uint8Array(buffer, byteOffset, byteLength));
  }
  console.log(JSON.stringify({
    what: `training: an epoch of MNIST, 784-300-10, batch ${setting.batch}, ${workers} cores`,
    variants: [],
    peers: ["epoch.py"],
    tolerance: 1e-4,
  }));
}

/** The norm of W1 for scaled pixels. */
const normOf = (W1: Float32Array) =>
  Math.sqrt(W1.reduce((sum, w) => sum + (w / setting.pixelScale) ** 2, 0)).toPrecision(9);

async function epoch(): Promise<Float32Array> {
  const { mlp, rng } = start();
  const { W1 } = await trainMlp(mlp, data, { ...setting, rng, workers });
  return W1;
}

if (Deno.args[0] === "prepare") await prepare(Deno.args[1]);
else {
  await epoch(); // the first is slower
  await takeTurns(`ours, ${blas()?.name ?? "WebAssembly"}, ${workers} Workers`, epoch, normOf);
}
