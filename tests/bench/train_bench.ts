/** One epoch of training at the size of the paper's network, 784-300-10, on the 9 000 training digits of
 * the small MNIST, one core. Baseline: the same steps by tfjs's own automatic differentiation, whose
 * products use transpose flags. Both must give the same weights before anything is timed.
 * Run: deno bench tests/bench/train_bench.ts
 * @module */
import * as tf from "@tensorflow/tfjs";
import { type Dataset, dataset } from "lib/data/dataset.ts";
import { loadMnist } from "lib/data/mnist.ts";
import { seededRng } from "lib/math/rng.ts";
import { startBackend } from "lib/nn/backend.ts";
import { initialMlp } from "lib/nn/mlp.ts";
import { MODERN, type Setting } from "lib/nn/optimizer.ts";
import { trainMlp } from "lib/nn/train.ts";

const { train } = await loadMnist();
const [n, hidden, classes, batch] = [784, 300, 10, 250];
const mlp = initialMlp({ n, hidden, classes }, "authors", seededRng(1));
await startBackend();

/** Plain gradient descent on the softmax loss, the gradients left to tfjs; returns W1, transposed. */
function autodiff(data: Dataset, learningRate: number): Float32Array {
  const W1t = tf.variable(tf.tidy(() => tf.tensor2d(mlp.W1, [hidden, n]).transpose()));
  const W2t = tf.variable(tf.tidy(() => tf.tensor2d(mlp.W2, [classes, hidden]).transpose()));
  const [b1, b2] = [tf.variable(tf.tensor1d(mlp.b1)), tf.variable(tf.tensor1d(mlp.b2))];
  const optimizer = tf.train.sgd(learningRate);
  for (let from = 0; from < data.count; from += batch) {
    tf.tidy(() => {
      const x = Float32Array.from(data.x.subarray(from * n, (from + batch) * n), (v) => v / 255);
      const X = tf.tensor2d(x, [batch, n]);
      const labels = Int32Array.from(data.y.subarray(from, from + batch));
      const Y = tf.oneHot(tf.tensor1d(labels, "int32"), classes);
      optimizer.minimize(() => {
        const A1 = X.matMul(W1t).add(b1).sigmoid();
        return tf.losses.softmaxCrossEntropy(Y, A1.matMul(W2t).add(b2));
      });
    });
  }
  const result = W1t.dataSync<"float32">().slice();
  tf.dispose([W1t, W2t, b1, b2]);
  return result;
}

const scaled: Partial<Setting> = {
  ...{ epochs: 1, batch, output: "softmax", pixelScale: 1 / 255, divideBy: "batch" },
};
const few = dataset({ ...train, x: train.x.subarray(0, 1000 * n), y: train.y.subarray(0, 1000) });
// W1 is kept for bytes: the network that sees x/255 starts from 255·W1.
const start = { ...mlp, W1: mlp.W1.map((w) => w / 255) };
const { W1 } = await trainMlp(start, few, { ...scaled, learningRate: 0.5 });
const reference = autodiff(few, 0.5);
for (let i = 0; i < W1.length; i++) {
  const [row, column] = [Math.floor(i / n), i % n];
  if (Math.abs(W1[i] * 255 - reference[column * hidden + row]) > 1e-4) {
    throw new Error(`Cannot time: W1[${row}, ${column}] is not what autodiff gives`);
  }
}

const group = "one epoch of 9 000 digits, 784-300-10";
const options = { group, n: 3, warmup: 1 };

Deno.bench({ ...options, name: "autodiff, gradient descent", baseline: true }, () => {
  autodiff(train, 0.5);
});

Deno.bench({ ...options, name: "trainMlp(), gradient descent" }, async () => {
  await trainMlp(start, train, { ...scaled, learningRate: 0.5 });
});

Deno.bench({ ...options, name: "trainMlp(), the modern setting" }, async () => {
  await trainMlp(start, train, { ...MODERN, epochs: 1 });
});
