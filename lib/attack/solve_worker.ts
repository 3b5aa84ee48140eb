/** The Worker of `solveAll`: solves the views it is sent, one after the other.
 * @module */
import { solveFast } from "./fast.ts";
import { solveLp } from "./highs.ts";
import type { Priors } from "./priors.ts";
import type { ServerView } from "./view.ts";
import { serveJobs } from "../workers/pool.ts";

/** The exact solvers of one image, by name. */
export type Solver = "highs" | "fast";

/** One job: a view, the priors, who solves it, and the time limit of `solveLp`. */
export interface SolveJob {
  view: ServerView;
  priors: Priors;
  solver: Solver;
  timeLimitS?: number;
}

serveJobs(({ view, priors, solver, timeLimitS }: SolveJob, stopped) =>
  (solver === "fast" ? solveFast : solveLp)(view, priors, { timeLimitS, stopped })
);
