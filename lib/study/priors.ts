/** Notebook 01c: the same equations under stronger priors, on several datasets, and behind convolutions.
 * @module */
import { attack } from "../attack/attack.ts";
import { convMatrix, convWeights } from "../attack/conv.ts";
import type { Objective } from "../attack/priors.ts";
import { fitGaussian } from "../attack/solvers/gaussian.ts";
import { narrowView, type ServerView } from "../attack/view.ts";
import type { SplitDataset } from "../data/dataset.ts";
import { gaussian, seededRng } from "../math/rng.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import { clearViews, firstLayer } from "../protocol/cryptonn/first_layer.ts";
import { LABELS } from "./rates.ts";
import { type Chosen, count, judge, type Judged, Recoveries } from "./recoveries.ts";

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
export class PriorStudy {
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
    const { images, indices } = this.chosen.get(dataset)!;
    const shown = { images, indices: indices.slice(0, count) };
    const rows = this.#of(dataset, prior).filter((p) => widths.includes(p.width))
      .map(({ width, judged }) =>
        judge(`${LABELS[prior]}, ${width}`, judged.recoveries.slice(0, count), shown)
      );
    return new Recoveries(shown, rows);
  }

  /** By prior and dataset, the smallest width from which the mean error stays below 1e-4. */
  table(title: string): Table {
    const datasets = [...this.chosen.keys()];
    const priors = [...new Set(this.points.map(({ prior }) => prior))];
    const smallest = (dataset: string, prior: Prior) => {
      const falling = this.#of(dataset, prior).toSorted((a, b) => b.width - a.width);
      const missed = falling.findIndex(({ judged: { mse } }) => mse === null || mse >= NEAR);
      if (missed === 0) return `over ${falling[0].width}`;
      return String(falling.at(missed < 0 ? -1 : missed - 1)!.width);
    };
    return table({
      title,
      columns: ["prior", ...datasets],
      rows: priors.map((
        prior,
      ) => [LABELS[prior], ...datasets.map((name) => smallest(name, prior))]),
    });
  }
}

/** Attacks the first images of each test split at each width under each prior. The Gaussian one is fitted on the
 * training split.
 * @param options.widths of each dataset.   @throws the signal's reason when aborted. */
export async function comparePriors<D extends string>(
  { data, widths, priors, images: count, insecureSeed, signal, onProgress }: Partial<On> & {
    data: Readonly<Record<D, SplitDataset>>;
    widths: Readonly<Record<D, readonly number[]>>;
    priors: readonly Prior[];
    images: number;
    insecureSeed: number;
  },
): Promise<PriorStudy> {
  const names = Object.keys(data) as D[];
  const total = names.reduce((sum, name) => sum + widths[name].length * priors.length, 0);
  const points: Point[] = [], all = new Map<string, Chosen>();
  for (const dataset of names) {
    const { train, test } = data[dataset];
    const chosen = { images: test, indices: Array.from({ length: count }, (_, i) => i) };
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
  return new PriorStudy(points, all);
}

/** What a convolutional first layer of random filters gives away, by min TV. */
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
      const { scores, mse, exact } = found.rows[0];
      return [
        ...[name, equations, found.chosen.images.n, count(scores, (s) => s.mse !== null)],
        ...[mse?.toExponential(1) ?? null, exact, count(scores, (s) => s.certified)],
      ];
    }),
  });
}
