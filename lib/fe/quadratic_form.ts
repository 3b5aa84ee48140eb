/** Quadratic functions xᵀFy = Σ_r weights_r·⟨left_r, x⟩·⟨right_r, y⟩ as sums of products of two linear ones.
 *
 * Decryption pays two pairings a term, so a matrix is written with as few terms as it shows: one for each of its
 * non-zero columns, or rows where they are fewer. Who knows factors of a smaller rank gives them: forty
 * projections of an image are forty terms, whatever its size; forms that share `left` and `right` and differ in
 * `weights` share all sums and lines.
 * @module */
import { mod } from "@noble/curves/abstract/modular.js";

/** A quadratic function of integer vectors x and y of length n. Public. */
export interface QuadraticForm {
  readonly n: number;
  /** Vectors of length n, one a term. */
  readonly left: readonly Int32Array[];
  readonly right: readonly Int32Array[];
  /** One a term. */
  readonly weights: Int32Array;
}

const INT32 = 2 ** 31;

function int32(name: string, values: ArrayLike<number>): Int32Array {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isInteger(values[i]) || Math.abs(values[i]) >= INT32) {
      throw new RangeError(
        `Cannot make a form: ${name}[${i}] = ${values[i]} is not an integer below 2^31 in size`,
      );
    }
  }
  return Int32Array.from(values);
}

/** The form of a square matrix. @param F n rows of n integers, |F_ij| < 2^31.
 * @throws {TypeError} F is not square. {RangeError} an entry that is too large or no integer; F is empty or zero. */
export function matrixForm(F: readonly ArrayLike<number>[]): QuadraticForm {
  const n = F.length;
  const rows = F.map((row, i) => {
    if (row.length !== n) {
      throw new TypeError(`Cannot make a form: row ${i} of F has length ${row.length}, not ${n}`);
    }
    return int32(`F[${i}]`, row);
  });
  const columns = rows.map((_, j) => Int32Array.from(rows, (row) => row[j]));
  const filled = (vectors: readonly Int32Array[]) =>
    vectors.flatMap((vector, i) => vector.some((value) => value !== 0) ? [i] : []);
  const unit = (i: number) => Int32Array.from({ length: n }, (_, k) => k === i ? 1 : 0);
  const [ofRows, ofColumns] = [filled(rows), filled(columns)];
  // Columns where it is equal: their sums are of x, in G1, where an addition costs a quarter of one in G2.
  return ofColumns.length <= ofRows.length
    ? factoredForm({ left: ofColumns.map((j) => columns[j]), right: ofColumns.map(unit) })
    : factoredForm({ left: ofRows.map(unit), right: ofRows.map((i) => rows[i]) });
}

/** The form of given factors. @param factors integers below 2^31 in size; weights are 1 unless given.
 * @throws {TypeError} numbers of terms or lengths that differ. {RangeError} an entry that is too large or no
 * integer; no term, or only zero ones: their result is 0 without a key. */
export function factoredForm({ left, right, weights = left.map(() => 1) }: {
  readonly left: readonly ArrayLike<number>[];
  readonly right: readonly ArrayLike<number>[];
  readonly weights?: ArrayLike<number>;
}): QuadraticForm {
  if (left.length !== right.length || left.length !== weights.length) {
    const found = `${left.length} left, ${right.length} right, ${weights.length} weights`;
    throw new TypeError(`Cannot make a form: ${found}, expected equally many`);
  }
  const n = left[0]?.length ?? 0;
  const side = (name: string, vectors: readonly ArrayLike<number>[]) =>
    vectors.map((vector, r) => {
      if (vector.length !== n) {
        throw new TypeError(
          `Cannot make a form: ${name}[${r}] has length ${vector.length}, expected ${n}`,
        );
      }
      return vector instanceof Int32Array ? vector : int32(`${name}[${r}]`, vector);
    });
  const form = {
    n,
    left: side("left", left),
    right: side("right", right),
    weights: int32("weights", weights),
  };
  if (reachOf(form) === 0) {
    throw new RangeError(
      "Cannot make a form: every coefficient is 0, the result is 0 without a key",
    );
  }
  return form;
}

/** Σ_r |weights_r|·‖left_r‖₁·‖right_r‖₁: |xᵀFy| is at most this times the bounds of x and y. */
export function reachOf({ left, right, weights }: QuadraticForm): number {
  const norm = (vector: Int32Array) => vector.reduce((sum, value) => sum + Math.abs(value), 0);
  return left.reduce((sum, l, r) => sum + Math.abs(weights[r]) * norm(l) * norm(right[r]), 0);
}

/** xᵀFy mod q of large or small integers, in the clear: what a key is made of.
 * @throws {TypeError} vectors whose length is not n. */
export function evaluateForm(
  { n, left, right, weights }: QuadraticForm,
  x: readonly bigint[],
  y: readonly bigint[],
  q: bigint,
): bigint {
  if (x.length !== n || y.length !== n) {
    throw new TypeError(`Cannot evaluate: vectors of ${x.length} and ${y.length}, expected ${n}`);
  }
  const dot = (coefficients: Int32Array, values: readonly bigint[]) =>
    values.reduce((sum, value, i) => sum + BigInt(coefficients[i]) * value, 0n);
  const sum = left.reduce(
    (total, l, r) => total + BigInt(weights[r]) * mod(dot(l, x), q) * mod(dot(right[r], y), q),
    0n,
  );
  return mod(sum, q);
}
