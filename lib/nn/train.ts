/** Mini-batch training of the paper's network, for any setting (setting.ts), the authors' by default.
 *
 * For both output functions the cross-entropy's gradient at the output is simply a2 − y:
 *
 *   dz2 = a2 − y,  dz1 = (W2ᵀ·dz2) ∘ a1 ∘ (1 − a1),
 *   dW1 = dz1·X / m,  dW2 = dz2·A1 / d,  db1 = Σ dz1 / d,  db2 = Σ dz2 / d
 *
 * with batch size m, and d as the setting divides. The gradients are written out, because autodiff
 * would use the transpose flags that are slow on this backend. tfjs does the products, which take nearly
 * all the time; the weights are plain arrays that the optimizer changes in place.
 * @module */
import * as tf from "@tensorflow/tfjs";
import type { Dataset } from "../data/dataset.ts";
import { type Rng, secureRng } from "../math/rng.ts";
import { startBackend } from "./backend.ts";
import type { Mlp } from "./mlp.ts";
import { adam, sgd } from "./optimizer.ts";
import { AUTHORS, type Setting } from "./setting.ts";

/** How to train: what of the setting differs from the authors', and who listens. */
export interface TrainOptions extends Partial<Setting> {
  /** Called after every epoch with the mean loss of an image. */
  readonly onEpoch?: (epoch: number, loss: number) => void;
  readonly signal?: AbortSignal;
  /** Draws the order of the images where the setting shuffles. */
  readonly rng?: Rng;
}

/** Weights, transposed so that no product needs a transpose flag: W1t `[n, hidden]`, b1,
 * W2t `[hidden, classes]`, b2. */
type Weights = readonly [W1t: Float32Array, b1: Float32Array, W2t: Float32Array, b2: Float32Array];

function transpose(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = matrix[i * columns + j];
  }
  return result;
}

/** Summed gradients and loss of a batch. x `[m, n]` scaled, y one-hot `[m, classes]`. */
function gradients(
  weights: Weights,
  [x, y]: readonly [Float32Array, Float32Array],
  { n, hidden, classes, output }: Pick<Mlp, "n" | "hidden" | "classes"> & Pick<Setting, "output">,
): { sums: Float32Array[]; loss: number } {
  let result!: { sums: Float32Array[]; loss: number };
  tf.tidy(() => {
    const X = tf.tensor2d(x, [x.length / n, n]);
    const Y = tf.tensor2d(y, [y.length / classes, classes]);
    const [W1t, W2t] = [
      tf.tensor2d(weights[0], [n, hidden]),
      tf.tensor2d(weights[2], [hidden, classes]),
    ];
    const A1 = X.matMul<tf.Tensor2D>(W1t).add(tf.tensor1d(weights[1])).sigmoid(); // [m, hidden]
    const Z2 = A1.matMul<tf.Tensor2D>(W2t).add(tf.tensor1d(weights[3])); // [m, classes]
    const softmax = output === "softmax";
    const dZ2 = (softmax ? Z2.softmax() : Z2.sigmoid()).sub(Y);
    const dZ1 = dZ2.matMul(W2t.transpose()).mul(A1.sub(A1.square())); // [m, hidden]
    // −log softmax(z)_y = log Σ exp z − z_y;  −y·log σ(z) − (1−y)·log(1−σ(z)) = softplus(z) − y·z
    const normalizer = softmax ? Z2.logSumExp(1).sum() : Z2.softplus().sum();
    const sums = [X.transpose().matMul(dZ1), dZ1.sum(0), A1.transpose().matMul(dZ2), dZ2.sum(0)];
    result = {
      sums: sums.map((sum) => sum.dataSync<"float32">()),
      loss: normalizer.sub(Y.mul(Z2).sum()).dataSync()[0],
    };
  }); // it returns nothing, because tidy looks for tensors in every element of what it is given
  return result;
}

