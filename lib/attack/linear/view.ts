/** What an aggregator sees of the training of a linear model: for each batch its visits, no sample.
 *
 *   u = (x_1 … x_n, 1, y)·one,  c = (w, b, −1) in integers,  g_j = Σ_i ⟨c, u_i⟩·u_ij for j ≤ n
 *
 * The scheme opens g and nothing else (quadratic functional encryption, as in arXiv 2305.08358), or also each sample's
 * residual ⟨c, u_i⟩ (FedV, arXiv 2103.03918, by inner products).
 * @module */

/** Integers in an array of any kind. */
export type Integers = ArrayLike<number>;

/** One visit of a batch. */
export interface LinearVisit {
  /** Coefficients of the visit `[n + 2]`. */
  readonly c: Integers;
  /** `[n + 1]` */
  readonly gradient: Integers;
  /** ⟨c, u_i⟩ of each sample `[size]`, where the scheme shows it; else null. */
  readonly residuals: Integers | null;
}

/** One batch: the same samples at each visit. */
export interface LinearBatch {
  readonly size: number;
  readonly visits: readonly LinearVisit[];
}

/** All that the attacker reads. */
export interface LinearView {
  /** Features. */
  readonly n: number;
  /** The fixed-point 1. */
  readonly one: number;
  /** |y| in fixed point. */
  readonly label: number;
  /** No feature is larger, in fixed point. */
  readonly bound: number;
  readonly batches: readonly LinearBatch[];
}

/** Checks a view. @throws {TypeError} lengths that do not fit. {RangeError} what is no safe integer or not positive. */
export function linearView(view: LinearView): LinearView {
  const { n, one, label, bound, batches } = view;
  for (const [name, value] of Object.entries({ n, one, label, bound })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`Cannot build a view: ${name} ${value} is not a positive integer`);
    }
  }
  for (const [b, { size, visits }] of batches.entries()) {
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(`Cannot build a view: batch ${b} has ${size} samples`);
    }
    for (const [t, { c, gradient, residuals }] of visits.entries()) {
      const parts = { c: [c, n + 2], gradient: [gradient, n + 1], residuals: [residuals, size] };
      for (const [name, part] of Object.entries(parts)) {
        const [values, length] = part as [Integers | null, number];
        if (values === null) continue;
        const where = `${name} of visit ${t} of batch ${b}`;
        if (values.length !== length) {
          throw new TypeError(
            `Cannot build a view: ${where} has ${values.length} entries, expected ${length}`,
          );
        }
        const bad = Array.from(values).find((value) => !Number.isSafeInteger(value));
        if (bad !== undefined) {
          throw new RangeError(
            `Cannot build a view: ${where} has ${bad}, which is no safe integer`,
          );
        }
      }
      if (c[n + 1] === 0) {
        throw new RangeError(`Cannot build a view: the label's coefficient in visit ${t} is 0`);
      }
    }
  }
  return view;
}
