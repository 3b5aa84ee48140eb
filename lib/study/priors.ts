/** Notebook 01c: the same equations under stronger priors, on several datasets, and behind convolutions; and one program
 * by every solver, quality against time.
 * @module */
import { attack } from "../attack/attack.ts";
import { convMatrix, convWeights } from "../attack/conv.ts";
import { meanScore } from "../attack/metrics.ts";
import type { Objective } from "../attack/priors.ts";
import type { Residuals } from "../attack/solvers/admm.ts";
import { fitGaussian } from "../attack/solvers/gaussian.ts";
import { narrowView, type ServerView } from "../attack/view.ts";
import type { SplitDataset } from "../data/dataset.ts";
import { gaussian, seededRng } from "../math/rng.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { durationText } from "../plot/theme.ts";
import { clearViews, firstLayer } from "../protocol/cryptonn/first_layer.ts";
import { smallestWidth } from "../sweep/summary.ts";
import { LABELS } from "./rates.ts";
import { type Chosen, count, firstOf, judge, type Judged, Recoveries } from "./recoveries.ts";

/** An objective of the program, or the closed formula. */
export type Prior = Objective | "gaussian";

/** The views of images behind W1 of N(0, 1), as published. */
export function randomViews(
  { images, indices }: Chosen,
  { hidden, insecureSeed }: { hidden: number; insecureSeed: number },
): ServerView[] {
  const W1 = gaussian(seededRng(insecureSeed), hidden * images.n);
  return clearViews(firstLayer(W1, images.n), images, indices);
}

/** One prior at one width on one dataset. */
interface Point {
  readonly dataset: string;
  readonly prior: Prior;
  readonly width: number;
  readonly judged: Judged;
}

/** Under this mean error the images look the same. */
const NEAR = 1e-4;

/** Priors by dataset and width. */
export class ComparedPriors {
  constructor(readonly points: readonly Point[], readonly chosen: ReadonlyMap<string, Chosen>) {}

  #of(dataset: string, prior: Prior): Point[] {
    return this.points.filter((p) => p.dataset === dataset && p.prior === prior);
  }

  /** The mean error at a point. @throws {RangeError} it was not tried, or nothing was recovered. */
  mse(dataset: string, prior: Prior, width: number): number {
    const mse = this.#of(dataset, prior).find((p) => p.width === width)?.judged.mse ?? null;
    if (mse === null) throw new RangeError(`Cannot find ${prior} at ${width} units on ${dataset}`);
    return mse;
  }

  /** What one prior recovered at some widths. @param count images, from the first. */
  recoveries(dataset: string, prior: Prior, widths: readonly number[], count: number): Recoveries {
    const shown = firstOf(this.chosen.get(dataset)!.images, count);
    const rows = this.#of(dataset, prior).filter((p) => widths.includes(p.width))
      .map(({ width, judged }) =>
        judge(`${LABELS[prior]}, ${width}`, judged.recoveries.slice(0, count), shown)
      );
    return new Recoveries(shown, rows);
  }

  /** By prior and dataset, the smallest width from which the mean error stays below 1e-4. */
  table(title: string): Table {
    const datasets = [...this.chosen.keys()];
    const smallest = (dataset: string, prior: Prior) => {
      const widths = this.#of(dataset, prior).map(({ width, judged: { mse } }) => ({
        ...{ hidden: width, rate: Number(mse !== null && mse < NEAR) },
      }));
      const most = Math.max(...widths.map(({ hidden }) => hidden));
      return String(smallestWidth(widths, 1) ?? `over ${most}`);
    };
    return table({
      ...{ title, columns: ["prior", ...datasets] },
      rows: [...new Set(this.points.map(({ prior }) => prior))]
        .map((prior) => [LABELS[prior], ...datasets.map((name) => smallest(name, prior))]),
    });
  }
}

/** Attacks the first images of each test split at each width under each prior. The Gaussian one is fitted on the
 * training split.
 * @param options.widths of each dataset.   @throws the signal's reason when aborted. */
