/** Gradient descent on plain arrays, in place: one pass over the weights, nothing allocated.
 * @module */

/** Moves `weights` against `gradient`, in place. It may keep state, so each array needs its own. */
export type Update = (weights: Float32Array, gradient: Float32Array, learningRate: number) => void;

/** Plain gradient descent: w ← w − η·g. */
export function sgd(): Update {
  return (weights, gradient, learningRate) => {
    for (let i = 0; i < weights.length; i++) weights[i] -= learningRate * gradient[i];
  };
}

/** Adam with its published constants: m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², both divided by
 * 1 − βᵗ at step t, then w ← w − η·m̂ / (√v̂ + ε).
 * @see D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1. */
export function adam(): Update {
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
  let m = new Float32Array();
  let v = new Float32Array();
  let step = 0;
  return (weights, gradient, learningRate) => {
    if (step++ === 0) [m, v] = [new Float32Array(weights.length), new Float32Array(weights.length)];
    const correction2 = Math.sqrt(1 - beta2 ** step);
    const rate = learningRate * correction2 / (1 - beta1 ** step);
    const floor = epsilon * correction2;
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i];
      const mi = m[i] += (1 - beta1) * (g - m[i]);
      const vi = v[i] += (1 - beta2) * (g * g - v[i]);
      weights[i] -= rate * mi / (Math.sqrt(vi) + floor);
    }
  };
}
