/** Least squares for all columns of a symmetric G at once, by conjugate gradients.
 *
 *     minimise Σ_groups ‖D·G_members − Yᵀ‖²  over symmetric G
 *
 * The equations of one column leave much open; that entry (i, j) stands in columns i and j closes it, from about half
 * the visits on. Preconditioned by the Sylvester operator of the mean M of the groups' DᵀD, G ↦ (M·G + G·M)/2, whose
 * inverse is a division in the eigenvectors of M: the groups differ little, since dz1 changes slowly. Without it the
 * iteration needs a hundred times as many steps. Each step costs six products of `samples`² × `samples` entries.
 * @module */
import { multiplyTransposed, transpose } from "../../math/dense.ts";
import { symmetricEigen } from "../../math/eigen.ts";
import { breather } from "../../workers/pool.ts";
import { type Moves, symmetrise } from "./moves.ts";

/** Steps at most; 200 samples of 64 units and three visits take under 3000. */
const MAX_STEPS = 4000;

/** Eigenvalues of M below this share of the largest are taken for it. */
const SMALLEST = 1e-14;

/** Residual, relative to how z1 moved, that ends the iteration. */
const TOLERANCE = 1e-11;

/** What the iteration found. */
export interface SymmetricSolution {
  /** `[n, n]` */
  readonly G: Float64Array;
  /** Relative to the right-hand sides. */
  readonly residual: number;
  readonly converged: boolean;
  readonly steps: number;
}

/** Solves for G `[n, n]`. @throws the signal's reason when aborted. */
export async function symmetricLeastSquares(
  groups: readonly Moves[],
  n: number,
  { signal, onProgress }: {
    signal?: AbortSignal;
    onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<SymmetricSolution> {
  const breathe = breather(signal);
  const columns = groups.map(({ D }) => transpose(D, D.length / n, n));
  /** D·G for the members of each group, by rows. */
  const forward = (G: Float64Array) =>
    groups.map(({ members, D }) => multiplyTransposed(rowsOf(G, members, n), D, { n }));
  const backward = (R: readonly Float64Array[]) => {
    const G = new Float64Array(n * n);
    groups.forEach(({ members, D }, at) => {
      const rows = multiplyTransposed(R[at], columns[at], { n: D.length / n });
      members.forEach((member, k) => G.set(rows.subarray(k * n, (k + 1) * n), member * n));
    });
    return symmetrise(G, n);
  };
  const precondition = sylvester(groups, columns, n);
  const G = new Float64Array(n * n);
  const R = groups.map(({ Y }) => Y.slice());
  const size = Math.sqrt(square(R)) || 1;
  let residual = 1;
  let gradient = backward(R);
  let direction = precondition(gradient);
  let slope = product(gradient, direction);
  let steps = 0;
  for (; steps < MAX_STEPS && residual > TOLERANCE && slope > 0; steps++) {
    const moved = forward(direction);
    const length = slope / square(moved);
    for (let at = 0; at < G.length; at++) G[at] += length * direction[at];
    R.forEach((rest, g) => {
      for (let at = 0; at < rest.length; at++) rest[at] -= length * moved[g][at];
    });
    residual = Math.sqrt(square(R)) / size;
    gradient = backward(R);
    const next = precondition(gradient);
    const after = product(gradient, next);
    const keep = after / slope;
    for (let at = 0; at < next.length; at++) next[at] += keep * direction[at];
    [direction, slope] = [next, after];
    if (steps % 50 === 0) onProgress?.(steps, MAX_STEPS);
    await breathe();
  }
  return { G, residual, converged: residual <= TOLERANCE, steps };
}

/** The inverse of G ↦ (M·G + G·M)/2 for M = Σ members·DᵀD. */
function sylvester(groups: readonly Moves[], columns: readonly Float64Array[], n: number) {
  const M = new Float64Array(n * n);
  groups.forEach(({ members, D }, at) => {
    const part = multiplyTransposed(columns[at], columns[at], { n: D.length / n, lower: true });
    for (let k = 0; k < part.length; k++) M[k] += members.length * part[k] / n;
  });
  const { values, vectors: V } = symmetricEigen(M);
  const Vt = transpose(V, n, n);
  const floor = SMALLEST * values[0];
  return (A: Float64Array) => {
    const inner = multiplyTransposed(multiplyTransposed(V, A, { n }), V, { n });
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) inner[i * n + j] /= Math.max(floor, (values[i] + values[j]) / 2);
    }
    return symmetrise(multiplyTransposed(multiplyTransposed(Vt, inner, { n }), Vt, { n }), n);
  };
}

/** Rows `members` of a symmetric G, `[members, n]`: its columns. */
function rowsOf(G: Float64Array, members: Uint32Array, n: number): Float64Array {
  const rows = new Float64Array(members.length * n);
  members.forEach((member, k) => rows.set(G.subarray(member * n, (member + 1) * n), k * n));
  return rows;
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at] * b[at];
  return sum;
}

const square = (parts: readonly Float64Array[]) =>
  parts.reduce((sum, part) => sum + product(part, part), 0);
