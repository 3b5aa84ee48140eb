/** Notebook 05: what z1 of many visits tells whoever knows W1 at each of them, exactly and under noise.
 * @module */
import { type EpochsOptions, fromEpochs } from "../attack/training/epochs.ts";
import type { TrainingRecovery } from "../attack/training/recovery.ts";
import type { TrainingView } from "../attack/training/view.ts";
import type { Dataset } from "../data/dataset.ts";
import { gaussian, type Rng, seededRng } from "../math/rng.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { type Rate, rateText } from "../sweep/summary.ts";
import { median } from "./mitig2.ts";
import { heldBy, pooled, record, type Recording } from "./training_leaks.ts";

/** One width after some visits. */
interface Visited {
  readonly hidden: number;
  readonly visits: number;
  /** Under TV + ½·Σx, and by linear algebra alone; over the seeds together. */
  readonly exact: Rate;
  readonly linear: Rate;
  /** Of the median image, the median of the seeds. */
  readonly median: number;
}

/** What many visits gave, by width. */
export class ManyVisits {
  constructor(
    readonly rows: readonly Visited[],
    /** Of the first width, the most visits that linear algebra does not do with; of the first seed. */
    readonly shown: {
      readonly hidden: number;
      readonly visits: number;
      readonly found: TrainingRecovery;
    },
  ) {}

  /** The row of a width after so many visits. */
  of(hidden: number, visits: number): Visited {
    return this.rows.find((row) => row.hidden === hidden && row.visits === visits)!;
  }

  /** Fewest visits after which the median image is exact by TV + ½·Σx; and all are by linear algebra alone. Null: none
   * of those tried. */
  needed(hidden: number): { readonly prior: number | null; readonly linear: number | null } {
    const rows = this.rows.filter((row) => row.hidden === hidden);
    const first = (which: (row: Visited) => boolean) => rows.find(which)?.visits ?? null;
    return {
      prior: first(({ exact }) => exact.rate > 0.5),
      linear: first(({ linear }) => linear.rate === 1),
    };
  }

  get #widths(): number[] {
    return [...new Set(this.rows.map(({ hidden }) => hidden))];
  }

  /** Share exact against visits, a line per width. */
  figure(name: string): Figure {
    return lineFigure({
      name,
      title: "Images exact after some visits, TV + ½·Σx on z1(t) = W1(t)·x",
      alt: "Each width rises from none to all exact; the wider, the fewer visits.",
      xAxis: { title: "visits", unit: "count" },
      yAxis: { title: "images exact", unit: "%" },
      series: this.#widths.map((hidden) => {
        const rows = this.rows.filter((row) => row.hidden === hidden);
        return {
          name: `${hidden} units`,
          x: rows.map(({ visits }) => visits),
          y: rows.map(({ exact }) => 100 * exact.rate),
        };
      }),
    });
  }

  /** A row per width and number of visits. */
  table(title: string): Table {
    return table({
      title,
      columns: ["units", "visits", "exact, TV + ½·Σx", "median MSE", "exact, linear algebra alone"],
      rows: this.rows.map(({ hidden, visits, exact, linear, median }) => [
        ...[hidden, visits, rateText(exact), median.toExponential(1), rateText(linear)],
      ]),
    });
  }
}

/** How the visits come about. */
interface Training extends Partial<On> {
  readonly images: Dataset;
  readonly batch: number;
  readonly learningRate?: number;
  readonly maxIterations?: number;
}

/** The visits of the first batch in a training on all images. */
async function firstBatch(
  { images, batch, learningRate, signal }: Training,
  { hidden, visits, insecureSeed }: { hidden: number; visits: number; insecureSeed: number },
): Promise<Recording> {
  const perEpoch = images.count / batch;
  return await record(images, {
    ...{ hidden, batch, steps: perEpoch * (visits - 1) + 1, learningRate, insecureSeed, signal },
    keep: (step) => step % perEpoch === 0,
  });
}

/** Trains each width, and attacks the first batch after some of its visits.
 * @param options.visits by width.   @throws as `record`; the signal's reason when aborted. */
