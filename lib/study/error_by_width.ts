/** What divides the error of the published program: a wider layer, a denser rule, or an objective.
 * @module */
import { OBJECTIVES } from "../attack/priors.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { type Group, pairedRatio, summarize } from "../sweep/summary.ts";
import {
  DATASET_NAMES,
  errorText,
  EXACT,
  PERIODS,
  PublishedProgram,
  SOLVER_NAMES,
} from "./published.ts";
import { type Blocks, LABELS } from "./rates.ts";
import type { Rec } from "./sweeps.ts";

/** The objective that needs the fewest units on a dataset, of those whose rows have ten images. */
const BEST: Readonly<Record<string, (typeof OBJECTIVES)[number]>> = {
  "mnist": "tv-sum",
  "fashion-mnist": "tv-sum",
  "cifar10-gray": "tv",
};

/** Images of a point; the parameter search attacks fewer, at other widths. */
const IMAGES = 10;

/** The rules drawn as lines; the maps have all. */
const DRAWN = ["none", "4", "2"] as const;

const factor = (value: number) => value > 1000 ? "over 1000×" : `${value.toFixed(1)}×`;

/** Mean errors of ten images a point against the width, from the rows of the sweep `attack`. */
export class ErrorByWidth {
  readonly #published: PublishedProgram;
  readonly #free: readonly Rec[];
  readonly #means: readonly Group<"dataset" | "objective" | "hidden">[];

  constructor(images: readonly Rec[]) {
    this.#published = new PublishedProgram(images);
    const free = images.filter((r) => r.solver === "fast" && r.period === "none");
    this.#means = summarize(free, { by: ["dataset", "objective", "hidden"], value: "mse" })
      .filter(({ count }) => count >= IMAGES);
    this.#free = free;
  }

  /** Means of an objective without a rule, by width. */
  #ofObjective(dataset: string, objective: string) {
    return this.#means.filter((g) => g.dataset === dataset && g.objective === objective)
      .toSorted((a, b) => Number(a.hidden) - Number(b.hidden));
  }

  /** Each image as a dot; a line through the means of the widths where each of them has a solution. */
  figure(dataset: string): Figure {
    const rules = DRAWN.map((period) => {
      const cells = this.#published.widths(dataset).map((hidden) => ({
        hidden,
        ...this.#published.cell(dataset, period, hidden),
      }));
      return {
        name: period === "none" ? "published, no rule" : `published, period ${period}`,
        means: cells.filter(({ solved, count }) => solved === count)
          .map(({ hidden, mean }) => [hidden, mean!]),
        dots: cells.flatMap(({ hidden, mses }) => mses.map((mse) => [hidden, mse])),
      };
    });
    const best = this.#ofObjective(dataset, BEST[dataset]);
    const strongest = {
      name: LABELS[BEST[dataset]],
      means: best.map(({ hidden, mean }) => [Number(hidden), mean!]),
      dots: this.#free.filter((r) =>
        r.dataset === dataset && r.objective === BEST[dataset] && r.mse !== null &&
        best.some(({ hidden }) => hidden === r.hidden)
      ).map(({ hidden, mse }) => [Number(hidden), Number(mse)]),
    };
    const columns = (pairs: readonly number[][]) => ({
      x: pairs.map(([x]) => x),
      y: pairs.map(([, y]) => y),
    });
    return lineFigure({
      name: `widths-${dataset}`,
      title: `${DATASET_NAMES[dataset]}: error against width, ten images a point and their mean`,
      alt: `Squared errors of ten ${DATASET_NAMES[dataset]} images at each hidden width, for the ` +
        "published program without and with rules and for the best objective, which is far below.",
      xAxis: { title: "hidden width", unit: "units" },
      yAxis: { title: "MSE", unit: "pixels in [0, 1]", log: true, floor: 1e-6 },
      apart: 5,
      series: [...rules, strongest].flatMap(({ name, means, dots }) => [
        { name, group: name, ...columns(means) },
        {
          name: `${name}, images`,
          group: name,
          dash: "none" as const,
          faint: true,
          ...columns(dots),
        },
      ]).filter(({ x }) => x.length > 0),
    });
  }

  /** By dataset and width: the error without a rule, and what the best rule and min TV divide it by. */
  table(datasets: readonly string[]): Table {
    const row = (dataset: string, hidden: number) => {
      const cells = PERIODS.map((period) => this.#published.cell(dataset, period, hidden));
      const [{ mean: loose }, ...ruled] = cells;
      const full = ruled.flatMap(({ mean, solved, count }) => solved === count ? [mean!] : []);
      const tv = this.#ofObjective(dataset, "tv").find((g) => g.hidden === hidden)?.mean;
      const over = (mean?: number | null) =>
        loose === null || loose < EXACT || mean === undefined || mean === null
          ? "–"
          : mean < EXACT
          ? "exact"
          : factor(loose / mean);
      const sum = (value: (cell: (typeof cells)[number]) => number) =>
        cells.reduce((total, cell) => total + value(cell), 0);
      return [
        ...[DATASET_NAMES[dataset], hidden, loose === null ? "–" : errorText(loose)],
        ...[over(full.length === 0 ? null : Math.min(...full)), over(tv)],
        `${sum(({ infeasible, undecided }) => infeasible + undecided)} of ${sum((c) => c.count)}`,
      ];
    };
    return table({
      title: "Mean MSE of the published program without a rule, and what divides it",
      columns: [
        ...["dataset", "width", "mean MSE, no rule", "best density, of those with all solved"],
        ...["min TV", "programs without a point, all densities"],
      ],
      rows: datasets.flatMap((dataset) =>
        this.#published.widths(dataset).map((hidden) => row(dataset, hidden))
      ),
    });
  }
}

