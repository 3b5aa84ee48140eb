/** Successive halving: many configurations get a little training, the best of them more, the last ones all.
 *
 * Of a group of s configurations, s train for the first budget, ⌊s/4⌋ for the second, ⌊s/16⌋ (at least one) for
 * the last; with budgets 1, 4 and 16 that is 3·s instead of 16·s. The groups are compared within themselves, so
 * that every one has a configuration which was trained fully. What is left to chance is that learning
 * curves cross: a configuration that starts slowly may be dropped. Where they do not cross, the recommendation is
 * never worse than that of the full grid: the most accurate configuration of a group among those whose full run
 * keeps the other limits comes first in every round.
 * @see K. Jamieson, A. Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", AISTATS
 * 2016; the inner loop of L. Li et al., "Hyperband", JMLR 18, 2018.
 * @module */
import { affordable, type Limits, type Result, type Trial } from "./advise_choice.ts";

/** One in so many goes on. */
const RATE = 4;

/** The most that a search may cost, as a share of the full grid. */
const SHARE = 1 / 3;

/** What became of one training. */
export type Outcome = { readonly result: Result } | { readonly error: string };

/** A search; `rung` counts the budgets from 0. */
export interface Search<C> {
  readonly candidates: readonly C[];
  /** Candidates are compared with those of the same group. */
  readonly groupOf: (candidate: C) => string;
  /** Training, in epochs over all images, ascending. */
  readonly budgets: readonly number[];
  /** Trains some candidates for one budget; outcomes in their order. */
  readonly evaluate: (candidates: readonly C[], rung: number) => Promise<readonly Outcome[]>;
  /** What a candidate would take at a budget, given what came out at another. */
  readonly secondsAt: (candidate: C, rung: number, known: Result, knownRung: number) => number;
  readonly limits: Limits;
}

/** How many of a group of `size` train at a rung. */
function quota(size: number, rung: number): number {
  return Math.max(1, Math.floor(size / RATE ** rung));
}

/** Epochs of a search, at most, and of the full grid. */
export function plannedEpochs<C>(
  { candidates, groupOf, budgets }: Pick<Search<C>, "candidates" | "groupOf" | "budgets">,
): { search: number; grid: number } {
  let search = 0;
  for (const group of Map.groupBy(candidates, groupOf).values()) {
    budgets.forEach((budget, rung) => search += budget * quota(group.length, rung));
  }
  return { search, grid: candidates.length * (budgets.at(-1) ?? 0) };
}

/** The outcome as a trial: a number that is none is a failure, an unknown leakage is not. */
function trialOf<C>(candidate: C, rung: number, outcome: Outcome): Trial<C> {
  if ("error" in outcome) return { candidate, rung, status: "failed", error: outcome.error };
  const odd = Object.entries(outcome.result).find(([name, value]) =>
    !Number.isFinite(value) && !(name === "leakage" && value === null)
  );
  return odd === undefined
    ? { candidate, rung, status: "done", result: outcome.result }
    : { candidate, rung, status: "failed", error: `${odd[0]} is ${odd[1]}` };
}

/** Runs the search. @returns every trial, failed ones too, in the order they were made.
 * @throws {RangeError} no candidates, budgets that do not ascend, or groups so small that halving would cost
 * over a third of the grid.   @throws what `evaluate` throws. */
export async function successiveHalving<C>(search: Search<C>): Promise<Trial<C>[]> {
  const { candidates, groupOf, budgets, evaluate, secondsAt, limits } = search;
  const ascending = budgets.every((b, k) => b > (budgets[k - 1] ?? 0));
  if (candidates.length === 0 || budgets.length === 0 || !ascending) {
    throw new RangeError(`Cannot search: ${candidates.length} candidates, budgets ${budgets}`);
  }
  const planned = plannedEpochs(search);
  if (planned.search > SHARE * planned.grid) {
    throw new RangeError(
      `Cannot search: ${planned.search} of ${planned.grid} epochs is over a third; ` +
        "groups of more candidates or budgets further apart are needed",
    );
  }
  const last = budgets.length - 1;
  const sizes = new Map([...Map.groupBy(candidates, groupOf)].map(([k, v]) => [k, v.length]));

  /** The last budget at which a candidate keeps the limits that are known before it is trained; −1: none. */
  const reach = (candidate: C, rung: number, known: Result) => {
    let at = last;
    while (
      at >= 0 &&
      !affordable({ ...known, seconds: secondsAt(candidate, at, known, rung) }, limits)
    ) at--;
    return at;
  };

  const trials: Trial<C>[] = [];
  let running = candidates;
  for (let rung = 0; rung <= last && running.length > 0; rung++) {
    const outcomes = await evaluate(running, rung);
    const round = running.map((candidate, k) => trialOf(candidate, rung, outcomes[k]));
    trials.push(...round);
    const ranked = round.flatMap((trial) =>
      trial.status === "failed"
        ? []
        : [{ ...trial, reach: reach(trial.candidate, rung, trial.result) }]
    ).sort((a, b) =>
      b.reach - a.reach || b.result.accuracy - a.result.accuracy ||
      a.result.seconds - b.result.seconds
    );
    const groups = Map.groupBy(ranked, ({ candidate }) => groupOf(candidate));
    running = [...groups].flatMap(([name, group]) =>
      group.slice(0, quota(sizes.get(name)!, rung + 1)).map(({ candidate }) => candidate)
    );
  }
  return trials;
}
