/** How often an attack succeeds: the archived rows of the sweep `rates`, as rates with Wilson's 95 % interval, and
 * what notebooks show of them.
 *
 * A row is one W1 and a block of images of its own, so rows are independent draws of both; rates count images.
 * @module */
import { type Objective, OBJECTIVES } from "../attack/priors.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { archivedRecords } from "../sweep/archive.ts";
import type { Value } from "../sweep/grid.ts";
import { sweep } from "../sweep/rates.ts";
import {
  type Group,
  type Rate,
  rates,
  rateText,
  smallestWidth,
  summarize,
} from "../sweep/summary.ts";

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

/** The columns of the sweep that count images. */
export type Outcome =
  | ("recovered" | "exact" | "certified" | "certifiedWrong")
  | ("infeasible" | "undecided");

/** A rate over all rows, and that of each. */
export type DrawnRate = Rate & { readonly each: readonly number[] };

/** The draws of W1 that a rate is stated from. */
const DRAWS = 5;

/** Rows of the sweep `rates`, and what they say together. */
export class Blocks {
  constructor(readonly rows: readonly Readonly<Record<string, Value>>[]) {}

  /** The rows with these values, such as `{ dataset: "mnist", objective: "tv", hidden: 300 }`. */
  where(fields: Readonly<Record<string, Value>>): Blocks {
    const entries = Object.entries(fields);
    return new Blocks(this.rows.filter((row) => entries.every(([name, v]) => row[name] === v)));
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
    return rates(this.rows, { by: ["hidden"], successes: outcome, trials: "images" })
      .map((rate) => ({ ...rate, hidden: Number(rate.hidden) }))
      .toSorted((a, b) => a.hidden - b.hidden);
  }

  /** Mean MSE over the rows with its 95 % band; programs without a point are left out.
   * @throws {RangeError} no rows. */
  mse(): Group<never> {
    const [all] = summarize(this.rows, { by: [], value: "mse" });
    if (all === undefined) throw new RangeError("Cannot state a mean error: no rows");
    return all;
  }

  /** The smallest width from which at least this share of images is exact; null: none of those tried. */
  smallestWidth(share: number): number | null {
    return smallestWidth(this.byWidth("exact"), share);
  }

  /** The objectives that occur, in the order of the figures. */
  get objectives(): Objective[] {
    return OBJECTIVES.filter((objective) => this.rows.some((row) => row.objective === objective));
  }

  /** Exact recoveries by objective.
   * @param extra rows of other origin below them, by label. */
  exactTable(title: string, extra: Readonly<Record<string, Rate>> = {}): Table {
    const spread = (each: readonly number[]) =>
      [Math.min(...each), Math.max(...each)].map((r) => `${(100 * r).toFixed(0)} %`).join(" to ");
    return table({
      title,
      columns: ["objective", "draws of W1", "rate, 95 % interval", "lowest and highest draw"],
      rows: [
        ...this.objectives.map((objective) => {
          const rate = this.where({ objective }).rate("exact");
          return [LABELS[objective], rate.each.length, rateText(rate), spread(rate.each)];
        }),
        ...Object.entries(extra).map(([label, rate]) => [label, 1, rateText(rate), null]),
      ],
    });
  }

  /** By objective, the smallest width from which `share` of the images are exact, and the rates about it. */
  widthTable(share: number): Table {
    return table({
      title: `Smallest width of the grid from which at least ${100 * share} % of images are exact`,
      columns: ["objective", "width", "rate there", "rate at the width before"],
      rows: this.objectives.map((objective) => {
        const own = this.where({ objective });
        const widths = own.byWidth("exact"), width = own.smallestWidth(share);
        const at = widths.findIndex(({ hidden }) => hidden === width);
        return at < 0 ? [LABELS[objective], `over ${widths.at(-1)!.hidden}`, null, null] : [
          LABELS[objective],
          width,
          ...[at, at - 1].map((k) => k < 0 ? null : rateText(widths[k])),
        ];
      }),
    });
  }

  /** Exact recoveries against the width, a line per objective, with 95 % intervals. */
  figure(name: string, title: string): Figure {
    return lineFigure({
      name,
      title,
      alt:
        "The rate of exact recoveries rises from 0 to near 1 over some hundred units, at smaller " +
        "widths for stronger objectives.",
      xAxis: { title: "hidden width", unit: "units" },
      yAxis: { title: "images exact", unit: "%" },
      series: this.objectives.map((objective) => {
        const own = this.where({ objective }).byWidth("exact");
        const percent = (key: "rate" | "low" | "high") => own.map((rate) => 100 * rate[key]);
        return {
          ...{ name: LABELS[objective], x: own.map(({ hidden }) => hidden), y: percent("rate") },
          ...{ lo: percent("low"), hi: percent("high") },
        };
      }),
    });
  }
}

/** The archived rows of five draws of W1, in the order of the draws.
 * @throws as `readArchive`. Needs permission to read `data/`. */
export async function archivedBlocks(): Promise<Blocks> {
  const rows = await archivedRecords(sweep);
  return new Blocks(
    rows.filter(({ draw }) => Number(draw) < DRAWS)
      .toSorted((a, b) => Number(a.draw) - Number(b.draw)),
  );
}