/** Puts the order of `indices` at random (Fisher and Yates). */
function shuffle(indices: Uint32Array, rng: Rng): void {
  const draws = new Uint32Array(rng.bytes(4 * indices.length).slice().buffer);
  for (let i = indices.length - 1; i > 0; i--) {
    const j = Math.floor(draws[i] / 2 ** 32 * (i + 1));
    [indices[i], indices[j]] = [indices[j], indices[i]];
  }
}

/** Refuses data of another shape and settings that are not positive. */
function check({ n, classes }: Mlp, data: Dataset, setting: Setting): void {
  if (data.n !== n || data.classes.length !== classes) {
    throw new TypeError(
      `Cannot train: the network takes ${n} pixels and ${classes} classes, ${data.name} has ` +
        `${data.n} and ${data.classes.length}`,
    );
  }
  for (const name of ["epochs", "batch", "learningRate", "pixelScale"] as const) {
    const value = setting[name];
    const counts = name === "epochs" || name === "batch";
    if (!(value > 0) || !Number.isFinite(value) || (counts && !Number.isInteger(value))) {
      const expected = counts ? "a positive integer" : "positive";
      throw new RangeError(`Cannot train: ${name} = ${value} is not ${expected}`);
    }
  }
}

/** Trains a copy of `mlp` on `data`.
 * @param options a setting, or what of it differs from the authors': `{ ...MODERN, signal }`.
 * @returns the trained network, for pixels in 0..255 as before; `mlp` is unchanged.
 * @throws {TypeError} data of another shape.   @throws {RangeError} an option that is not positive.
 * @throws the signal's reason when aborted. */
export async function trainMlp(
  mlp: Mlp,
  data: Dataset,
  { onEpoch, signal, rng = secureRng(), ...options }: TrainOptions = {},
): Promise<Mlp> {
  const setting: Setting = { ...AUTHORS, ...options };
  check(mlp, data, setting);
  const { n, hidden, classes } = mlp;
  const { epochs, batch, pixelScale } = setting;
  await startBackend();
  const weights: Weights = [
    transpose(mlp.W1.map((w) => w / pixelScale), hidden, n),
    mlp.b1.slice(),
    transpose(mlp.W2, classes, hidden),
    mlp.b2.slice(),
  ];
  const updates = weights.map(setting.optimizer === "adam" ? adam : sgd);
  const steps = epochs * Math.ceil(data.count / batch);
  let step = 0;
  const order = Uint32Array.from({ length: data.count }, (_, i) => i);
  const x = new Float32Array(Math.min(batch, data.count) * n); // reused: tfjs copies what it is given
  for (let epoch = 1; epoch <= epochs; epoch++) {
    if (setting.shuffle) shuffle(order, rng);
    let loss = 0;
    for (let from = 0; from < data.count; from += batch) {
      const indices = order.subarray(from, from + batch);
      const m = indices.length;
      const y = new Float32Array(m * classes);
      indices.forEach((image, k) => {
        for (let p = 0; p < n; p++) x[k * n + p] = data.x[image * n + p] * pixelScale;
        y[k * classes + data.y[image]] = 1;
      });
      const result = gradients(weights, [x.subarray(0, m * n), y], { ...mlp, ...setting });
      const rate = setting.learningRate * (setting.anneal ? 1 - step++ / steps : 1);
      const rest = setting.divideBy === "classes" ? classes : m;
      result.sums.forEach((sum, k) => {
        const divisor = k === 0 ? m : rest;
        for (let i = 0; i < sum.length; i++) sum[i] /= divisor;
        updates[k](weights[k], sum, rate);
      });
      loss += result.loss;
    }
    onEpoch?.(epoch, loss / data.count);
    await new Promise((resolve) => setTimeout(resolve)); // let the stop button and the display in
    signal?.throwIfAborted();
  }
  return {
    ...{ n, hidden, classes },
    W1: transpose(weights[0], n, hidden).map((w) => w * pixelScale),
    b1: weights[1],
    W2: transpose(weights[2], hidden, classes),
    b2: weights[3],
  };
}
