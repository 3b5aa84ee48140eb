/** What to make of many trials: which are Pareto-optimal, and which one to recommend under given limits.
 *
 * A trial is one configuration and what became of it. Three numbers count: accuracy (more is better), seconds
 * and leakage (less is better). A failed trial has no numbers: it is reported and never chosen.
 * @module */

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

/** A configuration with its numbers, or with the reason why it has none. */
export type Trial<C> =
  & { readonly candidate: C; /** Of the search's budgets. */ readonly rung: number }
  & ({ readonly status: "done"; readonly result: Result } | {
    readonly status: "failed";
    readonly error: string;
  });

/** A trial that has numbers. */
export type Done<C> = Extract<Trial<C>, { status: "done" }>;

/** Those that have numbers. */
export function doneTrials<C>(trials: readonly Trial<C>[]): Done<C>[] {
  return trials.filter((trial): trial is Done<C> => trial.status === "done");
}

/** Whether seconds and leakage, which are known before a training, keep the limits. */
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
 * allowed, summed up. 0 if all are kept. */
export function shortfall({ accuracy, seconds, leakage }: Result, limits: Limits): number {
  const doublings = (value: number, limit: number) =>
    value <= limit ? 0 : Math.log2(Math.max(value, FLOOR) / Math.max(limit, FLOOR));
  return doublings(1 - accuracy, 1 - limits.accuracy) + doublings(seconds, limits.seconds) +
    doublings(leakage, limits.leakage);
}

/** The order of preference among trials that keep the limits: least leakage, then most accurate, then fastest. */
export function compareResults(a: Result, b: Result): number {
  return a.leakage - b.leakage || b.accuracy - a.accuracy || a.seconds - b.seconds;
}

/** The one to take: the first by {@linkcode compareResults} of those that keep the limits; if there is none, the
 * one with the smallest {@linkcode shortfall}. null if nothing has numbers. */
export function recommend<C>(
  trials: readonly Trial<C>[],
  limits: Limits,
): { readonly trial: Done<C>; readonly meets: boolean } | null {
  const [trial] = doneTrials(trials)
    .map((trial) => ({ ...trial, short: shortfall(trial.result, limits) }))
    .sort((a, b) =>
      Number(meets(b.result, limits)) - Number(meets(a.result, limits)) || a.short - b.short ||
      compareResults(a.result, b.result)
    );
  if (trial === undefined) return null;
  const { short: _, ...rest } = trial;
  return { trial: rest as Done<C>, meets: meets(trial.result, limits) };
}
