/** Data as the models of this folder take them: real inputs, one more that is always 1, and targets.
 * @module */
import type { Samples } from "./learner.ts";

/** Rows of numbers with a class each: a table (`data/tables.ts`) or images (`data/dataset.ts`). */
export interface Rows {
  readonly name: string;
  /** `[count, n]` */
  readonly x: ArrayLike<number>;
  /** `[count]`, classes from 0. */
  readonly y: ArrayLike<number>;
  readonly n: number;
  readonly classes: readonly string[];
}

/** x ← (x − shift) · factor, a pair for each column. */
interface Scaling {
  readonly shift: Float64Array;
  readonly factor: Float64Array;
}

function scalingOf({ x, n }: Rows): Scaling {
  const count = x.length / n;
  const [mean, square] = [new Float64Array(n), new Float64Array(n)];
  for (let i = 0; i < x.length; i++) mean[i % n] += x[i] / count;
  for (let i = 0; i < x.length; i++) square[i % n] += (x[i] - mean[i % n]) ** 2 / count;
  return { shift: mean, factor: square.map((s) => s > 0 ? 1 / Math.sqrt(s) : 0) };
}

/** Training and test samples of a table: each column of mean 0 and deviation 1 in the training rows; one that never varies
 * there is 0.
 * @throws {TypeError} rows that are not whole, or of different lengths.  {RangeError} a number that is not finite. */
export function standardised(train: Rows, test: Rows): { train: Samples; test: Samples } {
  const scaling = scalingOf(train);
  return { train: samplesOf(train, scaling), test: samplesOf(test, scaling) };
}

/** Samples of images: bytes to [0, 1]. @throws {TypeError} rows that are not whole. */
export function fromPixels(images: Rows): Samples {
  const [shift, factor] = [new Float64Array(images.n), new Float64Array(images.n).fill(1 / 255)];
  return samplesOf(images, { shift, factor });
}

/** Two classes become one target of −1 or 1, more become a 1 among zeros. */
function samplesOf({ name, x, y, n, classes }: Rows, { shift, factor }: Scaling): Samples {
  const count = y.length;
  if (x.length !== count * n || n !== shift.length) {
    throw new TypeError(
      `Cannot scale ${name}: ${x.length} numbers for ${count} rows of ${n}, expected ` +
        `${shift.length} a row`,
    );
  }
  const inputs = new Float64Array(count * (n + 1)).fill(1);
  for (let i = 0; i < x.length; i++) {
    const [row, column] = [Math.floor(i / n), i % n];
    const value = (x[i] - shift[column]) * factor[column];
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot scale ${name}: row ${row} has ${x[i]} in column ${column}`);
    }
    inputs[row * (n + 1) + column] = value;
  }
  const outputs = classes.length === 2 ? 1 : classes.length;
  const targets = new Float64Array(count * outputs);
  for (let i = 0; i < count; i++) {
    if (outputs === 1) targets[i] = y[i] === 0 ? -1 : 1;
    else targets[i * outputs + y[i]] = 1;
  }
  return { x: inputs, y: targets, count, n: n + 1, outputs };
}
