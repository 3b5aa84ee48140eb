import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { accuracy, classify, initialMlp, type Mlp } from "lib/nn/mlp.ts";
import { MODERN } from "lib/nn/optimizer.ts";
import { epochOrder, trainMlp } from "lib/nn/train.ts";

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

type Layers = Record<"W1" | "b1" | "W2" | "b2", number[]>;

/** A batch's summed gradients and loss in float64 loops, straight from the formulas: the oracle. */
function naiveGradients(
  mlp: Mlp,
  { scale, softmax }: { scale: number; softmax: boolean },
): Layers & { loss: number } {
  const { n, hidden, classes } = mlp;
  const [W1, b1, W2, b2] = [mlp.W1, mlp.b1, mlp.W2, mlp.b2].map((w) => Array(w.length).fill(0));
  let loss = 0;
  for (let k = 0; k < data.count; k++) {
    const x = Array.from(data.x.subarray(k * n, (k + 1) * n), (byte) => byte * scale);
    const a1 = Array.from({ length: hidden }, (_, i) => {
      let z = mlp.b1[i];
      for (let j = 0; j < n; j++) z += mlp.W1[i * n + j] / scale * x[j];
      return sigmoid(z);
    });
    const z2 = Array.from({ length: classes }, (_, i) => {
      let z = mlp.b2[i];
      for (let j = 0; j < hidden; j++) z += mlp.W2[i * hidden + j] * a1[j];
      return z;
    });
    const total = z2.reduce((sum, z) => sum + Math.exp(z), 0);
    const a2 = z2.map((z) => softmax ? Math.exp(z) / total : sigmoid(z));
    a2.forEach((a, i) => {
      if (data.y[k] === i) loss -= Math.log(a);
      else if (!softmax) loss -= Math.log(1 - a);
    });
    const dz2 = a2.map((a, i) => a - (data.y[k] === i ? 1 : 0));
    for (let j = 0; j < hidden; j++) {
      let da1 = 0;
      for (let i = 0; i < classes; i++) {
        da1 += mlp.W2[i * hidden + j] * dz2[i];
        W2[i * hidden + j] += dz2[i] * a1[j];
      }
      const dz1 = da1 * a1[j] * (1 - a1[j]);
      b1[j] += dz1;
      for (let i = 0; i < n; i++) W1[j * n + i] += dz1 * x[i];
    }
    dz2.forEach((d, i) => b2[i] += d);
  }
  return { W1, b1, W2, b2, loss: loss / data.count };
}

const layers = ["W1", "b1", "W2", "b2"] as const;

Deno.test("trainMlp() takes the step that plain loops take, dividing as the authors do", async () => {
  const mlp = initialMlp(sizes, "authors", seededRng(2));
  const gradients = naiveGradients(mlp, { scale: 1, softmax: false });
  const options = { epochs: 1, batch: 4, learningRate: 0.1 };
  const onEpoch = (_: number, loss: number) => assertAlmostEquals(loss, gradients.loss, 1e-5);
  const trained = await trainMlp(mlp, data, { ...options, onEpoch });
  for (const name of layers) {
    const divisor = name === "W1" ? 4 : 2;
    trained[name].forEach((w, i) => {
      const expected = mlp[name][i] - 0.1 * gradients[name][i] / divisor;
      assertAlmostEquals(w, expected, 1e-5, `${name} ${i}`);
    });
  }
});

Deno.test("trainMlp() of the modern setting takes the steps of softmax, Adam and scaled pixels", async () => {
  const mlp = initialMlp(sizes, "glorot", seededRng(2));
  const scale = MODERN.pixelScale;
  const [m, v] = [0, 1].map(() => layers.map((name) => Array(mlp[name].length).fill(0)));
  const expected = { ...mlp, ...Object.fromEntries(layers.map((k) => [k, mlp[k].slice()])) };
  const losses: number[] = [];
  const options = { ...MODERN, epochs: 3, batch: 4, rng: seededRng(9) };
  const trained = await trainMlp(mlp, data, {
    ...options,
    onEpoch: (_, loss) => losses.push(loss),
  });
  for (let t = 1; t <= 3; t++) { // one batch an epoch: the order does not matter
    const { loss, ...gradients } = naiveGradients(expected, { scale, softmax: true });
    assertAlmostEquals(losses[t - 1], loss, 1e-5);
    layers.forEach((name, k) =>
      expected[name].forEach((_, i) => {
        const g = gradients[name][i] / 4;
        m[k][i] = 0.9 * m[k][i] + 0.1 * g;
        v[k][i] = 0.999 * v[k][i] + 0.001 * g * g;
        const [mHat, vHat] = [m[k][i] / (1 - 0.9 ** t), v[k][i] / (1 - 0.999 ** t)];
        const rate = MODERN.learningRate * (1 - (t - 1) / 3); // falls to 0 over the three steps
        expected[name][i] -= rate * mHat / (Math.sqrt(vHat) + 1e-8) * (name === "W1" ? scale : 1);
      })
    );
  }
  for (const name of layers) {
    const unit = name === "W1" ? scale : 1;
    trained[name].forEach((w, i) =>
      assertAlmostEquals(w / unit, expected[name][i] / unit, 1e-4, `${name} ${i}`)
    );
  }
});

