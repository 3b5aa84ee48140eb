/** Notebook 07: a linear model trained on patients in integers, through batch gradients, and its closed form.
 * @module */
import { loadPatients, rowsOf, type SplitTable, type Table as Rows } from "../data/tables.ts";
import { type BatchGradient, batchSizes, clearGradients, trainLinear } from "../nn/linear.ts";
import { type GradientStep, residualOf, rightSides } from "../nn/linear.ts";
import { columnProducts, ridgeFromProducts } from "../nn/linear_gram.ts";
import { LABEL, type LinearSamples, linearSamples, momentsOf } from "../nn/linear_samples.ts";
import type { LinearView } from "../attack/linear/view.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import { type Rate, rateText, wilson } from "../sweep/summary.ts";

/** How patients are trained on: a rate at which 17 epochs are enough, weights in 8 bits after the point, the penalty of
 * the closed form. */
export const PATIENTS = {
  ...{ scaleBits: 5, weightBits: 8, batch: 16, epochs: 17, rate: 0.01 },
  penalty: 0.05,
} as const;

/** Both splits in integers, standardised by the training rows. */
export interface Patients {
  readonly train: LinearSamples;
  readonly test: LinearSamples;
}

/** The patients of a split in integers; class 1, benign, is the label +2.
 * @throws as `loadPatients`, `linearSamples`. */
export async function patientSamples(split?: SplitTable): Promise<Patients> {
  const { train, test } = split ?? await loadPatients();
  const options = { moments: momentsOf(train), scaleBits: PATIENTS.scaleBits };
  return { train: linearSamples(train, options), test: linearSamples(test, options) };
}

/** A training, what its aggregator saw, and how well it does. */
export class PatientRun {
  constructor(
    /** w and b. */
    readonly weights: Float64Array,
    readonly steps: readonly GradientStep[],
    readonly samples: LinearSamples,
    readonly batch: number,
    /** Of the test patients. */
    readonly accuracy: Rate,
    readonly elapsedMs: number,
  ) {}

  /** Bits of the largest gradient entry: what a discrete logarithm must find. */
  get gradientBits(): number {
    const most = this.steps.reduce(
      (most, { gradient }) => gradient.reduce((m, g) => Math.max(m, Math.abs(g)), most),
      0,
    );
    return Math.ceil(Math.log2(most));
  }

  /** What the aggregator has of the first visits of each batch.
   * @param residuals whether each sample's is shown too, as FedV does. */
  view(visits: number, { residuals = false } = {}): LinearView {
    const { n, u, bound, scaleBits } = this.samples;
    const one = 2 ** scaleBits;
    const own = (batch: number, i: number) => {
      const at = (batch * this.batch + i) * (n + 2);
      return u.subarray(at, at + n + 2);
    };
    return {
      ...{ n, one, label: LABEL * one, bound },
      batches: batchSizes(this.samples.count, this.batch).map((size, batch) => ({
        size,
        visits: this.steps.filter((step) => step.batch === batch && step.epoch < visits)
          .map(({ c, gradient }) => ({
            ...{ c, gradient },
            residuals: residuals
              ? Float64Array.from({ length: size }, (_, i) => residualOf(own(batch, i), c))
              : null,
          })),
      })),
    };
  }
}

/** Trains on patients, in plain integers or through gradients that are decrypted.
 * @param options.gradient `clearGradients` by default; the same integers give the same run, bit for bit.
 * @throws what the gradient throws; the signal's reason when aborted. */
export async function trainPatients(
  { train, test }: Patients,
  { batch = PATIENTS.batch, epochs = PATIENTS.epochs, gradient, signal, onProgress }:
    & Partial<On>
    & { batch?: number; epochs?: number; gradient?: BatchGradient } = {},
): Promise<PatientRun> {
  const started = performance.now();
  const { scaleBits, weightBits, rate } = PATIENTS;
  const sizes = batchSizes(train.count, batch);
  const steps: GradientStep[] = [];
  const weights = await trainLinear({
    ...{ n: train.n, sizes, epochs, rate, scaleBits, weightBits, signal },
    gradient: gradient ?? clearGradients(train, batch),
    onStep: (step) => {
      steps.push(step);
      onProgress?.(steps.length, epochs * sizes.length);
    },
  });
  const accuracy = wilson(rightSides(weights, test), test.count);
  return new PatientRun(weights, steps, train, batch, accuracy, performance.now() - started);
}

/** The closed form from inner products that are opened once.
 * @param products of the training samples, decrypted or plain; plain by default. */
export function ridgePatients(
  { train, test }: Patients,
  products: Float64Array = columnProducts(train),
): { weights: Float64Array; accuracy: Rate } {
  const weights = ridgeFromProducts(products, { n: train.n, penalty: PATIENTS.penalty });
  return { weights, accuracy: wilson(rightSides(weights, test), test.count) };
}

/** Accuracy of both on each fifth of the patients in turn: the split of the file's order is a lucky one. */
export class Folds {
  constructor(readonly rows: readonly { readonly sgd: Rate; readonly ridge: Rate }[]) {}

  /** Over all patients, each tested once. */
  get all(): { sgd: Rate; ridge: Rate } {
    const sum = (of: "sgd" | "ridge") => {
      const [successes, n] = (["successes", "n"] as const).map((key) =>
        this.rows.reduce((total, row) => total + row[of][key], 0)
      );
      return wilson(successes, n);
    };
    return { sgd: sum("sgd"), ridge: sum("ridge") };
  }

  /** A row per fold, and one over all. */
  table(title: string): Table {
    return table({
      title,
      columns: ["test patients", "17 epochs of batches", "closed form"],
      rows: [
        ...this.rows.map(({ sgd, ridge }, k) => [`fifth ${k + 1}`, rateText(sgd), rateText(ridge)]),
        ["all, each once", rateText(this.all.sgd), rateText(this.all.ridge)],
      ],
    });
  }
}

/** Trains on four fifths of all patients and tests on the other, five times.
 * @throws as `trainPatients`. */
export async function foldPatients(
  { signal, onProgress }: Partial<On> = {},
  split?: SplitTable,
): Promise<Folds> {
  const { train, test } = split ?? await loadPatients();
  const all: Rows = {
    ...train,
    ...{ name: "patients", count: train.count + test.count },
    ...{ x: Float64Array.of(...train.x, ...test.x), y: Uint8Array.of(...train.y, ...test.y) },
  };
  const numbers = Array.from({ length: all.count }, (_, i) => i);
  const rows: { sgd: Rate; ridge: Rate }[] = [];
  for (let fold = 0; fold < 5; fold++) {
    const own = (i: number) => Math.floor(5 * i / all.count) === fold;
    const patients = await patientSamples({
      train: rowsOf(all, numbers.filter((i) => !own(i))),
      test: rowsOf(all, numbers.filter(own)),
    });
    const { accuracy: sgd } = await trainPatients(patients, { signal });
    rows.push({ sgd, ridge: ridgePatients(patients).accuracy });
    onProgress?.(fold + 1, 5);
  }
  return new Folds(rows);
}
