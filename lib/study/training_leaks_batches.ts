/** Notebook 05: where gradients stop giving images away: a coarse dz1, and more images than equations, in one visit and
 * in several.
 * @module */
import { fromGradients } from "../attack/training/gradient.ts";
import type { TrainingRecovery } from "../attack/training/recovery.ts";
import type { Dataset } from "../data/dataset.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { type Rate, rateText } from "../sweep/summary.ts";
import { median } from "./mitig2.ts";
import { firstSteps, type Held, heldBy, pooled, record, slice } from "./training_leaks.ts";

/** What a coarse dz1 leaves, by its bits after the point, at steps of a training. */
export class CoarseGradients {
  constructor(
    readonly rows: readonly {
      readonly bits: number;
      readonly step: number;
      readonly exact: Rate;
      /** Samples whose dz1 rounds to 0, of all. */
      readonly dead: number;
    }[],
    readonly steps: readonly number[],
  ) {}

  /** The row of so many bits at a step. */
  of(bits: number, step: number): CoarseGradients["rows"][number] {
    return this.rows.find((row) => row.bits === bits && row.step === step)!;
  }

  /** Share exact against bits, a line per step. */
  figure(name: string): Figure {
    return lineFigure({
      name,
      title: "One gradient with dz1 rounded to few bits: 300 units, 64 images",
      alt:
        "At the start five bits suffice for all; after training eight do, and few bits lose most.",
      xAxis: { title: "bits of dz1 after the point", unit: "count" },
      yAxis: { title: "images exact", unit: "%" },
      series: this.steps.map((step) => {
        const rows = this.rows.filter((row) => row.step === step);
        return {
          name: step === 0 ? "first step" : `step ${step}`,
          x: rows.map(({ bits }) => bits),
          y: rows.map(({ exact }) => 100 * exact.rate),
          ...{ lo: rows.map(({ exact }) => 100 * exact.low) },
          ...{ hi: rows.map(({ exact }) => 100 * exact.high) },
        };
      }),
    });
  }

  /** A row per number of bits and step. */
  table(title: string): Table {
    return table({
      title,
      columns: ["bits of dz1", "step", "images exact", "samples with dz1 = 0"],
      rows: this.rows.map(({ bits, step, exact, dead }) => [
        ...[bits, step, rateText(exact), `${dead} of ${exact.n}`],
      ]),
    });
  }
}

/** Trains with dz1 of few bits and solves the gradients of some steps, each alone, by linear algebra.
 * @throws as `record`; the signal's reason when aborted. */
export async function coarseGradients(
  { images, bits, steps, hidden, batch, learningRate, insecureSeed, signal, onProgress }:
    & Partial<On>
    & {
      images: Dataset;
      bits: readonly number[];
      /** Whose gradients are solved, ascending. */
      steps: readonly number[];
      hidden: number;
      batch: number;
      learningRate?: number;
      insecureSeed: number;
    },
): Promise<CoarseGradients> {
  const rows: CoarseGradients["rows"][number][] = [];
  const last = steps.at(-1)!;
  for (const [k, gradientBits] of bits.entries()) {
    const recording = await record(images, {
      ...{ hidden, batch, steps: last + 1, learningRate, insecureSeed, gradientBits, signal },
      keep: (step) => steps.includes(step),
      onProgress: (done) => onProgress?.(k * (last + 1) + done, bits.length * (last + 1)),
    });
    for (const [at, step] of recording.view.steps.entries()) {
      const alone = { ...recording, view: { ...recording.view, steps: [step] } };
      const found = await fromGradients(alone.view, { prior: false, signal });
      const live = Array.from({ length: batch }, (_, i) => i).filter((i) =>
        step.dz1.subarray(i * hidden, (i + 1) * hidden).some((v) => v !== 0)
      );
      const exact = heldBy(found, alone).exact;
      rows.push({ bits: gradientBits, step: steps[at], exact, dead: batch - live.length });
    }
  }
  return new CoarseGradients(rows, steps);
}

/** One batch size. */
interface LargeBatch {
  readonly batch: number;
  /** Medians over the seeds of the median image; null where it was not tried. */
  readonly gradient: Held | null;
  readonly withZ1: Held | null;
  /** Of the first seed, with z1 where that was tried. */
  readonly found: TrainingRecovery;
}

/** What one visit of batches larger than the layer gave. */
export class LargeBatches {
  constructor(
    readonly rows: readonly LargeBatch[],
    readonly hidden: number,
  ) {}

  /** The row of a batch size. */
  of(batch: number): LargeBatch {
    return this.rows.find((row) => row.batch === batch)!;
  }

