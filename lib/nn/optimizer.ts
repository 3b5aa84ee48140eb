/** How to train: the settings, the authors' and one of today, and the optimizers that they name.
 *
 * A setting is data for the one training loop (train.ts): `trainMlp(network, data, MODERN)`. An optimizer moves an
 * array in place, in one pass over the weights.
 * @module */
import { blas } from "../math/blas.ts";
import { type Memory32, memoryOf } from "../math/memory32.ts";
import { adamVectors } from "./adam_kernel.ts";

/** Output function, and with it the loss: the cross-entropy of each output by itself (the authors'), or of
 * all together. */
export type Output = "sigmoid" | "softmax";

/** How weights are drawn: `authors`: N(0, 0.01²), all of them; `glorot`: N(0, 2 / (inputs + outputs)) for each
 * layer, for pixels scaled to [0, 1]; since ours are 0..255, its W1 is 255 times smaller.
 * @see X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
 * networks", AISTATS 2010, equation 12.  Juve45/cryptonn, mitigation2_client.py. */
export type Initial = "authors" | "glorot";

/** Plain gradient descent, or Adam. */
export type OptimizerName = "sgd" | "adam";

/** How to train. */
export interface Setting {
  /** How the weights are drawn: see `initialW1`. */
  readonly initial: Initial;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Whether the learning rate falls linearly to 0 over the run. */
  readonly anneal: boolean;
  readonly output: Output;
  readonly optimizer: OptimizerName;
  /** Whether every epoch takes the images in a new random order. */
  readonly shuffle: boolean;
  /** The network works on pixel · pixelScale; its W1 is kept for pixels in 0..255 all the same. */
  readonly pixelScale: number;
  /** What the summed gradients of b1, W2 and b2 are divided by; W1's always by the batch size. */
  readonly divideBy: "batch" | "classes";
}

/** The authors': bytes 0..255 as they are, the data's order, plain gradient descent. The division by the
 * number of classes where one expects the batch size is theirs (mitigation1_server.py takes the length
 * of a label for the batch size); it makes their server's learning rate m/c times larger, and we keep it
 * because their accuracy depends on it.
 * @see Juve45/cryptonn, mitigation1_server.py and mitigation2_client.py. */
export const AUTHORS: Setting = {
  initial: "authors",
  epochs: 10,
  batch: 250,
  learningRate: 0.005,
  anneal: false,
  output: "sigmoid",
  optimizer: "sgd",
  shuffle: false,
  pixelScale: 1,
  divideBy: "classes",
};

/** A modern one for the same 784-300-10 network with a sigmoid hidden layer. */
export const MODERN: Setting = {
  initial: "glorot",
  epochs: 10,
  batch: 256,
  learningRate: 0.01,
  anneal: true,
  output: "softmax",
  optimizer: "adam",
  shuffle: true,
  pixelScale: 1 / 255,
  divideBy: "batch",
};

/** Plain descent on the same network: what the mitigations and the defences are compared under, since a server can
 * follow W1 through plain steps, and since all of them can take it. */
export const DESCENT: Setting = {
  ...MODERN,
  epochs: 5,
  batch: 100,
  learningRate: 2,
  optimizer: "sgd",
};

/** Batches of an epoch over `count` images. */
export function stepsPerEpoch(count: number, { batch }: Pick<Setting, "batch">): number {
  return Math.ceil(count / batch);
}

/** The learning rate of step `step` of `steps`, counted from 0. */
export function learningRateAt(
  { learningRate, anneal }: Pick<Setting, "learningRate" | "anneal">,
  step: number,
  steps: number,
): number {
  return learningRate * (anneal ? 1 - step / steps : 1);
}

/** Refuses a setting that cannot be trained with.
 * @throws {RangeError} a count or a factor that is not positive. */
