/** How much of private images a recovery from a training holds, beyond what the labels alone give.
 *
 * A server that has the labels always has the mean image of the class: on MNIST at an MSE near 0.0535. So the measure
 * is the share of the way from that floor to the exact image, 1 − MSE/floor; and `part`, the correlation of inner
 * products after the mean of each pair of classes is taken out: 0 where nothing but the labels shows. With
 * `metrics.ts` the only file of the attacks that sees the truth.
 * @module */
import { multiplyTransposed } from "../../math/dense.ts";
import type { LabelledImages } from "./recovery.ts";

/** The mean image of each class, `[classes, n]`, pixels in 0..255.
 * @throws {RangeError} a class without an image. */
export function classMeans({ x, y }: LabelledImages, classes: number): Float64Array {
  const n = x.length / y.length;
  const means = new Float64Array(classes * n);
  const counts = new Float64Array(classes);
  y.forEach((label, i) => {
    counts[label]++;
    for (let p = 0; p < n; p++) means[label * n + p] += x[i * n + p];
  });
  const empty = counts.indexOf(0);
  if (empty >= 0) throw new RangeError(`Cannot average class ${empty}: there is no image of it`);
  return means.map((sum, at) => sum / counts[Math.floor(at / n)]);
}

/** What the labels alone recover: the mean image of each one's class, `[labels, n]`. */
export function fromLabels(labels: Uint8Array, means: Float64Array, n: number): Float64Array {
  const X = new Float64Array(labels.length * n);
  labels.forEach((label, i) => X.set(means.subarray(label * n, (label + 1) * n), i * n));
  return X;
}

/** Mean squared error over all images, of pixels scaled to [0, 1].
 * @param X and `truth`: `[count, n]`, 0..255.   @throws {TypeError} lengths that differ or are 0. */
export function meanMse(X: ArrayLike<number>, truth: ArrayLike<number>): number {
  if (X.length !== truth.length || X.length === 0) {
    throw new TypeError(`Cannot compute mse: ${X.length} and ${truth.length} pixels`);
  }
  let sum = 0;
  for (let p = 0; p < X.length; p++) sum += (X[p] - truth[p]) ** 2;
  return sum / 255 ** 2 / X.length;
}

/** The share of the way from the floor to the exact image, in [0, 1]. */
export const share = (mse: number, floor: number): number =>
  Math.min(1, Math.max(0, 1 - mse / floor));

/** Inner products `[count, count]` of images `[count, n]`. */
export function gramOf(X: ArrayLike<number>, count: number): Float64Array {
  const rows = Float64Array.from(X);
  return multiplyTransposed(rows, rows, { n: rows.length / count });
}

/** Correlation of the inner products of distinct samples.
 * @param G and `truth`: `[count, count]`. */
export function gramCorrelation(G: Float64Array, truth: Float64Array): number {
  return correlation(...pairs(G, truth, Math.sqrt(G.length), () => 0, 1));
}

/** The same within pairs of classes: the mean of each pair of classes is taken out of both first.
 * @param labels of the samples. */
export function part(G: Float64Array, truth: Float64Array, labels: Uint8Array): number {
  const classes = labels.reduce((most, label) => Math.max(most, label + 1), 0);
  const pairOf = (i: number, j: number) => {
    const [a, b] = [labels[i], labels[j]];
    return Math.min(a, b) * classes + Math.max(a, b);
  };
  return correlation(...pairs(G, truth, labels.length, pairOf, classes * classes));
}

/** The entries above the diagonal of both, less the mean of their group. */
function pairs(
  G: Float64Array,
  truth: Float64Array,
  count: number,
  groupOf: (i: number, j: number) => number,
  groups: number,
): [Float64Array, Float64Array] {
  const length = count * (count - 1) / 2;
  const [a, b, group] = [
    new Float64Array(length),
    new Float64Array(length),
    new Int32Array(length),
  ];
  const [sumA, sumB, size] = [0, 1, 2].map(() => new Float64Array(groups));
  for (let i = 0, at = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++, at++) {
      const g = group[at] = groupOf(i, j);
      sumA[g] += a[at] = G[i * count + j];
      sumB[g] += b[at] = truth[i * count + j];
      size[g]++;
    }
  }
  return [
    a.map((value, at) => value - sumA[group[at]] / size[group[at]]),
    b.map((value, at) => value - sumB[group[at]] / size[group[at]]),
  ];
}

/** Of values whose mean is 0; 0 where one of them does not vary. */
function correlation(a: Float64Array, b: Float64Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}
