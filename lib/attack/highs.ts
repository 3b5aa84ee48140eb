/** Linear programs through HiGHS, in this thread.
 *
 * A program is passed once as sparse arrays, then tried by one method after the other until one gives
 * an answer that holds up. The order is measured (300 × 784, TV + ½·Σx, one MNIST digit, one core): the
 * first-order HiPDLP needs 1.2 s where the optimum is sharp, that is where the image is determined,
 * and runs on and on where it is not, hence its iteration cap; the interior point method needs 2.3 s
 * either way, without presolve, which makes these dense rows five times slower; dual simplex, 6 s, is
 * the last resort. A feasibility problem has no sharp optimum, and the authors used an interior point.
 *
 * No answer is taken on trust. A point is put on the equations and back into the program; one that does not
 * solve it is tried again by the next method. A claim that there is none needs a proof (`infeasible.ts`).
 * What neither is solved nor proved is "undecided".
 * @module */
import type { Highs, Model, ModelData } from "highs";
import { dropRuntime, highsRuntime, modelData } from "./highs_runtime.ts";
import { solveIndependent } from "./dependent.ts";
import { proveInfeasible } from "./infeasible.ts";
import { type LeastSquaresSystem, leastSquaresSystem } from "./least_squares.ts";
import { buildLp } from "./lp_model.ts";
import { hasRules, pixelRules, type Priors } from "./priors.ts";
import { noRecovery, type Recovery, solution } from "./recovery.ts";
import { solveRounds } from "./reweighted.ts";
import type { Terms } from "./terms.ts";
import type { ServerView } from "./view.ts";

/** Iterations after which HiPDLP gives way: 20 % above what digits need at exact widths. */
const PDLP_ITERATIONS = 2500;

/** Why a claim of infeasibility is not passed on. */
const UNPROVED = "HiGHS claims that there is no solution; no proof was found";

type Method = Record<string, string | number>;
const HIPDLP: Method = { solver: "hipdlp", pdlp_iteration_limit: PDLP_ITERATIONS };
const INTERIOR_POINT: Method = { solver: "ipm", run_crossover: "off" };
const SIMPLEX: Method = { solver: "simplex" };

/** What a run of the solver came to. */
type Outcome =
  | { status: "optimal"; found: Recovery }
  | { status: "infeasible" | "undecided" | "time-limit" | "aborted" | "error"; message?: string };

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
  const system = leastSquaresSystem(view);
  const sparer = await solveIndependent(
    view,
    system.rank,
    priors.objective,
    (independent) => solveLp(independent, priors, { timeLimitS, stopped }),
  );
  if (sparer !== null) return sparer;
  return await solveRounds(view, priors, (terms) => {
    const leftS = Math.max(1e-9, (deadline - performance.now()) / 1000);
    return solveTerms({ view, priors, terms, system, timeLimitS: leftS, stopped });
  });
}

/** Solves one linear program: this view and rule, these terms. */
export async function solveTerms(
  { view, priors, terms, system, ...limits }: Required<Limits> & {
    view: ServerView;
    priors: Priors;
    terms: Terms;
    /** Of the view. */
    system: LeastSquaresSystem;
  },
): Promise<Recovery> {
  const { objective } = priors;
  const start = performance.now();
  const leftS = () => Math.max(1e-9, limits.timeLimitS - (performance.now() - start) / 1000);
  const ended = (status: Exclude<Outcome["status"], "optimal">, message?: string) =>
    noRecovery(status, objective, { elapsedMs: performance.now() - start, message });
  const highs = await highsRuntime();
  const data = modelData(buildLp(view, priors, terms));
  const rules = pixelRules(view.shape, priors);
  const accept = (point: Float64Array) => { // put on the equations first
    const candidate = { point: system.nearest(point.slice(0, view.n)), rank: system.rank };
    return solution(view, rules, candidate, { objective, elapsedMs: 0 });
  };
  const sharp = objective !== "published" && !hasRules(priors);
  // Where one method claims infeasibility and no proof is found, simplex has the last word.
  for (
    const methods of [sharp ? [HIPDLP, INTERIOR_POINT, SIMPLEX] : [INTERIOR_POINT, SIMPLEX], [
      SIMPLEX,
    ]]
  ) {
    const { stopped } = limits;
    const outcome = solve(highs, data, { methods, accept, timeLimitS: leftS(), stopped });
    if (outcome.status === "optimal") {
      return { ...outcome.found, elapsedMs: performance.now() - start };
    }
    if (outcome.status !== "infeasible") return ended(outcome.status, outcome.message);
    if (await proveInfeasible(view, priors, { timeLimitS: leftS(), stopped })) {
      return ended("infeasible");
    }
    if (stopped()) return ended("aborted");
  }
  return ended("undecided", UNPROVED);
}

/** Makes a recovery of a point of HiGHS, if it solves the program. */
type Accept = (point: Float64Array) => Recovery | null;

/** Tries the methods in turn; the native model lives for this call only. */
function solve(
  highs: Highs,
  data: ModelData,
  { methods, accept, timeLimitS, stopped }: Required<Limits> & {
    methods: Method[];
    accept: Accept;
  },
): Outcome {
  let last: Outcome = { status: "error", message: "no method tried" };
  try {
    const model = highs.createModel(data);
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
      last = stopped() ? { status: "aborted" } : attempt(highs, model, { accept, method });
      if (last.status !== "undecided") break;
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
  { accept, method }: { accept: Accept; method: Method },
): Outcome {
  const is = highs.constants.modelStatus;
  model.raw.run(); // a failed run shows in the model's status and is the next method's business
  const modelStatus = model.getModelStatus();
  switch (modelStatus) {
    case is.optimal: {
      const found = accept(model.getSolution().colValue);
      const message = `${method.solver} claims an optimum that does not solve the program`;
      return found === null ? { status: "undecided", message } : { status: "optimal", found };
    }
    case is.infeasible:
    case is.unboundedOrInfeasible: // every column that is rewarded is bounded: never unbounded
      return { status: "infeasible" };
    case is.interrupted:
      return { status: "aborted" };
    case is.timeLimit:
      return { status: "time-limit" };
    default:
      return { status: "undecided", message: `${method.solver} ended with status ${modelStatus}` };
  }
}
