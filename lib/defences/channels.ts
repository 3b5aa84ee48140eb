/** What a client of split training may do to z1 before it goes up, and to what comes back.
 *
 * A channel sees the numbers of a part of a batch, `[m, units]`, and gives the ones that are sent and the way back
 * from the gradient by what was sent to the gradient by z1. `still` is what it does to images to be classified,
 * where nothing is drawn.
 * @module */
import * as tf from "@tensorflow/tfjs";
import type { Draws } from "./draws.ts";

/** A part of a batch at the client. */
export interface Batch {
  /** `[m, units]` */
  readonly z1: Float32Array;
  readonly units: number;
  /** `[m, n]`, the pixels that z1 is of. */
  readonly x: Uint8Array;
}

/** What goes up for a part, and the way back. */
export interface Sent {
  /** `[m, units]` */
  readonly z: Float32Array;
  /** From the gradient by z to that by z1. */
  back(dz: Float32Array): Float32Array;
}

/** What a client does to z1. */
export interface Channel {
  send(batch: Batch, draws: Draws): Sent;
  /** Without anything drawn. */
  still(z1: Float32Array, units: number): Float32Array;
}

/** z1 as it is: MITIG2. */
export const OPEN: Channel = { send: ({ z1 }) => ({ z: z1, back: (dz) => dz }), still: (z1) => z1 };

/** Each row shortened to a norm of at most `clip`: the rows, and what each was multiplied by. */
function clipped(z1: Float32Array, units: number, clip: number) {
  const z = z1.slice();
  const factors = new Float64Array(z1.length / units).fill(1);
  for (let i = 0; i < factors.length; i++) {
    const row = z.subarray(i * units, (i + 1) * units);
    const norm = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
    if (norm <= clip) continue;
    factors[i] = clip / norm;
    for (let u = 0; u < units; u++) row[u] *= factors[i];
  }
  return { z, factors };
}

/** z1 shortened to a norm of `clip`, with noise of deviation `sigma` in each number, new at each visit. Back through
 * s·z1 with s = clip/‖z1‖: s·(dz − z·⟨z, dz⟩/clip²). */
export function noisy(clip: number, sigma: number): Channel {
  return {
    send({ z1, units }, draws) {
      const { z, factors } = clipped(z1, units, clip);
      const sent = z.slice();
      draws.addNormal(sent, sigma);
      return {
        z: sent,
        back(dz) {
          const out = dz.slice();
          factors.forEach((factor, i) => {
            if (factor === 1) return;
            let inner = 0;
            for (let u = i * units; u < (i + 1) * units; u++) inner += z[u] * dz[u];
            for (let u = i * units; u < (i + 1) * units; u++) {
              out[u] = factor * (dz[u] - z[u] * inner / clip ** 2);
            }
          });
          return out;
        },
      };
    },
    still: (z1, units) => clipped(z1, units, clip).z,
  };
}

/** Each number left out, sent as 0, with probability `rate`, anew at each visit; the others are divided by 1 − rate. */
export function dropout(rate: number): Channel {
  return {
    send({ z1 }, draws) {
      const kept = new Float32Array(z1.length);
      for (let i = 0; i < kept.length; i++) kept[i] = draws.uniform() < rate ? 0 : 1 / (1 - rate);
      return {
        z: z1.map((value, i) => value * kept[i]),
        back: (dz) => dz.map((value, i) => value * kept[i]),
      };
    },
    still: (z1) => z1,
  };
}

const bits = (z1: Float32Array) => z1.map((value) => value > 0 ? 1 : 0);

/** The first activation at the client and in one bit, σ(z1) rounded; back as through σ, σ·(1 − σ).
 * @see Y. Bengio, N. Léonard, A. Courville, arXiv 1308.3432 (straight-through). */
export const ONE_BIT: Channel = {
  send: ({ z1 }) => ({
    z: bits(z1),
    back: (dz) =>
      dz.map((value, i) => {
        const a = 1 / (1 + Math.exp(-z1[i]));
        return value * a * (1 - a);
      }),
  }),
  still: bits,
};

/** Distances of all pairs of rows less their row and column means: `[m, m]`. */
function centredDistances(rows: tf.Tensor2D): tf.Tensor2D {
  const squares = rows.square().sum(1, true);
  const inner = tf.matMul(rows, rows, false, true);
  const distances = squares.add(squares.transpose()).sub(inner.mul(2)).relu().add(1e-6).sqrt();
  return distances.sub(distances.mean(0, true)).sub(distances.mean(1, true))
    .add(distances.mean()) as tf.Tensor2D;
}

/** Squared distance correlation of rows with others, in [0, 1]. */
function correlated(a: tf.Tensor2D, b: tf.Tensor2D): tf.Scalar {
  const product = (x: tf.Tensor, y: tf.Tensor) => x.mul(y).mean();
  return product(a, b).div(product(a, a).mul(product(b, b)).sqrt().add(1e-12)) as tf.Scalar;
}

/** z1 as it is, with `weight` times the squared distance correlation of pixels and z1 in the client's loss.
 * @see P. Vepakomma et al., "NoPeek: information leakage reduction to share activations in distributed deep learning",
 * arXiv 2008.09161. */
export function noPeek(weight: number): Channel {
  return {
    send({ z1, units, x }) {
      const m = z1.length / units;
      return {
        z: z1,
        back(dz) {
          const push = tf.tidy(() => {
            const pixels = tf.tensor2d(Float32Array.from(x), [m, x.length / m]).div(255);
            const theirs = centredDistances(pixels as tf.Tensor2D);
            const by = tf.grad((z: tf.Tensor) =>
              correlated(centredDistances(z as tf.Tensor2D), theirs)
            );
            return by(tf.tensor2d(z1, [m, units])).dataSync<"float32">();
          });
          return dz.map((value, i) => value + m * weight * push[i]); // dz is a sum over the part
        },
      };
    },
    still: (z1) => z1,
  };
}
