/** A linear model trained through batch gradients in integers, and nothing else of the samples:
 *
 *   c = (w_1 … w_n, b, −1)·2^weightBits,  g_j = Σ_i ⟨c, u_i⟩·u_ij  for the n features and the 1,
 *   w ← w − rate·g / (B·2^(2·scaleBits + weightBits))
 *
 * with u of `linear_samples.ts`. Where g comes from is a seam: plain integers here, or what quadratic functional
 * encryption decrypts (`lib/fe/qfe_gradient.ts`). The same integers give the same weights, bit for bit.
 * @see H. Chen et al., "Quadratic Functional Encryption for Secure Training in Vertical Federated Learning",
 * arXiv 2305.08358: reconstructed here from its abstract and first pages.
 * @module */
import { toFixed } from "../math/fixed_point.ts";
import type { LinearSamples } from "./linear_samples.ts";

/** The gradient of a batch at coefficients c `[n + 2]`: `[n + 1]` safe integers. */
export type BatchGradient = (batch: number, c: Int32Array) => Float64Array | Promise<Float64Array>;

/** What happens at one visit of a batch: all that who trains sees of it. */
export interface GradientStep {
  readonly epoch: number;
  readonly batch: number;
  /** `[n + 2]` */
  readonly c: Int32Array;
  /** `[n + 1]` */
  readonly gradient: Float64Array;
}

/** How a training goes. */
export interface LinearTraining {
  readonly n: number;
  /** Samples of each batch; the batches are visited in this order in each epoch. */
  readonly sizes: readonly number[];
  readonly epochs: number;
  readonly rate: number;
  readonly scaleBits: number;
  readonly weightBits: number;
  readonly gradient: BatchGradient;
  /** Called after each step. */
  readonly onStep?: (step: GradientStep) => void;
  readonly signal?: AbortSignal;
}

/** The sizes of batches of consecutive samples: B, B, …, and what is left.
 * @throws {RangeError} count or B is no positive integer. */
export function batchSizes(count: number, B: number): number[] {
  if (!(Number.isInteger(count) && count > 0 && Number.isInteger(B) && B > 0)) {
    throw new RangeError(`Cannot make batches of ${B} of ${count} samples: no positive integers`);
  }
  return Array.from({ length: Math.ceil(count / B) }, (_, b) => Math.min(B, count - b * B));
}

/** Trains from weights of 0. @returns w and b, `[n + 1]`.
 * @throws {RangeError} weights that leave ±2^(31 − weightBits): the rate is too large. What `gradient` throws. */
export async function trainLinear(
  { n, sizes, epochs, rate, scaleBits, weightBits, gradient, onStep, signal }: LinearTraining,
): Promise<Float64Array> {
  const weights = new Float64Array(n + 1);
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const [batch, size] of sizes.entries()) {
      signal?.throwIfAborted();
      const c = toFixed([...weights, -1], weightBits);
      const g = await gradient(batch, c);
      const step = rate / size / 2 ** (2 * scaleBits + weightBits);
      for (let j = 0; j <= n; j++) weights[j] -= step * g[j];
      onStep?.({ epoch, batch, c, gradient: g });
    }
  }
  return weights;
}

/** The gradients of batches in plain integers: what an encrypted training must equal.
 * @throws {RangeError} no such batch; coefficients so large that a sum may leave the exact integers. {TypeError} not
 * n + 2 of them. */
export function clearGradients(samples: LinearSamples, B: number): BatchGradient {
  const { n, u, count, bound } = samples;
  const sizes = batchSizes(count, B);
  return (batch, c) => {
    const size = sizes[batch];
    if (size === undefined) throw new RangeError(`Cannot take batch ${batch} of ${sizes.length}`);
    if (c.length !== n + 2) {
      throw new TypeError(`Cannot take a gradient: ${c.length} coefficients, expected ${n + 2}`);
    }
    const most = size * bound ** 2 * c.reduce((sum, value) => sum + Math.abs(value), 0);
    if (most > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`Cannot take a gradient: entries up to ${most} are not exact`);
    }
    const g = new Float64Array(n + 1);
    for (let i = batch * B; i < batch * B + size; i++) {
      const residual = residualOf(u.subarray(i * (n + 2), (i + 1) * (n + 2)), c);
      for (let j = 0; j <= n; j++) g[j] += residual * u[i * (n + 2) + j];
    }
    return g;
  };
}

/** ⟨c, u⟩, which is (w·x + b − y)·2^(scaleBits + weightBits). */
export function residualOf(u: ArrayLike<number>, c: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < c.length; k++) sum += c[k] * u[k];
  return sum;
}

/** How many samples are on the right side of w·x + b = 0. @param weights `[n + 1]`. */
export function rightSides(weights: Float64Array, { n, u, count }: LinearSamples): number {
  let right = 0;
  for (let i = 0; i < count; i++) {
    const row = u.subarray(i * (n + 2), (i + 1) * (n + 2));
    right += Number(residualOf(row, weights) * row[n + 1] > 0);
  }
  return right;
}
