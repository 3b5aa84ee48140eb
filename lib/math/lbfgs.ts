/** Minimises a smooth function by L-BFGS with a weak Wolfe line search.
 *
 * Nocedal & Wright, "Numerical Optimization", 2006, algorithm 7.4; the line search halves and doubles as in Lewis &
 * Overton, "Nonsmooth optimization via quasi-Newton methods", 2013.
 * @module */
import { dot } from "./dense.ts";

/** The value of a function at a point, and its gradient. */
export interface Slope {
  readonly value: number;
  readonly gradient: Float64Array;
}

/** Steps that the curvature is learned from. */
const MEMORY = 20;

/** Wolfe's constants: the share of the promised descent, and of the slope that may be left. */
const [DESCENT, SLOPE] = [1e-4, 0.9];

/** Tries of a line search. */
const TRIES = 25;

/** Goes down from a point until the gradient is small against its first, no step helps, or the iterations are over.
 * @param f must be finite at `start`; NaN or Infinity elsewhere is taken for too far.
 * @returns the point, and the function's value there.
 * @throws {RangeError} f is not finite at `start`. */
export async function minimise(
  f: (x: Float64Array) => Slope,
  start: Float64Array,
  { iterations, breathe = () => Promise.resolve() }: {
    readonly iterations: number;
    /** Awaited between iterations: where work can be stopped. */
    readonly breathe?: () => Promise<void>;
  },
): Promise<{ x: Float64Array; value: number }> {
  let [x, at]: [Float64Array, Slope] = [start.slice(), f(start)];
  if (!Number.isFinite(at.value)) {
    throw new RangeError(`Cannot minimise: the function is ${at.value} where it starts`);
  }
  const first = Math.sqrt(dot(at.gradient, at.gradient));
  const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  for (let k = 0; k < iterations; k++) {
    await breathe();
    const length = Math.sqrt(dot(at.gradient, at.gradient));
    if (length <= 1e-8 * first) break;
    const direction = twoLoops(at.gradient, pairs);
    const slope = dot(direction, at.gradient);
    if (!(slope < 0)) break;
    let [low, high, step] = [0, Infinity, pairs.length === 0 ? 1 / length : 1];
    let found: { x: Float64Array; at: Slope } | null = null;
    for (let tries = 0; tries < TRIES; tries++) {
      const next = x.map((value, i) => value + step * direction[i]);
      const there = f(next);
      if (!(there.value <= at.value + DESCENT * step * slope)) high = step;
      else {
        found = { x: next, at: there };
        if (dot(there.gradient, direction) >= SLOPE * slope) break;
        low = step;
      }
      step = high < Infinity ? (low + high) / 2 : 2 * step;
    }
    if (found === null) break;
    const [s, y] = [
      found.x.map((value, i) => value - x[i]),
      found.at.gradient.map((value, i) => value - at.gradient[i]),
    ];
    const sy = dot(s, y);
    if (sy > 0) pairs.push({ s, y, rho: 1 / sy });
    if (pairs.length > MEMORY) pairs.shift();
    ({ x, at } = found);
  }
  return { x, value: at.value };
}

/** −H·g, for the inverse Hessian H that the pairs tell of. */
function twoLoops(
  gradient: Float64Array,
  pairs: readonly { s: Float64Array; y: Float64Array; rho: number }[],
): Float64Array {
  const q = gradient.map((value) => -value);
  const alphas = pairs.map(() => 0);
  const add = (v: Float64Array, factor: number) => v.forEach((value, i) => q[i] += factor * value);
  for (let k = pairs.length - 1; k >= 0; k--) {
    alphas[k] = pairs[k].rho * dot(pairs[k].s, q);
    add(pairs[k].y, -alphas[k]);
  }
  const last = pairs.at(-1);
  if (last !== undefined) {
    const scale = 1 / (last.rho * dot(last.y, last.y));
    for (let i = 0; i < q.length; i++) q[i] *= scale;
  }
  pairs.forEach(({ s, y, rho }, k) => add(s, alphas[k] - rho * dot(y, q)));
  return q;
}