export async function comparePriors<D extends string>(
  { data, widths, priors, images: few, insecureSeed, signal, onProgress }: Partial<On> & {
    data: Readonly<Record<D, SplitDataset>>;
    widths: Readonly<Record<D, readonly number[]>>;
    priors: readonly Prior[];
    images: number;
    insecureSeed: number;
  },
): Promise<ComparedPriors> {
  const names = Object.keys(data) as D[];
  const total = names.reduce((sum, name) => sum + widths[name].length * priors.length, 0);
  const points: Point[] = [], all = new Map<string, Chosen>();
  for (const dataset of names) {
    const { train, test } = data[dataset];
    const chosen = firstOf(test, few);
    const views = randomViews(chosen, { hidden: Math.max(...widths[dataset]), insecureSeed });
    const fitted = priors.includes("gaussian") ? fitGaussian(train) : undefined;
    all.set(dataset, chosen);
    for (const prior of priors) {
      for (const width of widths[dataset]) {
        const narrow = views.map((view) => narrowView(view, width));
        const assumed = { objective: prior, prior: fitted, solver: "batched", signal } as const;
        const recoveries = await attack(narrow, assumed);
        points.push({ dataset, prior, width, judged: judge(LABELS[prior], recoveries, chosen) });
        onProgress?.(points.length, total);
      }
    }
  }
  return new ComparedPriors(points, all);
}

/** What a convolutional first layer of random filters gives away, by min TV.
 * @returns how many equations the layer is, and what came of the images. */
export async function attackConvolution(
  { images, indices, filters, kernel, perChannel, insecureSeed, ...on }: Partial<On> & Chosen & {
    filters: number;
    kernel: number;
    perChannel?: boolean;
    insecureSeed: number;
  },
): Promise<{ found: Recoveries; equations: number }> {
  const geometry = { filters, kernel, perChannel, shape: images.shape };
  const weights = gaussian(seededRng(insecureSeed), convWeights(geometry));
  const layer = firstLayer(convMatrix(geometry, weights), images.n);
  const views = clearViews(layer, images, indices);
  const recoveries = await attack(views, { objective: "tv", ...on });
  const chosen = { images, indices };
  const found = new Recoveries(chosen, [judge(LABELS.tv, recoveries, chosen)]);
  return { found, equations: layer.hidden };
}

/** Convolutional layers beside each other, by name. */
export function convolutionTable(
  title: string,
  layers: Readonly<Record<string, { found: Recoveries; equations: number }>>,
): Table {
  return table({
    title,
    columns: ["layer", "equations", "unknowns", "recovered", "mean MSE", "exact", "certified"],
    rows: Object.entries(layers).map(([name, { found, equations }]) => {
      const { scores, recovered, mse, exact } = found.rows[0];
      return [
        ...[name, equations, found.chosen.images.n, recovered],
        ...[mse?.toExponential(1) ?? null, exact, count(scores, (s) => s.certified)],
      ];
    }),
  });
}

/** The same images by several solvers, and how the batch converged. */
export class ComparedSolvers {
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
    const most = share * this.solved.admm.scores.length;
    const last = this.residuals.at(-1)!;
    return (this.residuals.find(({ running }) => running <= most) ?? last).iteration;
  }

  /** A row per solver. */
  table(title: string): Table {
    return table({
      title,
      columns: ["solver", "images", "mean MSE", "exact", "time per image"],
      rows: Object.values(this.solved).map(({ label, scores, mse, exact }) => [
        ...[label, scores.length, mse?.toExponential(0) ?? null, exact],
        durationText(meanScore(scores, "elapsedMs")! / 1000),
      ]),
    });
  }

  /** ADMM's residuals by iteration. */
  figure(name: string, title: string): Figure {
    const x = this.residuals.map(({ iteration }) => iteration);
    return lineFigure({
      ...{ name, title },
      alt: "Both residuals fall until most images are done and then stand still.",
      xAxis: { title: "iteration", unit: "count" },
      yAxis: { title: "residual, root mean square", unit: "pixels in [0, 1]", log: true },
      series: (["primal", "dual"] as const).map((key) => ({
        ...{ name: key, markers: false, x, y: this.residuals.map((r) => r[key]) },
      })),
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
): Promise<ComparedSolvers> {
  const chosen = firstOf(test, many);
  const views = randomViews(chosen, { hidden, insecureSeed });
  const objective = "tv-sum";
  const exact = (solver: "highs" | "fast") =>
    attack(views.slice(0, few), { ...on, objective, solver, workers: 1 });
  const [highs, fast] = [await exact("highs"), await exact("fast")];
  const residuals: Residuals[] = [];
  const onResiduals = (state: Residuals) => residuals.push(state);
  const recoveries = await attack(views, { ...on, objective, solver: "batched", onResiduals });
  const [prior, { signal }] = [fitGaussian(train), on];
  const formula = await attack(views, { objective: "gaussian", prior, signal });
  return new ComparedSolvers({
    highs: judge("HiGHS", highs, chosen),
    fast: judge("interior point", fast, chosen),
    admm: judge(`ADMM, batch ${many}`, recoveries, chosen),
    formula: judge("Gaussian, closed form", formula, chosen),
  }, residuals);
}
