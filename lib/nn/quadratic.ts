/** A classifier of degree two, which quadratic functional encryption evaluates on ciphertexts:
 *
 *   h = P·x,  score_k = Σ_p D[k, p]·h_p² = xᵀF_k x,  F_k = Pᵀ·diag(D_k)·P,  x = (pixels in 4 bits, 15)
 *
 * Forty projections, ten scores, 80 lines of pairings for all ten. Trained in floats on softmax and cross-entropy by Adam,
 * rounded: each row of P to ±15 (its scale goes into D, squared), then D to ±15; scores of integers are exact. In the last
 * third of the epochs the gradient is that of the rounded classifier, and moves the one behind it.
 * In plain loops over the pixels that are not 0, a fifth of them: quicker than tensors of tfjs, and the same bits on
 * every machine.
 * @see T. Ryffel et al., "Partially Encrypted Machine Learning using Functional Encryption", NeurIPS 2019,
 * arXiv 1905.10214: whose model this is.
 * @module */
import type { Dataset } from "../data/dataset.ts";
import { gaussian, type Rng, secureRng } from "../math/rng.ts";
import { breather } from "../workers/pool.ts";
import { learningRateAt, optimizer } from "./optimizer.ts";
import { epochOrder, ORDER_KEY_BYTES } from "./train.ts";
import { lossGradient } from "./upper_layers.ts";

/** The largest pixel in 4 bits, and what stands for 1. */
export const PIXEL = 15;
/** The largest entry of P and D: 4 bits and a sign. */
export const WEIGHT = 15;

const [BATCH, RATE, DEVIATION] = [200, 0.003, 0.1];

/** The classifier in integers. */
export interface QuadraticNet {
  /** Entries of x: the pixels and the constant. */
  readonly length: number;
  /** `[projections, length]`, in ±15. */
  readonly P: Int32Array;
  /** `[classes, projections]`, in ±15. */
  readonly D: Int32Array;
  readonly classes: number;
}

/** x of each image: pixels 0..255 as 0..15, halves up, and 15 for the constant. @returns `[count, n + 1]`. */
export function quadraticInputs({ x, n, count }: Pick<Dataset, "x" | "n" | "count">): Uint8Array {
  const inputs = new Uint8Array(count * (n + 1));
  for (let i = 0; i < count; i++) {
    for (let p = 0; p < n; p++) {
      inputs[i * (n + 1) + p] = Math.round(x[i * n + p] * PIXEL / 255);
    }
    inputs[i * (n + 1) + n] = PIXEL;
  }
  return inputs;
}

/** All scores, exactly. @param inputs `[count, length]`.   @returns `[count, classes]`, below 2^53.
 * @throws {TypeError} inputs of another length. */
export function quadraticScores(
  { P, D, length, classes }: QuadraticNet,
  inputs: Uint8Array,
): Float64Array {
  const [count, projections] = [inputs.length / length, P.length / length];
  if (!Number.isInteger(count)) {
    throw new TypeError(`Cannot score: ${inputs.length} numbers are not whole inputs of ${length}`);
  }
  const columns = new Float64Array(P.length); // [length, projections]
  P.forEach((value, at) => columns[at % length * projections + Math.floor(at / length)] = value);
  const scores = new Float64Array(count * classes);
  const h = new Float64Array(projections);
  for (let i = 0; i < count; i++) {
    h.fill(0);
    for (let j = 0; j < length; j++) {
      const value = inputs[i * length + j];
      if (value === 0) continue;
      for (let p = 0, at = j * projections; p < projections; p++) h[p] += value * columns[at + p];
    }
    for (let k = 0; k < classes; k++) {
      let sum = 0;
      for (let p = 0; p < projections; p++) sum += D[k * projections + p] * h[p] * h[p];
      scores[i * classes + k] = sum;
    }
  }
  return scores;
}

/** The class of the largest score of each. @param scores `[count, classes]`. */
export function largestOf(scores: Float64Array, classes: number): Uint8Array {
  return Uint8Array.from({ length: scores.length / classes }, (_, i) => {
    const own = scores.subarray(i * classes, (i + 1) * classes);
    return own.indexOf(Math.max(...own));
  });
}

/** How to train. */
export interface QuadraticTraining {
  readonly projections: number;
  readonly epochs: number;
  /** Of the first weights and the orders of the epochs. */
  readonly rng?: Rng;
  readonly signal?: AbortSignal;
  /** Called after each batch. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Trains on images and rounds.
 * @throws {RangeError} a number of projections or epochs that is no positive integer; the signal's reason when
 * aborted. */
export async function trainQuadratic(
  images: Dataset,
  { projections, epochs, rng = secureRng(), signal, onProgress }: QuadraticTraining,
): Promise<QuadraticNet> {
  for (const [name, value] of Object.entries({ projections, epochs })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`Cannot train: ${name} = ${value} is not a positive integer`);
    }
  }
  const [length, classes] = [images.n + 1, images.classes.length];
  const draw = (count: number) => Float32Array.from(gaussian(rng, count), (v) => v * DEVIATION);
  const net = new QuadraticTrainer(draw(length * projections), draw(projections * classes), {
    ...{ length, projections, classes },
  });
  const inputs = quadraticInputs(images);
  const key = rng.bytes(ORDER_KEY_BYTES);
  const perEpoch = Math.ceil(images.count / BATCH);
  const breathe = breather(signal);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = epochOrder(images.count, key, epoch);
    for (let b = 0; b < perEpoch; b++) {
      const done = epoch * perEpoch + b;
      const rate = learningRateAt({ learningRate: RATE, anneal: true }, done, epochs * perEpoch);
      const rounded = 3 * epoch >= 2 * epochs;
      net.step(inputs, images.y, order.subarray(b * BATCH, (b + 1) * BATCH), { rate, rounded });
      onProgress?.(done + 1, epochs * perEpoch);
      await breathe();
    }
  }
  return net.integers();
}

