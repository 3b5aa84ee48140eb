/** What width and fixed point cost the defender in accuracy: training in the integers of MITIG1, group operations
 * omitted, beside float32 and against the scale of W1; and the rows of the sweep `training`, ten epochs over all
 * 9 000 digits, five seeds.
 * @module */
import { firstImages, type SplitDataset } from "../data/dataset.ts";
import { accuracy } from "../nn/mlp.ts";
import { AUTHORS } from "../nn/optimizer.ts";
import { trainMlp } from "../nn/train.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { thousands } from "../plot/theme.ts";
import { DEFAULT_SCALES, fixedAccuracy, floatNet } from "../protocol/fixed_net.ts";
import { trainFixed } from "../protocol/fixed_train.ts";
import { percent, summarize } from "../sweep/summary.ts";
import { drawNet, type Training } from "./mitig1.ts";
import { type Rec, widthsOf } from "./rates.ts";

/** Trains in fixed point with W1·x from integer arithmetic: the numbers that decryption would give.
 * @returns the test accuracy, in [0, 1].   @throws as `trainFixed`. */
export async function fixedPointAccuracy(
  { train, test }: SplitDataset,
  training: Training,
): Promise<number> {
  const steps = training.epochs * train.count / training.batch;
  const { net } = await trainFixed(drawNet(train, training), train, { ...training, steps });
  return fixedAccuracy(net, test);
}

/** Trains the same network from the same weights on the same batches, with the same loss, in float32.
 * @param training.workers for the first layer; all cores by default.
 * @returns the test accuracy, in [0, 1].   @throws as `trainMlp`. */
export async function floatAccuracy(
  { train, test }: SplitDataset,
  { workers = navigator.hardwareConcurrency, ...training }: Training & { workers?: number },
): Promise<number> {
  const { epochs, batch, learningRate, signal, onProgress } = training;
  const start = drawNet(train, training);
  const pixelScale = 2 ** -start.scales.pixelBits;
  const trained = await trainMlp(floatNet(start), train, {
    ...{ ...AUTHORS, epochs, batch, learningRate, pixelScale, divideBy: "batch", workers, signal },
    onEpoch: (epoch) => onProgress?.(epoch, epochs),
  });
  return accuracy(trained, test);
}

/** Trains in fixed point once per scale of W1, on the first images only.
 * @param options.bits numbers of bits after the point, ascending.
 * @returns a test accuracy for each, in [0, 1], and its figure.   @throws as `trainFixed`. */
export async function accuracyByScale(
  { train, test }: SplitDataset,
  { bits, images, onProgress, ...training }: Omit<Training, "scales"> & {
    bits: readonly number[];
    images: number;
  },
): Promise<{ accuracies: number[]; figure(name: string): Figure }> {
  const data = { train: firstImages(train, images), test };
  const accuracies: number[] = [];
  for (const weightBits of bits) {
    const scales = { ...DEFAULT_SCALES, weightBits };
    accuracies.push(await fixedPointAccuracy(data, { ...training, scales }));
    onProgress?.(accuracies.length, bits.length);
  }
  const network = `${train.n}-${training.hidden}-${train.classes.length}`;
  const figure = (name: string) =>
    lineFigure({
      name,
      title: `Test accuracy against the scale of W1, ${network}, ${thousands(images)} images`,
      alt: "Below some bits after the point training stalls; above, accuracy no longer changes.",
      xAxis: { title: "bits after the point in W1", unit: "bit" },
      yAxis: { title: "test accuracy", unit: "%" },
      series: [{ name: "fixed point", x: bits, y: accuracies.map((share) => 100 * share) }],
    });
  return { accuracies, figure };
}

/** W1 in fixed point: steps of 2^-scaleBits. */
const STEPS: Readonly<Record<number, string>> = { 4: "2⁻⁴", 6: "2⁻⁶", 8: "2⁻⁸", 10: "2⁻¹⁰" };

/** The bits of W1's steps that were tried. */
export const SCALES: readonly number[] = Object.keys(STEPS).map(Number);

/** Trainings by what they differ in beside the width. */
const FLOAT: Rec = { scheme: "float" };
const SPLIT: Rec = { scheme: "mitig2", learningRate: 0.03, batch: 50 };
const fixed = (scaleBits: number): Rec => ({ scheme: "mitig1", scaleBits, learningRate: 1 });

/** Points of accuracy by which one training is below another: the mean over seeds and its 95 % band. */
export interface Loss {
  readonly points: number;
  readonly low: number;
  readonly high: number;
  /** Seeds. */
  readonly n: number;
}

