/** Linear programs through HiGHS, compiled to WebAssembly, in this thread.
 *
 * A program is passed once as sparse arrays, then tried by one method after the other until one gives
 * an answer that holds up. The order is measured (300 × 784, TV + ½·Σx, one MNIST digit, one core): the
 * first-order HiPDLP needs 1.2 s where the optimum is sharp, that is where the image is determined,
 * and runs on and on where it is not, hence its iteration cap; the interior point method needs 2.3 s
 * either way, without presolve, which makes these dense rows five times slower; dual simplex, 6 s, is
 * the last resort. A feasibility problem has no sharp optimum, and the authors used an interior point.
 *
 * No answer is taken on trust. A point is put on the equations and back into the program; one that does not
 * solve it is tried again by the next method. A claim that there is none needs a proof (`farkas.ts`): the
 * multipliers of our interior point method, or the dual solution of the elastic program, in which every row may be
 * missed at a price of 1, so that it is feasible and its optimum 0 iff the original one has a solution.
 * What neither is solved nor proved is "undecided".
 * @module */
import loadHighs, { type Highs, type InitOptions, type Model, type ModelData } from "highs";
import wasm from "highs/runtime" with { type: "bytes" };
import { preparedLayer } from "../layer.ts";
import { buildLp, type SparseLp } from "../lp_model.ts";
import { hasRules, pixelRules, type Priors } from "../priors.ts";
import { noRecovery, type Recovery, solution } from "../recovery.ts";
import type { ServerView } from "../view.ts";
import { provesInfeasible } from "./farkas.ts";
import { soleSolution } from "./least_squares.ts";
import { type Attempt, provedByInteriorPoint } from "./structured.ts";

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

/** Solves one linear program: this view and rules, these terms. */
export async function solveHighs(
  view: ServerView,
  priors: Priors,
  { terms, ...limits }: Attempt,
): Promise<Recovery> {
  const { objective } = priors;
  const { stopped } = limits;
  const { rank, nearest } = preparedLayer(view).leastSquares();
  const highs = await highsRuntime();
  const data = modelData(buildLp(view, priors, { terms }));
  const rules = pixelRules(view.shape, priors);
  const accept = (point: Float64Array) => { // put on the equations first
    const candidate = { point: nearest(view.z1, point.slice(0, view.n)), rank };
    return solution(view, rules, candidate, objective);
  };
  const sharp = objective !== "published" && !hasRules(priors);
  // Where one method claims infeasibility and no proof is found, simplex has the last word.
  for (
    const methods of [sharp ? [HIPDLP, INTERIOR_POINT, SIMPLEX] : [INTERIOR_POINT, SIMPLEX], [
      SIMPLEX,
    ]]
  ) {
    const outcome = solve(highs, data, { methods, accept, ...limits });
    if (outcome.status === "optimal") return outcome.found;
    if (outcome.status !== "infeasible") {
      return noRecovery(outcome.status, objective, outcome.message);
    }
    if (await proveInfeasible(view, priors, limits)) return noRecovery("infeasible", objective);
    if (stopped()) return noRecovery("aborted", objective);
  }
  return noRecovery("undecided", objective, UNPROVED);
}

/** Makes a recovery of a point of HiGHS, if it solves the program. */
type Accept = (point: Float64Array) => Recovery | null;

/** Tries the methods in turn; the native model lives for this call only. */
function solve(
  highs: Highs,
  data: ModelData,
  { methods, accept, leftS, stopped }: Omit<Attempt, "terms"> & {
    methods: Method[];
    accept: Accept;
  },
): Outcome {
  let last: Outcome = { status: "error", message: "no method tried" };
  try {
    const model = highs.createModel(data);
    model.options.set({ output_flag: false, presolve: "off", time_limit: secondsLeft(leftS) });
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
    runtime = undefined; // an instance that aborted is not to be trusted; its memory goes with it
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

/** Whether a proof was found that no image solves the view under the rules of the priors. */
async function proveInfeasible(
  view: ServerView,
  priors: Priors,
  { leftS, stopped }: Omit<Attempt, "terms">,
): Promise<boolean> {
  const rules = pixelRules(view.shape, priors);
  if (soleSolution(view, priors.objective, rules)?.status === "infeasible") return true;
  if (provedByInteriorPoint(view, priors, stopped)) return true;
  return !stopped() && await provedBySimplex(view, priors, secondsLeft(leftS));
}

async function provedBySimplex(
  view: ServerView,
  priors: Priors,
  timeLimitS: number,
): Promise<boolean> {
  const lp = buildLp(view, { ...priors, objective: "published" }, { elastic: true });
  const highs = await highsRuntime();
  const model = highs.createModel(modelData(lp));
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

/** HiGHS takes no time limit of 0. */
const secondsLeft = (leftS: () => number) => Math.max(1e-9, leftS());

// The package is typed as CommonJS, where the default export would be a namespace; it is not.
const load = loadHighs as unknown as (options: InitOptions) => Promise<Highs>;

let runtime: Promise<Highs> | undefined;

/** This thread's HiGHS, started at the first call. */
export function highsRuntime(): Promise<Highs> {
  return runtime ??= start();
}

/** A program in the form that HiGHS takes. */
export function modelData(lp: SparseLp): ModelData {
  return { ...lp, matrix: { format: "csr", ...lp } };
}

/** The binary comes by raw import and goes in through Emscripten's `instantiateWasm` hook, which needs no permission;
 * under Deno the package's own `wasmBinary` and `wasmModule` options are ignored and it would read the file. */
function start(): Promise<Highs> {
  const module = new WebAssembly.Module(wasm);
  const instantiateWasm = (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ) => {
    const instance = new WebAssembly.Instance(module, imports);
    done(instance, module);
    return instance.exports;
  };
  return load({ instantiateWasm } as InitOptions);
}
