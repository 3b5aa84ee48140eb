/** The exact solver for one image: an interior point method that knows the program's structure.
 *
 * Rows are scaled to length 1 and pixels ordered channel by channel, so that neighbours stay one image
 * row apart. As many independent equations as pixels leave one point, which least squares finds
 * without a program. What this solver cannot do, the neighbour rules and the rare program on which it
 * stalls, goes to HiGHS: same answers, slower.
 * @module */
import { type Limits, solveLp, solveTerms } from "./highs.ts";
import { interiorPoint } from "./interior_point.ts";
import { leastSquaresPoint } from "./least_squares.ts";
import { buildLp, worstViolation } from "./lp_model.ts";
import { checkedPriors, type Priors } from "./priors.ts";
import { noRecovery, type Recovery, recovery } from "./recovery.ts";
import { solveRounds } from "./reweighted.ts";
import type { Terms } from "./terms.ts";
import type { ServerView } from "./view.ts";

/** Largest relative violation of an equation or bound in a point that counts as a solution. */
const TOLERANCE = 1e-7;

/** Solves one view under one set of priors in this thread, as `solveLp` does and with the same statuses.
 * @throws {RangeError} a time limit that is not positive. */
export async function solveFast(
  view: ServerView,
  priors: Priors,
  { timeLimitS = 120, stopped = () => false }: Limits = {},
): Promise<Recovery> {
  if (!(timeLimitS > 0)) throw new RangeError(`Cannot solve: time limit ${timeLimitS} s`);
  if (priors.period !== null) return await solveLp(view, priors, { timeLimitS, stopped });
  const start = performance.now();
  const { objective } = priors;
  const elapsedMs = () => performance.now() - start;
  if (view.hidden >= view.n) {
    const { x, rank } = leastSquaresPoint(view);
    if (rank === view.n) return onlySolution(view, x, { objective, elapsedMs: elapsedMs() });
  }
  const equations = scaledEquations(view);
  return await solveRounds(view, priors, async (terms) => {
    const late = () => elapsedMs() > 1000 * timeLimitS;
    const outcome = interiorPoint(
      program(equations, terms),
      () => stopped() || late(),
    );
    switch (outcome.status) {
      case "optimal": {
        const point = Float64Array.from(equations.place, (at) => 255 * outcome.x[at]);
        return recovery(view, point, { objective, elapsedMs: elapsedMs() });
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

/** The verdict on the one point that can solve the equations. */
function onlySolution(
  view: ServerView,
  x: Float64Array,
  details: { objective: Priors["objective"]; elapsedMs: number },
): Recovery {
  const { objective, elapsedMs } = details;
  const equations = buildLp(view, checkedPriors({ objective: "published" }));
  return worstViolation(equations, x) <= TOLERANCE
    ? recovery(view, x, details)
    : noRecovery("infeasible", objective, { elapsedMs });
}

/** The equations for pixels in [0, 1], and where each pixel went. */
interface ScaledEquations {
  /** [hidden, n] rows of length 1, columns channel by channel. */
  A: Float64Array;
  b: Float64Array;
  /** [n] pixel p is column place[p]. */
  place: Int32Array;
}

function scaledEquations({ W1, z1, hidden, n, shape, pixelRange }: ServerView): ScaledEquations {
  const channels = shape[2];
  const place = Int32Array.from(
    { length: n },
    (_, p) => (p % channels) * (n / channels) + Math.floor(p / channels),
  );
  const A = new Float64Array(hidden * n);
  const b = new Float64Array(hidden);
  for (let row = 0; row < hidden; row++) {
    const w = W1.subarray(row * n, (row + 1) * n);
    const length = Math.hypot(...w) || 1; // a row of zeros stays one
    place.forEach((at, p) => A[row * n + at] = w[p] / length);
    b[row] = z1[row] / length / pixelRange[1];
  }
  return { A, b, place };
}

function program({ A, b, place }: ScaledEquations, terms: Terms) {
  const c = new Float64Array(place.length);
  place.forEach((at, p) => c[at] = terms.pixelWeights[p]);
  const pairs = terms.pairs.map(([p, q]) => [place[p], place[q]] as const);
  return { A, b, c, pairs, w: terms.pairWeights };
}