/** A loss in words: "0.8 (0.2 to 1.5)". */
export function lossText({ points, low, high }: Loss): string {
  const tenths = (value: number) => (Math.round(10 * value) / 10 + 0).toFixed(1); // no "-0.0"
  return `${tenths(points)} (${tenths(low)} to ${tenths(high)})`;
}

/** Test accuracies by width and scheme. */
export class AccuracyByWidth {
  readonly #rows: readonly Rec[];

  constructor(rows: readonly Rec[]) {
    this.#rows = rows.filter((r) => r.dataset === "mnist" && r.epochs === 10 && r.share === 1);
  }

  #where(held: Rec): readonly Rec[] {
    const entries = Object.entries(held);
    return this.#rows.filter((row) => entries.every(([name, value]) => row[name] === value));
  }

  /** By how much training `a` is below `b`, seed by seed. */
  #below(hidden: number, a: Rec, b: Rec): Loss {
    const runs = (held: Rec) =>
      new Map(this.#where({ hidden, batch: 50, ...held }).map((r) => [r.run, Number(r.accuracy)]));
    const top = runs(b);
    const losses = [...runs(a)].map(([run, accuracy]) => ({
      points: 100 * (top.get(run)! - accuracy),
    }));
    const [loss] = summarize(losses, { by: [], value: "points" });
    if (loss === undefined || loss.low === null || losses.some((l) => Number.isNaN(l.points))) {
      throw new RangeError(`Cannot compare trainings at ${hidden} units: two seeds are needed`);
    }
    return { points: loss.mean!, low: loss.low, high: loss.high!, n: loss.count };
  }

  /** What fixed point costs against the same training in float32: same loss, rate, batches, order and weights.
   * @throws {RangeError} fewer than two seeds, or others than the float32 runs have. */
  ofFixedPoint(hidden: number, scaleBits: number): Loss {
    return this.#below(hidden, fixed(scaleBits), FLOAT);
  }

  /** What that float32 training is below MITIG2's setting: softmax and Adam. */
  ofSetting(hidden: number): Loss {
    return this.#below(hidden, FLOAT, SPLIT);
  }

  /** Mean accuracy of each training against the width, with the 95 % interval of the mean. */
  figure(name: string): Figure {
    const line = (name: string, held: Rec) => {
      const rows = this.#where(held), x = widthsOf(rows);
      const groups = x.map((hidden) =>
        summarize(rows.filter((r) => r.hidden === hidden), { by: [], value: "accuracy" })[0]
      );
      const [y, lo, hi] = (["mean", "low", "high"] as const)
        .map((key) => groups.map((g) => 100 * (g[key] ?? g.mean!)));
      return { name, x, y, lo, hi };
    };
    return lineFigure({
      name,
      title: "Test accuracy against width, five seeds, 95 % intervals of the mean",
      alt:
        "Accuracy grows with width and with the precision of W1; steps of 2^-10 lie on the same " +
        "training in float32; the modern setting is on top.",
      xAxis: { title: "hidden width", unit: "units", log: true },
      yAxis: { title: "test accuracy", unit: "%" },
      intervals: "bars",
      apart: 4,
      series: [
        ...SCALES.map((bits) => line(`MITIG1, steps of ${STEPS[bits]}`, fixed(bits))),
        { ...line("the same in float32", FLOAT), dash: "dash" },
        { ...line("MITIG2: float32, Adam, softmax", SPLIT), dash: "dot" },
      ],
    });
  }

  /** The differences, seed by seed. */
  table(): Table {
    return table({
      title: "Points of accuracy that fixed point costs against the same training in float32",
      columns: [
        ...["hidden units", ...SCALES.map((bits) => `steps of ${STEPS[bits]}`)],
        "float32 below MITIG2's setting",
      ],
      rows: widthsOf(this.#where(FLOAT)).map((hidden) => [
        ...[hidden, ...SCALES.map((bits) => lossText(this.ofFixedPoint(hidden, bits)))],
        lossText(this.ofSetting(hidden)),
      ]),
    });
  }

  /** The authors' setting, plain gradient descent: accuracy by batch and learning rate. */
  authorsTable(hidden: number): Table {
    const plain = this.#where({ scheme: "plain", hidden });
    const values = (name: string) =>
      [...new Set(plain.map((row) => Number(row[name])))].toSorted((a, b) => a - b);
    const rates = values("learningRate");
    return table({
      title: `The authors' setting at ${hidden} units: test accuracy by batch and learning rate`,
      columns: ["images a batch", ...rates.map((rate) => `rate ${rate}`)],
      rows: values("batch").map((batch) => [
        batch,
        ...rates.map((learningRate) => {
          const row = plain.find((r) => r.batch === batch && r.learningRate === learningRate);
          return row === undefined ? "not run" : percent(Number(row.accuracy), 1);
        }),
      ]),
    });
  }
}
