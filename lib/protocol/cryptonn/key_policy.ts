/** What an authority can refuse: it sees each row that keys are asked for, and no ciphertext.
 *
 * Keys are linear: of keys for y and y′ their holder makes those for y ± y′. So rows are never judged one by one but
 * by their span, over the scalars of the scheme, for as long as the master key lives; every key opens every ciphertext
 * under it. Refused is a row after which the span
 *
 * - has more than a share of the dimension: what the server learns of a vector of n entries are at most share·n inner
 *   products, however it asks. This bound is sound, and honest training meets it too, within a few steps;
 * - holds a unit vector, e_j: entry j of every ciphertext.
 *
 * What the second rule does not stop: e_i + e_j, a blend of two; (256, 1, 0, …), which packs two bytes into one number
 * and gives both; (2^13, 1, 1, …), which gives the first to a few grey levels. A share below 1 stops no attack that
 * needs few equations and a prior.
 * @module */
import { invert, mod } from "@noble/curves/abstract/modular.js";

/** An authority's rule. */
export interface KeyPolicy {
  /** The most that the rows granted under one master key may span, as a share of its length, in (0, 1]. */
  readonly mostShare: number;
}

/** The span of all rows granted under one master key, as a reduced echelon form modulo the scheme's order. */
export class GrantedSpan {
  readonly #pivots: { readonly column: number; row: bigint[] }[] = [];
  readonly #most: number;

  /** @param order of the group.   @param n length of a row.
   * @throws {RangeError} a share that is not in (0, 1]. */
  constructor(
    private readonly order: bigint,
    private readonly n: number,
    { mostShare }: KeyPolicy,
  ) {
    if (!(mostShare > 0 && mostShare <= 1)) {
      throw new RangeError(`Cannot limit keys: a share of ${mostShare} is not in (0, 1]`);
    }
    this.#most = Math.floor(mostShare * n);
  }

  /** Independent rows so far. */
  get rank(): number {
    return this.#pivots.length;
  }

  /** Counts a row in, unless it is refused.
   * @returns why it is refused; null where it is granted. */
  admit(y: ArrayLike<number>): string | null {
    const { order } = this;
    const row = Array.from({ length: this.n }, (_, i) => mod(BigInt(y[i]), order));
    for (const pivot of this.#pivots) subtract(row, row[pivot.column], pivot.row, order);
    const column = row.findIndex((value) => value !== 0n);
    if (column < 0) return null; // its key follows from those granted
    if (this.rank === this.#most) {
      return `${this.rank} independent rows of ${this.n} entries were granted, the most there may be`;
    }
    const inverse = invert(row[column], order);
    const next = row.map((value) => mod(value * inverse, order));
    const reduced = this.#pivots.map((pivot) => {
      const other = pivot.row.slice();
      subtract(other, other[column], next, order);
      return { column: pivot.column, row: other };
    });
    reduced.push({ column, row: next });
    const bare = reduced.find((pivot) => pivot.row.every((v, i) => v === 0n || i === pivot.column));
    if (bare !== undefined) {
      return `with the rows granted before it would open entry ${bare.column} of every ciphertext`;
    }
    this.#pivots.splice(0, this.rank, ...reduced);
    return null;
  }
}

/** row ← row − factor·other. */
function subtract(row: bigint[], factor: bigint, other: readonly bigint[], order: bigint): void {
  if (factor === 0n) return;
  for (let i = 0; i < row.length; i++) {
    if (other[i] !== 0n) row[i] = mod(row[i] - factor * other[i], order);
  }
}
