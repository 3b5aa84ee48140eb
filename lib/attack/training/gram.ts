/** The inner products of private images from how z1 moves, by least squares: no prior, no W1, no known image.
 *
 * Column i of G = X·Xᵀ satisfies D·g_i = z1_i(t) − z1_i(s) (`moves.ts`): with T visits units·(T − 1) equations for as
 * many unknowns as there are samples, so from T = ⌈samples/units⌉ + 1 on nothing is left open. Each column is the
 * shortest least-squares solution, by iterated Tikhonov regularisation. That G is symmetric halves the unknowns and
 * about halves T − 1, but ties all columns together: `gram_symmetric.ts`. Rounding counts, for the singular values of
 * D reach from 1 down to 1e-6: z1 in float64 or in integers gives G exactly, z1 in float32 to a hundredth or worse;
 * `gram_bayes.ts` does better there, with two visits.
 *
 * Cost: one Cholesky factor of at most `samples` rows for each group of samples that were met at the same steps.
 * @module */
import { cholesky, multiplyTransposed, solveForward, transpose } from "../../math/dense.ts";
import { breather } from "../../workers/pool.ts";
import { symmetricLeastSquares } from "./gram_symmetric.ts";
import { firstZ1, type Moves, movesOf, symmetrise } from "./moves.ts";
import type { TrainingRecovery } from "./recovery.ts";
import { type TrainingView, trainingView } from "./view.ts";

/** Of the trace of D·Dᵀ: what is added to its diagonal, and taken back by the rounds. */
const RIDGE = 1e-15;

/** Corrections of a least-squares solution; each takes away a factor of ridge/σ². */
const CORRECTIONS = 6;

/** Largest residual, relative to how z1 moved, of what counts as a solution. */
const EXACT = 1e-9;

