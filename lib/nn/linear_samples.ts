/** Samples of a linear model in integers, as quadratic encryption takes them: u = (x_1 … x_n, 1, y)·2^scaleBits.
 *
 * Features are standardised by the mean and deviation of the training rows first. Labels are ±2, where the gradient of
 * least squares is that of logistic regression with σ(z) ≈ ½ + z/4, up to a factor of 4: (z − 2)/4 for class 1 and
 * (z + 2)/4 for class 0.
 * @module */
import type { Table } from "../data/tables.ts";
import { toFixed } from "../math/fixed_point.ts";

/** Samples in fixed point. */
export interface LinearSamples {
  /** Features of a sample, without the 1 and the label. */
  readonly n: number;
  readonly count: number;
  /** u of each sample, `[count, n + 2]`. */
  readonly u: Int32Array;
  readonly scaleBits: number;
  /** The largest |u|. */
  readonly bound: number;
}

/** What standardises features: (x − mean) / deviation. */
export interface Moments {
  /** `[n]` */
  readonly mean: Float64Array;
  /** `[n]` */
  readonly deviation: Float64Array;
}

/** |label| in units of a feature's deviation. */
export const LABEL = 2;

/** The mean and standard deviation of each feature.
 * @throws {RangeError} a feature has one value only. */
export function momentsOf({ name, x, n, count, features }: Table): Moments {
  const [mean, deviation] = [new Float64Array(n), new Float64Array(n)];
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < count; i++) mean[j] += x[i * n + j] / count;
    for (let i = 0; i < count; i++) deviation[j] += (x[i * n + j] - mean[j]) ** 2 / count;
    deviation[j] = Math.sqrt(deviation[j]);
    if (!(deviation[j] > 0)) {
      throw new RangeError(`Cannot standardise ${name}: ${features[j]} has one value only`);
    }
  }
  return { mean, deviation };
}

/** A table's rows in fixed point; labels are +2 for one class and −2 for the others.
 * @throws {TypeError} moments of another number of features. {RangeError} a value that does not fit. */
export function linearSamples(
  { x, y, n, count, name }: Table,
  { moments: { mean, deviation }, scaleBits, positive = 1 }: {
    readonly moments: Moments;
    readonly scaleBits: number;
    readonly positive?: number;
  },
): LinearSamples {
  if (mean.length !== n || deviation.length !== n) {
    throw new TypeError(`Cannot standardise ${name}: ${mean.length} moments for ${n} features`);
  }
  const rows = new Float64Array(count * (n + 2));
  for (let i = 0; i < count; i++) {
    const row = i * (n + 2);
    for (let j = 0; j < n; j++) rows[row + j] = (x[i * n + j] - mean[j]) / deviation[j];
    rows[row + n] = 1;
    rows[row + n + 1] = y[i] === positive ? LABEL : -LABEL;
  }
  const u = toFixed(rows, scaleBits);
  const bound = u.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { n, count, u, scaleBits, bound };
}
