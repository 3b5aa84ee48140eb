/** One view through an exact solver, in this thread: what all programs have in common.
 *
 * As many independent equations as pixels leave one point, which least squares finds without a program. Equations that
 * repeat what others say are taken out before a solver sees them: in float64 it would see noise. Then
 * "highs" is the general solver, "fast" our interior point method on the structure of the program. What that
 * is not for, the sparse rows of a convolution and the rare program on which it stalls, goes to HiGHS. Both give the same
 * statuses and the same optima; where the optimum is not one point, as under the published feasibility
 * problem, each has its own.
 *
 * "reweighted" is total variation + sum again and again, with weights that learn. A term that came out large is
 * real and should cost little; one near zero should be pressed to zero. So solve, give each term the weight
 * base · ε / (|term| + ε), and solve again. Candès, Wakin, Boyd, "Enhancing Sparsity by Reweighted ℓ1
 * Minimization", 2008; their weight is 1 / (|term| + ε), the factor ε only keeps it in (0, base]. ε falls from
 * 60 pixel values by 0.6 a round, which is measured: with an ε that stays, anywhere in 5..120, fewer digits
 * come out exact.
 * @module */
import { withColumn } from "../../math/dense.ts";
import { independentRows } from "../../math/rank_mod.ts";
import { preparedLayer } from "../layer.ts";
import { type CostTerms, costTerms, pixelRules, type Priors } from "../priors.ts";
import { noRecovery, type Recovery, recovery, refine, timed } from "../recovery.ts";
import type { ServerView } from "../view.ts";
import { provesInfeasible } from "./farkas.ts";
import { solveHighs } from "./highs.ts";
import { soleSolution } from "./least_squares.ts";
import { solveStructured } from "./structured.ts";

/** Who solves the programs. */
export type ExactSolver = "highs" | "fast";

/** How long to try. */
export interface Limits {
  /** Over all methods and rounds together, 120 by default. */
  timeLimitS?: number;
  /** When all programs of a call must be over, as `Date.now()` counts; never by default. One that has not begun by then
   * ends as "time-limit" with the message {@linkcode NOT_BEGUN}. */
  endsAt?: number;
  /** Asked between the solver's iterations; true gives up: "aborted". */
  stopped?: () => boolean;
}

/** What is said of a program whose time was over before it began. */
export const NOT_BEGUN = "the time was over before it began";

/** Solves one view under one set of priors. Synchronous inside: to stay responsive, to cancel, or to use all
 * cores, take `attack`.
 * @throws {RangeError} a time limit that is not positive. */
export async function solveExact(
  view: ServerView,
  priors: Priors,
  { solver, timeLimitS: longest = 120, endsAt = Infinity, stopped = () => false }: Limits & {
    solver: ExactSolver;
  },
): Promise<Recovery> {
  checkTimeLimit(longest);
  const start = performance.now();
  const { objective } = priors;
  const timeLimitS = Math.min(longest, (endsAt - Date.now()) / 1000);
  if (timeLimitS <= 0) return noRecovery("time-limit", objective, NOT_BEGUN);
  const layer = preparedLayer(view);
  if (solver === "fast") {
    const sole = soleSolution(view, objective, pixelRules(view.shape, priors));
    if (sole !== null) return timed(start, sole);
  }
  const fast = solver === "fast" && !layer.sparse();
  const { rank } = fast ? layer.saddle() : layer.leastSquares();
  const sparer = await solveIndependent(
    view,
    { rank, objective },
    (reduced) => solveExact(reduced, priors, { solver, timeLimitS, stopped }),
  );
  if (sparer !== null) return timed(start, sparer);
  const leftS = () => timeLimitS - (performance.now() - start) / 1000;
  const found = await solveRounds(view, priors, async (terms) => {
    const program = { terms, stopped, leftS };
    return (fast ? solveStructured(view, priors, program) : null) ??
      await solveHighs(view, priors, program);
  });
  return timed(start, found);
}

