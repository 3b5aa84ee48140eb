/** The published program, whose objective is 0, by width and by density of its neighbour rule, beside other objectives:
 * what the rows of the sweep `attack` say of ten test images a point, each behind a W1 of its own.
 * @module */
import { type Objective, OBJECTIVES } from "../attack/priors.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { heatMap } from "../plot/heat_map.ts";
import { lineFigure } from "../plot/line.ts";
import { pairedRatio, type Rate, summarize, wilson } from "../sweep/summary.ts";
import {
  contradict,
  DATASET_NAMES,
  type ErrorRatio,
  errorText,
  LABELS,
  PERIODS,
  type Rec,
  widthsOf,
} from "./rates.ts";

/** The images of one dataset, program and width under one solver. */
export interface Cell {
  readonly count: number;
  /** Programs with a solution, and their mean MSE; null if there are none. */
  readonly solved: number;
  readonly mean: number | null;
  /** Programs with a proof that they have no solution, and those with neither. */
  readonly infeasible: number;
  readonly undecided: number;
  /** Of the solved. */
  readonly mses: readonly number[];
}

/** Where a cell stands: our interior point method ("fast") on the published program by default. */
export interface Place {
  readonly dataset: string;
  readonly hidden: number;
  readonly period: string;
  readonly objective?: Objective;
  readonly solver?: "fast" | "highs";
}

const keyOf = ({ solver = "fast", objective = "published", dataset, period, hidden }: Place) =>
  [solver, objective, dataset, period, hidden].join();

function cellOf(rows: readonly Rec[]): Cell {
  const is = (status: string) => rows.filter(({ recovery }) => recovery === status).length;
  const mses = rows.flatMap(({ mse }) => typeof mse === "number" ? [mse] : []);
  const [{ mean }] = summarize(rows, { by: [], value: "mse" });
  const infeasible = is("infeasible");
  const undecided = rows.length - infeasible - is("optimal");
  return { count: rows.length, solved: mses.length, mean, infeasible, undecided, mses };
}

/** One colour scale for the maps of all datasets, in MSE. */
const SCALE = { floor: 1e-4, range: [1e-4, 0.2] } as const;

/** The objective that needs the fewest units on a dataset, of those whose rows have ten images. */
const BEST: Readonly<Record<string, (typeof OBJECTIVES)[number]>> = {
  "mnist": "tv-sum",
  "fashion-mnist": "tv-sum",
  "cifar10-gray": "tv",
};

/** Images of a point; the parameter search attacks fewer, at other widths. */
const IMAGES = 10;

/** What an error is divided by, in words: "4.0×", "exact", "–" where there is nothing to divide. */
function factorText(above: number | null, below: number | null): string {
  if (above === null || below === null || errorText(above) === "exact") return "–";
  if (errorText(below) === "exact") return "exact";
  return above > 1000 * below ? "over 1000×" : `${(above / below).toFixed(1)}×`;
}

/** The rows of the sweep `attack`: the published program, and other objectives without a rule. */
export class PublishedProgram {
  readonly #cells: ReadonlyMap<string, Cell>;
  readonly #rows: readonly Rec[];

  /** @param images all rows of the sweep. */
  constructor(private readonly images: readonly Rec[]) {
    const groups = Map.groupBy(images, (row) => keyOf(row as unknown as Place));
    this.#cells = new Map([...groups].map(([key, rows]) => [key, cellOf(rows)]));
    this.#rows = images.filter(({ objective }) => objective === "published");
  }

  /** @throws {RangeError} no such rows. */
  cell(place: Place): Cell {
    const cell = this.#cells.get(keyOf(place));
    if (cell !== undefined) return cell;
    const { solver = "fast", dataset, hidden, period } = place;
    throw new RangeError(`Cannot find ${solver} on ${dataset} at ${hidden}, period ${period}`);
  }

