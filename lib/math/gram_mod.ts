/** A symmetric integer matrix from its products with a few vectors, exactly, where its rank is no larger than their
 * number: S = H·(DᵀH)⁻¹·Hᵀ for H = S·D.
 *
 * That is Nyström's formula, here as Wedderburn's reduction: each vector d takes h·hᵀ/⟨d, h⟩ from what is left of S,
 * and its rank down by one, so no matrix is inverted and a vector that says nothing new is left out. Modulo a prime,
 * where no division loses a digit; entries that are small against it are the integers themselves.
 * @see J. H. M. Wedderburn, Lectures on Matrices, 1934, p. 69; M. T. Chu, R. E. Funderlic, G. H. Golub, SIAM Review 37,
 * 1995.
 * @module */
import { invert, mod } from "@noble/curves/abstract/modular.js";

/** A Mersenne prime: entries below 2^45 are far from random residues. */
const P = 2n ** 61n - 1n;
/** What counts as small. */
const LARGEST = 2n ** 45n;

/** What products say of a matrix. */
export interface GramFromProducts {
  /** Directions found: vectors that said something new, and what was known besides. */
  readonly rank: number;
  /** S `[n, n]`; null where the formula gives no integers below 2^45: S has a larger rank, or there is no such S. */
  readonly gram: Float64Array | null;
}

/** What may be known of S besides: a vector that it spans, and one entry of its diagonal. */
export interface KnownOfGram {
  /** Some S·z, `[n]`; z need not be known. */
  readonly spanned: ArrayLike<number>;
  readonly at: number;
  /** S[at, at]. */
  readonly diagonal: number;
}

/** Finds S with S·d = h for each pair, of the smallest rank; with what is known besides, of one rank more: what the
 * products leave is then a multiple of the one direction that `spanned` leaves, and the diagonal gives the multiple.
 * @param D vectors, `[count, n]` safe integers.   @param H their products, `[count, n]`. Costs count²·n + rank·n².
 * @throws {TypeError} rows that are not of n entries, or not as many. */
export function gramFromProducts(
  D: ArrayLike<number>,
  H: ArrayLike<number>,
  { n, known }: { readonly n: number; readonly known?: KnownOfGram },
): GramFromProducts {
  const count = D.length / n;
  if (!Number.isInteger(count) || D.length !== H.length) {
    throw new TypeError(
      `Cannot find a matrix: ${D.length} and ${H.length} entries in rows of ${n}`,
    );
  }
  const terms: Term[] = []; // S = Σ factor·h·hᵀ so far
  for (let at = 0; at < count; at++) {
    const [d, h] = [D, H].map((A) => Array.from({ length: n }, (_, i) => BigInt(A[at * n + i])));
    reduce(h, terms);
    const length = mod(dot(d, h), P);
    if (length !== 0n) terms.push({ d, h, factor: invert(length, P) });
  }
  const rest = known && restOf(known, terms);
  if (rest) terms.push(rest);
  const gram = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const value = entry(terms, i, j);
      const signed = value > P / 2n ? value - P : value;
      if (signed >= LARGEST || signed <= -LARGEST) {
        return { rank: terms.length, gram: null };
      }
      gram[i * n + j] = gram[j * n + i] = Number(signed);
    }
  }
  return { rank: terms.length, gram };
}

/** What a vector d took from S: factor·h·hᵀ, h what was left of S·d. */
interface Term {
  readonly d: readonly bigint[];
  readonly h: readonly bigint[];
  readonly factor: bigint;
}

/** A vector that S spans, less what the terms span of it, in place: orthogonal to each d. A later h is so already. */
function reduce(vector: bigint[], terms: readonly Term[]): void {
  for (const { d, h, factor } of terms) {
    const share = mod(factor * dot(d, vector), P);
    for (let i = 0; i < vector.length; i++) vector[i] -= share * h[i];
  }
  for (let i = 0; i < vector.length; i++) vector[i] = mod(vector[i], P);
}

/** The one term that is missing; null where the vector tells nothing of it, as where none is missing. */
function restOf({ spanned, at, diagonal }: KnownOfGram, terms: readonly Term[]): Term | null {
  const h = Array.from(spanned, BigInt);
  reduce(h, terms);
  if (h[at] === 0n) return null;
  const missing = mod(BigInt(diagonal) - entry(terms, at, at), P);
  return { d: [], h, factor: mod(missing * invert(mod(h[at] * h[at], P), P), P) };
}

/** S[i, j] in [0, p). */
function entry(terms: readonly Term[], i: number, j: number): bigint {
  let sum = 0n;
  for (const { h, factor } of terms) sum += mod(factor * h[i], P) * h[j];
  return mod(sum, P);
}

function dot(a: readonly bigint[], b: readonly bigint[]): bigint {
  let sum = 0n;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
