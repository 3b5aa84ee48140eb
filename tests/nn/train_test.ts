import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { startBackend } from "lib/nn/backend.ts";
import { accuracy, forward, initMlp, type Mlp } from "lib/nn/mlp.ts";
import { trainMlp } from "lib/nn/train.ts";

const sizes = { n: 4, hidden: 3, classes: 2 };
const rng = seededRng(1);
const data = dataset({
  name: "bright or dark",
  x: Uint8Array.from([...rng.bytes(4 * 4)].map((byte, i) => i < 8 ? byte >> 3 : 255 - (byte >> 3))),
  y: Uint8Array.from([0, 0, 1, 1]),
  shape: [2, 2, 1],
  classes: ["dark", "bright"],
});

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/** One step in float64 loops, straight from the formulas: the oracle. */
function naiveStep(mlp: Mlp, rate: number): Record<"W1" | "b1" | "W2" | "b2", number[]> {
  const { n, hidden, classes } = mlp;
  const [W1, b1, W2, b2] = [mlp.W1, mlp.b1, mlp.W2, mlp.b2].map((w) => Array.from(w));
  const m = data.count;
  for (let k = 0; k < m; k++) {
    const x = data.x.subarray(k * n, (k + 1) * n);
    const a1 = Array.from({ length: hidden }, (_, i) => {
      let z = mlp.b1[i];
      for (let j = 0; j < n; j++) z += mlp.W1[i * n + j] * x[j];
      return sigmoid(z);
    });
    const dz2 = Array.from({ length: classes }, (_, i) => {
      let z = mlp.b2[i];
      for (let j = 0; j < hidden; j++) z += mlp.W2[i * hidden + j] * a1[j];
      return sigmoid(z) - (data.y[k] === i ? 1 : 0);
    });
    for (let j = 0; j < hidden; j++) {
      let da1 = 0;
      for (let i = 0; i < classes; i++) {
        da1 += mlp.W2[i * hidden + j] * dz2[i];
        W2[i * hidden + j] -= rate * dz2[i] * a1[j] / classes;
      }
      const dz1 = da1 * a1[j] * (1 - a1[j]);
      b1[j] -= rate * dz1 / classes;
      for (let i = 0; i < n; i++) W1[j * n + i] -= rate * dz1 * x[i] / m;
    }
    dz2.forEach((d, i) => b2[i] -= rate * d / classes);
  }
  return { W1, b1, W2, b2 };
}

Deno.test("trainMlp() takes the step that plain loops take", async () => {
  const mlp = initMlp(sizes, seededRng(2));
  const expected = naiveStep(mlp, 0.1);
  const trained = await trainMlp(mlp, data, { epochs: 1, batch: 4, learningRate: 0.1 });
  for (const name of ["W1", "b1", "W2", "b2"] as const) {
    assertEquals(trained[name].length, expected[name].length);
    trained[name].forEach((w, i) => assertAlmostEquals(w, expected[name][i], 1e-5, `${name} ${i}`));
  }
});

Deno.test("trainMlp() learns, leaves its input alone, and repeats from a seed", async () => {
  const mlp = initMlp(sizes, seededRng(3));
  const before = mlp.W1.slice();
  const losses: number[] = [];
  const options = { epochs: 400, batch: 4, learningRate: 0.02 };
  const trained = await trainMlp(mlp, data, { ...options, onEpoch: (_, l) => losses.push(l) });
  assert(losses.at(-1)! < losses[0] / 2, `loss ${losses[0]} to ${losses.at(-1)}`);
  assertEquals(accuracy(trained, data), 1);
  assertEquals(mlp.W1, before);
  assertEquals(await trainMlp(initMlp(sizes, seededRng(3)), data, options), trained);
});

Deno.test("trainMlp() and forward() leave no tensor behind, also when aborted", async () => {
  await startBackend();
  const before = tf.memory().numTensors;
  const mlp = initMlp(sizes, seededRng(4));
  forward(await trainMlp(mlp, data, { epochs: 3 }), data.x);
  const signal = AbortSignal.abort(new Error("stopped by hand"));
  await assertRejects(() => trainMlp(mlp, data, { signal }), Error, "stopped by hand");
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("trainMlp(), forward() and initMlp() refuse wrong sizes and options", async () => {
  const mlp = initMlp(sizes, seededRng(5));
  const other = initMlp({ ...sizes, n: 5 }, seededRng(5));
  await assertRejects(() => trainMlp(other, data), TypeError, "takes 5 pixels");
  for (const epochs of [0, -1, NaN, Infinity]) {
    await assertRejects(() => trainMlp(mlp, data, { epochs }), RangeError, "epochs");
  }
  await startBackend();
  assertThrows(() => forward(mlp, new Uint8Array(5)), TypeError, "not rows of 4");
  assertThrows(() => initMlp({ ...sizes, hidden: 0 }), RangeError, "hidden = 0");
});