  /** Median MSE against images per unit. */
  figure(name: string): Figure {
    const line = (name: string, of: "gradient" | "withZ1") => {
      const rows = this.rows.filter((row) => row[of] !== null);
      const x = rows.map(({ batch }) => batch / this.hidden);
      return { name, x, y: rows.map((row) => row[of]!.median) };
    };
    return lineFigure({
      name,
      title: `One visit of a batch larger than the layer: ${this.hidden} units`,
      alt: "The error rises from exact to visible as the batch grows; z1 pushes that point out.",
      xAxis: { title: "images per unit, B / H", unit: "count" },
      yAxis: { title: "MSE of the median image", unit: "pixels in [0, 1]", log: true, floor: 1e-8 },
      series: [line("dW1 alone", "gradient"), line("dW1 and z1", "withZ1")],
    });
  }

  /** A row per batch size. */
  table(title: string): Table {
    return table({
      title,
      columns: ["batch", "by", "median MSE", "images exact", "median SSIM"],
      rows: this.rows.flatMap(({ batch, gradient, withZ1 }) =>
        ([["dW1 alone", gradient], ["dW1 and z1", withZ1]] as const).flatMap(([by, held]) =>
          held === null ? [] : [[
            batch,
            by,
            held.median.toExponential(1),
            rateText(held.exact),
            held.ssim.toFixed(3),
          ]]
        )
      ),
    });
  }
}

/** Solves first steps of batches larger than the layer, by dW1 alone and with z1.
 * @param options.alone sizes at which dW1 alone is tried; all by default.   @param options.z1 sizes at which z1 joins in;
 * all by default.   @throws as `firstSteps`. */
export async function largeBatches(
  {
    images,
    hidden,
    batches,
    alone = batches,
    z1 = batches,
    seeds,
    maxIterations,
    signal,
    onProgress,
  }:
    & Partial<On>
    & {
      images: Dataset;
      hidden: number;
      batches: readonly number[];
      alone?: readonly number[];
      z1?: readonly number[];
      seeds: readonly number[];
      maxIterations: number;
    },
): Promise<LargeBatches> {
  const rows: LargeBatch[] = [];
  const total = (z1.length + alone.length) * seeds.length;
  let done = 0;
  for (const batch of batches) {
    let found: TrainingRecovery | undefined;
    const solved = async (z1: boolean): Promise<Held> => {
      const steps = await firstSteps({
        ...{ images, hidden, batch, seeds, signal, attack: { z1, maxIterations } },
        onProgress: (k) => onProgress?.(done + k, total),
      });
      done += seeds.length;
      found = steps.found[0];
      const held = steps.found.map((found, k) => heldBy(found, steps.recordings[k]));
      const middle = (of: "mse" | "median" | "ssim" | "psnr") => median(held.map((h) => h[of]));
      return {
        exact: pooled(held.map(({ exact }) => exact)),
        ...{ mse: middle("mse"), median: middle("median") },
        ...{ ssim: middle("ssim"), psnr: middle("psnr") },
      };
    };
    const gradient = alone.includes(batch) ? await solved(false) : null;
    const withZ1 = z1.includes(batch) ? await solved(true) : null;
    rows.push({ batch, gradient, withZ1, found: found! });
  }
  return new LargeBatches(rows, hidden);
}

/** What visits of one batch gave. */
export class VisitedBatches {
  constructor(
    readonly rows: readonly {
      readonly batch: number;
      readonly visits: number;
      readonly exact: Rate;
    }[],
  ) {}

  /** Images exact after so many visits of each batch, over all of them. */
  after(visits: (batch: number) => number): Rate {
    const rows = this.rows.filter((row) => row.visits === visits(row.batch));
    return pooled(rows.map(({ exact }) => exact));
  }

  /** A row per batch and number of visits. */
  table(title: string): Table {
    const rows = this.rows.map(({ batch, visits, exact }) => [batch, visits, rateText(exact)]);
    return table({ title, columns: ["batch", "visits", "images exact"], rows });
  }
}

/** How many visits of one batch determine it, by linear algebra alone. */
export async function visitsNeeded(
  { images, hidden, batches, insecureSeed, signal, onProgress }: Partial<On> & {
    images: Dataset;
    hidden: number;
    batches: readonly number[];
    insecureSeed: number;
  },
): Promise<VisitedBatches> {
  const rows: { batch: number; visits: number; exact: Rate }[] = [];
  for (const [k, batch] of batches.entries()) {
    const steps = Math.ceil(batch / hidden) + 1;
    const own = slice(images, 0, batch);
    const recording = await record(own, { hidden, batch, steps, insecureSeed, signal });
    for (let visits = steps - 2; visits <= steps; visits++) {
      if (visits < 1) continue;
      const view = { ...recording.view, steps: recording.view.steps.slice(0, visits) };
      const found = await fromGradients(view, { prior: false, signal });
      rows.push({ batch, visits, exact: heldBy(found, { ...recording, view }).exact });
    }
    onProgress?.(k + 1, batches.length);
  }
  return new VisitedBatches(rows);
}