/** The classifier in training: x here is in 0..1. */
class QuadraticTrainer {
  readonly #optimizers;
  readonly #sums;

  /** @param P `[length, projections]`: a row is what a pixel adds to all projections.
   * @param D `[projections, classes]`. */
  constructor(
    readonly P: Float32Array,
    readonly D: Float32Array,
    readonly sizes: { length: number; projections: number; classes: number },
  ) {
    this.#optimizers = { P: optimizer("adam", P.length), D: optimizer("adam", D.length) };
    this.#sums = { P: new Float32Array(P.length), D: new Float32Array(D.length) };
  }

  /** One step on some of the images, by the gradient of the weights as they are or as they round. */
  step(
    inputs: Uint8Array,
    labels: Uint8Array,
    batch: Uint32Array,
    { rate, rounded }: { rate: number; rounded: boolean },
  ): void {
    const { length, projections, classes } = this.sizes;
    const { P, D } = rounded ? this.#rounded() : this;
    const sums = this.#sums;
    const [h, dh] = [new Float32Array(projections), new Float32Array(projections)];
    for (const i of batch) {
      const x = inputs.subarray(i * length, (i + 1) * length);
      h.fill(0);
      for (let j = 0; j < length; j++) {
        if (x[j] === 0) continue;
        const value = x[j] / PIXEL;
        for (let p = 0, at = j * projections; p < projections; p++) h[p] += value * P[at + p];
      }
      const scores = new Float32Array(classes);
      for (let p = 0; p < projections; p++) {
        const square = h[p] * h[p];
        for (let k = 0; k < classes; k++) scores[k] += square * D[p * classes + k];
      }
      const { dz2: d } = lossGradient(scores, labels.subarray(i, i + 1), "softmax");
      for (let p = 0; p < projections; p++) {
        let sum = 0;
        for (let k = 0; k < classes; k++) {
          sums.D[p * classes + k] += h[p] * h[p] * d[k];
          sum += D[p * classes + k] * d[k];
        }
        dh[p] = 2 * h[p] * sum;
      }
      for (let j = 0; j < length; j++) {
        if (x[j] === 0) continue;
        const value = x[j] / PIXEL;
        for (let p = 0, at = j * projections; p < projections; p++) sums.P[at + p] += value * dh[p];
      }
    }
    for (const name of ["P", "D"] as const) {
      this.#optimizers[name].step(this[name], sums[name], batch.length, rate);
      sums[name].fill(0);
    }
  }

  /** What a unit of each row of the integer P stands for, and of the integer D. */
  #units(): { rows: Float64Array; D: number } {
    const { length, projections, classes } = this.sizes;
    const rows = new Float64Array(projections);
    for (let j = 0; j < length; j++) {
      for (let p = 0; p < projections; p++) {
        rows[p] = Math.max(rows[p], Math.abs(this.P[j * projections + p]) / WEIGHT);
      }
    }
    let D = 0;
    for (let p = 0; p < projections; p++) {
      rows[p] ||= 1;
      for (let k = 0; k < classes; k++) {
        D = Math.max(D, Math.abs(this.D[p * classes + k]) * rows[p] ** 2 / WEIGHT);
      }
    }
    return { rows, D: D || 1 };
  }

  /** The weights as they round, in the scale of those behind them. */
  #rounded(): { P: Float32Array; D: Float32Array } {
    const { projections, classes } = this.sizes;
    const units = this.#units();
    const scales = units.rows.map((row) => units.D / row ** 2);
    return {
      P: this.P.map((value, at) => {
        const unit = units.rows[at % projections];
        return Math.round(value / unit) * unit;
      }),
      D: this.D.map((value, at) => {
        const unit = scales[Math.floor(at / classes)];
        return Math.round(value / unit) * unit;
      }),
    };
  }

  /** The classifier in integers, whose scores are these up to one factor and rounding. */
  integers(): QuadraticNet {
    const { length, projections, classes } = this.sizes;
    const units = this.#units();
    const P = Int32Array.from({ length: projections * length }, (_, at) => {
      const [p, j] = [Math.floor(at / length), at % length];
      return Math.round(this.P[j * projections + p] / units.rows[p]);
    });
    const D = Int32Array.from({ length: classes * projections }, (_, at) => {
      const [k, p] = [Math.floor(at / projections), at % projections];
      return Math.round(this.D[p * classes + k] * units.rows[p] ** 2 / units.D);
    });
    return { length, classes, P, D };
  }
}