  /** The widths of a dataset that have all periods, under our interior point method. */
  widths(dataset: string): number[] {
    return widthsOf(this.#rows.filter((row) => row.dataset === dataset)).filter((hidden) =>
      PERIODS.every((period) => this.#cells.has(keyOf({ dataset, period, hidden })))
    );
  }

  #grid<T>(dataset: string, value: (cell: Cell) => T): T[][] {
    return PERIODS.map((period) =>
      this.widths(dataset).map((hidden) => value(this.cell({ dataset, period, hidden })))
    );
  }

  /** Mean MSE and programs with a solution, as coloured cells. The fewer of the programs a mean is over, the
   * paler it is: it is not the mean of all. */
  map(dataset: string): Figure {
    return heatMap({
      name: `published-${dataset}`,
      title: `${DATASET_NAMES[dataset]}: the published program, mean MSE of those solved`,
      alt: `Mean squared error by width and rule on ${DATASET_NAMES[dataset]}, over the programs ` +
        "with a solution; dense rules leave few or none at wide layers.",
      x: { title: "hidden width", unit: "units", ticks: this.widths(dataset) },
      y: { title: "period of the rule", ticks: PERIODS },
      color: { title: "mean MSE", unit: "pixels in [0, 1]", log: true, ...SCALE },
      missing: "none",
      z: this.#grid(dataset, ({ mean }) => mean),
      shares: this.#grid(dataset, ({ solved, count }) => solved === count ? 1 : solved / count / 2),
      labels: this.#grid(dataset, ({ mean, solved, infeasible, count }) => {
        const why = infeasible === count ? "infeasible" : "undecided";
        return `${mean === null ? why : errorText(mean, 4)}\n${solved} of ${count} solved`;
      }),
    });
  }

  /** Mean MSE over the programs with a solution; the others are counted beside it. */
  table(dataset: string): Table {
    const cells = this.#grid(
      dataset,
      ({ mean, count, infeasible, undecided }) =>
        errorText(mean, 4) +
        (infeasible === 0 ? "" : `, ${infeasible} of ${count} infeasible`) +
        (undecided === 0 ? "" : `, ${undecided} undecided`),
    );
    return table({
      title: `${DATASET_NAMES[dataset]}: mean MSE over the programs with a solution`,
      columns: ["period", ...this.widths(dataset).map((width) => `${width} units`)],
      rows: PERIODS.map((period, i) => [period, ...cells[i]]),
    });
  }

  /** Proofs that there is no solution where the true image is one: without a rule. */
  get falseProofs(): number {
    return this.#rows.filter((r) => r.period === "none" && r.recovery === "infeasible").length;
  }

  /** The points that HiGHS solved too, by width, then from the loosest rule to the densest. */
  #shared() {
    const rank = (period: string) => PERIODS.findIndex((other) => other === period);
    const theirs = this.#rows.filter(({ solver }) => solver === "highs")
      .map((row) => row as unknown as Place);
    const places = [...new Map(theirs.map((place) => [keyOf(place), place])).values()];
    return places
      .toSorted((a, b) => a.hidden - b.hidden || rank(a.period) - rank(b.period))
      .map((place) => ({
        ...place,
        ...{ own: this.cell({ ...place, solver: "fast" }), theirs: this.cell(place) },
      }));
  }

  /** The same programs by our interior point method and by HiGHS. */
  solverTable(): Table {
    return table({
      title: "Objective 0 has many optima: mean MSE of the same programs by solver",
      columns: ["dataset", "width", "period", "interior point", "HiGHS", "programs solved"],
      rows: this.#shared().map(({ dataset, hidden, period, own, theirs }) => [
        ...[DATASET_NAMES[dataset], hidden, period],
        ...[errorText(own.mean, 4), errorText(theirs.mean, 4)],
        `${own.solved} and ${theirs.solved}`,
      ]),
    });
  }

  /** How often one solver has a solution where the other proves that there is none. */
  contradictions(): Rate {
    const of = (name: string) => this.#rows.filter(({ solver }) => solver === name);
    const key = (row: Rec) => [row.dataset, row.period, row.hidden, row.image].join();
    const ours = new Map(of("fast").map((row) => [key(row), row.recovery]));
    const opposed = of("highs").filter((row) => contradict(row.recovery, ours.get(key(row))!));
    return wilson(opposed.length, of("highs").length);
  }

  /** HiGHS's mean MSE over ours, in the mean over the points that both solved. */
  highsOverOurs(): ErrorRatio {
    const both = this.#shared().filter(({ own, theirs }) =>
      own.mean !== null && theirs.mean !== null
    );
    return pairedRatio(both.map((c) => c.theirs.mean!), both.map((c) => c.own.mean!));
  }

  /** The cells of an objective without a rule, by width. */
  #free(dataset: string, objective: Objective) {
    const own = this.images.filter((r) => r.dataset === dataset && r.objective === objective);
    return widthsOf(own).flatMap((hidden) => {
      const cell = this.#cells.get(keyOf({ dataset, objective, period: "none", hidden }));
      return cell !== undefined && cell.count >= IMAGES ? [{ hidden, ...cell }] : [];
    });
  }

  /** Errors against the width: each image as a dot; a line through the means of the widths where each of them has a
   * solution. Of the rules the maps have all. */
  figure(dataset: string): Figure {
    const ruled = (period: string) =>
      this.widths(dataset).map((hidden) => ({
        hidden,
        ...this.cell({ dataset, period, hidden }),
      }));
    const lines = {
      "published, no rule": ruled("none"),
      "published, period 4": ruled("4"),
      "published, period 2": ruled("2"),
      [LABELS[BEST[dataset]]]: this.#free(dataset, BEST[dataset]),
    };
    return lineFigure({
      name: `widths-${dataset}`,
      title: `${DATASET_NAMES[dataset]}: error against width, ten images a point and their mean`,
      alt: `Squared errors of ten ${DATASET_NAMES[dataset]} images at each hidden width, for the ` +
        "published program without and with rules and for the best objective, which is far below.",
      xAxis: { title: "hidden width", unit: "units" },
      yAxis: { title: "MSE", unit: "pixels in [0, 1]", log: true, floor: 1e-6 },
      apart: 5,
      series: Object.entries(lines).flatMap(([group, cells]) => {
        const means = cells.filter(({ solved, count }) => solved === count);
        const [x, y] = [means.map((c) => c.hidden), means.map((c) => c.mean!)];
        const dots = {
          x: cells.flatMap(({ hidden, mses }) => mses.map(() => hidden)),
          y: cells.flatMap(({ mses }) => mses),
        };
        return [
          { name: group, group, x, y },
          { name: `${group}, images`, group, dash: "none" as const, faint: true, ...dots },
        ];
      }).filter(({ x }) => x.length > 0),
    });
  }

  /** By dataset and width: the error without a rule, and what the best rule and min TV divide it by. */
  factorTable(datasets: readonly string[]): Table {
    const row = (dataset: string, hidden: number) => {
      const cells = PERIODS.map((period) => this.cell({ dataset, period, hidden }));
      const [{ mean: loose }, ...ruled] = cells;
      const full = ruled.flatMap(({ mean, solved, count }) => solved === count ? [mean!] : []);
      const tv = this.#free(dataset, "tv").find((g) => g.hidden === hidden)?.mean ?? null;
      const count = cells.reduce((sum, cell) => sum + cell.count, 0);
      const solved = cells.reduce((sum, cell) => sum + cell.solved, 0);
      return [
        ...[DATASET_NAMES[dataset], hidden, errorText(loose, 4)],
        factorText(loose, full.length === 0 ? null : Math.min(...full)),
        ...[factorText(loose, tv), `${count - solved} of ${count}`],
      ];
    };
    return table({
      title: "Mean MSE of the published program without a rule, and what divides it",
      columns: [
        ...["dataset", "width", "mean MSE, no rule", "best density, of those with all solved"],
        ...["min TV", "programs without a point, all densities"],
      ],
      rows: datasets.flatMap((dataset) =>
        this.widths(dataset).map((hidden) => row(dataset, hidden))
      ),
    });
  }
}
