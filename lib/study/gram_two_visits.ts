/** The inner products of private images from two visits of the real MITIG2: numbers and pictures of G.
 * @module */
import { gramByBayes } from "../attack/training/gram_bayes.ts";
import { gramOfOneVisit } from "../attack/training/gram.ts";
import {
  classMeans,
  fromLabels,
  gramCorrelation,
  gramOf,
  part,
} from "../attack/training/leakage.ts";
import type { TrainingRecovery } from "../attack/training/recovery.ts";
import type { Dataset } from "../data/dataset.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { enlarge } from "../plot/png.ts";
import { followable, privateImages, relativeError, splitView, trueGram } from "./gram_views.ts";
import { median } from "./mitig2.ts";

/** MITIG2's server after two visits, once per seed: G by Bayes, beside what one visit and what the labels give. */
export class TwoVisits {
  constructor(
    private readonly runs: readonly {
      readonly images: Dataset;
      readonly truth: Float64Array;
      readonly bayes: TrainingRecovery;
      readonly once: TrainingRecovery;
      readonly means: Float64Array;
    }[],
  ) {}

  /** Relative error of each seed. */
  get errors(): number[] {
    return this.runs.map(({ bayes, truth }) => relativeError(bayes.G!, truth));
  }

  /** Median of the seeds: correlation of the inner products of distinct samples. */
  correlation(of: "bayes" | "once" | "means"): number {
    return median(this.runs.map((run) => gramCorrelation(gramIn(run, of), run.truth)));
  }

  /** Median of the seeds: what of the correlation is left within pairs of classes. */
  part(of: "bayes" | "once" | "means"): number {
    return median(this.runs.map((run) => part(gramIn(run, of), run.truth, run.images.y)));
  }

  /** Longest time of Bayes, in seconds. */
  get seconds(): number {
    return Math.max(...this.runs.map(({ bayes }) => bayes.elapsedMs)) / 1000;
  }

  /** A row per way, medians over the seeds. */
  table(): Table {
    const rows = [
      ["labels alone: class means", "means"],
      ["one visit: z1·z1ᵀ", "once"],
      ["two visits: Bayes", "bayes"],
    ] as const;
    return table({
      title: `Inner products of ${this.runs[0].images.count} private images, MITIG2, W1 unknown`,
      columns: ["what the server uses", "correlation", "part beyond labels"],
      rows: rows.map(([label, of]) => [
        ...[label, this.correlation(of).toFixed(4), this.part(of).toFixed(4)],
      ]),
    });
  }

  /** G of `count` samples of the first seed, spread over its batches, in the order of their classes, as pictures. */
  grid(name: string, count = 100): Figure {
    const [run] = this.runs;
    const { images: { y, count: all }, truth } = run;
    const order = Array.from({ length: count }, (_, i) => Math.floor(i * all / count)).sort((
      a,
      b,
    ) => y[a] - y[b] || a - b);
    const corner = (G: Float64Array) => order.flatMap((i) => order.map((j) => G[i * all + j]));
    const shown = [truth, gramIn(run, "bayes"), gramIn(run, "once"), gramIn(run, "means")]
      .map(corner);
    return imageGrid({
      ...{ name, shape: [2 * count, 2 * count, 1] },
      title: `Inner products of ${count} private images, ordered by class; black is 0`,
      alt:
        "Two visits give the picture of the truth; one visit a distorted one, class means flat blocks.",
      columns: ["true", "two visits, Bayes", "one visit", "class means"],
      rows: [{
        label: "G",
        images: shown.map((values) => {
          const most = values.toSorted((a, b) => a - b)[Math.floor(0.995 * values.length)];
          const grey = values.map((v) => Math.min(255, Math.max(0, 255 * v / most)));
          return enlarge(Uint8Array.from(grey), [count, count, 1], 2);
        }),
      }],
    });
  }
}

function gramIn(
  { bayes, once, means }: { bayes: TrainingRecovery; once: TrainingRecovery; means: Float64Array },
  of: "bayes" | "once" | "means",
): Float64Array {
  return of === "means" ? means : (of === "bayes" ? bayes : once).G!;
}

/** Trains with two visits of each of `count` images, once per seed, and finds G.
 * @throws the signal's reason when aborted. */
export async function twoVisits(
  data: Dataset,
  { count, hidden, seeds, batch, ...on }: Partial<On> & {
    readonly count: number;
    readonly hidden: number;
    readonly seeds: readonly number[];
    readonly batch?: number;
  },
): Promise<TwoVisits> {
  const runs = [];
  for (const [at, seed] of seeds.entries()) {
    const images = privateImages(data, count, seed);
    const view = await splitView(images, { hidden, setting: followable(2, batch), seed });
    const bayes = await gramByBayes(view, {
      signal: on.signal,
      onProgress: (done, all) => on.onProgress?.(at + done / all, seeds.length),
    });
    const means = fromLabels(images.y, classMeans(images, images.classes.length), images.n);
    runs.push({
      ...{ images, bayes, truth: trueGram(images), once: await gramOfOneVisit(view) },
      means: gramOf(means.map((v) => v / 255), count),
    });
  }
  return new TwoVisits(runs);
}
