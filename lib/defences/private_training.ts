/** mitig3 with DP-SGD at the client: what differential privacy of ε 8 costs in accuracy, for two readers.
 *
 * In one process, as a twin of the parties: the client's W1, b1, V, c and its codes of length 1 with noise σ, as in
 * protocol/mitig3, but each sample's gradient is clipped over all weights of the client, and noise is added to their sum.
 * The head is fixed, logits = κ·z, so that what comes back for one sample depends on no other:
 * dz = κ·(softmax(κ·z) − y). What is ε-private depends on the reader:
 *
 * - "model": whoever has the client's weights, at any time, and none of the codes. Batches are Poisson samples, which
 *   the reader does not know. Adding or removing one sample; DP-SGD's accounting (`dpSgdEpsilon`).
 * - "server": whoever has all that the server has, codes and labels of all samples at each of T visits, and sends back
 *   what it likes. Exchanging one image for another of the same label; codes and noisy sums are one Gaussian mechanism
 *   (`serverViewEpsilon`). Whatever the server makes of it, a trained head too, is covered.
 *
 * The test accuracy is that of predictions at home, on codes without noise.
 * @module */
import * as tf from "@tensorflow/tfjs";
import { accuracyOf, type Dataset, type SplitDataset } from "../data/dataset.ts";
import { type Rng, seededRng } from "../math/rng.ts";
import { startBackend } from "../nn/backend.ts";
import { clipFactors, gaussianTensor, poissonSample } from "../nn/dp_sgd.ts";
import { epochOrder, ORDER_KEY_BYTES } from "../nn/train.ts";
import type { On } from "../notebook/run.ts";
import { dpSgdEpsilon, serverViewEpsilon } from "../privacy.ts";
import { breather } from "../workers/pool.ts";

/** Who may read, and so how batches are drawn and ε is counted. */
export type Reader = "model" | "server";

/** How to train. */
export interface PrivateSetting {
  readonly reader: Reader;
  /** Standard deviation of the noise on each number of a code. */
  readonly sigma: number;
  /** Standard deviation of the noise on the sum of clipped gradients, divided by the clip; 0 is none. */
  readonly noise: number;
  readonly clip: number;
  /** Samples of a batch; of Poisson samples the mean. */
  readonly batch: number;
  /** T for the server; for the model, the mean number of times that a sample is taken. */
  readonly epochs: number;
  /** At first; it falls linearly to 0. */
  readonly learningRate: number;
  /** κ of the head. Where κ·σ is small against 1, what comes back says little but the label. */
  readonly scale: number;
  /** Units of the first layer. */
  readonly units: number;
}

/** ε of a training for its reader; infinite without noise. @throws as the accounting. */
export function epsilonOf(setting: PrivateSetting, count: number, delta = 1e-5): number {
  const { reader, sigma, noise, epochs } = setting;
  if (noise === 0) return Infinity;
  if (reader === "server") return serverViewEpsilon({ sigma, noise, visits: epochs, delta });
  const steps = stepsOf(setting, count);
  return dpSgdEpsilon({ rate: setting.batch / count, noise, steps, delta });
}

const stepsOf = ({ batch, epochs }: PrivateSetting, count: number) =>
  epochs * Math.ceil(count / batch);

const NAMES = ["W1", "b1", "V", "c"] as const;

/** The client's weights, tensors that move. */
type Weights = Record<typeof NAMES[number], tf.Variable>;

/** W1 `[n, units]` ~ N(0, 1/n) and V `[units, classes]` ~ N(0, 1/units). */
function initial(n: number, classes: number, { units }: PrivateSetting, rng: Rng): Weights {
  const drawn = (rows: number, columns: number) =>
    tf.variable(gaussianTensor<tf.Rank.R2>([rows, columns], 1 / Math.sqrt(rows), rng));
  return {
    ...{ W1: drawn(n, units), b1: tf.variable(tf.zeros([units])) },
    ...{ V: drawn(units, classes), c: tf.variable(tf.zeros([classes])) },
  };
}

/** The images of some indices, in [0, 1], `[m, n]`. */
function pixels({ x, n }: Dataset, indices: ArrayLike<number>): tf.Tensor2D {
  const rows = new Float32Array(indices.length * n);
  for (let k = 0; k < indices.length; k++) {
    for (let p = 0, from = indices[k] * n; p < n; p++) rows[k * n + p] = x[from + p] / 255;
  }
  return tf.tensor2d(rows, [indices.length, n]);
}

/** a1, ‖v‖ and u of images X. */
function encode({ W1, b1, V, c }: Weights, X: tf.Tensor2D) {
  const a1 = X.matMul<tf.Tensor2D>(W1 as tf.Tensor2D).add<tf.Tensor2D>(b1).relu<tf.Tensor2D>();
  const v = a1.matMul<tf.Tensor2D>(V as tf.Tensor2D).add<tf.Tensor2D>(c);
  const length = tf.maximum(v.norm("euclidean", 1, true), 1e-12);
  return { a1, length, u: v.div<tf.Tensor2D>(length) };
}

