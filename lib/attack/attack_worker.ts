/** The Worker of `attack`: solves the views it is sent, one after the other; what W1 alone decides, once.
 * @module */
import type { Priors } from "./priors.ts";
import { type ExactSolver, type Limits, solveExact } from "./solvers/exact.ts";
import type { ServerView } from "./view.ts";
import { serveJobs } from "../workers/pool.ts";

/** A view, the priors, who solves it, and how long. */
export interface AttackOrder extends Omit<Limits, "stopped"> {
  view: ServerView;
  priors: Priors;
  solver: ExactSolver;
}

serveJobs(({ view, priors, ...limits }: AttackOrder, stopped) =>
  solveExact(view, priors, { ...limits, stopped })
);
