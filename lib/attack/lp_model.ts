/** A server's view and an attacker's priors as one sparse linear program. Pure: no solver here.
 *
 *     minimise  Σ c_p·x_p + Σ w_e·(p_e + q_e)    the terms of the objective
 *     such that W1·x = z1                        hidden dense rows
 *               x_a − x_b − p_e + q_e = 0        a row for each adjacent pair e = (a, b)
 *               |x_p − mean of neighbours| ≤ 25   a row for each published rule
 *               0 ≤ x ≤ 255,  p, q ≥ 0
 *
 * The split p − q of a difference makes its absolute value linear. The dense rows are divided by a
 * power of two, so that their largest entry lies in [1, 2): exact in floating point, and tolerances
 * mean the same at every scale of the weights.
 * @module */
import { type CostTerms, costTerms, pixelRules, type Priors } from "./priors.ts";
import type { ServerView } from "./view.ts";

/** min colCost·v subject to rowLower ≤ A·v ≤ rowUpper, colLower ≤ v ≤ colUpper; A by rows (CSR). */
export interface SparseLp {
  numCols: number;
  numRows: number;
  colCost: Float64Array;
  colLower: Float64Array;
  colUpper: Float64Array;
  rowLower: Float64Array;
  rowUpper: Float64Array;
  /** [numRows + 1] offsets into indices and values. */
  starts: Int32Array;
  indices: Int32Array;
  values: Float64Array;
  /** [hidden] powers of two that the rows of W1 were divided by. */
  scales: Float64Array;
}

/** The linear program whose solutions the attacker believes in. The first n columns are the pixels.
 * @param terms the objective, if not that of the priors (reweighting). */
export function buildLp(
  view: ServerView,
  priors: Priors,
  terms: CostTerms = costTerms(view, priors),
): SparseLp {
  const { n, hidden } = view;
  const { pairs, pixelWeights, pairWeights } = terms;
  const rules = pixelRules(view.shape, priors);
  const numCols = n + 2 * pairs.length;

  const colCost = new Float64Array(numCols);
  colCost.set(pixelWeights);
  pairWeights.forEach((weight, e) => colCost.fill(weight, n + 2 * e, n + 2 * e + 2));
  const colUpper = new Float64Array(numCols).fill(Infinity);
  colUpper.fill(view.pixelRange[1], 0, n);

  const rows = new RowBuilder();
  const scales = new Float64Array(hidden);
  for (let row = 0; row < hidden; row++) {
    const w = view.W1.subarray(row * n, (row + 1) * n);
    const scale = scales[row] = powerOfTwoBelow(w);
    const target = view.z1[row] / scale;
    rows.add(target, target, [...w.keys()].filter((p) => w[p] !== 0), (p) => w[p] / scale);
  }
  pairs.forEach(([a, b], e) => {
    const coefficients = [1, -1, -1, 1];
    rows.add(0, 0, [a, b, n + 2 * e, n + 2 * e + 1], (_, at) => coefficients[at]);
  });
  for (const { indices, values, bound } of rules) {
    rows.add(-bound, bound, indices, (_, at) => values[at]);
  }
  const colLower = new Float64Array(numCols);
  return { numCols, colCost, colLower, colUpper, scales, ...rows.finish() };
}

/** Rows of a matrix in compressed form, one after the other. */
class RowBuilder {
  readonly #lower: number[] = [];
  readonly #upper: number[] = [];
  readonly #starts: number[] = [0];
  readonly #indices: number[] = [];
  readonly #values: number[] = [];

  add(
    lower: number,
    upper: number,
    columns: readonly number[],
    value: (col: number, at: number) => number,
  ) {
    this.#lower.push(lower);
    this.#upper.push(upper);
    columns.forEach((col, at) => {
      this.#indices.push(col);
      this.#values.push(value(col, at));
    });
    this.#starts.push(this.#indices.length);
  }

  finish() {
    return {
      numRows: this.#lower.length,
      rowLower: Float64Array.from(this.#lower),
      rowUpper: Float64Array.from(this.#upper),
      starts: Int32Array.from(this.#starts),
      indices: Int32Array.from(this.#indices),
      values: Float64Array.from(this.#values),
    };
  }
}

/** The largest power of two at or below max |w|; 1 for a row of zeros. */
function powerOfTwoBelow(w: Float64Array): number {
  const largest = w.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return largest === 0 ? 1 : 2 ** Math.floor(Math.log2(largest));
}