/** The sums of the clipped gradients of some samples; the server's answer is in the middle of it. */
function clippedSums(
  weights: Weights,
  data: Dataset,
  samples: Uint32Array,
  { sigma, clip, scale }: PrivateSetting,
  rng: Rng,
): Record<keyof Weights, tf.Tensor> {
  const X = pixels(data, samples);
  const { a1, length, u } = encode(weights, X);
  const z = u.add<tf.Tensor2D>(gaussianTensor<tf.Rank.R2>(u.shape, sigma, rng));
  const labels = tf.tensor1d(Int32Array.from(samples, (i) => data.y[i]), "int32");
  const dlogits = z.mul<tf.Tensor2D>(scale).softmax().sub(tf.oneHot(labels, u.shape[1]));
  const dz = dlogits.mul<tf.Tensor2D>(scale);
  const dv = dz.sub(u.mul(dz.mul(u).sum(1, true))).div<tf.Tensor2D>(length);
  const dz1 = dv.matMul(weights.V.transpose() as tf.Tensor2D).mul<tf.Tensor2D>(a1.step());
  const factors = clipFactors(
    [{ inputs: X, gradients: dz1 }, { inputs: a1, gradients: dv }],
    clip,
  );
  const [ofV, of1] = [dv, dz1].map((gradients) => gradients.mul<tf.Tensor2D>(factors));
  return {
    ...{ W1: X.transpose().matMul(of1), b1: of1.sum(0) },
    ...{ V: a1.transpose<tf.Tensor2D>().matMul(ofV), c: ofV.sum(0) },
  };
}

/** One step: the weights move by the sums and their noise. A Poisson sample may be empty; then noise alone moves them. */
function step(
  weights: Weights,
  data: Dataset,
  samples: Uint32Array,
  setting: PrivateSetting,
  { rate, rng }: { rate: number; rng: Rng },
): void {
  const { noise, clip, batch } = setting;
  tf.tidy(() => {
    const sums = samples.length > 0 && clippedSums(weights, data, samples, setting, rng);
    for (const name of NAMES) {
      const weight = weights[name];
      const drawn = noise > 0
        ? gaussianTensor(weight.shape, noise * clip, rng)
        : tf.zerosLike(weight);
      weight.assign(weight.sub((sums ? sums[name].add(drawn) : drawn).mul(rate / batch)));
    }
  });
}

/** The share of images whose class is found at home, on codes without noise. */
function testAccuracy(weights: Weights, test: Dataset): number {
  const classes = tf.tidy(() => {
    const indices = Array.from({ length: test.count }, (_, i) => i);
    return encode(weights, pixels(test, indices)).u.argMax(1).dataSync();
  });
  return accuracyOf(Uint8Array.from(classes), test.y);
}

/** What a private training ends with. */
export interface PrivateResult {
  /** Of the test images, in [0, 1]. */
  readonly accuracy: number;
  /** For the setting's reader, at δ. */
  readonly epsilon: number;
  /** W1 `[n, units]`, b1, V `[units, classes]`, c: all that the noise is for. */
  readonly client: Readonly<Record<"W1" | "b1" | "V" | "c", Float32Array>>;
}

/** Trains and counts.
 * @param options.insecureSeed of everything that is drawn: an experiment.
 * @throws {RangeError} what cannot be accounted; the signal's reason when aborted. */
export async function trainPrivately(
  { train, test }: SplitDataset,
  setting: PrivateSetting,
  { insecureSeed, delta = 1e-5, signal, onProgress }: Partial<On> & {
    insecureSeed: number;
    delta?: number;
  },
): Promise<PrivateResult> {
  const epsilon = epsilonOf(setting, train.count, delta);
  await startBackend();
  const rng = seededRng(insecureSeed);
  const weights = initial(train.n, train.classes.length, setting, rng);
  const breathe = breather(signal);
  const { batch, learningRate } = setting;
  const steps = stepsOf(setting, train.count), perEpoch = steps / setting.epochs;
  const key = rng.bytes(ORDER_KEY_BYTES);
  try {
    for (let at = 0; at < steps; at++) {
      const within = at % perEpoch * batch;
      const samples = setting.reader === "model"
        ? poissonSample(train.count, batch / train.count, rng)
        : epochOrder(train.count, key, Math.floor(at / perEpoch)).subarray(within, within + batch);
      step(weights, train, samples, setting, { rate: learningRate * (1 - at / steps), rng });
      onProgress?.(at + 1, steps);
      await breathe();
    }
    const [W1, b1, V, c] = NAMES.map((name) => weights[name].dataSync<"float32">());
    return { accuracy: testAccuracy(weights, test), epsilon, client: { W1, b1, V, c } };
  } finally {
    tf.dispose(Object.values(weights));
  }
}
