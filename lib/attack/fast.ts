/** The exact solver for one image: an interior point method that knows the program's structure.
 *
 * As many independent equations as pixels leave one point, which least squares finds
 * without a program. What this solver is not for, the sparse rows of a convolution and the rare program
 * on which it stalls, goes to HiGHS. Same statuses, same optima; but where the optimum is not one point,
 * as under the published feasibility problem, each solver has its own.
 * @module */
import { apply } from "../math/dense.ts";
import { solveIndependent } from "./dependent.ts";
import { type Limits, solveLp, solveTerms } from "./highs.ts";
import { interiorPoint } from "./interior_point.ts";
import { isSparse, leastSquaresSystem, soleSolution } from "./least_squares.ts";
import { pixelRules, type Priors } from "./priors.ts";
import { equationsOf, programOf } from "./program.ts";
import { noRecovery, type Recovery, solution } from "./recovery.ts";
import { solveRounds } from "./reweighted.ts";
import type { ServerView } from "./view.ts";

/** Solves one view under one set of priors in this thread, as `solveLp` does and with the same statuses.
 * @throws {RangeError} a time limit that is not positive. */
export async function solveFast(
  view: ServerView,
  priors: Priors,
  { timeLimitS = 120, stopped = () => false }: Limits = {},
): Promise<Recovery> {
  if (!(timeLimitS > 0)) throw new RangeError(`Cannot solve: time limit ${timeLimitS} s`);
  const start = performance.now();
  const { objective } = priors;
  const elapsedMs = () => performance.now() - start;
  const rules = pixelRules(view.shape, priors);
  const sole = soleSolution(view, objective, rules);
  if (sole !== null) return sole;
  if (isSparse(view.W1)) return await solveLp(view, priors, { timeLimitS, stopped });
  const equations = equationsOf(view, priors);
  const { rank } = equations.system;
  const sparer = await solveIndependent(
    view,
    rank,
    objective,
    (independent) => solveFast(independent, priors, { timeLimitS, stopped }),
  );
  if (sparer !== null) return sparer;
  return await solveRounds(view, priors, async (terms) => {
    const late = () => elapsedMs() > 1000 * timeLimitS;
    const outcome = interiorPoint(programOf(equations, terms), () => stopped() || late());
    const found = outcome.status === "optimal"
      ? solution(view, rules, { point: corrected(equations, outcome.x), rank }, {
        objective,
        elapsedMs: elapsedMs(),
      })
      : null;
    if (found !== null) return found;
    switch (outcome.status) {
      case "infeasible":
        return noRecovery("infeasible", objective, { elapsedMs: elapsedMs() });
      case "stopped": {
        const status = stopped() ? "aborted" : "time-limit";
        return noRecovery(status, objective, { elapsedMs: elapsedMs() });
      }
      default: { // stalled, or an optimum that is none
        const leftS = Math.max(1e-9, timeLimitS - elapsedMs() / 1000);
        const system = leastSquaresSystem(view);
        return await solveTerms({ view, priors, terms, system, timeLimitS: leftS, stopped });
      }
    }
  });
}

/** The pixels of an optimum, put on the equations: its residual, however small, is spread over all of them. */
function corrected(
  { system, b, pixels }: ReturnType<typeof equationsOf>,
  x: Float64Array,
): Float64Array {
  const Ax = apply(system.A, x);
  const shift = system.leastNorm(b.map((value, row) => value - Ax[row]));
  return pixels(x.map((v, p) => v + shift[p]));
}
