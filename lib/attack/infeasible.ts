/** The search for a proof that a program has no solution, where a solver only claims it.
 *
 * Two candidates for the multipliers of a proof (`farkas.ts`): those of our interior point method, and
 * the dual solution of the elastic program, which HiGHS solves by simplex: every row may be missed at
 * a price of 1, so the program is feasible and its optimum 0 iff the original one has a solution.
 * @module */
import { equationsOf, programOf } from "./program.ts";
import { provesInfeasible } from "./farkas.ts";
import { highsRuntime, modelData } from "./highs_runtime.ts";
import { interiorPoint } from "./interior_point.ts";
import { soleSolution } from "./least_squares.ts";
import { buildLp, type SparseLp } from "./lp_model.ts";
import { pixelRules, type Priors } from "./priors.ts";
import { objectiveTerms } from "./terms.ts";
import type { ServerView } from "./view.ts";

/** Whether a proof was found that no image solves the view under the rules of the priors.
 * @param limits.stopped true ends the search. */
export async function proveInfeasible(
  view: ServerView,
  priors: Priors,
  { timeLimitS, stopped }: { timeLimitS: number; stopped: () => boolean },
): Promise<boolean> {
  const rules = pixelRules(view.shape, priors);
  if (soleSolution(view, priors.objective, rules)?.status === "infeasible") return true;
  if (provedByInteriorPoint(view, priors, stopped)) return true;
  return !stopped() && await provedBySimplex(view, priors, timeLimitS);
}

/** As {@linkcode proveInfeasible}, by the interior point method alone. */
export function provedByInteriorPoint(
  view: ServerView,
  priors: Priors,
  stopped = () => false,
): boolean {
  if (view.hidden > view.n) return false; // its systems would be large
  const program = programOf(
    equationsOf(view, priors),
    objectiveTerms(view, { objective: "published" }),
  );
  return interiorPoint(program, stopped).status === "infeasible";
}

async function provedBySimplex(
  view: ServerView,
  priors: Priors,
  timeLimitS: number,
): Promise<boolean> {
  const lp = buildLp(view, { ...priors, objective: "published" });
  const highs = await highsRuntime();
  const model = highs.createModel(modelData(elastic(lp)));
  try {
    model.options.set({ output_flag: false, solver: "simplex", time_limit: timeLimitS });
    model.raw.run();
    if (model.getModelStatus() !== highs.constants.modelStatus.optimal) return false;
    const duals = model.getSolution().rowDual;
    const rules = pixelRules(view.shape, priors);
    const y = Float64Array.from({ length: view.hidden }, (_, row) => duals[row] / lp.scales[row]);
    const r = Float64Array.from(rules, (_, e) => -duals[view.hidden + e]);
    return provesInfeasible(view, rules, y, r) ||
      provesInfeasible(view, rules, y.map((v) => -v), r.map((v) => -v));
  } finally {
    model.dispose();
  }
}

/** The program whose rows may be missed, either way, at a price of 1. */
function elastic(lp: SparseLp): SparseLp {
  const { numCols, numRows } = lp;
  const [starts, indices, values]: number[][] = [[0], [], []];
  for (let row = 0; row < numRows; row++) {
    for (let at = lp.starts[row]; at < lp.starts[row + 1]; at++) {
      indices.push(lp.indices[at]);
      values.push(lp.values[at]);
    }
    indices.push(numCols + 2 * row, numCols + 2 * row + 1);
    values.push(1, -1);
    starts.push(indices.length);
  }
  const extended = (values: Float64Array, rest: number) =>
    Float64Array.from(
      { length: numCols + 2 * numRows },
      (_, col) => col < numCols ? values[col] : rest,
    );
  return {
    ...lp,
    numCols: numCols + 2 * numRows,
    colCost: extended(new Float64Array(numCols), 1),
    colLower: extended(lp.colLower, 0),
    colUpper: extended(lp.colUpper, Infinity),
    starts: Int32Array.from(starts),
    indices: Int32Array.from(indices),
    values: Float64Array.from(values),
  };
}
