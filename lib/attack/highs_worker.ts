/** The Worker of `solveAll`: solves the views it is sent, one after the other.
 * @module */
import { solveLp } from "./highs.ts";
import type { Priors } from "./priors.ts";
import type { ServerView } from "./view.ts";
import { serveJobs } from "../workers/pool.ts";

/** One job: a view, the priors, and the time limit of `solveLp`. */
export interface SolveJob {
  view: ServerView;
  priors: Priors;
  timeLimitS?: number;
}

serveJobs(({ view, priors, timeLimitS }: SolveJob, stopped) =>
  solveLp(view, priors, { timeLimitS, stopped })
);
