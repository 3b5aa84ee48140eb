/** Images from many visits: a server that knows W1 at each visit has z1(t) = W1(t)·x of every one.
 *
 * The rows of W1(0), W1(1), … stack up, and training moves them along the images themselves. A column of dW1 that is 0
 * in all units says that the pixel is black in the whole batch. Where the rest of the stack has the rank of the pixels
 * that are left, linear algebra gives the image, without a prior; before that, TV + ½·Σx under the stacked equations.
 * z1, W1 and pixels are integers times powers of two, so the equations are solved modulo a prime, and a program's point
 * is rounded and put back exactly. Later rows differ little from earlier ones: with noise in z1 the equations are weighed by it
 * instead of met.
 * @module */
import { setImmediate } from "node:timers/promises";
import {
  applyTransposed,
  cholesky,
  dot,
  multiplyTransposed,
  solveCholesky,
} from "../../math/dense.ts";
import { solveMod } from "../../math/solve_mod.ts";
import { consistent, refine } from "../recovery.ts";
import { joint } from "../solvers/joint.ts";
import { PIXEL_RANGE, type ServerView, serverViews } from "../view.ts";
import type { TrainingRecovery } from "./recovery.ts";
import { integersOf } from "./systems.ts";
import { type TrainingView, type Visit, visitsOf, z1Of } from "./view.ts";