export function checkSetting(
  setting: Pick<Setting, "epochs" | "batch" | "learningRate" | "pixelScale">,
): void {
  for (const name of ["epochs", "batch", "learningRate", "pixelScale"] as const) {
    const value = setting[name];
    const counts = name === "epochs" || name === "batch";
    if (!(value > 0) || !Number.isFinite(value) || (counts && !Number.isInteger(value))) {
      const expected = counts ? "a positive integer" : "positive";
      throw new RangeError(`Cannot train: ${name} = ${value} is not ${expected}`);
    }
  }
}

/** What an optimizer remembers of its past; with the weights it is all that a checkpoint needs. */
export interface OptimizerState {
  /** Steps taken. */
  readonly steps: number;
  /** One value for each weight: none for plain descent, [m, v] for Adam. */
  readonly moments: readonly Float32Array[];
}

/** Moves one array of weights. Every array needs its own. */
export interface Optimizer {
  /** Moves `weights` against `sums / divisor`, in place.
   * @param sums summed gradients of a batch.   @param divisor what turns them into means. */
  step(weights: Float32Array, sums: Float32Array, divisor: number, learningRate: number): void;
  readonly state: OptimizerState;
}

/** Plain gradient descent: w ← w − η·g. */
function descend(weights: Float32Array, sums: Float32Array, rate: number): void {
  for (let i = 0; i < weights.length; i++) weights[i] -= rate * sums[i];
}

/** Adam with its published constants: m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², both divided by
 * 1 − βᵗ at step t, then w ← w − η·m̂ / (√v̂ + ε).
 * @see D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1. */
function adam(
  weights: Float32Array,
  sums: Float32Array,
  divisor: number,
  learningRate: number,
  { steps, moments: [m, v] }: OptimizerState,
): void {
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
  const correction2 = Math.sqrt(1 - beta2 ** steps);
  const rate = learningRate * correction2 / (1 - beta1 ** steps);
  const floor = epsilon * correction2;
  const [share1, share2] = [1 - beta1, 1 - beta2];
  const memory = memoryOf(weights);
  const together = memory && [sums, m, v].every((array) => memoryOf(array) === memory);
  const done = together
    ? adamVectors(
      memory,
      { weights, sums, m, v },
      { divisor, share1, share2, rate, floor },
      blas() ? "float32" : "float64", // where a library rounds otherwise anyway, the faster
    )
    : 0;
  for (let i = done; i < weights.length; i++) {
    const g = sums[i] / divisor;
    const mi = m[i] += share1 * (g - m[i]);
    const vi = v[i] += share2 * (g * g - v[i]);
    weights[i] -= rate * mi / (Math.sqrt(vi) + floor);
  }
}

/** Starts an optimizer for `length` weights, or goes on from a saved state.
 * @param memory where weights and sums lie, if in one: what it remembers is then there too, and steps are faster.
 * @throws {TypeError} a state of another optimizer or for another number of weights. */
export function optimizer(
  name: OptimizerName,
  length: number,
  saved?: OptimizerState,
  memory?: Memory32,
): Optimizer {
  const count = name === "adam" ? 2 : 0;
  const zeros = (length: number) => memory?.take(length).fill(0) ?? new Float32Array(length);
  const moments = saved?.moments.map((moment) => {
    const own = zeros(moment.length);
    own.set(moment);
    return own;
  }) ?? Array.from({ length: count }, () => zeros(length));
  if (moments.length !== count || moments.some((moment) => moment.length !== length)) {
    throw new TypeError(
      `Cannot go on with ${name} for ${length} weights: the saved state has moments of ` +
        `[${moments.map((moment) => moment.length)}]`,
    );
  }
  let state: OptimizerState = { steps: saved?.steps ?? 0, moments };
  return {
    get state() {
      return state;
    },
    step(weights, sums, divisor, learningRate) {
      state = { steps: state.steps + 1, moments };
      if (name === "adam") adam(weights, sums, divisor, learningRate, state);
      else descend(weights, sums, learningRate / divisor);
    },
  };
}
