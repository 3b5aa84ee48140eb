/** Plain mini-batch gradient descent on the paper's network, with the authors' setting as default.
 *
 * Loss: the element-wise cross-entropy of sigmoid outputs against one-hot labels, whose gradient at
 * the output is simply a2 − y:
 *
 *   dz2 = a2 − y,  dz1 = (W2ᵀ·dz2) ∘ a1 ∘ (1 − a1),
 *   dW1 = dz1·X / m,  dW2 = dz2·A1 / c,  db1 = Σ dz1 / c,  db2 = Σ dz2 / c
 *
 * with batch size m and c the number of classes. The division by c where one expects m is the authors'
 * (mitigation1_server.py takes the length of a label for the batch size); it makes their server's
 * learning rate m/c times larger, and we keep it because their accuracy depends on it. The gradients are
 * written out: autodiff would use the transpose flags that are slow on this backend.
 * @see Juve45/cryptonn, mitigation1_server.py and mitigation2_client.py.
 * @module */
import * as tf from "@tensorflow/tfjs";
import type { Dataset } from "../data/dataset.ts";
import type { Mlp } from "./mlp.ts";
import { startBackend } from "./backend.ts";

/** How to train. The defaults are the authors' (learning rate 0.005, batch 250, 10 epochs). */
export interface TrainOptions {
  readonly epochs?: number;
  readonly batch?: number;
  readonly learningRate?: number;
  /** Called after every epoch with the mean loss of an image. */
  readonly onEpoch?: (epoch: number, loss: number) => void;
  readonly signal?: AbortSignal;
}

/** A network's weights as tensors, transposed so that no product needs a transpose flag. */
type Weights = {
  W1t: tf.Tensor2D; // [n, hidden]
  b1: tf.Tensor1D;
  W2t: tf.Tensor2D; // [hidden, classes]
  b2: tf.Tensor1D;
};

/** One step of gradient descent on a batch. X `[m, n]`, Y one-hot `[m, classes]`. */
function step(w: Weights, X: tf.Tensor2D, Y: tf.Tensor2D, rate: number): [Weights, tf.Scalar] {
  const [m, c] = [X.shape[0], Y.shape[1]];
  const A1 = X.matMul(w.W1t).add(w.b1).sigmoid() as tf.Tensor2D; // [m, hidden]
  const Z2 = A1.matMul(w.W2t).add(w.b2) as tf.Tensor2D; // [m, classes]
  const dZ2 = Z2.sigmoid().sub(Y) as tf.Tensor2D;
  const dZ1 = dZ2.matMul(w.W2t.transpose()).mul(A1).mul(tf.scalar(1).sub(A1)) as tf.Tensor2D;
  const next = {
    W1t: w.W1t.sub(X.transpose().matMul(dZ1).mul(rate / m)) as tf.Tensor2D,
    b1: w.b1.sub(dZ1.sum(0).mul(rate / c)) as tf.Tensor1D,
    W2t: w.W2t.sub(A1.transpose().matMul(dZ2).mul(rate / c)) as tf.Tensor2D,
    b2: w.b2.sub(dZ2.sum(0).mul(rate / c)) as tf.Tensor1D,
  };
  // −y·log σ(z) − (1−y)·log(1−σ(z)) = softplus(z) − y·z, finite for every z.
  return [next, Z2.softplus().sub(Y.mul(Z2)).sum() as tf.Scalar];
}

/** Trains a copy of `mlp` on `data`, in the data's order, as the authors do.
 * @returns the trained network; `mlp` is unchanged.
 * @throws {TypeError} data of another shape.   @throws {RangeError} an option that is not positive.
 * @throws the signal's reason when aborted. */
export async function trainMlp(
  mlp: Mlp,
  data: Dataset,
  { epochs = 10, batch = 250, learningRate = 0.005, onEpoch, signal }: TrainOptions = {},
): Promise<Mlp> {
  const { n, hidden, classes } = mlp;
  if (data.n !== n || data.classes.length !== classes) {
    throw new TypeError(
      `Cannot train: the network takes ${n} pixels and ${classes} classes, ${data.name} has ` +
        `${data.n} and ${data.classes.length}`,
    );
  }
  for (const [name, value] of Object.entries({ epochs, batch, learningRate })) {
    if (!(value > 0) || !Number.isFinite(value)) {
      throw new RangeError(`Cannot train: ${name} = ${value} is not positive`);
    }
  }
  await startBackend();
  let w: Weights = tf.tidy(() => ({
    W1t: tf.tensor2d(mlp.W1, [hidden, n]).transpose<tf.Tensor2D>(),
    b1: tf.tensor1d(mlp.b1),
    W2t: tf.tensor2d(mlp.W2, [classes, hidden]).transpose<tf.Tensor2D>(),
    b2: tf.tensor1d(mlp.b2),
  }));
  try {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      let loss = 0;
      for (let from = 0; from < data.count; from += batch) {
        const to = Math.min(from + batch, data.count);
        const old = w;
        const [next, batchLoss] = tf.tidy(() => {
          const X = tf.tensor2d(Float32Array.from(data.x.subarray(from * n, to * n)), [
            to - from,
            n,
          ]);
          const labels = tf.tensor1d(Int32Array.from(data.y.subarray(from, to)), "int32");
          return step(w, X, tf.oneHot(labels, classes).toFloat() as tf.Tensor2D, learningRate);
        });
        w = next;
        tf.dispose(old);
        loss += batchLoss.dataSync()[0];
        batchLoss.dispose();
      }
      onEpoch?.(epoch, loss / data.count);
      await new Promise((resolve) => setTimeout(resolve)); // let the stop button and the display in
      signal?.throwIfAborted();
    }
    return tf.tidy(() => ({
      ...{ n, hidden, classes },
      W1: w.W1t.transpose().dataSync<"float32">().slice(),
      b1: w.b1.dataSync<"float32">().slice(),
      W2: w.W2t.transpose().dataSync<"float32">().slice(),
      b2: w.b2.dataSync<"float32">().slice(),
    }));
  } finally {
    tf.dispose(w);
  }
}
