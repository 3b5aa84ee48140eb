/** The exact solver for one image: an interior point method that knows the program's structure.
 *
 * As many independent equations as pixels leave one point, which least squares finds
 * without a program. What this solver is not for, the sparse rows of a convolution and the rare program
 * on which it stalls, goes to HiGHS. Same statuses, same optima; but where the optimum is not one point,
 * as under the published feasibility problem, each solver has its own.
 * @module */
import { scaledEquations } from "./equations.ts";
import { type Limits, solveLp, solveTerms } from "./highs.ts";
import { interiorPoint, type PixelProgram } from "./interior_point.ts";
import { soleSolution } from "./least_squares.ts";
import { pixelRules, type Priors } from "./priors.ts";
import { noRecovery, type Recovery, recovery } from "./recovery.ts";
import { solveRounds } from "./reweighted.ts";
import { saddle } from "./saddle.ts";
import type { Terms } from "./terms.ts";
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
  const sole = soleSolution(view, objective, priors);
  if (sole !== null) return sole;
  if (isSparse(view)) return await solveLp(view, priors, { timeLimitS, stopped });
  const equations = equationsOf(view, priors);
  return await solveRounds(view, priors, async (terms) => {
    const late = () => elapsedMs() > 1000 * timeLimitS;
    const outcome = interiorPoint(program(equations, terms), () => stopped() || late());
    switch (outcome.status) {
      case "optimal": {
        return recovery(view, equations.pixels(outcome.x), { objective, elapsedMs: elapsedMs() });
      }
      case "infeasible":
        return noRecovery("infeasible", objective, { elapsedMs: elapsedMs() });
      case "stopped": {
        const status = stopped() ? "aborted" : "time-limit";
        return noRecovery(status, objective, { elapsedMs: elapsedMs() });
      }
      case "stalled": {
        const leftS = Math.max(1e-9, timeLimitS - elapsedMs() / 1000);
        return await solveTerms({ view, priors, terms, timeLimitS: leftS, stopped });
      }
    }
  });
}

/** Whether most entries of W1 are zero. */
function isSparse({ W1 }: ServerView): boolean {
  return 2 * W1.reduce((count, w) => w === 0 ? count + 1 : count, 0) > W1.length;
}

/** What the programs of all rounds share. */
function equationsOf(view: ServerView, priors: Priors) {
  const { A, place, scaled, pixels } = scaledEquations(view);
  const rules = pixelRules(view.shape, priors).map(({ indices, values, bound }) => ({
    indices: indices.map((p) => place[p]),
    values,
    bound: bound / view.pixelRange[1],
  }));
  return { system: saddle(A, view.n), b: scaled(view.z1), rules, place, pixels };
}

/** The program of these terms. */
function program(
  { system, b, rules, place }: ReturnType<typeof equationsOf>,
  { pixelWeights, pairs, pairWeights: w }: Terms,
): PixelProgram {
  const c = new Float64Array(place.length);
  place.forEach((at, p) => c[at] = pixelWeights[p]);
  return { system, b, c, pairs: pairs.map(([p, q]) => [place[p], place[q]] as const), w, rules };
}
