/** The published rule on photographs, density by density: how many programs it leaves a solution, and what error,
 * against a wider layer and against minimising total variation. From the rows of the sweep `rates`.
 * @module */
import { attack } from "../attack/attack.ts";
import type { ServerView } from "../attack/view.ts";
import { type Table, table } from "../notebook/table.ts";
import type { On } from "../notebook/run.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { rateText } from "../sweep/summary.ts";
import { ruleBroken, THEIR_NONE } from "./neighbour_rule.ts";
import {
  type Blocks,
  contradict,
  type ErrorRatio,
  errorText,
  PERIODS,
  ratioText,
  SOLVER_NAMES,
  VERDICTS,
  widthsOf,
} from "./rates.ts";
import { type Chosen, judge, type Judged } from "./recoveries.ts";

/** The solvers of the sweep. */
const SOLVERS = ["batched", "fast"] as const;
type Solver = (typeof SOLVERS)[number];

/** The densities of one dataset. */
export class Densities {
  /** At each width and by each solver: the density of the least mean error, of those whose draws all have one, against
   * min TV on the same draws of W1; left out where the sweep has no five draws, or no min TV. */
  readonly compared: readonly NonNullable<ReturnType<typeof compareAt>>[];

  /** @param blocks rows of one dataset and known W1. */
  constructor(readonly blocks: Blocks) {
    this.compared = widthsOf(blocks.rows).flatMap((width) =>
      SOLVERS.flatMap((solver) => compareAt(this, width, solver) ?? [])
    );
  }

  /** The published program at one density, a row per draw of W1. */
  published(period: string, hidden: number, solver: Solver = "batched"): Blocks {
    return this.blocks.where({ objective: "published", period, hidden, solver });
  }

  /** Min TV without a rule, a row per draw of W1. */
  tv(hidden: number): Blocks {
    return this.blocks.where({ objective: "tv", period: "none", hidden, solver: "batched" });
  }

  /** The comparison at a width. @throws {RangeError} the sweep has none there. */
  at(width: number, solver: Solver): Densities["compared"][number] {
    const found = this.compared.find((c) => c.width === width && c.solver === solver);
    if (found === undefined) throw new RangeError(`Cannot compare at ${width} units by ${solver}`);
    return found;
  }

  /** The best density against min TV, a row per width and solver. */
  table(title: string): Table {
    return table({
      title,
      columns: [
        ...["width", "solver of the rule", "best period", "without a point, of 100"],
        ...["published, mean MSE", "min TV, mean MSE", "ratio, 95 % interval"],
      ],
      rows: this.compared.map(({ width, solver, period, gone, best, tv, ratio }) => [
        ...[width, SOLVER_NAMES[solver], period, gone, errorText(best.mean, 4)],
        ...[errorText(tv.mean, 4), ratioText(ratio)],
      ]),
    });
  }

  /** No rule over the densest. */
  ofRule(hidden: number): ErrorRatio {
    return this.published("none", hidden).over(this.published("2", hidden));
  }

  /** The densest rule over min TV; the rule's programs by either solver. */
  ofObjective(hidden: number, solver: Solver = "batched"): ErrorRatio {
    return this.published("2", hidden, solver).over(this.tv(hidden));
  }

  /** A narrow layer over a wide one, at the density where this is least. */
  ofWidth(narrow: number, wide: number): ErrorRatio {
    return PERIODS.map((period) =>
      this.published(period, narrow).over(this.published(period, wide))
    )
      .reduce((a, b) => a.low < b.low ? a : b);
  }

  /** What the densest rule and the objective divide the error by. */
  ratioTable(title: string, widths: readonly number[]): Table {
    return table({
      title,
      columns: ["width", "solver of the rule", "no rule over period 2", "period 2 over min TV"],
      rows: widths.flatMap((width) =>
        SOLVERS.filter((solver) => this.published("2", width, solver).rows.length > 0)
          .map((solver) => [
            ...[width, SOLVER_NAMES[solver]],
            solver === "batched" ? ratioText(this.ofRule(width)) : null,
            ratioText(this.ofObjective(width, solver)),
          ])
      ),
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
        const own = this.blocks.where({ objective: "published", period, solver: "batched" });
        const label = period === "none" ? "no rule" : `period ${period}`;
        return { ...own.line(label, "recovered"), lo: undefined, hi: undefined };
      }),
    });
  }

  /** Each density: the true images that break it, and the verdicts on the programs at one width.
   * @param images whose pixels are counted; no W1 is involved. */
  verdictTable(title: string, width: number, images: Chosen): Table {
    return table({
      title,
      columns: ["period", "true images that break it", "solver", ...Object.keys(VERDICTS)],
      rows: [`${THEIR_NONE}`, ...PERIODS.slice(1)].flatMap((period) =>
        SOLVERS.map((solver) => ({ solver, own: this.published(period, width, solver) }))
          .filter(({ own }) => own.rows.length > 0)
          .map(({ solver, own }) => [
            ...[period, rateText(ruleBroken(images, Number(period))), SOLVER_NAMES[solver]],
            ...Object.values(VERDICTS).map((verdict) => rateText(own.rate(verdict))),
          ])
      ),
    });
  }
}

function compareAt(densities: Densities, width: number, solver: Solver) {
  const [best] = PERIODS.slice(1).map((period) => densities.published(period, width, solver))
    .filter(({ rows }) => rows.length >= 5 && rows.every(({ mse }) => mse !== null))
    .toSorted((a, b) => a.mse().mean! - b.mse().mean!);
  const tv = densities.tv(width);
  if (best === undefined || tv.rows.length === 0) return null;
  const { n, successes } = best.rate("recovered");
  return {
    ...{ width, solver, period: String(best.rows[0].period), best: best.mse(), tv: tv.mse() },
    gone: n - successes, // without a point: they are not in the mean
    ratio: best.over(tv),
  };
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
  const opposed = byHighs.filter(({ status }, i) => contradict(status, recoveries[i].status));
  return {
    highs: judge("HiGHS", byHighs, { images, indices }),
    admm: judge("ADMM", recoveries, { images, indices }),
    contradicted: opposed.length,
  };
}
