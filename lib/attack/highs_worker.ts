/** The Worker of `solveAll`: solves the views it is sent, one after the other. Whatever throws here
 * ends this Worker, and the pool reports it for that job.
 * @module */
/// <reference lib="deno.worker" />
import { solveLp } from "./highs.ts";
import type { Priors } from "./priors.ts";
import type { ServerView } from "./view.ts";

/** One job: a view, the priors, and the time limit of `solveLp`. */
export interface SolveJob {
  view: ServerView;
  priors: Priors;
  timeLimitS?: number;
}

self.onmessage = async ({ data }: MessageEvent<SolveJob>) => {
  const { view, priors, timeLimitS } = data;
  self.postMessage(await solveLp(view, priors, { timeLimitS }));
};
