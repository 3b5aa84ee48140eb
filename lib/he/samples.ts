/** Data as the models of this folder take them: standardised inputs, an input that is always 1, targets.
 * @module */
import type { Samples } from "./learner.ts";

/** Rows of numbers and their classes. */
export interface LabelledRows {
  /** `[count, n]` */
  readonly x: ArrayLike<number>;
  /** `[count]`, classes from 0. */
  readonly y: ArrayLike<number>;
  readonly n: number;
  readonly classes: number;
}

/** Mean and deviation of each input. */
interface Scaling {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

function scalingOf({ x, n }: LabelledRows): Scaling {
  const count = x.length / n;
  const [mean, square] = [new Float64Array(n), new Float64Array(n)];
  for (let i = 0; i < x.length; i++) {
    mean[i % n] += x[i] / count;
    square[i % n] += x[i] ** 2 / count;
  }
  const deviation = square.map((s, c) => Math.sqrt(Math.max(0, s - mean[c] ** 2)));
  return { mean, deviation };
}

/** Training and test samples: inputs of mean 0 and deviation 1 in the training rows (one that never varies there is 0),
 * and a last input of 1. Two classes have one target of −1 or 1, more have a 1 among zeros.
 * @throws {TypeError} rows that are not whole, or not as many as classes.  {RangeError} a number that is not finite. */
export function standardised(
  train: LabelledRows,
  test: LabelledRows,
): { train: Samples; test: Samples } {
  const scaling = scalingOf(train);
  return { train: samplesOf("train", train, scaling), test: samplesOf("test", test, scaling) };
}

function samplesOf(name: string, rows: LabelledRows, { mean, deviation }: Scaling): Samples {
  const { x, y, n, classes } = rows;
  const count = y.length;
  if (x.length !== count * n || n !== mean.length) {
    throw new TypeError(
      `Cannot standardise ${name}: ${x.length} numbers for ${count} rows of ${n}, expected ${mean.length} a row`,
    );
  }
  const inputs = new Float64Array(count * (n + 1)).fill(1);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < n; c++) {
      const value = x[i * n + c];
      if (!Number.isFinite(value)) {
        throw new RangeError(`Cannot standardise ${name}: row ${i} has ${value} in column ${c}`);
      }
      inputs[i * (n + 1) + c] = deviation[c] > 0 ? (value - mean[c]) / deviation[c] : 0;
    }
  }
  const outputs = classes === 2 ? 1 : classes;
  const targets = new Float64Array(count * outputs);
  for (let i = 0; i < count; i++) {
    if (outputs === 1) targets[i] = y[i] === 0 ? -1 : 1;
    else targets[i * outputs + y[i]] = 1;
  }
  return { x: inputs, y: targets, count, n: n + 1, outputs };
}
