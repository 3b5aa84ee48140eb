/** Notebook 05: what CryptoNN's server makes of whole trainings. Here: trainings as it records them, how much of their
 * images a recovery holds, and what one gradient gives away, rounded or not.
 * @module */
import { exact, mse, ssim } from "../attack/metrics.ts";
import { fromGradients, type GradientOptions } from "../attack/training/gradient.ts";
import type { TrainingRecovery } from "../attack/training/recovery.ts";
import { type TrainingView, trainingView } from "../attack/training/view.ts";
import { type Dataset, dataset, image } from "../data/dataset.ts";
import type { Transcript } from "../net/transcript.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { lineFigure } from "../plot/line.ts";
import { trainEncrypted, trainPlain } from "../protocol/cryptonn/in_process.ts";
import { DEFAULT_SCALES } from "../protocol/fixed_net.ts";
import type { StepRecord } from "../protocol/fixed_train.ts";
import { cryptonnView } from "../protocol/training_views.ts";
import { percent, type Rate, wilson } from "../sweep/summary.ts";
import { median } from "./mitig2.ts";

/** Sizes and seed of a training. */
export interface TrainingRun {
  readonly hidden: number;
  readonly batch: number;
  readonly steps: number;
  /** 1 by default. */
  readonly learningRate?: number;
  /** Of the server's own weights, which are no secret. */
  readonly insecureSeed: number;
  /** dz1 is rounded to multiples of 2^-bits; 10 by default. */
  readonly gradientBits?: number;
}

/** A training as its server has it, beside the truth. */
export interface Recording {
  readonly view: TrainingView;
  readonly images: Dataset;
  /** Of an encrypted one. */
  readonly transcript?: Transcript;
}

/** Takes images `from` … `from + count` as a dataset of its own. */
export const slice = (data: Dataset, from: number, count: number): Dataset =>
  dataset({
    ...data,
    x: data.x.subarray(from * data.n, (from + count) * data.n),
    y: data.y.subarray(from, from + count),
  });

/** Trains, and keeps what the server learns: encrypted, with all three parties, where `workers` decrypt; else in the
 * clear, in the same integers, bit for bit.
 * @param options.keep steps that the view has; all by default.   @throws as `trainEncrypted` and `trainPlain`. */
export async function record(
  images: Dataset,
  { workers, keep = () => true, signal, onProgress, ...run }: TrainingRun & Partial<On> & {
    readonly workers?: number;
    readonly keep?: (step: number) => boolean;
  },
): Promise<Recording> {
  const { learningRate = 1, gradientBits = DEFAULT_SCALES.gradientBits } = run;
  // dz1 stays below 16 at the default; finer ones leave it room up to 1, as the search for logarithms needs.
  const gradientBound = 2 ** Math.min(20, gradientBits + 4);
  const scales = { ...DEFAULT_SCALES, gradientBits, gradientBound };
  const kept: { record: StepRecord; from: number }[] = [];
  const onStep = (record: StepRecord, step: number) => {
    if (keep(step)) kept.push({ record, from: step * run.batch % images.count });
  };
  const options = { ...run, learningRate, scales, signal, onProgress, onStep };
  const transcript = workers === undefined
    ? (await trainPlain(images, options), undefined)
    : (await trainEncrypted(images, { ...options, workers })).transcript;
  const views = kept.map(({ record, from }) => {
    const labels = images.y.subarray(from, from + run.batch);
    const terms = { scales, learningRate, count: run.batch, labels };
    const { steps: [step], ...rest } = cryptonnView([record], images, terms);
    return { ...rest, steps: [{ ...step, samples: step.samples!.map((i) => from + i) }] };
  });
  const view = trainingView({ ...views[0], steps: views.flatMap(({ steps }) => steps) });
  return { view, images, transcript };
}

/** How much of the private images a recovery holds. */
export interface Held {
  /** Of all images that the view is about; what was not recovered is not exact. */
  readonly exact: Rate;
  /** Over the recovered images, pixels in [0, 1]; NaN where there are none. */
  readonly mse: number;
  readonly median: number;
  readonly ssim: number;
  /** Of the mean error, in dB; 120 for none. */
  readonly psnr: number;
}

