/** Many images at once, bound together: ADMM on TV + ½·Σx over a whole batch X `[m, n]`, subject to
 *
 *     D·X = C     forms of the images: what a gradient tells, D = dz1ᵀ
 *     X·Aᵀ = b    forms of the pixels: what a first layer tells, A = W1
 *
 * either or both. In the metric I ⊗ Q of `splitting.ts` the two projections act on different sides of X and
 * commute: with x·P + N·b on the right and R = I − K·D on the left, the projection onto both is
 *
 *     R·(q·P) + N·b + K·(C − N·A·C)
 *
 * where N·b is what the right side fixes, and of C counts what it leaves open. An iteration is one product with an [n, n] and one
 * with an [m, m] matrix, and one pass of shrinking and clipping. An equation that carries noise is not met but paid
 * for: the point is then the most likely one under a density of exp(−(TV + ½·Σx)/{@linkcode SPREAD}).
 * @module */
import { setImmediate } from "node:timers/promises";
import { sgemm } from "../../math/blas.ts";
import { cholesky, multiplyTransposed, solveForward, transpose } from "../../math/dense.ts";
import { costTerms, type Shape } from "../priors.ts";
import { Copies } from "./copies.ts";
import { formsOf } from "./forms.ts";
import { split } from "./splitting.ts";

/** Equations on one side of X. */
export interface Side {
  /** `[rows, m]` on the left, `[rows, n]` on the right. */
  readonly matrix: Float64Array;
  /** `[rows, n]` on the left, `[m, rows]` on the right; for pixels in [0, 1]. */
  readonly values: Float64Array;
  /** Standard deviation of the noise in a value, by row or one for all; 0: the equations are met. */
  readonly noise?: number | Float64Array;
}

/** What {@linkcode joint} solves, and how. */
export interface JointProblem {
  /** Images, m. */
  readonly count: number;
  readonly shape: Shape;
  readonly left?: Side;
  readonly right?: Side;
  /** Pixels that are black in all images. */
  readonly dark?: readonly number[];
  /** 3000 by default. */
  readonly maxIterations?: number;
  readonly signal?: AbortSignal;
  /** Root mean squares of both residuals, now and then. */
  readonly onResiduals?: (iteration: number, primal: number, dual: number) => void;
}

/** What {@linkcode joint} returns. */
export interface JointSolution {
  /** `[m, n]`, in [0, 1]: the copies, which satisfy the bounds. */
  readonly X: Float64Array;
  readonly iterations: number;
  /** Whether both residuals fell below the tolerance. */
  readonly converged: boolean;
}

/** Of the density of images, pixels in [0, 1]. */
const SPREAD = 0.1;
/** As in `admm.ts`. */
const RHO = 25;
const TOLERANCE = 2e-5;
const LOOK = 10;

/** Solves for a batch.
 * @throws {TypeError} no equations, or matrices of another size. @throws the signal's reason when aborted. */
export async function joint(problem: JointProblem): Promise<JointSolution> {
  const { count, shape, left, right, dark = [], maxIterations = 3000, signal, onResiduals } =
    problem;
  const n = shape[0] * shape[1] * shape[2];
  checkSides(problem, n);
  const terms = costTerms({ n, shape }, { objective: "tv-sum" });
  const forms = formsOf(terms.pairs.map(([p, q]) => [[p, 1], [q, -1]] as const));
  const onPixels = rightStep(right, count, n, forms);
  const onImages = left === undefined ? null : leftStep(left, onPixels.open, count, n);
  const pixels = terms.pixelWeights.slice();
  dark.forEach((p) => pixels[p] = Infinity); // at any price but black
  const weights = {
    pixels,
    forms: terms.pairWeights,
    bounds: new Float64Array(terms.pairs.length).fill(Infinity),
  };
  using copies = new Copies(forms, weights, { count, rho: RHO });
  const { width, memory } = copies;
  for (let i = 0; i < count; i++) {
    const row = onPixels.offset.subarray(i * n, (i + 1) * n);
    copies.setOrigin(
      i,
      onImages === null ? row : row.map((v, p) => v + onImages.offset[i * n + p]),
    );
  }
  const P = memory.hold(onPixels.P);
  const [R, free] = [memory.take(width * width).fill(0), memory.take(n * width)];
  onImages?.R.forEach((v, at) => R[(at % count) * width + Math.floor(at / count)] = v);
  let [iteration, converged] = [0, false];
  while (iteration < maxIterations && !converged) {
    iteration++;
    signal?.throwIfAborted();
    const { q, x } = copies;
    const onRight = { m: n, n: width, k: n, A: P, B: q };
    if (onImages === null) sgemm({ ...onRight, C: x });
    else {
      sgemm({ ...onRight, C: free });
      sgemm({ m: n, n: width, k: width, A: free, B: R, C: x });
    }
    const look = iteration % LOOK === 0;
    copies.step(look);
    if (!look) continue;
    const residuals = Array.from({ length: count }, (_, i) => copies.residual(i));
    const mean = (of: "primal" | "dual") =>
      Math.hypot(...residuals.map((residual) => residual[of])) / Math.sqrt(count);
    const [primal, dual] = [mean("primal"), mean("dual")];
    onResiduals?.(iteration, primal, dual);
    converged = Math.max(primal, dual) < TOLERANCE;
    await setImmediate(); // let the stop button and the display in
  }
  const X = new Float64Array(count * n);
  for (let i = 0; i < count; i++) X.set(copies.pixels(i), i * n);
  return { X, iterations: iteration, converged };
}