/** What every Gram attack may be told. */
export interface GramOptions {
  /** Names of the samples whose inner products are wanted; all that returned by default. */
  readonly samples?: ArrayLike<number>;
  /** Use only so many visits of each sample, at least two; all by default. */
  readonly visits?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Finds G by least squares.
 * @param options.symmetric ask that G is symmetric: half the visits do, for minutes beyond 300 samples.
 * @returns status "exact" where the equations leave nothing open and G satisfies them; "failed" where no sample
 * returned, or nothing moved.
 * @throws {TypeError} a step without names, or with rate null: W1 must move by plain descent. {RangeError} visits, or a
 * sample that the view does not have. @throws the signal's reason when aborted; as `trainingView`. */
export async function gramByLeastSquares(
  view: TrainingView,
  { symmetric = false, samples, visits, signal, onProgress }: GramOptions & {
    readonly symmetric?: boolean;
  } = {},
): Promise<TrainingRecovery> {
  const start = performance.now();
  const followed = followedBy(view, "find inner products by least squares", visits);
  const { groups, samples: names } = followed;
  const wanted = wantedOf(followed, samples);
  const assumption = symmetric
    ? "W1 moves by plain descent; inner products are symmetric"
    : "W1 moves by plain descent";
  const end = ending(followed, { wanted, assumption, start });
  if (!moves(groups)) return end("failed", null, NOTHING);
  const n = names.length;
  const breathe = breather(signal);
  let [open, solved] = [0, true];
  let G: Float64Array = new Float64Array(n * n);
  if (symmetric) {
    const found = await symmetricLeastSquares(groups, n, { signal, onProgress });
    [G, solved] = [found.G, found.residual <= EXACT];
    if (!found.converged) open = n; // nothing says that it is the only solution
  } else {
    const asked = new Set(wanted);
    const needed = groups.filter(({ members }) => members.some((at) => asked.has(at)));
    for (const [at, group] of needed.entries()) {
      const { rows, missing, residual } = shortest(group, n, asked);
      group.members.forEach((member, k) => G.set(rows.subarray(k * n, (k + 1) * n), member * n));
      open = Math.max(open, missing);
      solved &&= residual <= EXACT;
      onProgress?.(at + 1, needed.length);
      await breathe();
    }
  }
  const message = open > 0 && !symmetric
    ? `the equations leave ${open} of ${n} unknowns of a column open: more visits are needed`
    : open > 0
    ? "the iteration over symmetric solutions did not converge: more visits are needed"
    : solved
    ? ""
    : "the equations contradict each other, as they do where z1 is rounded";
  return end(open === 0 && solved ? "exact" : "estimate", G, message);
}

/** What one visit says alone: z1 = W1·x and W1 drawn at random, independently of x, so that ⟨z1_i, z1_j⟩/units is
 * ⟨x_i, x_j⟩ up to the variance of W1 (W. Johnson, J. Lindenstrauss, "Extensions of Lipschitz mappings into a Hilbert
 * space", 1984). Relative error of an entry about 1/√units, and more as W1 moves.
 * @returns G up to one unknown factor.   @throws as {@linkcode gramByLeastSquares}, but any rate will do. */
export function gramOfOneVisit(
  view: TrainingView,
): Promise<TrainingRecovery> {
  const start = performance.now();
  trainingView(view);
  const { samples, Z } = firstZ1(view);
  const G = multiplyTransposed(Z, Z, { n: view.units }).map((value) => value / view.units);
  return Promise.resolve({
    ...{ status: "estimate", samples, X: null, G },
    assumption: "W1 is random, and nearly the same for all samples; G in units of its variance",
    ...{ message: "", elapsedMs: performance.now() - start },
  });
}

/** Why there is no G. */
export const NOTHING = "no sample was met twice with a gradient in between";

/** Checks a view and reads it as equations. @throws as {@linkcode gramByLeastSquares}. */
export function followedBy(view: TrainingView, what: string, visits?: number) {
  if (visits !== undefined && !(Number.isInteger(visits) && visits >= 2)) {
    throw new RangeError(`Cannot ${what}: ${visits} visits, expected at least 2`);
  }
  return movesOf(trainingView(view), what, visits);
}

/** Whether W1 moved at all while somebody was away. */
export const moves = (groups: readonly Moves[]) => groups.some(({ D }) => D.some((d) => d !== 0));

/** Places of the samples that G is wanted of.
 * @throws {RangeError} one that the view does not have, or that was met only once. */
export function wantedOf(
  { samples, unmoved }: ReturnType<typeof movesOf>,
  names?: ArrayLike<number>,
): Uint32Array {
  const once = new Set(unmoved);
  if (names === undefined) {
    return Uint32Array.from(samples.keys()).filter((place) => !once.has(place));
  }
  const places = new Map(Array.from(samples, (name, place) => [name, place]));
  return Uint32Array.from(names, (name) => {
    const place = places.get(name);
    if (place === undefined || once.has(place)) {
      throw new RangeError(
        `Cannot find inner products: sample ${name} is ${
          place === undefined ? "not in the view" : "met only once, expected two visits"
        }`,
      );
    }
    return place;
  });
}

/** The last step of a Gram attack: the wanted part of G, and what is to be said. */
export function ending(
  { samples, unmoved }: ReturnType<typeof movesOf>,
  { wanted, assumption, start }: { wanted: Uint32Array; assumption: string; start: number },
) {
  return (
    status: TrainingRecovery["status"],
    G: Float64Array | null,
    message: string,
  ): TrainingRecovery => {
    const n = samples.length;
    const k = wanted.length;
    const once = unmoved.length > 0 ? `${unmoved.length} samples were met only once` : "";
    return {
      status,
      samples: wanted.map((place) => samples[place]),
      X: null,
      G: G === null ? null : symmetrise(
        new Float64Array(k * k).map((_, at) => G[wanted[Math.floor(at / k)] * n + wanted[at % k]]),
        k,
      ),
      assumption,
      message: [message, once].filter((text) => text !== "").join("; "),
      elapsedMs: performance.now() - start,
    };
  };
}

/** The shortest g with D·g as near to y as can be, for each row of Y.
 * @param wanted places that must not be left open, even if no equation names them.
 * @returns rows `[members, n]`; how many of the unknowns are left open; the relative residual. */
function shortest({ members, D, Y }: Moves, n: number, wanted: ReadonlySet<number>) {
  const equations = D.length / n;
  const columns = transpose(D, equations, n);
  const wide = equations < n;
  const [A, size] = wide ? [D, equations] : [columns, n];
  const length = wide ? n : equations;
  const plain = multiplyTransposed(A, A, { n: length, lower: true });
  let trace = 0;
  for (let i = 0; i < size; i++) trace += plain[i * size + i];
  const L = plain.slice();
  const rank = cholesky(plain, size);
  for (let i = 0; i < size; i++) L[i * size + i] += RIDGE * trace;
  cholesky(L, size);
  const upper = transpose(L, size, size).reverse(); // Lᵀ, lower triangular in reverse order
  const solve = (R: Float64Array) => {
    solveForward(L, R, size);
    reverseRows(R, size);
    solveForward(upper, R, size);
    reverseRows(R, size);
  };
  const rows = new Float64Array(members.length * n);
  const residual = Y.slice();
  for (let round = 0; round < CORRECTIONS; round++) {
    let step = wide ? residual.slice() : multiplyTransposed(residual, columns, { n: equations });
    solve(step);
    if (wide) step = multiplyTransposed(step, columns, { n: equations });
    step.forEach((value, at) => rows[at] += value);
    multiplyTransposed(rows, D, { n }).forEach((value, at) => residual[at] = Y[at] - value);
  }
  let unknowns = 0;
  for (let j = 0; j < n; j++) {
    const named = columns.subarray(j * equations, (j + 1) * equations).some((d) => d !== 0);
    if (named || wanted.has(j)) unknowns++;
  }
  const norm = (values: Float64Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  return { rows, missing: unknowns - rank, residual: norm(residual) / (norm(Y) || 1) };
}

/** Each row in reverse order, in place. */
function reverseRows(R: Float64Array, n: number): void {
  for (let at = 0; at < R.length; at += n) R.subarray(at, at + n).reverse();
}
