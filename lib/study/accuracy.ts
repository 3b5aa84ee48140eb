/** What width and fixed point cost the defender in accuracy: the rows of the sweep `training`, ten epochs over all
 * 9 000 digits, five seeds.
 * @module */
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { summarize } from "../sweep/summary.ts";
import { widthsOf } from "./published.ts";
import type { Rec } from "./sweeps.ts";

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
      const groups = summarize(this.#where(held), { by: ["hidden"], value: "accuracy" })
        .toSorted((a, b) => Number(a.hidden) - Number(b.hidden));
      const percent = (key: "mean" | "low" | "high") =>
        groups.map((g) => 100 * (g[key] ?? g.mean!));
      return {
        ...{ name, x: groups.map(({ hidden }) => Number(hidden)), y: percent("mean") },
        ...{ lo: percent("low"), hi: percent("high") },
      };
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
      apart: 9,
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
          return row === undefined ? "not run" : `${(100 * Number(row.accuracy)).toFixed(1)} %`;
        }),
      ]),
    });
  }
}