/** Refuses a time limit that is none. @throws {RangeError} it is not positive. */
export function checkTimeLimit(timeLimitS: number): void {
  if (!(timeLimitS > 0)) throw new RangeError(`Cannot solve: time limit ${timeLimitS} s`);
}

/** Solves a view by its independent equations. Rows are told apart modulo a prime (`rank_mod.ts`); where the
 * right-hand side of a dependent row is not the same combination, the equations contradict each other, and the
 * combination is the proof.   @param rank of W1, as float64 tells; cheap to know.
 * @returns null where no equation can be spared below n, or no verdict be had this way. */
export async function solveIndependent(
  view: ServerView,
  { rank, objective }: { rank: number; objective: Recovery["objective"] },
  solve: (view: ServerView) => Promise<Recovery>,
): Promise<Recovery | null> {
  const { W1, z1, hidden, n } = view;
  if (rank === Math.min(hidden, n)) return null;
  const rows = preparedLayer(view).independent();
  if (rows.length === hidden || rows.length === 0) return null;
  const reduced: ServerView = {
    ...view,
    W1: Float64Array.from(rows.flatMap((row) => [...rowOf(view, row)])),
    z1: Float64Array.from(rows, (row) => z1[row]),
    hidden: rows.length,
  };
  // A row that is a combination of `rows` in W1, but not in z1.
  const odd = independentRows(withColumn(W1, z1), n + 1).find((row) => !rows.includes(row));
  if (odd !== undefined) {
    // row_odd = Σ c_k·row_k, but z1_odd ≠ Σ c_k·z1_k.
    const combination = preparedLayer(reduced).leastSquares().multipliers(rowOf(view, odd));
    const y = new Float64Array(hidden);
    y[odd] = 1;
    rows.forEach((row, k) => y[row] -= combination[k]);
    const proved = [1, -1].some((sign) => provesInfeasible(view, [], y.map((v) => sign * v)));
    return proved ? noRecovery("infeasible", objective) : null;
  }
  const found = await solve(reduced);
  return found.xHat === null ? found : recovery(view, found.xHat, objective);
}

const rowOf = ({ W1, n }: ServerView, row: number) => W1.subarray(row * n, (row + 1) * n);

/** Solves after the first one. */
export const REWEIGHTINGS = 5;

/** The terms `base` with the weights of the next round.
 * @param xHat what this round gave, in 0..255.   @param round 0 for the first. */
export function reweigh(base: CostTerms, xHat: ArrayLike<number>, round: number): CostTerms {
  const epsilon = 60 * 0.6 ** round;
  const factor = (term: number) => epsilon / (Math.abs(term) + epsilon);
  return {
    pixelWeights: base.pixelWeights.map((weight, p) => weight * factor(xHat[p])),
    pairs: base.pairs,
    pairWeights: base.pairWeights.map((weight, e) => {
      const [a, b] = base.pairs[e];
      return weight * factor(xHat[a] - xHat[b]);
    }),
  };
}

/** Runs a solver once, or for "reweighted" again and again until whole pixel values fit or the rounds are over.
 * @returns the last recovery; a later round that fails leaves the one before. */
export async function solveRounds(
  view: ServerView,
  priors: Priors,
  solve: (terms: CostTerms) => Recovery | Promise<Recovery>,
): Promise<Recovery> {
  const base = costTerms(view, priors);
  let last = await solve(base);
  if (priors.objective !== "reweighted") return last;
  const rules = pixelRules(view.shape, priors);
  for (let round = 0; round <= REWEIGHTINGS && last.xHat !== null; round++) {
    const refined = refine(view, last.xHat, rules);
    if (refined !== null) return recovery(view, refined, priors.objective);
    if (round === REWEIGHTINGS) break;
    const next = await solve(reweigh(base, last.xHat, round));
    if (next.status === "error" || next.status === "undecided") break;
    last = next;
  }
  return last;
}
