/** How often an attack succeeds: rows of the sweep `rates`, as rates with Wilson's 95 % interval, and what notebooks
 * show of them.
 *
 * A row is one W1 and a block of images of its own, so rows are independent draws of both; rates count images.
 * @module */
import type { Objective } from "../attack/priors.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { archivedRecords } from "../sweep/archive.ts";
import type { Value } from "../sweep/grid.ts";
import { sweep } from "../sweep/rates.ts";
import {
  type Group,
  pairedRatio,
  percent,
  type Rate,
  rates,
  rateText,
  smallestWidth,
  summarize,
} from "../sweep/summary.ts";

/** The fields and columns of one row. */
export type Rec = Readonly<Record<string, Value>>;

/** What an attack is called in tables and figures. */
export const LABELS: Readonly<Record<Objective | "least-squares" | "gaussian", string>> = {
  published: "published LP",
  sum: "min Σx",
  tv: "min TV",
  "tv-sum": "TV + ½·Σx",
  reweighted: "reweighted",
  "least-squares": "least squares",
  gaussian: "Gaussian prior",
};

/** What the attacked datasets are called. */
export const DATASET_NAMES: Readonly<Record<string, string>> = {
  "mnist": "MNIST",
  "fashion-mnist": "Fashion-MNIST",
  "cifar10-gray": "CIFAR-10 grey",
};

/** What the solvers are called. */
export const SOLVER_NAMES = { batched: "ADMM", fast: "interior point", highs: "HiGHS" } as const;

/** Periods of the published rule from none to the densest. */
export const PERIODS = ["none", "16", "9", "4", "2"] as const;

/** The columns of the sweep that count images. */
export type Outcome =
  | ("recovered" | "exact" | "certified" | "certifiedWrong")
  | ("infeasible" | "undecided");

/** What may become of a program: a solution, a proof that there is none, or neither. */
export const VERDICTS: Readonly<Record<string, Outcome>> = {
  "infeasible": "infeasible",
  "undecided": "undecided",
  "solved": "recovered",
};

/** A rate over all rows, and that of each. */
export type DrawnRate = Rate & { readonly each: readonly number[] };

/** A ratio of mean errors with its 95 % interval, and the number of images that it rests on. */
export type ErrorRatio = ReturnType<typeof pairedRatio>;

/** A ratio in words: "7.4 (6.1 to 8.9)". */
export function ratioText({ ratio, low, high }: ErrorRatio): string {
  return `${ratio.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`;
}

/** A mean squared error in words: "0.131", "4e-4"; "exact" below 1e-8, which is rounding; "–" for none.
 * @param decimals one digit more gives "0.0015" and "4.0e-4". */
export function errorText(mse: number | null, decimals = 3): string {
  if (mse === null || mse < 1e-8) return mse === null ? "–" : "exact";
  return Number(mse.toPrecision(decimals - 2)) < 1e-3
    ? mse.toExponential(decimals - 3)
    : mse.toFixed(decimals);
}

/** A mean error with its 95 % interval: "0.0015 (0.0011 to 0.0018)". @throws {TypeError} fewer than two rows. */
export function meanText({ mean, low, high }: Group<never>): string {
  return `${errorText(mean, 4)} (${low!.toPrecision(2)} to ${high!.toPrecision(2)})`;
}

/** Whether one of two verdicts is a solution where the other proves that there is none. */
export const contradict = (a: Value, b: Value): boolean =>
  a === "optimal" && b === "infeasible" || a === "infeasible" && b === "optimal";

/** Fields that rows are grouped by: what heads their columns, and their values' names in the order of tables and
 * legends; numbers ascend. */
const FIELDS = {
  dataset: { heading: "dataset", names: new Map(Object.entries(DATASET_NAMES)) },
  objective: { heading: "objective", names: new Map(Object.entries(LABELS)) },
  hidden: { heading: "width", names: new Map<string, string>() },
  period: { heading: "period", names: new Map(PERIODS.map((period) => [period, period])) },
  solver: { heading: "solver", names: new Map(Object.entries(SOLVER_NAMES)) },
} satisfies Record<string, { heading: string; names: ReadonlyMap<string, string> }>;
type Field = keyof typeof FIELDS;

