/** Gradient descent on a plain array, in place: one pass over the weights, nothing allocated.
 * @module */

export type OptimizerName = "sgd" | "adam";

/** What an optimizer remembers of its past; with the weights it is all that a checkpoint needs. */
export interface OptimizerState {
  /** Steps taken. */
  readonly steps: number;
  /** One value a weight each: none for plain descent, [m, v] for Adam. */
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
class Sgd implements Optimizer {
  constructor(public state: OptimizerState) {}

  step(weights: Float32Array, sums: Float32Array, divisor: number, learningRate: number): void {
    const rate = learningRate / divisor;
    for (let i = 0; i < weights.length; i++) weights[i] -= rate * sums[i];
    this.state = { steps: this.state.steps + 1, moments: [] };
  }
}

/** Adam with its published constants: m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², both divided by
 * 1 − βᵗ at step t, then w ← w − η·m̂ / (√v̂ + ε).
 * @see D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1. */
class Adam implements Optimizer {
  constructor(public state: OptimizerState) {}

  step(weights: Float32Array, sums: Float32Array, divisor: number, learningRate: number): void {
    const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
    const [m, v] = this.state.moments;
    const steps = this.state.steps + 1;
    const correction2 = Math.sqrt(1 - beta2 ** steps);
    const rate = learningRate * correction2 / (1 - beta1 ** steps);
    const floor = epsilon * correction2;
    for (let i = 0; i < weights.length; i++) {
      const g = sums[i] / divisor;
      const mi = m[i] += (1 - beta1) * (g - m[i]);
      const vi = v[i] += (1 - beta2) * (g * g - v[i]);
      weights[i] -= rate * mi / (Math.sqrt(vi) + floor);
    }
    this.state = { steps, moments: [m, v] };
  }
}

/** Starts an optimizer for `length` weights, or goes on from a saved state.
 * @throws {TypeError} a state of another optimizer or for another number of weights. */
export function optimizer(
  name: OptimizerName,
  length: number,
  saved?: OptimizerState,
): Optimizer {
  const count = name === "adam" ? 2 : 0;
  const moments = saved?.moments.map((moment) => moment.slice()) ??
    Array.from({ length: count }, () => new Float32Array(length));
  if (moments.length !== count || moments.some((moment) => moment.length !== length)) {
    throw new TypeError(
      `Cannot go on with ${name} for ${length} weights: the saved state has moments of ` +
        `[${moments.map((moment) => moment.length)}]`,
    );
  }
  const state = { steps: saved?.steps ?? 0, moments };
  return name === "adam" ? new Adam(state) : new Sgd(state);
}
