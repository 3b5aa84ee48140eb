/** The attack: from what the server may read (`view.ts`) and what it assumes (`priors.ts`) to images.
 *
 * One door to all solvers. "fast" is our interior point method, "highs" the general solver HiGHS (`solvers/exact.ts`):
 * exact, one image at a time, in Workers. "batched" solves many images of one W1 at once by ADMM
 * (`solvers/admm.ts`). The program itself is in `lp_model.ts`. What W1 alone decides is made once for all
 * images and objectives behind it (`layer.ts`), in each Worker that meets it.
 *
 * @example Four pixels behind three equations: the least sum decides
 * ```ts
 * import { attack, attackEach, type AttackOptions, type RunOptions } from "lib/attack/attack.ts";
 * import { checkedPriors } from "lib/attack/priors.ts";
 * import { serverView } from "lib/attack/view.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const W1 = [1, 2, 3, 4, -5, 6, 7, -8, 2, 0, -1, 3];
 * const view = serverView({ W1, z1: [300, 700, -100], shape: [2, 2, 1], scaleBits: 0 });
 * const run: RunOptions = { timeLimitS: 10, workers: 0 };
 * const assumed: AttackOptions = { objective: "sum", ...run };
 * const [found] = await attack([view], assumed);
 * assertEquals([found.status, [...found.xHat!].map(Math.round)], ["optimal", [0, 0, 100, 0]]);
 *
 * // Each view under assumptions of its own:
 * const both = (["sum", "tv"] as const).map((objective) => ({ view, priors: checkedPriors({ objective }) }));
 * assertEquals((await attackEach(both, run)).map(({ status }) => status), ["optimal", "optimal"]);
 * ```
 * @module */
import { setImmediate } from "node:timers/promises";
import { type PoolOptions, runJobs } from "../workers/pool.ts";
import type { AttackOrder } from "./attack_worker.ts";
import { checkedPriors, type Objective, type Priors } from "./priors.ts";
import { noRecovery, type Recovery, timed } from "./recovery.ts";
import { admm, type BatchOptions } from "./solvers/admm.ts";
import { checkTimeLimit, type ExactSolver, type Limits, solveExact } from "./solvers/exact.ts";
import { gaussianAttack, type GaussianPrior } from "./solvers/gaussian.ts";
import { leastSquares } from "./solvers/least_squares.ts";
import type { ServerView } from "./view.ts";

/** How attacks run, beyond what they assume. */
export interface RunOptions extends PoolOptions, Limits {
  /** Workers of the exact solvers: as many as the machine has cores by default, unless the work is too small to start
   * one; 0 for this thread, where `stopped`, which no Worker can ask, keeps them too. */
  workers?: number;
}

/** What {@linkcode attack} assumes of the images, and who solves it. */
export interface AttackOptions extends RunOptions, BatchOptions {
  /** What the program minimises, or an attack without a program. */
  objective: Objective | "least-squares" | "gaussian";
  /** The rules, as {@linkcode checkedPriors} takes them. */
  period?: number | null;
  /** As {@linkcode period}. */
  wrapEdges?: boolean;
  /** As {@linkcode period}. */
  border?: boolean;
  /** For "gaussian": what `fitGaussian` learned of public images. */
  prior?: GaussianPrior;
  /** "fast" by default. */
  solver?: ExactSolver | "batched";
}

/** Attacks views under one set of assumptions.
 * @returns recoveries in the order of the views, the same for any number of Workers.
 * @throws {TypeError} an unknown objective, no prior for "gaussian", a batch of different W1. {RangeError} a period, a
 * time limit, a number of Workers or of iterations that is none. @throws the signal's reason when it aborts. */
export async function attack(
  views: readonly ServerView[],
  options: AttackOptions,
): Promise<Recovery[]> {
  const { objective, prior, solver } = options;
  if (objective === "least-squares") return await eachHere(views, leastSquares, options);
  if (objective === "gaussian") {
    if (prior === undefined) throw new TypeError("Cannot attack by a Gaussian: no prior");
    return views.length === 0
      ? []
      : await eachHere(views, gaussianAttack(prior, views[0]), options);
  }
  const priors = checkedPriors({ ...options, objective });
  return solver === "batched"
    ? await admm(views, priors, options)
    : await attackEach(views.map((view) => ({ view, priors })), { ...options, solver });
}

/** Pixels² × equations below which a Worker costs more than it brings. */
const SMALL = 1e7;

/** Attacks many views, each under priors of its own, by an exact solver. An attack that fails, or crashes its Worker,
 * ends as "error" and the rest goes on.
 * @returns as {@linkcode attack}, and throws as it. Needs permission to read `lib` for Workers. */
export async function attackEach(
  jobs: readonly { view: ServerView; priors: Priors }[],
  { solver = "fast", timeLimitS, endsAt, stopped, ...pool }: RunOptions & { solver?: ExactSolver } =
    {},
): Promise<Recovery[]> {
  if (timeLimitS !== undefined) checkTimeLimit(timeLimitS);
  const failed = ({ priors }: (typeof jobs)[number], message: string) =>
    noRecovery("error", priors.objective, message);
  const size = jobs.reduce((sum, { view: { hidden, n } }) => sum + hidden * n * n, 0);
  const here = pool.workers === 0 || stopped !== undefined;
  if (here || pool.workers === undefined && size < SMALL) {
    const stop = () => pool.signal?.aborted === true || stopped?.() === true;
    return await eachHere(jobs, async (job) => {
      try {
        return await solveExact(job.view, job.priors, {
          solver,
          timeLimitS,
          endsAt,
          stopped: stop,
        });
      } catch (error) {
        return failed(job, String(error));
      }
    }, pool);
  }
  const share = sharer();
  const outcomes = await runJobs<AttackOrder, Recovery>(
    new URL("./attack_worker.ts", import.meta.url),
    jobs.map(({ view, priors }) => ({ view: share(view), priors, solver, timeLimitS, endsAt })),
    pool,
  );
  return outcomes.map((outcome, at) =>
    outcome.status === "done" ? outcome.result : failed(jobs[at], outcome.message)
  );
}

/** One attack after the other, in this thread, which gets a breath between two. */
async function eachHere<T>(
  items: readonly T[],
  run: (item: T) => Recovery | Promise<Recovery>,
  { signal, onProgress }: Pick<PoolOptions, "signal" | "onProgress">,
): Promise<Recovery[]> {
  const found: Recovery[] = [];
  for (const item of items) {
    signal?.throwIfAborted();
    const start = performance.now();
    found.push(timed(start, await run(item)));
    onProgress?.(found.length, items.length);
    await setImmediate();
  }
  signal?.throwIfAborted();
  return found;
}

/** A function that gives views for Workers: each W1 is copied once into memory that all of them share, and z1 travels
 * without the rest of its buffer. */
function sharer(): (view: ServerView) => ServerView {
  const copies = new Map<ArrayBufferLike, SharedArrayBuffer>();
  return (view) => {
    const { buffer, byteOffset, length } = view.W1;
    let copy = copies.get(buffer);
    if (copy === undefined) {
      copies.set(buffer, copy = new SharedArrayBuffer(buffer.byteLength));
      new Uint8Array(copy).set(new Uint8Array(buffer));
    }
    return { ...view, W1: new Float64Array(copy, byteOffset, length), z1: view.z1.slice() };
  };
}