const namesOf = (field: Field): ReadonlyMap<string, string> => FIELDS[field].names;

function nameOf(field: Field, value: Value): string | number {
  return typeof value === "number" ? value : namesOf(field).get(String(value)) ?? String(value);
}

function rank(field: Field, value: Value): number {
  return typeof value === "number" ? value : [...namesOf(field).keys()].indexOf(String(value));
}

/** Widths in rows, ascending. */
export function widthsOf(rows: readonly Rec[]): number[] {
  return [...new Set(rows.map(({ hidden }) => Number(hidden)))].toSorted((a, b) => a - b);
}

/** Rows of the sweep `rates`, and what they say together. */
export class Blocks {
  constructor(readonly rows: readonly Rec[]) {}

  /** The rows with these values, such as `{ dataset: "mnist", objective: "tv", hidden: 300 }`, or with those of one of
   * several lists. */
  where(...lists: readonly Rec[]): Blocks {
    const has = (row: Rec, fields: Rec) =>
      Object.entries(fields).every(([name, value]) => row[name] === value);
    return new Blocks(this.rows.filter((row) => lists.some((fields) => has(row, fields))));
  }

  /** The rows by the values of some fields, with the names of the values. */
  #groups(by: readonly Field[]): { names: (string | number)[]; own: Blocks }[] {
    const groups = Map.groupBy(this.rows, (row) => by.map((field) => row[field]).join());
    return [...groups.values()].toSorted(([a], [b]) =>
      by.map((field) => rank(field, a[field]) - rank(field, b[field])).find((d) => d !== 0) ?? 0
    ).map((rows) => ({
      names: by.map((field) => nameOf(field, rows[0][field])),
      own: new Blocks(rows),
    }));
  }

  /** How many images have this outcome, of all of them or of those with another.
   * @throws {RangeError} no such rows, or none of them has images to count. */
  rate(outcome: Outcome, of: Outcome | "images" = "images"): DrawnRate {
    const [all] = rates(this.rows, { by: [], successes: outcome, trials: of });
    if (all === undefined) throw new RangeError(`Cannot state how many are ${outcome}: no rows`);
    return all;
  }

  /** The same for each width, from the narrowest to the widest. */
  byWidth(outcome: Outcome): (DrawnRate & { readonly hidden: number })[] {
    return widthsOf(this.rows).map((hidden) => ({
      hidden,
      ...this.where({ hidden }).rate(outcome),
    }));
  }

  /** How often there is a proof, and how often neither a solution nor a proof, in words. */
  get unsolved(): string {
    return (["infeasible", "undecided"] as const).map((verdict) => rateText(this.rate(verdict)))
      .join("; ");
  }

  /** Mean MSE over the rows with its 95 % band; programs without a point are left out.
   * @throws {RangeError} no rows. */
  mse(): Group<never> {
    const [all] = summarize(this.rows, { by: [], value: "mse" });
    if (all === undefined) throw new RangeError("Cannot state a mean error: no rows");
    return all;
  }

  /** The errors of these programs over those of others, draw by draw: all programs of a width have the same W1 and
   * images. @throws as `pairedRatio`. */
  over(others: Blocks): ErrorRatio {
    const errors = ({ rows }: Blocks) =>
      rows.toSorted((a, b) => Number(a.draw) - Number(b.draw)).map(({ mse }) => Number(mse));
    const images = this.rows.reduce((sum, row) => sum + Number(row.images), 0);
    return { ...pairedRatio(errors(this), errors(others)), n: images };
  }

  /** The width from which at least a share of the images is exact, there and at all wider layers of the grid: "275",
   * "over 550", or "not run". */
  smallest(share: number): string {
    const widths = this.byWidth("exact");
    if (widths.length === 0) return "not run";
    return String(smallestWidth(widths, share) ?? `over ${widths.at(-1)!.hidden}`);
  }

  /** {@linkcode smallest} by objective, and the rates about it. */
  widthTable(share: number): Table {
    return table({
      title: `Smallest width of the grid from which at least ${100 * share} % of images are exact`,
      columns: ["objective", "width", "rate there", "rate at the width before"],
      rows: this.#groups(["objective"]).map(({ names, own }) => {
        const [widths, width] = [own.byWidth("exact"), own.smallest(share)];
        const at = widths.findIndex(({ hidden }) => String(hidden) === width);
        return [...names, width, ...[at, at - 1].map((k) => k < 0 ? null : rateText(widths[k]))];
      }),
    });
  }

  /** {@linkcode smallest} by dataset and objective. */
  smallestTable(share: number): Table {
    const objectives = this.#groups(["objective"]).map(({ own }) => own.rows[0].objective);
    return table({
      title: `Smallest width of the grid from which at least ${100 * share} % of images are exact`,
      columns: ["dataset", ...objectives.map((objective) => LABELS[objective as Objective])],
      rows: this.#groups(["dataset"]).map(({ names, own }) => [
        ...names,
        ...objectives.map((objective) => own.where({ objective }).smallest(share)),
      ]),
    });
  }

  /** A row for each combination of some fields, a column for each outcome. */
  table(title: string, by: readonly Field[], outcomes = VERDICTS): Table {
    return table({
      title,
      columns: [...by.map((field) => FIELDS[field].heading), ...Object.keys(outcomes)],
      rows: this.#groups(by).map(({ names, own }) => [
        ...[...names, ...Object.values(outcomes).map((outcome) => rateText(own.rate(outcome)))],
      ]),
    });
  }

  /** Exact recoveries, a row for each combination of some fields.
   * @param extra rows of other origin below them, by label. */
  exactTable(
    title: string,
    by: readonly Field[],
    extra: Readonly<Record<string, Rate>> = {},
  ): Table {
    const spread = (each: readonly number[]) =>
      [Math.min(...each), Math.max(...each)].map((share) => percent(share, 0)).join(" to ");
    const blank = by.slice(1).map(() => null);
    const columns = ["draws of W1", "rate, 95 % interval", "lowest and highest draw"];
    return table({
      ...{ title, columns: [...by.map((field) => FIELDS[field].heading), ...columns] },
      rows: [
        ...this.#groups(by).map(({ names, own }) => {
          const rate = own.rate("exact");
          return [...names, rate.each.length, rateText(rate), spread(rate.each)];
        }),
        ...Object.entries(extra).map(([label, rate]) => [
          ...[label, ...blank, 1, rateText(rate), null],
        ]),
      ],
    });
  }

  /** Exact recoveries against the width with 95 % intervals, a line for each combination of some fields. */
  figure(name: string, title: string, by: readonly Field[] = ["objective"]): Figure {
    return lineFigure({
      ...{ name, title, intervals: by.length > 1 ? "bars" : undefined },
      alt: "The rate of exact recoveries rises to near 100 % over some hundred units, at smaller " +
        "widths for stronger objectives and darker images.",
      xAxis: { title: "hidden width", unit: "units" },
      yAxis: { title: "images exact", unit: "%" },
      series: this.#groups(by).map(({ names, own }) => own.line(names.join(", "), "exact")),
    });
  }

  /** The rate of an outcome in percent against the width, as a line of a figure. */
  line(name: string, outcome: Outcome) {
    const own = this.byWidth(outcome);
    const values = (key: "rate" | "low" | "high") => own.map((rate) => 100 * rate[key]);
    const x = own.map(({ hidden }) => hidden);
    return { name, x, y: values("rate"), lo: values("low"), hi: values("high") };
  }
}

/** The rows of the five draws of W1 that rates are stated from, in their order. */
export function blocksOf(rows: readonly Rec[]): Blocks {
  return new Blocks(
    rows.filter(({ draw }) => Number(draw) < 5).toSorted((a, b) => Number(a.draw) - Number(b.draw)),
  );
}

/** The archived rows. @throws as `readArchive`. Needs permission to read `data/`. */
export async function archivedBlocks(): Promise<Blocks> {
  return blocksOf(await archivedRecords(sweep));
}
