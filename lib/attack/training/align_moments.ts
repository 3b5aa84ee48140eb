/** What alignment compares: images or z1 in white coordinates, and the mean and covariance of each class there.
 *
 * The leading D directions of the covariance C of the rows, each scaled to variance 1:
 *
 *   w = (row − mean)·U/√λ,   C·U = U·λ
 *
 * so that a linear map of the rows is, between two such coordinates, close to a rotation. The large products are in
 * float32; since every direction is scaled before moments are taken, small ones lose nothing to large ones.
 * @module */
import { sgemm } from "../../math/blas.ts";
import { cholesky, dot, multiplyTransposed, solveForward, transpose } from "../../math/dense.ts";
import { symmetricEigen } from "../../math/eigen.ts";

/** Rows of one product: its matrices take some 10 MB. */
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

/** Calls `each` with the centred rows, in parts. */
function overParts(
  rows: ArrayLike<number>,
  mean: Float64Array,
  each: (part: Float32Array, from: number) => void,
): void {
  const n = mean.length;
  const count = rows.length / n;
  for (let from = 0; from < count; from += CHUNK) {
    each(centred(rows, mean, from, Math.min(CHUNK, count - from)), from);
  }
}

function centred(
  rows: ArrayLike<number>,
  mean: Float64Array,
  from: number,
  m: number,
): Float32Array {
  const n = mean.length;
  const part = new Float32Array(m * n);
  for (let i = 0, at = 0, row = from * n; i < m; i++) {
    for (let p = 0; p < n; p++, at++, row++) part[at] = rows[row] - mean[p];
  }
  return part;
}

/** sum ← sum + Aᵀ·B / by, for A and B `[m, n]`: the product in float32, the sum in float64. */
function addProduct(sum: Float64Array, A: Float32Array, B: Float32Array, n: number, by = 1): void {
  const C = new Float32Array(n * n);
  sgemm({ m: n, n, k: A.length / n, A, B, C, transposeA: true });
  for (let at = 0; at < C.length; at++) sum[at] += C[at] / by;
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
    const weighted = new Float32Array(part.length);
    for (let at = 0; at < part.length; at += n) {
      const share = Math.fround(weight(from + at / n) / count);
      for (let p = at; p < at + n; p++) weighted[p] = part[p] * share;
    }
    addProduct(C, weighted, part, n);
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
  const product = new Float32Array(Y.length);
  const [A, B] = [Y, C].map((matrix) => Float32Array.from(matrix));
  sgemm({ m: Y.length / n, n, k: n, A, B, C: product });
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
  const map = Float32Array.from(scaled);
  overParts(rows, mean, (part, from) => {
    const m = part.length / n;
    const C = out.subarray(from * D, (from + m) * D);
    sgemm({ m, n: D, k: n, A: part, B: map, C, transposeB: true });
  });
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
    overParts(rows, mean, (part) => addProduct(covariance, part, part, D, members.length));
    counts[label] = members.length;
    means.push(mean);
    covariances.push(covariance);
  }
  return { counts, means, covariances };
}
