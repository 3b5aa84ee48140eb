/** Many linear programs at once, on all cores.
 * @module */
import type { Priors } from "./priors.ts";
import { noRecovery, type Recovery } from "./recovery.ts";
import type { SolveJob, Solver } from "./solve_worker.ts";
import type { ServerView } from "./view.ts";
import { type PoolOptions, runJobs } from "../workers/pool.ts";

/** Solves every job in a pool of Workers, results in the order of the jobs and the same for any
 * number of Workers. A job that crashes its Worker ends as "error" and the rest goes on.
 * @param options.solver "highs" by default; "fast" gives the same recoveries sooner.
 * @param options.timeLimitS for each job, as in `solveLp`.
 * @throws {RangeError} workers or the time limit is not positive. Needs permission to read `lib`.
 * @throws the signal's reason, at once when it aborts. */
export async function solveAll(
  jobs: readonly { view: ServerView; priors: Priors }[],
  { solver = "highs", timeLimitS, ...pool }: PoolOptions & {
    solver?: Solver;
    timeLimitS?: number;
  } = {},
): Promise<Recovery[]> {
  if (timeLimitS !== undefined && !(timeLimitS > 0)) {
    throw new RangeError(`Cannot solve: time limit ${timeLimitS} s`);
  }
  const outcomes = await runJobs<SolveJob, Recovery>(
    new URL("./solve_worker.ts", import.meta.url),
    jobs.map(({ view, priors }) => ({ view, priors, solver, timeLimitS })),
    pool,
  );
  return outcomes.map((outcome, at) => {
    if (outcome.status === "done") return outcome.result;
    const { objective } = jobs[at].priors;
    return noRecovery("error", objective, { elapsedMs: 0, message: outcome.message });
  });
}
