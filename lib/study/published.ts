/** The published program, whose objective is 0, by width and by density of its neighbour rule: what the rows of the
 * sweep `attack` say of ten test images a point, each behind a W1 of its own.
 * @module */
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { heatMap } from "../plot/heat_map.ts";
import { pairedRatio, type Rate, summarize, wilson } from "../sweep/summary.ts";
import type { Rec } from "./sweeps.ts";

/** What the attacked datasets are called. */
export const DATASET_NAMES: Readonly<Record<string, string>> = {
  "mnist": "MNIST",
  "fashion-mnist": "Fashion-MNIST",
  "cifar10-gray": "CIFAR-10 grey",
};

/** What the solvers are called. */
export const SOLVER_NAMES = { batched: "ADMM", fast: "interior point", highs: "HiGHS" } as const;

/** Periods of the rule from none to the densest. */
export const PERIODS = ["none", "16", "9", "4", "2"] as const;

/** The images of one dataset, period and width under one solver. */
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

/** An error below this is rounding: each pixel is right. */
export const EXACT = 1e-8;

/** A mean squared error in words. */
export function errorText(mse: number): string {
  if (mse < EXACT) return "exact";
  return mse < 5e-5 ? mse.toExponential(0).replace("-", "−") : mse.toFixed(4);
}

/** Widths in rows, ascending. */
export function widthsOf(rows: readonly Rec[]): number[] {
  return [...new Set(rows.map(({ hidden }) => Number(hidden)))].toSorted((a, b) => a - b);
}

/** One colour scale for the maps of all datasets, in MSE. */
const SCALE = { floor: 1e-4, range: [1e-4, 0.2] } as const;

const keyOf = ({ solver, dataset, period, hidden }: Rec) =>
  [solver, dataset, period, hidden].join();

function cellOf(rows: readonly Rec[]): Cell {
  const is = (status: string) => rows.filter(({ recovery }) => recovery === status).length;
  const mses = rows.flatMap(({ mse }) => typeof mse === "number" ? [mse] : []);
  const [{ mean }] = summarize(rows, { by: [], value: "mse" });
  const infeasible = is("infeasible");
  const undecided = rows.length - infeasible - is("optimal");
  return { count: rows.length, solved: mses.length, mean, infeasible, undecided, mses };
}

/** The published program's rows of the sweep `attack`. */
export class PublishedProgram {
  readonly #rows: readonly Rec[];
  readonly #cells: ReadonlyMap<string, Cell>;

  constructor(images: readonly Rec[]) {
    this.#rows = images.filter(({ objective }) => objective === "published");
    const groups = Map.groupBy(this.#rows, keyOf);
    this.#cells = new Map([...groups].map(([key, rows]) => [key, cellOf(rows)]));
  }

  /** The widths of a dataset that have all periods, under our interior point method. */
  widths(dataset: string): number[] {
    const solver = "fast";
    return widthsOf(this.#rows.filter((r) => r.dataset === dataset && r.solver === solver)).filter(
      (hidden) =>
        PERIODS.every((period) => this.#cells.has(keyOf({ solver, dataset, period, hidden }))),
    );
  }

  /** @throws {RangeError} no such rows. */
  cell(dataset: string, period: string, hidden: number, solver = "fast"): Cell {
    const cell = this.#cells.get(keyOf({ solver, dataset, period, hidden }));
    if (cell === undefined) {
      throw new RangeError(`Cannot find ${solver} on ${dataset} at ${hidden}, period ${period}`);
    }
    return cell;
  }

  #grid<T>(dataset: string, value: (cell: Cell) => T): T[][] {
    const widths = this.widths(dataset);
    return PERIODS.map((period) =>
      widths.map((hidden) => value(this.cell(dataset, period, hidden)))
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
        return `${mean === null ? why : errorText(mean)}\n${solved} of ${count} solved`;
      }),
    });
  }

  /** Mean MSE over the programs with a solution; the others are counted beside it. */
  table(dataset: string): Table {
    const cells = this.#grid(
      dataset,
      ({ mean, count, infeasible, undecided }) =>
        (mean?.toFixed(4) ?? "–") +
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
    const first = new Map(
      this.#rows.filter(({ solver }) => solver === "highs").map((row) => [keyOf(row), row]),
    );
    return [...first.values()].map((row) => ({
      dataset: String(row.dataset),
      period: String(row.period),
      hidden: Number(row.hidden),
    })).toSorted((a, b) => a.hidden - b.hidden || rank(a.period) - rank(b.period)).map((at) => ({
      ...at,
      own: this.cell(at.dataset, at.period, at.hidden),
      theirs: this.cell(at.dataset, at.period, at.hidden, "highs"),
    }));
  }

  /** The same programs by our interior point method and by HiGHS. */
  solverTable(): Table {
    return table({
      title: "Objective 0 has many optima: mean MSE of the same programs by solver",
      columns: ["dataset", "width", "period", "interior point", "HiGHS", "programs solved"],
      rows: this.#shared().map(({ dataset, hidden, period, own, theirs }) => [
        ...[DATASET_NAMES[dataset], hidden, period],
        ...[own, theirs].map(({ mean }) => mean?.toFixed(4) ?? "–"),
        `${own.solved} and ${theirs.solved}`,
      ]),
    });
  }

  /** How often one solver has a solution where the other proves that there is none. */
  contradictions(): Rate {
    const imageKey = (row: Rec) => [row.dataset, row.period, row.hidden, row.image].join();
    const verdicts = new Map(
      this.#rows.filter(({ solver }) => solver === "fast").map((
        row,
      ) => [imageKey(row), row.recovery]),
    );
    const theirs = this.#rows.filter(({ solver }) => solver === "highs");
    const opposed = theirs.filter((row) =>
      [row.recovery, verdicts.get(imageKey(row))].toSorted().join() === "infeasible,optimal"
    );
    return wilson(opposed.length, theirs.length);
  }

  /** HiGHS's mean MSE over ours, in the mean over the points that both solved. */
  highsOverOurs(): ReturnType<typeof pairedRatio> {
    const both = this.#shared().filter(({ own, theirs }) =>
      own.mean !== null && theirs.mean !== null
    );
    return pairedRatio(both.map((c) => c.theirs.mean!), both.map((c) => c.own.mean!));
  }
}

/** The place of a period among {@linkcode PERIODS}. */
export const rank = (period: string): number => PERIODS.findIndex((other) => other === period);