/** A ratio of errors with the number of images that it rests on. */
export type ErrorRatio = ReturnType<typeof pairedRatio>;

/** A ratio in words: "7.4 (6.1 to 8.9)". */
export function ratioText({ ratio, low, high }: ErrorRatio): string {
  return `${ratio.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`;
}

/** Ratios of errors on CIFAR-10 grey, from the rows of the sweep `rates`: draw by draw, since all programs of a width
 * have the same W1 and images. */
export class ErrorRatios {
  readonly #blocks: Blocks;

  constructor(blocks: Blocks) {
    this.#blocks = blocks.where({ dataset: "cifar10-gray", w1: "known" });
  }

  /** The rows of a program, one a draw of W1. */
  #draws(objective: string, period: string, hidden: number, solver = "batched"): Blocks {
    return this.#blocks.where({ objective, period, hidden, solver });
  }

  #ratio(above: Blocks, below: Blocks): ErrorRatio {
    const mses = ({ rows }: Blocks) =>
      rows.toSorted((a, b) => Number(a.draw) - Number(b.draw)).map(({ mse }) => Number(mse));
    const images = above.rows.reduce((sum, row) => sum + Number(row.images), 0);
    return { ...pairedRatio(mses(above), mses(below)), n: images };
  }

  /** Mean MSE of the published program over all draws. */
  mean(period: string, hidden: number): number {
    return this.#draws("published", period, hidden).mse().mean!;
  }

  /** No rule over the densest. */
  ofRule(hidden: number): ErrorRatio {
    const [loose, dense] = ["none", "2"].map((p) => this.#draws("published", p, hidden));
    return this.#ratio(loose, dense);
  }

  /** The densest rule over min TV; the rule's programs by either solver. */
  ofObjective(hidden: number, solver: "batched" | "fast" = "batched"): ErrorRatio {
    return this.#ratio(
      this.#draws("published", "2", hidden, solver),
      this.#draws("tv", "none", hidden),
    );
  }

  /** A narrow layer over a wide one, at the density where this is least. */
  ofWidth(narrow: number, wide: number): ErrorRatio {
    return PERIODS.map((period) =>
      this.#ratio(this.#draws("published", period, narrow), this.#draws("published", period, wide))
    ).reduce((a, b) => a.low < b.low ? a : b);
  }

  /** What the rule and the objective divide the error by. */
  table(widths: readonly number[]): Table {
    return table({
      title: "CIFAR-10 grey: what divides the error, over five W1, 95 % intervals",
      columns: ["width", "solver of the rule", "no rule over period 2", "period 2 over min TV"],
      rows: widths.flatMap((width) => {
        const fast = this.#draws("published", "2", width, "fast").rows.length > 0;
        return [
          [
            ...[width, SOLVER_NAMES.batched],
            ...[ratioText(this.ofRule(width)), ratioText(this.ofObjective(width))],
          ],
          ...fast
            ? [[width, SOLVER_NAMES.fast, null, ratioText(this.ofObjective(width, "fast"))]]
            : [],
        ];
      }),
    });
  }
}
