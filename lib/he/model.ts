/** Models whose gradients a server computes on ciphertexts: the sizes, the loss, and the gradient in the clear.
 *
 *   linear    out = w·x                      n weights, one output
 *   network   out = W2·(W1·x)²               the square of each entry, for CKKS has only sums and products
 *   loss = 1/(2m) · Σ_samples ‖out − y‖²
 *
 * A bias is a weight of an input that is always 1. The clear gradient, in float64, is the twin that the encrypted one is held to.
 * @module */

/** Sizes of a model and of its batches. */
export interface Sizes {
  /** Inputs, the constant one included. */
  readonly n: number;
  /** Hidden units; 0 is the linear model. */
  readonly hidden: number;
  readonly outputs: number;
  /** Samples a batch, m. */
  readonly batch: number;
}

/** Matrices of weights, or their gradients: W1 `[hidden, n]` and W2 `[outputs, hidden]`; of the linear model w `[n]`. */
export type Weights = readonly Float64Array[];

/** A batch: inputs `[m, n]` and targets `[m, outputs]`. */
export interface Batch {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** How many weights each matrix has. */
export const weightCounts = ({ n, hidden, outputs }: Sizes): number[] =>
  hidden === 0 ? [n * outputs] : [hidden * n, outputs * hidden];

/** Refuses sizes that no model has. @throws {RangeError} a number out of range. */
export function checkSizes(sizes: Sizes): void {
  for (const name of ["n", "hidden", "outputs", "batch"] as const) {
    const least = name === "hidden" ? 0 : 1;
    if (!Number.isInteger(sizes[name]) || sizes[name] < least || sizes[name] > 8192) {
      throw new RangeError(
        `Cannot train: ${name} = ${sizes[name]} is not an integer in [${least}, 8192]`,
      );
    }
  }
}

/** Refuses matrices that are not of the sizes. @param what names them.   @throws {TypeError} */
export function checkWeights(sizes: Sizes, weights: Weights, what = "weights"): void {
  const expected = weightCounts(sizes);
  if (weights.length === expected.length && weights.every((w, i) => w.length === expected[i])) {
    return;
  }
  throw new TypeError(
    `Cannot train: ${what} of [${weights.map((w) => w.length)}] entries, expected [${expected}]`,
  );
}

/** Refuses a batch that is not of the sizes. @throws {TypeError} */
export function checkBatch({ n, outputs, batch }: Sizes, { x, y }: Batch): void {
  if (x.length === batch * n && y.length === batch * outputs) return;
  throw new TypeError(
    `Cannot train: ${x.length} inputs and ${y.length} targets for a batch of ${batch}, expected ` +
      `${batch * n} and ${batch * outputs}`,
  );
}

/** [m, k]·[rows, k]ᵀ → [m, rows]. */
function times(x: Float64Array, W: Float64Array, k: number): Float64Array {
  const [m, rows] = [x.length / k, W.length / k];
  const out = new Float64Array(m * rows);
  for (let i = 0; i < m; i++) {
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let c = 0; c < k; c++) sum += x[i * k + c] * W[row * k + c];
      out[i * rows + row] = sum;
    }
  }
  return out;
}

/** [m, rows]ᵀ·[m, k] → [rows, k]. */
function outer(d: Float64Array, x: Float64Array, rows: number, k: number): Float64Array {
  const out = new Float64Array(rows * k);
  for (let i = 0; i < d.length / rows; i++) {
    for (let row = 0; row < rows; row++) {
      for (let c = 0; c < k; c++) out[row * k + c] += d[i * rows + row] * x[i * k + c];
    }
  }
  return out;
}

/** What the model says of inputs. @param x `[m, n]`.   @returns `[m, outputs]`. */
export function outputsOf({ n, hidden }: Sizes, weights: Weights, x: Float64Array): Float64Array {
  const z1 = times(x, weights[0], n);
  return hidden === 0 ? z1 : times(z1.map((z) => z * z), weights[1], hidden);
}

/** The gradient of the loss on a batch, in the clear.
 * @throws {TypeError} weights or batch of another size. */
export function clearGradients(sizes: Sizes, weights: Weights, { x, y }: Batch): Weights {
  checkWeights(sizes, weights);
  checkBatch(sizes, { x, y });
  const { n, hidden, outputs, batch } = sizes;
  const e = outputsOf(sizes, weights, x).map((out, i) => (out - y[i]) / batch);
  if (hidden === 0) return [outer(e, x, outputs, n)];
  const z1 = times(x, weights[0], n);
  const a = z1.map((z) => z * z);
  const dz1 = new Float64Array(batch * hidden);
  for (let i = 0; i < batch; i++) {
    for (let j = 0; j < hidden; j++) {
      let da = 0;
      for (let c = 0; c < outputs; c++) da += e[i * outputs + c] * weights[1][c * hidden + j];
      dz1[i * hidden + j] = da * 2 * z1[i * hidden + j];
    }
  }
  return [outer(dz1, x, hidden, n), outer(e, a, outputs, hidden)];
}
