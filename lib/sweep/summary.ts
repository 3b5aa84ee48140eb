/** What figures need of many rows: means with confidence bands, and the first width that recovers all.
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

/** Two-sided 95 % quantile of Student's t: exact for 1 and 2 degrees of freedom, else Cornish and Fisher's
 * expansion about the normal quantile, within 0.2 % from 3 on.
 * @see M. Abramowitz, I. Stegun, Handbook of Mathematical Functions, 26.7.5. */
export function studentT95(degrees: number): number {
  if (degrees === 1) return 12.706204736;
  if (degrees === 2) return 4.30265273;
  const z = 1.959963985;
  const [z2, v] = [z * z, degrees];
  return z + z * (z2 + 1) / (4 * v) + z * (5 * z2 ** 2 + 16 * z2 + 3) / (96 * v ** 2) +
    z * (3 * z2 ** 3 + 19 * z2 ** 2 + 17 * z2 - 15) / (384 * v ** 3) +
    z * (79 * z2 ** 4 + 776 * z2 ** 3 + 1482 * z2 ** 2 - 1920 * z2 - 945) / (92160 * v ** 4);
}

/** Groups rows by the values of some names, in the order of their first rows, and averages another over those
 * rows that have a number (or a truth: 1 and 0) there. What has none, an infeasible program, is counted and
 * not averaged in. */
export function summarize<B extends string, V extends string>(
  rows: readonly Readonly<Record<B | V, Value>>[],
  { by, value }: { by: readonly B[]; value: V },
): Group<B>[] {
  const groups = Map.groupBy(rows, (row) => by.map((name) => row[name]).join("\0"));
  return [...groups.values()].map((group) => {
    const values = group.map((row) => row[value])
      .filter((v) => typeof v === "number" || typeof v === "boolean").map(Number);
    const measured = values.length;
    const mean = values.reduce((sum, v) => sum + v, 0) / measured;
    const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
    const half = measured < 2
      ? NaN
      : studentT95(measured - 1) * Math.sqrt(squares / (measured - 1) / measured);
    return {
      ...Object.fromEntries(by.map((name) => [name, group[0][name]])) as unknown as Record<
        B,
        Value
      >,
      count: group.length,
      measured,
      mean: measured === 0 ? null : mean,
      low: measured < 2 ? null : mean - half,
      high: measured < 2 ? null : mean + half,
    };
  });
}

/** For each group, the smallest width `hidden` from which on every row is `exact`; null where not even those
 * of the largest width are. */
export function smallestExact<B extends string>(
  rows: readonly Readonly<Record<B | "hidden" | "exact", Value>>[],
  by: readonly B[],
): (Readonly<Record<B, Value>> & { readonly hidden: number | null })[] {
  const widths = summarize<B | "hidden", "exact">(rows, { by: [...by, "hidden"], value: "exact" });
  const groups = Map.groupBy(widths, (width) => by.map((name) => width[name]).join("\0"));
  return [...groups.values()].map((group) => {
    const falling = group.toSorted((a, b) => Number(b.hidden) - Number(a.hidden));
    const missed = falling.findIndex(({ mean }) => mean !== 1);
    const smallest = falling.at(missed < 0 ? -1 : missed - 1)!;
    return {
      ...Object.fromEntries(by.map((name) => [name, group[0][name]])) as unknown as Record<
        B,
        Value
      >,
      hidden: missed === 0 ? null : Number(smallest.hidden),
    };
  });
}