/** Scores a recovery. Pixels are clipped to 0..255, not rounded. */
export function heldBy(found: TrainingRecovery, { view, images }: Recording): Held {
  const { n, shape } = images;
  const concerned = new Set(view.steps.flatMap(({ samples }) => [...samples!])).size;
  const pairs = Array.from(found.samples, (sample, at) => ({
    x: found.X!.subarray(at * n, (at + 1) * n).map((v) => Math.min(255, Math.max(0, v))),
    truth: image(images, sample),
  }));
  const errors = pairs.map(({ x, truth }) => mse(x, truth));
  const mean = errors.reduce((sum, e) => sum + e, 0) / errors.length; // NaN where there is none
  const big = Math.min(shape[0], shape[1]) >= 11;
  const alike = pairs.map(({ x, truth }) => big ? ssim(x, truth, shape) : NaN);
  return {
    exact: wilson(pairs.filter(({ x, truth }) => exact(x, truth)).length, concerned),
    ...{ mse: mean, median: median(errors) ?? NaN, ssim: median(alike) ?? NaN },
    psnr: Math.min(120, -10 * Math.log10(mean)),
  };
}

/** The first ten private images over what recoveries made of them. @param found by label. */
export function recoveredGrid(
  images: Dataset,
  found: Readonly<Record<string, TrainingRecovery>>,
  text: { readonly name: string; readonly title: string },
): Figure {
  const { n, shape } = images;
  const shown = Array.from({ length: Math.min(10, images.count) }, (_, i) => i);
  const of = ({ samples, X }: TrainingRecovery, i: number) => {
    const at = samples.indexOf(i);
    return at < 0
      ? null
      : X!.subarray(at * n, (at + 1) * n).map((v) => Math.min(255, Math.max(0, v)));
  };
  return imageGrid({
    ...{ ...text, shape },
    alt: `Ten private digits, and below them the same digits by ${
      Object.keys(found).length
    } attacks.`,
    rows: [
      { label: "private", images: shown.map((i) => image(images, i)) },
      ...Object.entries(found).map(([label, recovery]) => (
        { label, images: shown.map((i) => of(recovery, i)) }
      )),
    ],
  });
}

/** Rates over several draws together. */
export const pooled = (rates: readonly Rate[]): Rate =>
  wilson(
    rates.reduce((sum, { successes }) => sum + successes, 0),
    rates.reduce((sum, { n }) => sum + n, 0),
  );

/** What gradients of first steps gave, one per seed, each on images of its own. */
export class FirstSteps {
  constructor(
    readonly recordings: readonly Recording[],
    readonly found: readonly TrainingRecovery[],
  ) {}

  /** Images exact, of all. */
  get exact(): Rate {
    return pooled(this.found.map((f, k) => heldBy(f, this.recordings[k]).exact));
  }

  /** Of the batch with the fewest. */
  get fewest(): number {
    return Math.min(...this.found.map((f, k) => heldBy(f, this.recordings[k]).exact.successes));
  }
}

/** Takes the first step from each seed, on images of its own, and solves its gradient.
 * @throws {DataError} fewer images than seeds · batch. @throws the signal's reason when aborted. */
export async function firstSteps(
  { images, seeds, attack = { prior: false }, signal, onProgress, ...run }:
    & Omit<TrainingRun, "insecureSeed" | "steps">
    & Partial<On>
    & { images: Dataset; seeds: readonly number[]; attack?: GradientOptions },
): Promise<FirstSteps> {
  const recordings: Recording[] = [], found: TrainingRecovery[] = [];
  for (const [k, insecureSeed] of seeds.entries()) {
    const own = slice(images, k * run.batch, run.batch);
    recordings.push(await record(own, { ...run, steps: 1, insecureSeed, signal }));
    found.push(await fromGradients(recordings[k].view, { ...attack, signal }));
    onProgress?.(k + 1, seeds.length);
  }
  return new FirstSteps(recordings, found);
}

