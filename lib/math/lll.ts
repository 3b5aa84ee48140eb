/** LLL reduction of a lattice of which only inner products are known, of vectors that may depend on each other.
 *
 * The Gram matrix stays in exact integers; its Gram and Schmidt coefficients are floats, recomputed from it row by row,
 * as in Nguyen and Stehlé's L². So a rounding error can cost a step and nothing else: what is returned is a basis of
 * the same lattice, whatever the floats were. A vector that depends on those before has a projection of 0, or of a
 * rounding error, sinks, and is dropped once it is exactly 0. The work is bounded: a matrix that is no Gram matrix, or
 * one too hard for 53 bits, ends in the status `stopped`.
 * @see A. K. Lenstra, H. W. Lenstra, L. Lovász, Math. Ann. 261, 1982; P. Nguyen, D. Stehlé, SIAM J. Comput. 39, 2009;
 * M. Pohst, J. Symb. Comput. 4, 1987 (dependent vectors).
 * @module */

/** How much of Lovász's condition is asked for. */
const DELTA = 0.99;
/** A coefficient up to this stays: one of exactly a half, which is common here, may round to either side for ever. */
const ETA = 0.51;
/** Entries of the Gram matrix beyond this would leave the exact integers on the way. */
const LARGEST = 2 ** 45;
/** Visits of a position for each pair of vectors; those of the attacks take up to 20. */
const VISITS_A_PAIR = 100;
/** Rounds of taking multiples at one visit: each gains some 50 bits, so that a few do. */
const PASSES = 50;

/** A reduced basis. */
export interface ReducedGram {
  /** `stopped`: the work ran out, or no lattice has these inner products. What is returned then means nothing. */
  readonly status: "reduced" | "stopped";
  /** Vectors of the basis: the rank of the Gram matrix. */
  readonly rank: number;
  /** Inner products of the basis `[rank, rank]`. */
  readonly gram: Float64Array;
  /** What was carried along, of the basis `[rank, width]`. */
  readonly carried: Float64Array;
}

/** Reduces the lattice that m vectors generate.
 * @param gram their inner products `[m, m]`, integers below 2^45.   @param carry `[m, width]` integers, such as inner
 * products with other vectors: combined as the vectors are.
 * @throws {TypeError} a matrix that is not square, or rows that do not fit. {RangeError} an entry that is no integer
 * below 2^45, a matrix that is not symmetric. */
export function reduceGram(
  gram: Float64Array,
  { m, carry }: { readonly m: number; readonly carry: Float64Array },
): ReducedGram {
  const width = carry.length / m;
  if (gram.length !== m * m || !Number.isInteger(width)) {
    throw new TypeError(
      `Cannot reduce: ${gram.length} and ${carry.length} entries, expected rows of ${m} vectors`,
    );
  }
  gram.forEach((value, at) => {
    if (!Number.isInteger(value) || Math.abs(value) >= LARGEST) {
      throw new RangeError(`Cannot reduce: inner product ${value} is no integer below 2^45`);
    }
    if (value !== gram[at % m * m + Math.floor(at / m)]) {
      throw new RangeError(
        `Cannot reduce: inner products are not symmetric at ${Math.floor(at / m)}, ${at % m}`,
      );
    }
  });
  const basis = new Basis(gram, carry, m);
  const status = basis.reduce(VISITS_A_PAIR * m * m) ? "reduced" : "stopped";
  const { order } = basis;
  return {
    status,
    rank: order.length,
    gram: Float64Array.from(order.flatMap((i) => order.map((j) => basis.G[i * m + j]))),
    carried: Float64Array.from(
      order.flatMap((i) => [...basis.C.subarray(i * width, (i + 1) * width)]),
    ),
  };
}

/** The vectors on their way; `order[k]` is the row of G and C that stands at position k. */
class Basis {
  readonly G: Float64Array;
  readonly C: Float64Array;
  readonly order: number[];
  /** ⟨b_k, b*_j⟩ and ⟨b_k, b*_j⟩ / ‖b*_j‖² by position. */
  readonly #r: Float64Array;
  readonly #mu: Float64Array;

  constructor(gram: Float64Array, carry: Float64Array, readonly m: number) {
    [this.G, this.C] = [gram.slice(), carry.slice()];
    [this.#r, this.#mu] = [new Float64Array(m * m), new Float64Array(m * m)];
    this.order = Array.from({ length: m }, (_, i) => i).filter((i) => gram[i * m + i] !== 0);
  }

  /** @returns whether it is reduced; not where `visits` ran out or the numbers are impossible. */
  reduce(visits: number): boolean {
    const { G, order, m } = this;
    const [r, mu] = [this.#r, this.#mu];
    for (let k = 0; k < order.length; visits--) {
      if (visits === 0 || !this.#shorten(k)) return false;
      const row = order[k];
      if (G[row * m + row] === 0) {
        order.splice(k, 1);
        continue;
      }
      const above = k === 0 ? 0 : r[(k - 1) * m + k - 1];
      if (k === 0 || r[k * m + k] >= (DELTA - mu[k * m + k - 1] ** 2) * above) {
        k++;
      } else {
        [order[k - 1], order[k]] = [order[k], order[k - 1]];
        k--;
      }
    }
    return true;
  }

  /** Takes whole multiples of the vectors before it from the one at position k, until none is left to take.
   * @returns whether that came to an end with numbers that are exact and a length that is not negative. */
  #shorten(k: number): boolean {
    const { G, order, m } = this;
    const own = order[k] * m + order[k];
    const mu = this.#mu;
    for (let pass = 0; pass < PASSES; pass++) {
      this.#project(k);
      let changed = false;
      for (let j = k - 1; j >= 0; j--) {
        if (Math.abs(mu[k * m + j]) <= ETA) continue;
        const q = Math.round(mu[k * m + j]);
        changed = true;
        this.#subtract(k, q, j);
        for (let i = 0; i < j; i++) mu[k * m + i] -= q * mu[j * m + i];
      }
      if (!(G[own] >= 0 && G[own] <= Number.MAX_SAFE_INTEGER)) return false;
      if (!changed) return true;
    }
    return false;
  }

  /** The Gram and Schmidt coefficients of position k from those before. */
  #project(k: number): void {
    const { G, order, m } = this;
    const [r, mu] = [this.#r, this.#mu];
    for (let j = 0; j <= k; j++) {
      let sum = G[order[k] * m + order[j]];
      for (let i = 0; i < j; i++) sum -= mu[j * m + i] * r[k * m + i];
      r[k * m + j] = sum;
      mu[k * m + j] = sum / r[j * m + j];
    }
  }

  /** The vector at position k less q times that at position j. */
  #subtract(k: number, q: number, j: number): void {
    const { G, C, order, m } = this;
    const [a, b] = [order[k], order[j]];
    for (let i = 0; i < m; i++) G[a * m + i] -= q * G[b * m + i];
    for (let i = 0; i < m; i++) G[i * m + a] -= q * G[i * m + b];
    const width = C.length / m;
    for (let i = 0; i < width; i++) C[a * width + i] -= q * C[b * width + i];
  }
}