export async function manyVisits(
  { visits, seeds, ...training }: Training & {
    readonly visits: Readonly<Record<number, readonly number[]>>;
    readonly seeds: readonly number[];
  },
): Promise<ManyVisits> {
  const { signal, onProgress, maxIterations } = training;
  const rows: Visited[] = [];
  let shown: ManyVisits["shown"] | undefined;
  const total = Object.values(visits).reduce((sum, { length }) => sum + length, 0) * seeds.length;
  let done = 0;
  for (const [width, list] of Object.entries(visits)) {
    const hidden = Number(width);
    const all = list.map(() => ({
      exact: [] as Rate[],
      linear: [] as Rate[],
      median: [] as number[],
    }));
    for (const insecureSeed of seeds) {
      const recording = await firstBatch(training, { hidden, visits: list.at(-1)!, insecureSeed });
      for (const [k, visits] of list.entries()) {
        const solve = (prior: boolean) =>
          fromEpochs(recording.view, { visits, prior, maxIterations, signal });
        const linear = heldBy(await solve(false), recording);
        const found = linear.exact.rate === 1 ? null : await solve(true);
        const held = found === null ? linear : heldBy(found, recording);
        all[k].exact.push(held.exact);
        all[k].linear.push(linear.exact);
        all[k].median.push(held.median);
        if (found !== null && rows.length === 0 && insecureSeed === seeds[0]) {
          shown = { hidden, visits, found };
        }
        onProgress?.(++done, total);
      }
    }
    list.forEach((visits, k) =>
      rows.push({
        ...{ hidden, visits, exact: pooled(all[k].exact), linear: pooled(all[k].linear) },
        median: median(all[k].median),
      })
    );
  }
  return new ManyVisits(rows, shown!);
}

/** The view with Gaussian noise of a standard deviation on every z1. */
export function withNoise(view: TrainingView, noise: number, rng: Rng): TrainingView {
  const steps = view.steps.map((step) => {
    const drawn = gaussian(rng, step.z1.length);
    return { ...step, z1: Float64Array.from(step.z1, (z, at) => z + noise * drawn[at]) };
  });
  return { ...view, steps };
}

/** What noise on z1 leaves of images met many times. */
export class NoisyVisits {
  constructor(
    readonly rows: readonly {
      readonly noise: number;
      /** MSE of the median image: equations met, or weighed by the noise. */
      readonly met: number;
      readonly weighed: number;
    }[],
    readonly hidden: number,
    readonly visits: number,
    /** Root mean square of the entries of z1. */
    readonly z1: number,
  ) {}

  /** The row of a noise. */
  of(noise: number): NoisyVisits["rows"][number] {
    return this.rows.find((row) => row.noise === noise)!;
  }

  /** MSE against noise. */
  figure(name: string): Figure {
    const x = this.rows.map(({ noise }) => noise);
    return lineFigure({
      name,
      title: `Noise on z1: ${this.hidden} units, ${this.visits} visits`,
      alt:
        "Equations taken as exact fail at small noise; weighed by the noise they hold on longer.",
      xAxis: { title: "standard deviation of the noise on z1", unit: "count", log: true },
      yAxis: { title: "MSE of the median image", unit: "pixels in [0, 1]", log: true, floor: 1e-8 },
      series: [
        { name: "equations met", x, y: this.rows.map(({ met }) => met) },
        { name: "weighed by the noise", x, y: this.rows.map(({ weighed }) => weighed) },
      ],
    });
  }
}

/** Attacks the first batch of a training with noise on its z1, with and without heed of it. */
export async function noisyVisits(
  { hidden, visits, noises, insecureSeed, ...training }: Training & {
    readonly hidden: number;
    readonly visits: number;
    readonly noises: readonly number[];
    readonly insecureSeed: number;
  },
): Promise<NoisyVisits> {
  const { signal, onProgress, maxIterations } = training;
  const recording = await firstBatch(training, { hidden, visits, insecureSeed });
  const rows: NoisyVisits["rows"][number][] = [];
  for (const [k, noise] of noises.entries()) {
    const view = withNoise(recording.view, noise, seededRng(insecureSeed));
    const medianOf = async (options: EpochsOptions) =>
      heldBy(await fromEpochs(view, { maxIterations, signal, ...options }), recording).median;
    rows.push({ noise, met: await medianOf({}), weighed: await medianOf({ noise }) });
    onProgress?.(k + 1, noises.length);
  }
  const [{ z1 }] = recording.view.steps;
  const size = Math.hypot(...z1) / Math.sqrt(z1.length);
  return new NoisyVisits(rows, hidden, visits, size);
}