/** What {@linkcode fromEpochs} may do. */
export interface EpochsOptions {
  /** Whether TV + ½·Σx decides what the equations leave open; true by default. */
  readonly prior?: boolean;
  /** Standard deviation of the noise in an entry of z1; 0 by default: none, and pixels are whole. */
  readonly noise?: number;
  /** Only so many of the first visits of each sample; all by default. */
  readonly visits?: number;
  /** Of the program; 3000 by default. */
  readonly maxIterations?: number;
  readonly signal?: AbortSignal;
  /** Counts samples. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Recovers the samples of a view from their visits.
 * @returns all samples for which there is a point, in the order of their names; the others are named in `message`.
 * @throws {TypeError} a view without W1 or names. {RangeError} noise that is negative or not finite, visits that are no
 * positive integer. @throws the signal's reason when aborted. */
export async function fromEpochs(
  view: TrainingView,
  options: EpochsOptions = {},
): Promise<TrainingRecovery> {
  const { prior = true, noise = 0, visits: most = Infinity, signal, onProgress } = options;
  if (!(noise >= 0 && Number.isFinite(noise))) {
    throw new RangeError(`Cannot solve visits: noise ${noise} is not 0 or more`);
  }
  if (most !== Infinity && !(Number.isInteger(most) && most > 0)) {
    throw new RangeError(`Cannot solve visits: ${most} visits, expected a positive integer`);
  }
  const without = view.steps.findIndex(({ W1 }) => W1 === null);
  if (without >= 0) {
    throw new TypeError(
      `Cannot solve visits: step ${without} has no W1; the server of ${view.scheme} has none`,
    );
  }
  const start = performance.now();
  const visits = visitsOf(view);
  const groups = Map.groupBy(
    visits.keys(),
    (name) => visits.get(name)!.slice(0, most).map(({ step }) => step).join(),
  );
  const found: Found[] = [];
  for (const samples of groups.values()) {
    signal?.throwIfAborted();
    const stack = stackOf(view, samples.map((name) => visits.get(name)!.slice(0, most)));
    found.push(...(await solveStack(view, stack, { ...options, prior, noise })).map(
      (part, at) => ({ ...part, sample: samples[at] }),
    ));
    onProgress?.(found.length, visits.size);
    await setImmediate();
  }
  const rows = found.filter(({ x }) => x !== null).sort((a, b) => a.sample - b.sample);
  const lost = found.filter(({ x }) => x === null).map(({ sample }) => sample);
  const n = view.shape[0] * view.shape[1] * view.shape[2];
  const X = new Float64Array(rows.length * n);
  rows.forEach(({ x }, at) => X.set(x!, at * n));
  const byPrior = rows.some((row) => row.byPrior);
  return {
    status: rows.length === 0 ? "failed" : rows.every(({ exact }) => exact) ? "exact" : "estimate",
    samples: Uint32Array.from(rows, ({ sample }) => sample),
    ...{ X: rows.length === 0 ? null : X, G: null },
    assumption: [
      noise > 0 ? `z1 carries noise of ${noise}` : "pixels are whole",
      byPrior ? "images have little variation and few bright pixels" : "",
    ].filter((text) => text !== "").join("; "),
    message: lost.length === 0
      ? ""
      : `too few independent equations for ${lost.length} samples, from ${lost[0]} on`,
    elapsedMs: performance.now() - start,
  };
}

/** A sample's image, by what it came. */
interface Found {
  readonly sample: number;
  readonly x: ArrayLike<number> | null;
  readonly exact: boolean;
  readonly byPrior: boolean;
}

/** The equations of samples that were met in the same steps. */
interface Stack {
  readonly n: number;
  readonly count: number;
  /** `[rows, n]`: A·x = b for pixels in 0..255; of a visit after the first, W1(t) − W1(t − 1), which is exact. */
  readonly A: Float64Array;
  /** `[count, rows]` */
  readonly b: Float64Array;
  /** Pixels that no dW1 of these steps shows to be black in all of them. */
  readonly live: readonly number[];
}

function stackOf(view: TrainingView, visits: readonly (readonly Visit[])[]): Stack {
  const { units, shape, inputScale, steps } = view;
  const n = shape[0] * shape[1] * shape[2];
  const count = visits.length, T = visits[0].length;
  const A = new Float64Array(T * units * n);
  const b = new Float64Array(count * T * units);
  const bright = new Uint8Array(n);
  visits[0].forEach(({ step }, t) => {
    const { W1, dW1 } = steps[step];
    W1!.forEach((w, at) => A[t * units * n + at] = w * inputScale);
    if (dW1 === null) bright.fill(1);
    else dW1.forEach((v, at) => v !== 0 && (bright[at % n] = 1));
  });
  visits.forEach((of, i) =>
    of.forEach((visit, t) => b.set(z1Of(view, visit), (i * T + t) * units))
  );
  const live = Array.from({ length: n }, (_, p) => p).filter((p) => bright[p] === 1);
  return { n, count, A, b, live };
}

/** Rows less the same rows of the visit before: what is left of small moves is not lost beside large weights. */
function differences(values: Float64Array, visit: number, whole: number): Float64Array {
  return values.map((v, at) => at % whole < visit ? v : v - values[at - visit]);
}

async function solveStack(
  view: TrainingView,
  stack: Stack,
  { prior, noise, maxIterations, signal }: EpochsOptions & { prior: boolean; noise: number },
): Promise<Omit<Found, "sample">[]> {
  const { n, count, live } = stack;
  const rows = stack.A.length / n;
  const { units } = view;
  const ints = noise > 0 ? null : integersOf(stack.A, stack.b);
  if (ints !== null) {
    const sole = solveInIntegers(ints[0], ints[1], { n, rows, live });
    if (sole !== null) {
      return Array.from({ length: count }, (_, i) => (
        { x: sole.subarray(i * n, (i + 1) * n), exact: true, byPrior: false }
      ));
    }
  }
  if (!prior) {
    const X = noise > 0 ? leastSquares(stack, noise) : null;
    return Array.from({ length: count }, (_, i) => (
      { x: X && X.subarray(i * n, (i + 1) * n), exact: false, byPrior: false }
    ));
  }
  const white = PIXEL_RANGE[1];
  const [moved, values] = noise > 0
    ? [stack.A, stack.b]
    : [differences(stack.A, units * n, rows * n), differences(stack.b, units, rows)];
  const lengths = Array.from({ length: rows }, (_, row) => {
    const a = moved.subarray(row * n, (row + 1) * n);
    return Math.sqrt(dot(a, a)) * white || 1;
  });
  const dark = Array.from({ length: n }, (_, p) => p).filter((p) => !live.includes(p));
  const { X } = await joint({
    ...{ count, shape: view.shape, dark, maxIterations, signal },
    right: {
      matrix: moved.map((v, at) => v * white / lengths[Math.floor(at / n)]),
      values: values.map((v, at) => v / lengths[at % rows]),
      noise: Float64Array.from(lengths, (length) => noise / length),
    },
  });
  const z1s = Array.from(
    { length: count },
    (_, i) => ints?.[1].subarray(i * rows, (i + 1) * rows) ?? [],
  );
  const views = ints && serverViews({ W1: ints[0], z1s, shape: view.shape, scaleBits: 0 });
  return Array.from({ length: count }, (_, i) => {
    const x = X.slice(i * n, (i + 1) * n).map((v) => v * white);
    const whole = views && wholePixels(views[i], x);
    return { x: whole ?? x, exact: whole !== null, byPrior: true };
  });
}

/** The image that a point rounds to, if it satisfies the equations exactly. */
function wholePixels(view: ServerView, point: Float64Array): Float64Array | null {
  return consistent(view, point) ? point.map(Math.round) : refine(view, point);
}

/** `[count, n]`, where the equations determine all live pixels of all images; else null. */
function solveInIntegers(
  A: Float64Array,
  b: Float64Array,
  { n, rows, live }: { n: number; rows: number; live: readonly number[] },
): Float64Array | null {
  if (rows < live.length) return null;
  const count = b.length / rows;
  const of = new Float64Array(rows * live.length);
  const values = new Float64Array(rows * count);
  for (let row = 0; row < rows; row++) {
    live.forEach((p, k) => of[row * live.length + k] = A[row * n + p]);
    for (let i = 0; i < count; i++) values[row * count + i] = b[i * rows + row];
  }
  const found = solveMod(of, values, { n: live.length, k: count });
  const whole = found.X.every((v) => v <= PIXEL_RANGE[1]);
  if (!found.consistent || found.rank < live.length || !whole) return null;
  const X = new Float64Array(count * n);
  live.forEach((p, k) => {
    for (let i = 0; i < count; i++) X[i * n + p] = found.X[k * count + i];
  });
  return X;
}

/** Grey levels that a pixel varies by, for a least-squares point under noise. */
const PIXEL_SPREAD = 64;

/** `[count, n]`, the most likely point under noise and pixels that vary by themselves. */
function leastSquares({ A, b, n, count, live }: Stack, noise: number): Float64Array {
  const rows = A.length / n;
  const of = new Float64Array(A.length);
  for (let row = 0; row < rows; row++) live.forEach((p) => of[row * n + p] = A[row * n + p]);
  const gram = multiplyTransposed(of, of, { n, lower: true });
  for (let row = 0; row < rows; row++) gram[row * rows + row] += (noise / PIXEL_SPREAD) ** 2;
  cholesky(gram, rows);
  const X = new Float64Array(count * n);
  for (let i = 0; i < count; i++) {
    const multipliers = solveCholesky(gram, b.slice(i * rows, (i + 1) * rows));
    X.set(applyTransposed(of, multipliers), i * n);
  }
  return X;
}
