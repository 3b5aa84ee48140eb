/** Notebook 01c: the published rule on photographs, density by density: how many programs it leaves a solution, and
 * what error at best, against minimising total variation. From the archived rows of the sweep `rates`.
 * @module */
import { attack } from "../attack/attack.ts";
import type { ServerView } from "../attack/view.ts";
import { type Table, table } from "../notebook/table.ts";
import type { On } from "../notebook/run.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { type Group, pairedRatio, rateText } from "../sweep/summary.ts";
import { ruleBroken } from "./neighbour_rule.ts";
import { PERIODS, SOLVER_NAMES, widthsOf } from "./published.ts";
import type { Blocks } from "./rates.ts";
import { type Chosen, judge, type Judged } from "./recoveries.ts";

/** The solvers of the sweep. */
const SOLVERS = ["batched", "fast"] as const;
type SolverName = (typeof SOLVERS)[number];

/** The authors' "none", a rule at pixel (0, 0) alone. */
const THEIR_NONE = "1000";

/** The best density at one width, against min TV on the same draws of W1. */
export interface Comparison {
  readonly width: number;
  readonly solver: SolverName;
  readonly period: string;
  /** Programs without a point: they are not in the mean. */
  readonly gone: number;
  readonly best: Group<never>;
  readonly tv: Group<never>;
  readonly ratio: ReturnType<typeof pairedRatio>;
}

/** An interval: "0.0011 to 0.0018". */
export const intervalText = ({ low, high }: { low: number | null; high: number | null }): string =>
  `${low!.toPrecision(2)} to ${high!.toPrecision(2)}`;

/** A mean error: "0.0015", "4.0e-4". */
export const meanText = (error: number): string =>
  error < 0.001 ? error.toExponential(1) : error.toFixed(4);

/** The densities of one dataset. */
export class Densities {
  readonly compared: readonly Comparison[];

  /** @param blocks rows of one dataset and known W1. */
  constructor(readonly blocks: Blocks) {
    this.compared = this.widths.flatMap((width) =>
      SOLVERS.flatMap((solver) => this.#compare(width, solver))
    );
  }

  /** The widths that the sweep has, ascending. */
  get widths(): number[] {
    return widthsOf(this.blocks.rows);
  }

  /** The published program at one density. */
  published(period: string, hidden: number, solver: SolverName = "batched"): Blocks {
    return this.blocks.where({ objective: "published", period, hidden, solver });
  }

  /** The comparison at a width. @throws {RangeError} the sweep has none there. */
  at(width: number, solver: SolverName): Comparison {
    const found = this.compared.find((c) => c.width === width && c.solver === solver);
    if (found === undefined) throw new RangeError(`Cannot compare at ${width} units by ${solver}`);
    return found;
  }

  /** The density of the least mean error, of those whose draws all have one; none where the sweep
   * has no five, or no min TV. */
  #compare(width: number, solver: SolverName): Comparison[] {
    const [best] = PERIODS.slice(1).map((period) => this.published(period, width, solver))
      .filter(({ rows }) => rows.length >= 5 && rows.every(({ mse }) => mse !== null))
      .toSorted((a, b) => a.mse().mean! - b.mse().mean!);
    const tv = this.blocks.where({ objective: "tv", period: "none", hidden: width });
    if (best === undefined || tv.rows.length === 0) return [];
    const recovered = best.rate("recovered");
    const errors = ({ rows }: Blocks) => rows.map(({ mse }) => Number(mse));
    return [{
      ...{ width, solver, period: String(best.rows[0].period), best: best.mse(), tv: tv.mse() },
      ...{ gone: recovered.n - recovered.successes, ratio: pairedRatio(errors(best), errors(tv)) },
    }];
  }

  /** The best density against min TV, a row per width and solver. */
  table(title: string): Table {
    return table({
      title,
      columns: [
        ...["width", "solver of the rule", "best period", "without a point, of 100"],
        ...["published, mean MSE", "min TV, mean MSE", "ratio", "95 % interval"],
      ],
      rows: this.compared.map(({ width, solver, period, gone, best, tv, ratio }) => [
        ...[width, SOLVER_NAMES[solver], period, gone, meanText(best.mean!), meanText(tv.mean!)],
        ...[ratio.ratio.toFixed(1), intervalText(ratio)],
      ]),
    });
  }

  /** Programs that have a solution against the width, a line per density; without intervals, which would lie on each
   * other: `verdictTable` has them. */
  figure(name: string, title: string): Figure {
    return lineFigure({
      ...{ name, title },
      alt: "The share of programs with a solution stays at 100 % without a rule and falls with " +
        "width and density, to few at the widest layer under the densest rule.",
      xAxis: { title: "hidden width", unit: "units" },
      yAxis: { title: "programs with a solution", unit: "%" },
      series: PERIODS.map((period) => {
        const own = this.blocks.where({ objective: "published", period, solver: "batched" })
          .byWidth("recovered");
        return {
          name: period === "none" ? "no rule" : `period ${period}`,
          ...{ x: own.map(({ hidden }) => hidden), y: own.map(({ rate }) => 100 * rate) },
        };
      }),
    });
  }

  /** Each density: the true images that break it, and the verdicts on the programs at one width.
   * @param images whose pixels are counted; no W1 is involved. */
  verdictTable(title: string, width: number, images: Chosen): Table {
    const verdicts = [THEIR_NONE, ...PERIODS.slice(1)].flatMap((period) =>
      SOLVERS
        .map((solver) => ({ period, solver, rows: this.published(period, width, solver) }))
        .filter(({ rows }) => rows.rows.length > 0)
    );
    return table({
      title,
      columns: [
        "period",
        "true images that break it",
        "solver",
        "infeasible",
        "undecided",
        "solved",
      ],
      rows: verdicts.map(({ period, solver, rows }) => [
        ...[period, rateText(ruleBroken(images, Number(period))), SOLVER_NAMES[solver]],
        ...(["infeasible", "undecided", "recovered"] as const).map((o) => rateText(rows.rate(o))),
      ]),
    });
  }
}

/** One cell of the published table by two solvers: the same images, the same W1, the authors' wrapping neighbours.
 * @param options.views of the images at `indices`. */
export async function oneCell(
  { views, images, indices, period, ...on }: Partial<On> & Chosen & {
    views: readonly ServerView[];
    period: number;
  },
): Promise<{ highs: Judged; admm: Judged; contradicted: number }> {
  const rule = { objective: "published", period, wrapEdges: true, signal: on.signal } as const;
  const byHighs = await attack(views, { ...on, ...rule, solver: "highs" });
  const recoveries = await attack(views, { ...rule, solver: "batched" });
  const against = (status: string, other: string) =>
    [status, other].toSorted().join() === "infeasible,optimal";
  return {
    highs: judge("HiGHS", byHighs, { images, indices }),
    admm: judge("ADMM", recoveries, { images, indices }),
    contradicted: byHighs.filter((r, i) => against(r.status, recoveries[i].status)).length,
  };
}
