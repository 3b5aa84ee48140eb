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

/** One in so many goes on. */
const RATE = 4;

/** The most that a search may cost, as a share of the full grid. */
const SHARE = 1 / 3;

/** What a configuration brings. */
export interface Result {
  /** Of the test images, in [0, 1]. */
  readonly accuracy: number;
  /** Of the whole training run, encryption included. */
  readonly seconds: number;
  /** In [0, 1]; see `advise.ts`. */
  readonly leakage: number;
}

/** What a configuration must bring: accuracy at least, seconds and leakage at most. */
export type Limits = Result;

/** What became of one training: its numbers, or the reason why it has none. */
export type Outcome =
  | { readonly status: "done"; readonly result: Result }
  | { readonly status: "failed"; readonly error: string };

/** A configuration that was trained for one of the search's budgets. */
export type Trial<C> = { readonly candidate: C; readonly rung: number } & Outcome;

/** A trial that has numbers. */
export type Done<C> = Extract<Trial<C>, { status: "done" }>;

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
const quota = (size: number, rung: number) => Math.max(1, Math.floor(size / RATE ** rung));

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

/** A number that is none is a failure. */
function checked(outcome: Outcome): Outcome {
  if (outcome.status === "failed") return outcome;
  const odd = Object.entries(outcome.result).find(([, value]) => !Number.isFinite(value));
  return odd === undefined ? outcome : { status: "failed", error: `${odd[0]} is ${odd[1]}` };
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
  const groups = Map.groupBy(candidates, groupOf);

  /** The last budget at which a candidate keeps the limits that are known before it is trained; −1: none. */
  const reach = ({ candidate, rung, result }: Done<C>) =>
    budgets.findLastIndex((_, at) =>
      affordable({ ...result, seconds: secondsAt(candidate, at, result, rung) }, limits)
    );

  const trials: Trial<C>[] = [];
  let running = candidates;
  for (let rung = 0; rung < budgets.length && running.length > 0; rung++) {
    const outcomes = await evaluate(running, rung);
    const round = running.map((candidate, k) => ({ candidate, rung, ...checked(outcomes[k]) }));
    trials.push(...round);
    const ranked = doneTrials(round).map((trial) => ({ ...trial, reach: reach(trial) }))
      .sort((a, b) =>
        b.reach - a.reach || b.result.accuracy - a.result.accuracy ||
        a.result.seconds - b.result.seconds
      );
    running = [...Map.groupBy(ranked, ({ candidate }) => groupOf(candidate))]
      .flatMap(([name, group]) => group.slice(0, quota(groups.get(name)!.length, rung + 1)))
      .map(({ candidate }) => candidate);
  }
  return trials;
}

/** Those that have numbers. */
export function doneTrials<C>(trials: readonly Trial<C>[]): Done<C>[] {
  return trials.filter((trial): trial is Done<C> => trial.status === "done");
}

/** Whether nothing that is known before a training, seconds and leakage, breaks the limits. */
export function affordable({ seconds, leakage }: Omit<Result, "accuracy">, limits: Limits) {
  return seconds <= limits.seconds && leakage <= limits.leakage;
}

/** Whether all limits are kept. */
export function meets(result: Result, limits: Limits): boolean {
  return result.accuracy >= limits.accuracy && affordable(result, limits);
}

/** Whether a is nowhere worse than b and somewhere better. */
export function dominates(a: Result, b: Result): boolean {
  const gains = [a.accuracy - b.accuracy, b.seconds - a.seconds, b.leakage - a.leakage];
  return gains.every((gain) => gain >= 0) && gains.some((gain) => gain > 0);
}

/** The trials that no other dominates, most accurate first; equal ones are all kept. */
export function paretoSet<C>(trials: readonly Trial<C>[]): Done<C>[] {
  const done = doneTrials(trials);
  return done
    .filter(({ result }) => !done.some((other) => dominates(other.result, result)))
    .sort((a, b) => b.result.accuracy - a.result.accuracy || a.result.seconds - b.result.seconds);
}

/** Under this, an error or a leakage is as good as none. */
const FLOOR = 0.001;

/** How far a result is from the limits, in doublings: of the error rate, the seconds and the leakage over what is
 * allowed, summed up. 0 if no limit is broken. */
export function shortfall({ accuracy, seconds, leakage }: Result, limits: Limits): number {
  const doublings = (value: number, limit: number) =>
    value <= limit ? 0 : Math.log2(Math.max(value, FLOOR) / Math.max(limit, FLOOR));
  return doublings(1 - accuracy, 1 - limits.accuracy) + doublings(seconds, limits.seconds) +
    doublings(leakage, limits.leakage);
}

/** The order of preference among trials that break no limit: most accurate, then fastest, then least leakage. */
export function compareResults(a: Result, b: Result): number {
  return b.accuracy - a.accuracy || a.seconds - b.seconds || a.leakage - b.leakage;
}

/** The one to take: the first by {@linkcode compareResults} of those that break no limit; if there is none, the
 * one with the smallest {@linkcode shortfall}. null if nothing has numbers.
 * @returns it, and whether it {@linkcode meets} the limits. */
export function recommend<C>(
  trials: readonly Trial<C>[],
  limits: Limits,
): { readonly trial: Done<C>; readonly meets: boolean } | null {
  const [trial] = doneTrials(trials).sort(({ result: a }, { result: b }) =>
    shortfall(a, limits) - shortfall(b, limits) || compareResults(a, b)
  );
  return trial === undefined ? null : { trial, meets: meets(trial.result, limits) };
}
