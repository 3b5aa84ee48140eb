/** Linear programs through HiGHS, in this thread.
 *
 * A program is passed once as sparse arrays, then tried by one method after the other until one gives
 * an answer that holds up. The order is measured (300 × 784, TV + ½·Σx, one MNIST digit, one core): the
 * first-order HiPDLP needs 1.2 s where the optimum is sharp, that is where the image is determined,
 * and runs on and on where it is not, hence its iteration cap; the interior point method needs 2.3 s
 * either way, without presolve, which makes these dense rows five times slower; dual simplex, 6 s, is
 * the last resort. A feasibility problem has no sharp optimum, and the authors used an interior point.
 *
 * No answer is taken on trust: the point is put back into the program, and a claim of optimality
 * that leaves a residual is tried again by the next method and reported as an error in the end.
 * @module */
import type { Highs, Model } from "highs";
import { dropRuntime, highsRuntime, modelData } from "./highs_runtime.ts";
import { buildLp, type SparseLp, worstViolation } from "./lp_model.ts";
import { hasRules, type Priors } from "./priors.ts";
import { noRecovery, type Recovery, recovery } from "./recovery.ts";
import { solveRounds } from "./reweighted.ts";
import type { Terms } from "./terms.ts";
import type { ServerView } from "./view.ts";

/** Largest relative violation of a row or bound in a point that counts as a solution. */
const TOLERANCE = 1e-7;

/** Iterations after which HiPDLP gives way: 20 % above what digits need at exact widths. */
const PDLP_ITERATIONS = 2500;

type Method = Record<string, string | number>;
const HIPDLP: Method = { solver: "hipdlp", pdlp_iteration_limit: PDLP_ITERATIONS };
const INTERIOR_POINT: Method = { solver: "ipm", run_crossover: "off" };
const SIMPLEX: Method = { solver: "simplex" };

/** What a run of the solver came to, before the recovery is dressed up. */
type Outcome =
  | { status: "optimal"; point: Float64Array }
  | { status: "infeasible" | "time-limit" | "aborted" | "error"; message?: string };

/** How long to try. */
export interface Limits {
  /** Over all methods together, 120 by default. */
  timeLimitS?: number;
  /** Asked between the solver's iterations; true gives up: "aborted". */
  stopped?: () => boolean;
}

/** Solves one view under one set of priors in this thread. Synchronous WASM inside: to stay
 * responsive, to cancel, or to use all cores, take `solveAll`.
 * @throws {RangeError} a time limit that is not positive. */
export async function solveLp(
  view: ServerView,
  priors: Priors,
  { timeLimitS = 120, stopped = () => false }: Limits = {},
): Promise<Recovery> {
  if (!(timeLimitS > 0)) throw new RangeError(`Cannot solve: time limit ${timeLimitS} s`);
  const deadline = performance.now() + 1000 * timeLimitS;
  return await solveRounds(view, priors, (terms) => {
    const leftS = Math.max(1e-9, (deadline - performance.now()) / 1000);
    return solveTerms({ view, priors, terms, timeLimitS: leftS, stopped });
  });
}

/** Solves one linear program: this view and rule, these terms. */
export async function solveTerms(
  { view, priors, terms, ...limits }: Required<Limits> & {
    view: ServerView;
    priors: Priors;
    terms: Terms;
  },
): Promise<Recovery> {
  const highs = await highsRuntime();
  const { objective } = priors;
  const start = performance.now();
  const sharp = objective !== "published" && !hasRules(priors);
  const outcome = solve(highs, buildLp(view, priors, terms), {
    methods: sharp ? [HIPDLP, INTERIOR_POINT, SIMPLEX] : [INTERIOR_POINT, SIMPLEX],
    ...limits,
  });
  const elapsedMs = performance.now() - start;
  return outcome.status === "optimal"
    ? recovery(view, outcome.point, { objective, elapsedMs })
    : noRecovery(outcome.status, objective, { elapsedMs, message: outcome.message });
}

/** Tries the methods in turn; the native model lives for this call only. */
function solve(
  highs: Highs,
  lp: SparseLp,
  { methods, timeLimitS, stopped }: Required<Limits> & { methods: Method[] },
): Outcome {
  let last: Outcome = { status: "error", message: "no method tried" };
  try {
    const model = highs.createModel(modelData(lp));
    model.options.set({ output_flag: false, presolve: "off", time_limit: timeLimitS });
    model.raw.setCallback((event) => {
      if ("interrupt" in event && stopped()) event.interrupt();
      return undefined;
    });
    model.raw.startCallback(highs.constants.callbackType.ipmInterrupt);
    model.raw.startCallback(highs.constants.callbackType.simplexInterrupt);
    for (const method of methods) {
      model.options.set(method);
      model.clearSolver(); // the next method starts afresh; the clock runs on
      last = stopped() ? { status: "aborted" } : attempt(highs, model, { lp, method });
      if (last.status !== "error") break;
    }
    model.dispose();
    return last;
  } catch (error) {
    dropRuntime(); // an instance that aborted is not to be trusted; its memory goes with it
    return { status: "error", message: `Cannot solve: ${error}` };
  }
}

/** One run of one method, checked. */
function attempt(
  highs: Highs,
  model: Model,
  { lp, method }: { lp: SparseLp; method: Method },
): Outcome {
  const is = highs.constants.modelStatus;
  model.raw.run(); // a failed run shows in the model's status and is the next method's business
  const modelStatus = model.getModelStatus();
  switch (modelStatus) {
    case is.optimal: {
      const point = model.getSolution().colValue;
      const violation = worstViolation(lp, point);
      return violation <= TOLERANCE ? { status: "optimal", point } : {
        status: "error",
        message: `${method.solver} claims an optimum that misses a constraint by ${violation}`,
      };
    }
    case is.infeasible:
    case is.unboundedOrInfeasible: // every column that is rewarded is bounded: never unbounded
      return { status: "infeasible" };
    case is.interrupted:
      return { status: "aborted" };
    case is.timeLimit:
      return { status: "time-limit" };
    default:
      return { status: "error", message: `${method.solver} ended with status ${modelStatus}` };
  }
}
