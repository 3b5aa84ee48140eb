/** The inner products of private images from two visits, in float32: least squares with a prior that the data teach.
 *
 * Two visits give `units` equations for each column of G, fewer than samples. But the columns of G = X·Xᵀ are alike:
 * all are of one covariance, K = G·G/N. So (empirical Bayes by expectation and maximisation; A. Dempster, N. Laird,
 * D. Rubin, "Maximum likelihood from incomplete data via the EM algorithm", 1977), with g ~ N(0, K) and
 * y = D·g + s·N(0, I), each round takes for every group of samples that were met at the same steps
 *
 *     S = D·K·Dᵀ + s²·I     ĝ = K·Dᵀ·S⁻¹·y     cov = K − K·Dᵀ·S⁻¹·D·K
 *
 * makes G of the ĝ, symmetric, and K ← (G·G + Σ cov)/N. It begins at z1·z1ᵀ of the first visit, which is G up to a
 * factor and noise (`gramOfOneVisit`); from K = I it needs 30 rounds for what 8 bring from there, and stays behind.
 * K is positive semidefinite by itself; a projection of G onto such matrices changes the error by a fiftieth, so there is none.
 *
 * Cost a round and group: four products of N·N·equations, in float64, since S has a condition up to 1e13. N = 1000,
 * 300 units, T = 2: 10 groups where the order of the samples stays, 100 where it changes (batches of 100).
 * @module */
import { cholesky, multiplyTransposed, solveForward, transpose } from "../../math/dense.ts";
import { breather } from "../../workers/pool.ts";
import { ending, followedBy, type GramOptions, moves, NOTHING, wantedOf } from "./gram.ts";
import { firstZ1, type Moves, symmetrise } from "./moves.ts";
import type { TrainingRecovery } from "./recovery.ts";
import type { TrainingView } from "./view.ts";

/** Rounds by default. */
const ROUNDS = 10;

/** Of the size of z1: what float32 leaves uncertain of its moves, rounding of W1 included; measured 1.5e-7 to 1.9e-7. */
const FLOAT32_NOISE = 2 ** -22;

/** Share of K's trace that the start spreads evenly over all directions. */
const EVEN = 1e-4;

/** Finds G by empirical Bayes.
 * @param options.rounds 10 by default.
 * @param options.noise s, in units of z1; by default what float32 rounds, 2^-22 of the root mean square of z1. Ten times
 * more or a third of it changes nothing that shows.
 * @returns status "estimate", or "failed" where no sample returned or nothing moved.
 * @throws {RangeError} rounds or noise that are not positive; else as `gramByLeastSquares`. */
export async function gramByBayes(
  view: TrainingView,
  { rounds = ROUNDS, noise, samples, visits, signal, onProgress }: GramOptions & {
    readonly rounds?: number;
    readonly noise?: number;
  } = {},
): Promise<TrainingRecovery> {
  const what = "find inner products by Bayes";
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(`Cannot ${what}: ${rounds} rounds, expected a positive integer`);
  }
  if (noise !== undefined && !(noise > 0 && Number.isFinite(noise))) {
    throw new RangeError(`Cannot ${what}: noise ${noise}, expected a positive number`);
  }
  const start = performance.now();
  const followed = followedBy(view, what, visits);
  const { groups, samples: names } = followed;
  const assumption = "W1 moves by plain descent; the columns of G are draws of one normal law";
  const end = ending(followed, { wanted: wantedOf(followed, samples), assumption, start });
  if (!moves(groups)) return end("failed", null, NOTHING);
  const n = names.length;
  const { Z } = firstZ1(view);
  const s = noise ?? FLOAT32_NOISE * Math.sqrt(Z.reduce((sum, z) => sum + z * z, 0) / Z.length);
  const breathe = breather(signal);
  let K = priorOf(Z, groups, n);
  if (K === null) return end("failed", null, "z1 does not move as its own inner products say");
  let G = new Float64Array(n * n);
  for (let round = 0; round < rounds; round++) {
    G = new Float64Array(n * n);
    const C = new Float64Array(n * n);
    let members = 0;
    for (const [at, group] of groups.entries()) {
      addPosterior(group, { K, s, G, C });
      members += group.members.length;
      onProgress?.(round * groups.length + at + 1, rounds * groups.length);
      await breathe();
    }
    symmetrise(G, n);
    K = secondMoment(G, C, { n, members });
  }
  return G.every(Number.isFinite)
    ? end("estimate", G, "")
    : end("failed", null, "the covariance of the columns became singular");
}

/** K of the first round: of G ≈ a·z1·z1ᵀ, with a as the moves say; null where they say nothing. */
function priorOf(Z: Float64Array, groups: readonly Moves[], n: number): Float64Array | null {
  const G = multiplyTransposed(Z, Z, { n: Z.length / n });
  let [along, length] = [0, 0];
  for (const { members, D, Y } of groups) {
    const rows = new Float64Array(members.length * n);
    members.forEach((member, k) => rows.set(G.subarray(member * n, (member + 1) * n), k * n));
    multiplyTransposed(rows, D, { n }).forEach((value, at) => {
      along += value * Y[at];
      length += value * value;
    });
  }
  const a = along / length;
  if (!(a > 0) || !Number.isFinite(a)) return null;
  const K = multiplyTransposed(G, G, { n });
  let trace = 0;
  for (let i = 0; i < n; i++) trace += K[i * n + i];
  for (let i = 0; i < n; i++) K[i * n + i] += EVEN * trace / n;
  return K.map((value) => value * a * a / n);
}

/** One group's part of a round: rows of G, and its covariances on C's lower triangle. */
function addPosterior(
  { members, D, Y }: Moves,
  { K, s, G, C }: { K: Float64Array; s: number; G: Float64Array; C: Float64Array },
): void {
  const n = Math.sqrt(K.length);
  const equations = D.length / n;
  const V = multiplyTransposed(K, D, { n }); // K·Dᵀ, [n, equations]
  const S = multiplyTransposed(D, transpose(V, n, equations), { n, lower: true });
  for (let e = 0; e < equations; e++) S[e * equations + e] += s * s;
  cholesky(S, equations);
  solveForward(S, V, equations);
  const W = Y.slice();
  solveForward(S, W, equations);
  const rows = multiplyTransposed(W, V, { n: equations });
  members.forEach((member, k) => G.set(rows.subarray(k * n, (k + 1) * n), member * n));
  const known = multiplyTransposed(V, V, { n: equations, lower: true });
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) C[i * n + j] += members.length * (K[i * n + j] - known[i * n + j]);
  }
}

/** (G·G + C)/members, C given by its lower triangle. */
function secondMoment(
  G: Float64Array,
  C: Float64Array,
  { n, members }: { n: number; members: number },
): Float64Array {
  const K = multiplyTransposed(G, G, { n, lower: true });
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      K[i * n + j] = K[j * n + i] = (K[i * n + j] + C[i * n + j]) / members;
    }
  }
  return K;
}
