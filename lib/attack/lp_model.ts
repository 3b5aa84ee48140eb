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
import { type Forms, formsOf } from "./solvers/forms.ts";
import type { ServerView } from "./view.ts";

/** min colCost·v subject to rowLower ≤ A·v ≤ rowUpper, colLower ≤ v ≤ colUpper; A by rows (CSR). */
export interface SparseLp extends Forms {
  numCols: number;
  numRows: number;
  colCost: Float64Array;
  colLower: Float64Array;
  colUpper: Float64Array;
  rowLower: Float64Array;
  rowUpper: Float64Array;
  /** [hidden] powers of two that the rows of W1 were divided by. */
  scales: Float64Array;
}

/** A row: lower ≤ Σ value·v[column] ≤ upper. */
interface Row {
  lower: number;
  upper: number;
  terms: readonly (readonly [column: number, value: number])[];
}

/** The linear program whose solutions the attacker believes in. The first n columns are the pixels.
 * @param terms the objective, if not that of the priors (reweighting).
 * @param elastic every row may be missed, either way, at a price of 1: two more columns a row, at the end. */
export function buildLp(
  view: ServerView,
  priors: Priors,
  { terms = costTerms(view, priors), elastic = false }: {
    terms?: CostTerms;
    elastic?: boolean;
  } = {},
): SparseLp {
  const { n } = view;
  const scales = Float64Array.from(view.z1, (_, row) => powerOfTwoBelow(weights(view, row)));
  const rows: Row[] = [];
  scales.forEach((scale, row) => {
    const terms = Array.from(weights(view, row), (w, p) => [p, w / scale] as const);
    const target = view.z1[row] / scale;
    rows.push({ lower: target, upper: target, terms: terms.filter(([, value]) => value !== 0) });
  });
  terms.pairs.forEach(([a, b], e) => {
    const [p, q] = [n + 2 * e, n + 2 * e + 1];
    rows.push({ lower: 0, upper: 0, terms: [[a, 1], [b, -1], [p, -1], [q, 1]] });
  });
  for (const { indices, values, bound } of pixelRules(view.shape, priors)) {
    rows.push({ lower: -bound, upper: bound, terms: indices.map((p, k) => [p, values[k]]) });
  }
  const first = n + 2 * terms.pairs.length; // of the elastic columns
  const numCols = first + (elastic ? 2 * rows.length : 0);
  const colCost = new Float64Array(numCols).fill(1, first);
  colCost.set(terms.pixelWeights);
  terms.pairWeights.forEach((weight, e) => colCost.fill(weight, n + 2 * e, n + 2 * e + 2));
  return {
    numCols,
    numRows: rows.length,
    colCost,
    colLower: new Float64Array(numCols),
    colUpper: new Float64Array(numCols).fill(Infinity).fill(view.pixelRange[1], 0, n),
    rowLower: Float64Array.from(rows, ({ lower }) => lower),
    rowUpper: Float64Array.from(rows, ({ upper }) => upper),
    scales,
    ...formsOf(rows.map(({ terms }, row) => {
      const [over, under] = [first + 2 * row, first + 2 * row + 1];
      return elastic ? [...terms, [over, 1], [under, -1]] : terms;
    })),
  };
}

const weights = ({ W1, n }: ServerView, row: number) => W1.subarray(row * n, (row + 1) * n);

/** The largest power of two at or below max |w|; 1 for a row of zeros. */
function powerOfTwoBelow(w: Float64Array): number {
  const largest = w.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return largest === 0 ? 1 : 2 ** Math.floor(Math.log2(largest));
}
