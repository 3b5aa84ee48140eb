/** The Worker of `attack`: solves the views it is sent, one after the other; what W1 alone decides, once.
 * @module */
import type { Priors } from "./priors.ts";
import { type ExactSolver, solveExact } from "./solvers/exact.ts";
import type { ServerView } from "./view.ts";
import { serveJobs } from "../workers/pool.ts";

/** A view, the priors, who solves it, and the time limit. */
export interface AttackOrder {
  view: ServerView;
  priors: Priors;
  solver: ExactSolver;
  timeLimitS?: number;
}

serveJobs(({ view, priors, ...limits }: AttackOrder, stopped) =>
  solveExact(view, priors, { ...limits, stopped })
);
