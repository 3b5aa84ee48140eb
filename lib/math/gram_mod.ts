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
  /** Vectors that said something new: the rank found. */
  readonly rank: number;
  /** Vectors whose product followed from the others': one such, of the vectors that one draws, says that the rank is
   * that of S. */
  readonly surplus: number;
  /** S `[n, n]`; null where the formula gives no integers below 2^45: S has a larger rank, or there is no such S. */
  readonly gram: Float64Array | null;
}

/** Finds S with S·d = h for each pair, of the smallest rank.
 * @param D vectors, `[count, n]` safe integers.   @param H their products, `[count, n]`. Costs count²·n + rank·n².
 * @throws {TypeError} rows that are not of n entries, or not as many. */
export function gramFromProducts(
  D: ArrayLike<number>,
  H: ArrayLike<number>,
  { n }: { readonly n: number },
): GramFromProducts {
  const count = D.length / n;
  if (!Number.isInteger(count) || D.length !== H.length) {
    throw new TypeError(
      `Cannot find a matrix: ${D.length} and ${H.length} entries in rows of ${n}`,
    );
  }
  const big = (A: ArrayLike<number>, at: number) =>
    Array.from({ length: n }, (_, i) => BigInt(A[at * n + i]));
  const terms: { h: bigint[]; factor: bigint }[] = []; // S = Σ factor·h·hᵀ so far
  let surplus = 0;
  for (let at = 0; at < count; at++) {
    const [d, h] = [big(D, at), big(H, at)];
    for (const term of terms) {
      const share = mod(term.factor * dot(term.h, d), P);
      for (let i = 0; i < n; i++) h[i] -= share * term.h[i];
    }
    for (let i = 0; i < n; i++) h[i] = mod(h[i], P);
    const length = mod(dot(d, h), P);
    if (length !== 0n) terms.push({ h, factor: invert(length, P) });
    else if (h.every((value) => value === 0n)) surplus++;
  }
  const gram = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0n;
      for (const { h, factor } of terms) sum += mod(factor * h[i], P) * h[j];
      const value = mod(sum, P);
      const signed = value > P / 2n ? value - P : value;
      if (signed >= LARGEST || signed <= -LARGEST) {
        return { rank: terms.length, surplus, gram: null };
      }
      gram[i * n + j] = gram[j * n + i] = Number(signed);
    }
  }
  return { rank: terms.length, surplus, gram };
}

function dot(a: readonly bigint[], b: readonly bigint[]): bigint {
  let sum = 0n;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
