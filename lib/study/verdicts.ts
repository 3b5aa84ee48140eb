/** Verdicts and exact recoveries in hundreds: rates over five W1 with images of their own each, from the rows of the
 * sweep `rates`.
 * @module */
import { type Objective, OBJECTIVES } from "../attack/priors.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { type Rate, rateText } from "../sweep/summary.ts";
import { DATASET_NAMES, PERIODS, rank, SOLVER_NAMES, widthsOf } from "./published.ts";
import { Blocks, LABELS } from "./rates.ts";
import type { Rec } from "./sweeps.ts";

/** What may become of a program: a solution, a proof that there is none, or neither. */
export type Verdict = "recovered" | "infeasible" | "undecided";

/** Where a rate is asked for. */
export interface Place {
  readonly dataset: string;
  readonly hidden: number;
  readonly period: string;
  readonly solver?: keyof typeof SOLVER_NAMES;
}

/** The published program with W1 known, at five draws of it. */
export class Verdicts {
  readonly #blocks: Blocks;

  constructor(blocks: Blocks) {
    this.#blocks = blocks.where({ w1: "known" });
  }

  /** How often a verdict is reached. @throws {RangeError} no such rows. */
  of(verdict: Verdict, { solver = "batched", ...place }: Place): Rate {
    return this.#blocks.where({ objective: "published", solver, ...place }).rate(verdict);
  }

  /** How often there is a proof, and how often neither a solution nor a proof, in words. */
  unsolved(place: Place): string {
    return (["infeasible", "undecided"] as const)
      .map((verdict) => rateText(this.of(verdict, place))).join("; ");
  }

  /** The highest rate of solutions among the rules of a width. */
  mostSolved(dataset: string, hidden: number): Rate {
    return PERIODS.slice(1).map((period) => this.of("recovered", { dataset, hidden, period }))
      .reduce((a, b) => a.high > b.high ? a : b);
  }

  /** Proofs that there is no solution where the true image is one: without a rule, whatever the objective. */
  get falseProofs(): number {
    const free = this.#blocks.where({ period: "none" }).rows;
    return free.reduce((sum, { infeasible }) => sum + Number(infeasible), 0);
  }

  /** Each width and rule, from the loosest to the densest. */
  table(): Table {
    const ruled = this.#blocks.where({ objective: "published" })
      .rows.filter(({ period }) => period !== "none");
    const places = new Map(ruled.map((row) => {
      const { dataset, hidden, period, solver } = row;
      const place = { dataset, hidden, period, solver } as unknown as Required<Place>;
      return [Object.values(place).join(), place];
    }));
    const sorted = [...places.values()].toSorted((a, b) =>
      b.dataset.localeCompare(a.dataset) || a.hidden - b.hidden ||
      rank(a.period) - rank(b.period) || a.solver.localeCompare(b.solver)
    );
    return table({
      title: "The published program with a rule: verdicts over five W1",
      columns: ["dataset", "width", "period", "solver", "solved", "infeasible", "undecided"],
      rows: sorted.map((place) => {
        const verdicts = (["recovered", "infeasible", "undecided"] as const)
          .map((verdict) => this.of(verdict, place));
        return [
          ...[DATASET_NAMES[place.dataset], place.hidden, place.period],
          ...[SOLVER_NAMES[place.solver], ...verdicts.map(rateText)],
        ];
      }),
    });
  }
}

/** Images with each pixel right, by dataset and objective, W1 known and no rule. */
export class ExactShares {
  readonly #blocks: Blocks;

  constructor(blocks: Blocks) {
    this.#blocks = blocks.where({ w1: "known", period: "none", solver: "batched" });
  }

  #of(dataset: string, objective: Objective): Blocks {
    return this.#blocks.where({ dataset, objective });
  }

  /** @throws {RangeError} no such rows. */
  at(dataset: string, objective: Objective, hidden: number): Rate {
    return this.#of(dataset, objective).where({ hidden }).rate("exact");
  }

  /** The width from which at least a share of the images is exact, there and at all wider layers of the grid. */
  smallest(dataset: string, objective: Objective, share: number): string {
    const own = this.#of(dataset, objective);
    if (own.rows.length === 0) return "not run";
    return String(own.smallestWidth(share) ?? `over ${widthsOf(own.rows).at(-1)}`);
  }

  /** {@linkcode smallest} by dataset and objective. */
  smallestTable(datasets: readonly string[], share: number): Table {
    return table({
      title: `Smallest width from which at least ${100 * share} % of images are exact`,
      columns: ["dataset", ...OBJECTIVES.map((objective) => LABELS[objective])],
      rows: datasets.map((dataset) => [
        DATASET_NAMES[dataset],
        ...OBJECTIVES.map((objective) => this.smallest(dataset, objective, share)),
      ]),
    });
  }

  /** The share of exact images against the width, a line for each dataset under an objective. */
  figure(
    name: string,
    lines: readonly (readonly [dataset: string, objective: Objective])[],
  ): Figure {
    return lineFigure({
      name,
      title: "Images recovered exactly, five W1 a point, 95 % intervals",
      alt: "The share of exact recoveries rises to 100 % within a hundred units on digits, later " +
        "on clothes, and stays low on photographs.",
      xAxis: { title: "hidden width", unit: "units" },
      yAxis: { title: "images exact", unit: "%" },
      intervals: "bars",
      series: lines.map(([dataset, objective]) => {
        const own = this.#of(dataset, objective).byWidth("exact");
        const percent = (key: "rate" | "low" | "high") => own.map((rate) => 100 * rate[key]);
        return {
          name: `${DATASET_NAMES[dataset]}, ${LABELS[objective]}`,
          x: own.map(({ hidden }) => hidden),
          ...{ y: percent("rate"), lo: percent("low"), hi: percent("high") },
        };
      }),
    });
  }

  /** Every rate. */
  table(datasets: readonly string[]): Table {
    const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
    return table({
      title: "Images recovered exactly",
      columns: ["dataset", "objective", "width", "rate, 95 % interval", "lowest and highest draw"],
      rows: datasets.flatMap((dataset) =>
        OBJECTIVES.flatMap((objective) =>
          this.#of(dataset, objective).byWidth("exact").map((rate) => [
            ...[DATASET_NAMES[dataset], LABELS[objective], rate.hidden, rateText(rate)],
            `${percent(Math.min(...rate.each))} to ${percent(Math.max(...rate.each))}`,
          ])
        )
      ),
    });
  }
}

/** The rows of the draws that rates are stated from, in their order. */
export function blocksOf(rows: readonly Rec[]): Blocks {
  return new Blocks(
    rows.filter(({ draw }) => Number(draw) < 5).toSorted((a, b) => Number(a.draw) - Number(b.draw)),
  );
}
