/** What alignment compares: images or z1 in white coordinates, and the mean and covariance of each class there.
 *
 * The leading D directions of the covariance C of the rows, each scaled to variance 1:
 *
 *   w = (row − mean)·U/√λ,   C·U = U·λ
 *
 * so that a linear map of the rows is, between two such coordinates, close to a rotation. The products are tfjs's, in
 * float32; since every direction is scaled before moments are taken, small ones lose nothing to large ones.
 * @module */
import * as tf from "@tensorflow/tfjs";
import { cholesky, dot, multiplyTransposed, solveForward, transpose } from "../../math/dense.ts";
import { symmetricEigen } from "../../math/eigen.ts";

/** Rows of one product: its tensors take some 10 MB. */
const CHUNK = 2000;

/** Turns of orthogonal iteration, and directions beyond those asked for, which make it converge. */
const [TURNS, SPARE] = [12, 20];

/** Below this share of the greatest variance a direction is rounding of float32. */
const SMALLEST = 1e-7;

/** White coordinates of rows of `n` numbers. */
export interface White {
  /** `[n]` */
  readonly mean: Float64Array;
  /** `[D, n]`, orthonormal, by falling variance. */
  readonly directions: Float64Array;
  /** `[D]`, variances. */
  readonly variances: Float64Array;
  /** The mean variance of the other directions; 0 where there is none. */
  readonly rest: number;
}

/** Mean and covariance of each class. */
export interface ClassMoments {
  /** Rows of each class. */
  readonly counts: Uint32Array;
  /** A class each, `[D]`. */
  readonly means: readonly Float64Array[];
  /** A class each, `[D, D]`. */
  readonly covariances: readonly Float64Array[];
}

/** float64 as a tensor `[rows, columns]`. */
export const tensorOf = (values: Float64Array, rows: number, columns: number): tf.Tensor2D =>
  tf.tensor2d(Float32Array.from(values), [rows, columns]);

/** Calls `each` with the centred rows as a tensor, in parts. */
function overParts(
  rows: ArrayLike<number>,
  mean: Float64Array,
  each: (part: tf.Tensor2D, from: number) => void,
): void {
  const n = mean.length;
  const count = rows.length / n;
  for (let from = 0; from < count; from += CHUNK) {
    const m = Math.min(CHUNK, count - from);
    const part = new Float32Array(m * n);
    for (let at = 0; at < part.length; at++) part[at] = rows[from * n + at] - mean[at % n];
    tf.tidy(() => each(tf.tensor2d(part, [m, n]), from));
  }
}

/** Finds the white coordinates of rows `[count, n]`.
 * @param most directions wanted; fewer come back where the rows vary in fewer.
 * @param weights `[count]`, of mean 1: how often a row counts. */
export function whiten(
  rows: ArrayLike<number>,
  n: number,
  most: number,
  weights?: Float64Array,
): White {
  const count = rows.length / n;
  const weight = (row: number) => weights?.[row] ?? 1;
  const mean = new Float64Array(n);
  for (let row = 0; row < count; row++) {
    for (let p = 0; p < n; p++) mean[p] += weight(row) * rows[row * n + p] / count;
  }
  const C = new Float64Array(n * n);
  overParts(rows, mean, (part, from) => {
    const share = Float32Array.from({ length: part.shape[0] }, (_, k) => weight(from + k) / count);
    const weighted = part.mul(tf.tensor2d(share, [part.shape[0], 1]));
    weighted.transpose().matMul(part).dataSync().forEach((value, at) => C[at] += value);
  });
  const width = Math.min(n, most + SPARE);
  const Y = leading(C, n, width);
  const inner = multiplyTransposed(productWith(C, Y, n), Y, { n }); // Y·C·Yᵀ
  const { values, vectors } = symmetricEigen(inner);
  const rounding = SMALLEST ** 2 * dot(mean, mean);
  const least = Math.max(SMALLEST * values[0], rounding);
  const D = values.findLastIndex((value, k) => k < most && value > least) + 1;
  const directions = multiplyTransposed(
    vectors.subarray(0, D * width),
    transpose(Y, width, n),
    { n: width },
  );
  const variances = values.slice(0, D);
  let trace = 0;
  for (let p = 0; p < n; p++) trace += C[p * n + p];
  const left = variances.reduce((sum, value) => sum - value, trace);
  return { mean, directions, variances, rest: D < n ? Math.max(0, left) / (n - D) : 0 };
}