/** The view with dW1 rounded to so many decimals, and the noise that this is. */
export function rounded(
  view: TrainingView,
  decimals: number,
): { view: TrainingView; noise: number } {
  const unit = 10 ** -decimals;
  const steps = view.steps.map((step) => ({
    ...step,
    dW1: step.dW1!.map((v) => Math.round(v / unit) * unit),
  }));
  return { view: { ...view, steps }, noise: unit / Math.sqrt(12) };
}

/** The bits after the point that come nearest to so many decimals: dz1 is rounded to bits. */
const bitsOf = (decimals: number) => Math.round(decimals * Math.log2(10));

/** What rounding leaves, by decimals. */
export class Roundings {
  constructor(
    readonly rows: readonly {
      readonly decimals: number;
      /** dz1 rounded to the bits nearest to that, products exact. */
      readonly exact: Rate;
      /** dW1 rounded as well, dB: by least squares, null where dz1 of a draw has not the rank; and under TV + ½·Σx,
       * noise and z1. */
      readonly linear: number | null;
      readonly weighed: number;
    }[],
  ) {}

  /** The row of so many decimals. */
  of(decimals: number): Roundings["rows"][number] {
    return this.rows.find((row) => row.decimals === decimals)!;
  }

  /** PSNR against decimals. */
  figure(name: string): Figure {
    const solved = this.rows.filter(({ linear }) => linear !== null);
    const at = (rows: Roundings["rows"]) => rows.map(({ decimals }) => decimals);
    return lineFigure({
      name,
      title: "One gradient, rounded: 300 units, 64 images",
      alt:
        "PSNR rises by 20 dB a decimal by least squares; with a prior and z1 it is high at any number.",
      xAxis: { title: "decimals of dz1 and of dW1", unit: "count" },
      yAxis: { title: "PSNR, median of the seeds", unit: "dB" },
      series: [
        { name: "least squares", x: at(solved), y: solved.map(({ linear }) => linear!) },
        {
          ...{ name: "TV + ½·Σx, z1, noise known", x: at(this.rows) },
          y: this.rows.map(({ weighed }) => weighed),
        },
      ],
    });
  }

  /** A row per number of decimals. */
  table(title: string): Table {
    return table({
      title,
      columns: [
        "bits",
        "decimals",
        "only dz1 rounded: exact",
        "dW1 too: dB",
        "with prior and z1: dB",
      ],
      rows: this.rows.map(({ decimals, exact, linear, weighed }) => [
        ...[decimals, bitsOf(decimals), percent(exact.rate, 1)],
        ...[linear?.toFixed(1) ?? "no rank", weighed.toFixed(1)],
      ]),
    });
  }
}

/** Rounds the gradients of first steps to each number of decimals, and solves them. @throws as {@linkcode firstSteps}. */
export async function roundings(
  { decimals: list, maxIterations = 400, signal, onProgress, ...options }:
    & Omit<Parameters<typeof firstSteps>[0], "attack" | "gradientBits">
    & { decimals: readonly number[]; maxIterations?: number },
): Promise<Roundings> {
  const rows: Roundings["rows"][number][] = [];
  for (const [k, decimals] of list.entries()) {
    const steps = await firstSteps({ ...options, gradientBits: bitsOf(decimals), signal });
    const [linear, weighed]: number[][] = [[], []];
    for (const recording of steps.recordings) {
      const { view, noise } = rounded(recording.view, decimals);
      const psnrOf = async (prior: boolean) =>
        heldBy(await fromGradients(view, { prior, noise, maxIterations, signal }), recording).psnr;
      linear.push(await psnrOf(false)); // NaN: nothing recovered
      weighed.push(await psnrOf(true));
    }
    rows.push({
      ...{ decimals, exact: steps.exact },
      linear: linear.some(Number.isNaN) ? null : median(linear),
      weighed: median(weighed),
    });
    onProgress?.(k + 1, list.length);
  }
  return new Roundings(rows);
}
