/** DP-SGD for dense layers: random batches, every sample's gradient clipped, noise on the sum.
 *
 * The gradient of one sample in a dense layer is dz·aᵀ, so its norm is ‖dz‖·‖a‖ and no sample's gradient is ever
 * written out: over all layers with their biases ‖g‖² = Σ ‖dz‖²·(‖a‖² + 1). Scaling its rows dz scales g.
 * @see M. Abadi et al., "Deep Learning with Differential Privacy", CCS 2016, arXiv 1607.00133, algorithm 1.
 * I. Goodfellow, "Efficient Per-Example Gradient Computations", arXiv 1510.01799.  Accounting: lib/privacy.ts.
 * @module */
import * as tf from "@tensorflow/tfjs";
import { gaussian, type Rng, secureRng, uniform } from "../math/rng.ts";

/** Takes each of `count` samples with probability `rate`, independently: what the accounting of DP-SGD is about, unlike
 * batches of a fixed size cut from a shuffled epoch. It draws the gaps between the samples taken.
 * @returns their indices, ascending; maybe none.   @throws {RangeError} rate outside (0, 1]. */
export function poissonSample(count: number, rate: number, rng: Rng = secureRng()): Uint32Array {
  if (!(rate > 0 && rate <= 1)) {
    throw new RangeError(`Cannot sample: rate = ${rate}, expected above 0 and at most 1`);
  }
  const taken: number[] = [];
  const next = () => rate === 1 ? 0 : Math.floor(Math.log1p(-uniform(rng)) / Math.log1p(-rate));
  for (let at = next(); at < count; at += 1 + next()) taken.push(at);
  return Uint32Array.from(taken);
}

/** A dense layer with a bias, as a batch went through it. */
export interface DenseBatch {
  /** Inputs a `[m, in]`. */
  readonly inputs: tf.Tensor2D;
  /** dz `[m, out]`, not divided by m. */
  readonly gradients: tf.Tensor2D;
}

/** What each sample's gradient is multiplied by, `[m, 1]`: min(1, clip/‖g‖), so that no sample moves the sum over the
 * batch by more than `clip`.
 * @throws {RangeError} clip that is not positive. */
export function clipFactors(layers: readonly DenseBatch[], clip: number): tf.Tensor2D {
  if (!(clip > 0 && clip < Infinity)) {
    throw new RangeError(`Cannot clip: clip = ${clip}, expected a positive number`);
  }
  return tf.tidy(() => {
    const squares = layers.map(({ inputs, gradients }) =>
      gradients.square().sum(1, true).mul(inputs.square().sum(1, true).add(1))
    );
    const norms = tf.addN(squares).sqrt();
    return tf.minimum(1, tf.scalar(clip).div(tf.maximum(norms, 1e-30)));
  });
}

/** N(0, deviation²) in float32, as much as a tensor of this shape takes. */
export function gaussianTensor<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  deviation: number,
  rng: Rng = secureRng(),
): tf.Tensor<R> {
  const length = shape.reduce((product: number, size) => product * size, 1);
  return tf.tensor(Float32Array.from(gaussian(rng, length), (v) => v * deviation), shape);
}