/** Y·C `[width, n]`. */
function productWith(C: Float64Array, Y: Float64Array, n: number): Float64Array {
  const product = tf.tidy(() => tensorOf(Y, Y.length / n, n).matMul(tensorOf(C, n, n)).dataSync());
  return Float64Array.from(product);
}

/** Orthonormal rows `[width, n]` near the leading eigenvectors of C, by orthogonal iteration from the coordinates that
 * vary most. */
function leading(C: Float64Array, n: number, width: number): Float64Array {
  const order = Array.from({ length: n }, (_, p) => p)
    .sort((a, b) => C[b * n + b] - C[a * n + a]);
  let Y: Float64Array = new Float64Array(width * n);
  for (let k = 0; k < width; k++) Y[k * n + order[k]] = 1;
  for (let turn = 0; turn < TURNS; turn++) Y = orthonormal(productWith(C, Y, n), n);
  return Y;
}

/** The rows made orthonormal, twice since once leaves rounding; rows that depend on those above become 0. */
function orthonormal(Y: Float64Array, n: number): Float64Array {
  for (let again = 0; again < 2; again++) {
    const width = Y.length / n;
    for (let k = 0; k < width; k++) { // to length 1 first: variances differ by orders of magnitude
      const row = Y.subarray(k * n, (k + 1) * n);
      const length = Math.hypot(...row);
      if (length > 0) row.forEach((value, p) => row[p] = value / length);
    }
    const L = multiplyTransposed(Y, Y, { n, lower: true });
    cholesky(L, width);
    const columns = transpose(Y, width, n); // a column of Y is a row here
    solveForward(L, columns, width);
    Y = transpose(columns, n, width);
  }
  return Y;
}

/** Rows in white coordinates, `[count, D]`. */
export function toWhite(
  rows: ArrayLike<number>,
  { mean, directions, variances }: Pick<White, "mean" | "directions" | "variances">,
): Float32Array {
  const [n, D] = [mean.length, variances.length];
  const scaled = directions.map((value, at) => value / Math.sqrt(variances[Math.floor(at / n)]));
  const out = new Float32Array(rows.length / n * D);
  const map = tensorOf(transpose(scaled, D, n), n, D);
  overParts(rows, mean, (part, from) => out.set(part.matMul(map).dataSync(), from * D));
  map.dispose();
  return out;
}

/** Mean and covariance of each class. A class without rows has zeros. */
export function classMoments(W: Float32Array, labels: Uint8Array, classes: number): ClassMoments {
  const D = W.length / labels.length;
  const counts = new Uint32Array(classes);
  const [means, covariances]: Float64Array[][] = [[], []];
  for (let label = 0; label < classes; label++) {
    const members = Array.from(labels.keys()).filter((row) => labels[row] === label);
    const rows = new Float32Array(members.length * D);
    members.forEach((row, k) => rows.set(W.subarray(row * D, (row + 1) * D), k * D));
    const mean = new Float64Array(D);
    rows.forEach((value, at) => mean[at % D] += value / members.length);
    const covariance = new Float64Array(D * D);
    overParts(rows, mean, (part) => {
      part.transpose().matMul(part).dataSync()
        .forEach((value, at) => covariance[at] += value / members.length);
    });
    counts[label] = members.length;
    means.push(mean);
    covariances.push(covariance);
  }
  return { counts, means, covariances };
}
