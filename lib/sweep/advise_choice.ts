/** What to make of many trials: which are Pareto-optimal, and which one to recommend under given limits.
 *
 * A trial is one configuration and what became of it. Three numbers count: accuracy (more is better), seconds
 * and leakage (less is better). A leakage is what some attack got, so it can break a limit and cannot show that
 * one is kept; null is none that was measured. A failed trial has no numbers: it is reported and never chosen.
 * @module */

/** What a configuration brings. */
export interface Result {
  /** Of the test images, in [0, 1]. */
  readonly accuracy: number;
  /** Of the whole training run, encryption included. */
  readonly seconds: number;
  /** In [0, 1]; null where it was not measured. See `advise.ts`. */
  readonly leakage: number | null;
}

/** What a configuration must bring: accuracy at least, seconds and leakage at most. */
export type Limits = Result & { readonly leakage: number };

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

/** Whether nothing that is known before a training, seconds and leakage, breaks the limits. */
export function affordable({ seconds, leakage }: Omit<Result, "accuracy">, limits: Limits) {
  return seconds <= limits.seconds && (leakage ?? 0) <= limits.leakage;
}

/** Whether the limits are kept: false if one is broken, null if none is, but one on the leakage cannot be shown to
 * be kept. More than the whole image, 1, cannot leak: that is no limit. */
export function meets(result: Result, limits: Limits): boolean | null {
  if (result.accuracy < limits.accuracy || !affordable(result, limits)) return false;
  return limits.leakage >= 1 ? true : null;
}

/** Whether a is nowhere worse than b and somewhere better. A leakage that is known and one that is not cannot be
 * compared, so neither dominates. */
export function dominates(a: Result, b: Result): boolean {
  if ((a.leakage === null) !== (b.leakage === null)) return false;
  const leakage = (b.leakage ?? 0) - (a.leakage ?? 0);
  const gains = [a.accuracy - b.accuracy, b.seconds - a.seconds, leakage];
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
 * allowed, summed up; an unknown leakage adds nothing. 0 if no limit is broken. */
export function shortfall({ accuracy, seconds, leakage }: Result, limits: Limits): number {
  const doublings = (value: number, limit: number) =>
    value <= limit ? 0 : Math.log2(Math.max(value, FLOOR) / Math.max(limit, FLOOR));
  return doublings(1 - accuracy, 1 - limits.accuracy) + doublings(seconds, limits.seconds) +
    (leakage === null ? 0 : doublings(leakage, limits.leakage));
}

/** The order of preference among trials that break no limit: most accurate, then fastest, then least leakage. The
 * leakage comes last, and one that was measured before one that was not: what was not measured must not win as if
 * it were 0. */
export function compareResults(a: Result, b: Result): number {
  const leakage = (result: Result) => result.leakage ?? Infinity;
  return b.accuracy - a.accuracy || a.seconds - b.seconds ||
    Number(leakage(a) > leakage(b)) - Number(leakage(a) < leakage(b));
}

/** The one to take: the first by {@linkcode compareResults} of those that break no limit; if there is none, the
 * one with the smallest {@linkcode shortfall}. null if nothing has numbers.
 * @returns it, and what {@linkcode meets} says of it. */
export function recommend<C>(
  trials: readonly Trial<C>[],
  limits: Limits,
): { readonly trial: Done<C>; readonly meets: boolean | null } | null {
  const [best] = doneTrials(trials)
    .map((trial) => ({ trial, short: shortfall(trial.result, limits) }))
    .sort((a, b) => a.short - b.short || compareResults(a.trial.result, b.trial.result));
  if (best === undefined) return null;
  return { trial: best.trial, meets: meets(best.trial.result, limits) };
}
