/** Notebook 01c: one program by every solver, quality against time.
 * @module */
import { attack } from "../attack/attack.ts";
import { meanScore } from "../attack/metrics.ts";
import type { Residuals } from "../attack/solvers/admm.ts";
import { fitGaussian } from "../attack/solvers/gaussian.ts";
import type { SplitDataset } from "../data/dataset.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { randomViews } from "./priors.ts";
import { judge, type Judged } from "./recoveries.ts";
import { secondsText } from "./transcripts.ts";

/** The same images by several solvers, and how the batch converged. */
export class SolverStudy {
  /** @param solved the exact solvers on the first images, ADMM and the formula on all. */
  constructor(
    readonly solved: Readonly<Record<"highs" | "fast" | "admm" | "formula", Judged>>,
    readonly residuals: readonly Residuals[],
  ) {}

  /** ADMM's throughput. */
  get imagesPerSecond(): number {
    return 1000 / meanScore(this.solved.admm.scores, "elapsedMs")!;
  }

  /** The largest mean squared difference between ADMM's image and HiGHS's optimum. */
  get worstGap(): number {
    const { highs, admm } = this.solved;
    return Math.max(...highs.recoveries.map(({ xHat }, i) => {
      const other = admm.recoveries[i].xHat!;
      return xHat!.reduce((sum, v, p) => sum + ((v - other[p]) / 255) ** 2, 0) / other.length;
    }));
  }

  /** The iteration after which no more than this share of the images still ran. */
  iterationsUntil(share: number): number {
    const all = this.solved.admm.scores.length;
    return this.residuals.find(({ running }) => running <= share * all)?.iteration ??
      this.residuals.at(-1)!.iteration;
  }

  /** A row per solver. */
  table(title: string): Table {
    return table({
      title,
      columns: ["solver", "images", "mean MSE", "exact", "time per image"],
      rows: Object.values(this.solved).map(({ label, scores, mse, exact }) => [
        ...[label, scores.length, mse?.toExponential(0) ?? null, exact],
        secondsText(meanScore(scores, "elapsedMs")! / 1000),
      ]),
    });
  }

  /** ADMM's residuals by iteration. */
  figure(name: string, title: string): Figure {
    const line = (key: "primal" | "dual") => ({
      ...{ name: key, markers: false },
      x: this.residuals.map(({ iteration }) => iteration),
      y: this.residuals.map((r) => r[key]),
    });
    return lineFigure({
      ...{ name, title },
      alt: "Both residuals fall until most images are done and then stand still.",
      xAxis: { title: "iteration", unit: "count" },
      yAxis: { title: "residual, root mean square", unit: "pixels in [0, 1]", log: true },
      series: [line("primal"), line("dual")],
    });
  }
}

/** Solves TV + ½·Σx at one width by HiGHS, by the interior point method, by ADMM and, another program, by the
 * closed formula; one Worker, so that times compare.
 * @param options.few images for the first two, of the `many` for the others. */
export async function compareSolvers(
  { data: { train, test }, hidden, few, many, insecureSeed, ...on }: Partial<On> & {
    data: SplitDataset;
    hidden: number;
    few: number;
    many: number;
    insecureSeed: number;
  },
): Promise<SolverStudy> {
  const chosen = { images: test, indices: Array.from({ length: many }, (_, i) => i) };
  const views = randomViews(chosen, { hidden, insecureSeed });
  const objective = "tv-sum";
  const first = views.slice(0, few);
  const highs = await attack(first, { ...on, objective, solver: "highs", workers: 1 });
  const fast = await attack(first, { ...on, objective, solver: "fast", workers: 1 });
  const residuals: Residuals[] = [];
  const onResiduals = (state: Residuals) => residuals.push(state);
  const recoveries = await attack(views, { ...on, objective, solver: "batched", onResiduals });
  const [prior, { signal }] = [fitGaussian(train), on];
  const formula = await attack(views, { objective: "gaussian", prior, signal });
  const solved = {
    highs: judge("HiGHS", highs, chosen),
    fast: judge("interior point", fast, chosen),
    admm: judge(`ADMM, batch ${many}`, recoveries, chosen),
    formula: judge("Gaussian, closed form", formula, chosen),
  };
  return new SolverStudy(solved, residuals);
}