Deno.test("trainMlp() shuffles by the given randomness where the setting says so", async () => {
  const mlp = initialMlp(sizes, "glorot", seededRng(2));
  const train = (seed: number, shuffle: boolean) =>
    trainMlp(mlp, data, { ...MODERN, batch: 1, epochs: 2, shuffle, rng: seededRng(seed) });
  assertEquals(await train(1, true), await train(1, true));
  assertNotEquals((await train(1, true)).W1, (await train(2, true)).W1);
  assertEquals(await train(1, false), await train(2, false));
});

Deno.test("epochOrder() permutes by key and epoch", () => {
  const key = new Uint8Array(32).fill(7);
  const order = epochOrder(100, key, 3);
  assertEquals([...order].sort((a, b) => a - b), Array.from({ length: 100 }, (_, i) => i));
  assertEquals(epochOrder(100, key, 3), order);
  assertNotEquals(epochOrder(100, key, 4), order);
  assertNotEquals(epochOrder(100, new Uint8Array(32), 3), order);
  assertEquals(epochOrder(3, undefined, 3), Uint32Array.of(0, 1, 2));
});

Deno.test("epochOrder() gives each order of four images as often as any other, over keys", () => {
  const counts = new Map<string, number>();
  const keys = 4800;
  for (let k = 0; k < keys; k++) {
    const key = new Uint8Array(32);
    new DataView(key.buffer).setUint32(0, k);
    const order = epochOrder(4, key, 0).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  const expected = keys / 24;
  const chiSquare = [...counts.values()].reduce(
    (sum, n) => sum + (n - expected) ** 2 / expected,
    0,
  );
  assertEquals(counts.size, 24);
  assertLess(chiSquare, 60); // 23 degrees of freedom: exceeded by chance once in 30,000; the keys are fixed
});

Deno.test("trainMlp() learns, leaves its input alone, and repeats from a seed", async () => {
  const mlp = initialMlp(sizes, "authors", seededRng(3));
  const before = mlp.W1.slice();
  const losses: number[] = [];
  const options = { epochs: 400, batch: 4, learningRate: 0.02 };
  const trained = await trainMlp(mlp, data, { ...options, onEpoch: (_, l) => losses.push(l) });
  assert(losses.at(-1)! < losses[0] / 2, `loss ${losses[0]} to ${losses.at(-1)}`);
  assertEquals(accuracy(trained, data), 1);
  assertEquals(mlp.W1, before);
  assertEquals(await trainMlp(initialMlp(sizes, "authors", seededRng(3)), data, options), trained);
});

Deno.test("trainMlp() stops with the signal's reason", async () => {
  const mlp = initialMlp(sizes, "authors", seededRng(4));
  const signal = AbortSignal.abort(new Error("stopped by hand"));
  await assertRejects(() => trainMlp(mlp, data, { signal }), Error, "stopped by hand");
});

Deno.test("trainMlp(), classify() and initialMlp() refuse wrong sizes and options", async () => {
  const mlp = initialMlp(sizes, "authors", seededRng(5));
  const other = initialMlp({ ...sizes, n: 5 }, "authors", seededRng(5));
  await assertRejects(() => trainMlp(other, data), TypeError, "takes 5 pixels");
  for (const name of ["epochs", "batch", "learningRate", "pixelScale"]) {
    for (const value of [0, -1, NaN, Infinity]) {
      await assertRejects(() => trainMlp(mlp, data, { [name]: value }), RangeError, name);
    }
  }
  await assertRejects(() => trainMlp(mlp, data, { batch: 1.5 }), RangeError, "batch = 1.5");
  assertThrows(() => classify(mlp, new Uint8Array(5)), TypeError, "not rows of 4");
  for (const initial of ["authors", "glorot"] as const) {
    assertThrows(() => initialMlp({ ...sizes, hidden: 0 }, initial), RangeError, "hidden = 0");
  }
});