/** What noise costs in the metric of an iteration: ρ·noise²/spread; none where the equations are met. */
function slackOf({ noise = 0 }: Side, rows: number): Float64Array | undefined {
  const each = typeof noise === "number" ? new Float64Array(rows).fill(noise) : noise;
  return each.some((s) => s > 0) ? each.map((s) => RHO * s * s / SPREAD) : undefined;
}

/** The projection of a row q onto A·x = b is q·P + offset; `open` is what the equations leave of a vector. */
function rightStep(
  side: Side | undefined,
  count: number,
  n: number,
  forms: ReturnType<typeof formsOf>,
) {
  const A = side?.matrix ?? new Float64Array(n); // a row of zeros says nothing
  const rows = A.length / n;
  const splitting = split(A, forms, n, side && slackOf(side, rows));
  const offset = Float32Array.from(
    side ? splitting.origins(side.values) : new Float64Array(count * n),
  );
  const none = new Float64Array(rows);
  return { P: splitting.P, offset, open: (v: Float64Array) => splitting.project(v, none) };
}

/** The projection of X onto D·X = C is R·X + offset, R = I − V·Vᵀ for an orthonormal base V of the rows of D.
 * @param open what the right side leaves of a row of C. */
function leftStep(
  side: Side,
  open: (v: Float64Array) => Float64Array,
  count: number,
  n: number,
) {
  const rows = side.matrix.length / count;
  const columns = transpose(side.matrix, rows, count); // of D: [count, rows]
  const left = new Float64Array(side.values.length);
  for (let at = 0; at < left.length; at += n) {
    left.set(open(side.values.subarray(at, at + n)), at);
  }
  const values = transpose(left, rows, n); // [n, rows]
  const slack = slackOf(side, rows);
  // Twice: the Gram matrix squares the condition number, a second factor takes out what the first one left.
  for (let round = 0; round < (slack ? 1 : 2); round++) {
    const D = transpose(columns, count, rows);
    const L = multiplyTransposed(D, D, { n: count, lower: true });
    slack?.forEach((room, row) => L[row * rows + row] += room);
    cholesky(L, rows);
    solveForward(L, columns, rows);
    solveForward(L, values, rows);
  }
  const within = multiplyTransposed(columns, columns, { n: rows }); // V·Vᵀ
  const R = Float32Array.from(within, (v, at) => (at % (count + 1) === 0 ? 1 : 0) - v);
  return { R, offset: Float32Array.from(multiplyTransposed(columns, values, { n: rows })) };
}

function checkSides({ count, left, right }: JointProblem, n: number): void {
  if (left === undefined && right === undefined) {
    throw new TypeError("Cannot solve a batch: there is no equation");
  }
  for (
    const [name, side, width, other] of [["left", left, count, n], [
      "right",
      right,
      n,
      count,
    ]] as const
  ) {
    if (side === undefined) continue;
    const rows = side.matrix.length / width;
    if (Number.isInteger(rows) && rows > 0 && side.values.length === rows * other) continue;
    throw new TypeError(
      `Cannot solve a batch: ${side.matrix.length} entries and ${side.values.length} values on the ` +
        `${name}, for ${count} images of ${n} pixels`,
    );
  }
}
