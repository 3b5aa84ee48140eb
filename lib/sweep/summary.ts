/** What figures and claims need of many rows: means and rates with confidence intervals, and the first width
 * whose rate is high enough.
 * @module */
import type { Value } from "./grid.ts";

/** One group of rows: what its rows have in common, and a mean over them. */
export type Group<B extends string> = Readonly<Record<B, Value>> & {
  /** Rows of the group; `measured` of them have a number. */
  readonly count: number;
  readonly measured: number;
  /** Of the measured; null if there are none. */
  readonly mean: number | null;
  /** 95 % confidence band of the mean; null below two. */
  readonly low: number | null;
  readonly high: number | null;
};

/** The 95 % quantile of the normal distribution, two-sided. */
const Z95 = 1.959963985;

/** Two-sided 95 % quantile of Student's t: exact for 1 and 2 degrees of freedom, else Cornish and Fisher's
 * expansion about the normal quantile, within 0.2 % from 3 on.
 * @see M. Abramowitz, I. Stegun, Handbook of Mathematical Functions, 26.7.5. */
export function studentT95(degrees: number): number {
  if (degrees === 1) return 12.706204736;
  if (degrees === 2) return 4.30265273;
  const [z, z2, v] = [Z95, Z95 * Z95, degrees];
  return z + z * (z2 + 1) / (4 * v) + z * (5 * z2 ** 2 + 16 * z2 + 3) / (96 * v ** 2) +
    z * (3 * z2 ** 3 + 19 * z2 ** 2 + 17 * z2 - 15) / (384 * v ** 3) +
    z * (79 * z2 ** 4 + 776 * z2 ** 3 + 1482 * z2 ** 2 - 1920 * z2 - 945) / (92160 * v ** 4);
}

/** Rows by the values of some names, in the order of their first rows: these values, and the rows. */
function grouped<B extends string, R extends Readonly<Record<B, Value>>>(
  rows: readonly R[],
  by: readonly B[],
): [Pick<R, B>, R[]][] {
  const groups = Map.groupBy(rows, (row) => by.map((name) => row[name]).join("\0"));
  return [...groups.values()].map((group) => {
    const shared = Object.fromEntries(by.map((name) => [name, group[0][name]]));
    return [shared as unknown as Pick<R, B>, group];
  });
}

/** Groups rows by the values of some names, in the order of their first rows, and averages another over those
 * rows that have a number (or a truth: 1 and 0) there. What has none, an infeasible program, is counted and
 * not averaged in. */
export function summarize<B extends string, V extends string>(
  rows: readonly Readonly<Record<B | V, Value>>[],
  { by, value }: { by: readonly B[]; value: V },
): Group<B>[] {
  return grouped(rows, by).map(([shared, group]) => {
    const values = group.map((row) => row[value])
      .filter((v) => typeof v === "number" || typeof v === "boolean").map(Number);
    const measured = values.length;
    const mean = values.reduce((sum, v) => sum + v, 0) / measured;
    const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
    const half = measured < 2
      ? NaN
      : studentT95(measured - 1) * Math.sqrt(squares / (measured - 1) / measured);
    return {
      ...shared,
      count: group.length,
      measured,
      mean: measured === 0 ? null : mean,
      low: measured < 2 ? null : mean - half,
      high: measured < 2 ? null : mean + half,
    };
  });
}

/** How often something happened in n independent trials. */
export interface Rate {
  readonly successes: number;
  readonly n: number;
  readonly rate: number;
  /** Wilson's 95 % interval. */
  readonly low: number;
  readonly high: number;
}

/** A rate with Wilson's 95 % score interval, (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n): within [0, 1],
 * and of some width also where all or none of the trials succeed.
 * @throws {RangeError} n is not a positive integer, or successes no integer in [0, n].
 * @see E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927. */
export function wilson(successes: number, n: number): Rate {
  if (!Number.isSafeInteger(n) || n < 1) {
    throw new RangeError(`Cannot state a rate: n = ${n} is not a positive integer`);
  }
  if (!Number.isSafeInteger(successes) || successes < 0 || successes > n) {
    throw new RangeError(`Cannot state a rate: ${successes} of ${n}`);
  }
  const rate = successes / n;
  const z2 = Z95 * Z95;
  const centre = rate + z2 / (2 * n);
  const half = Z95 * Math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n));
  return {
    ...{ successes, n, rate },
    low: successes === 0 ? 0 : (centre - half) / (1 + z2 / n),
    high: successes === n ? 1 : (centre + half) / (1 + z2 / n),
  };
}

/** A share in words: "97.14 %". */
export function percent(share: number, decimals = 2): string {
  return `${(100 * share).toFixed(decimals)} %`;
}

/** A rate in words: "96.7 % (92.4 to 98.6, n = 150)". */
export function rateText({ rate, low, high, n }: Omit<Rate, "successes">): string {
  const [at, from, to] = [rate, low, high].map((share) => (100 * share).toFixed(1));
  return `${at} % (${from} to ${to}, n = ${n})`;
}

/** Counts as rows give them: each row has `successes` of `trials`. Groups as in {@linkcode summarize}. */
export function rates<B extends string, S extends string, T extends string>(
  rows: readonly Readonly<Record<B | S | T, Value>>[],
  { by, successes, trials }: { by: readonly B[]; successes: S; trials: T },
): (Readonly<Record<B, Value>> & Rate & { /** Of each row. */ readonly each: number[] })[] {
  return grouped(rows, by).map(([shared, group]) => {
    const sum = (name: S | T) => group.reduce((total, row) => total + Number(row[name]), 0);
    return {
      ...shared,
      ...wilson(sum(successes), sum(trials)),
      each: group.map((row) => Number(row[successes]) / Number(row[trials])),
    };
  });
}

/** The smallest width from which on the rate stays at `least` or above; null where that of the largest does not. */
export function smallestWidth(
  widths: readonly { readonly hidden: Value; readonly rate: number }[],
  least: number,
): number | null {
  const falling = widths.toSorted((a, b) => Number(b.hidden) - Number(a.hidden));
  const missed = falling.findIndex(({ rate }) => rate < least);
  if (missed === 0 || falling.length === 0) return null;
  return Number(falling.at(missed < 0 ? -1 : missed - 1)!.hidden);
}

/** The ratio of two means over the same draws, with the 95 % interval of Student's t: that of the mean of the
 * logarithms of the draws' own ratios, since errors differ by factors.
 * @throws {RangeError} fewer than two draws, or a value that is not positive. */
export function pairedRatio(
  above: readonly number[],
  below: readonly number[],
): { readonly ratio: number; readonly low: number; readonly high: number; readonly n: number } {
  const n = above.length;
  if (n < 2 || below.length !== n || ![...above, ...below].every((v) => v > 0 && v < Infinity)) {
    throw new RangeError(`Cannot state a ratio: ${above} over ${below}`);
  }
  const logs = above.map((v, k) => ({ log: Math.log(v / below[k]) }));
  const [{ mean, low, high }] = summarize(logs, { by: [], value: "log" });
  return { ratio: Math.exp(mean!), low: Math.exp(low!), high: Math.exp(high!), n };
}
