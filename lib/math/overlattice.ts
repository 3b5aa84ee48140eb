/** Integral lattices that contain a given one with prime index, for lattices of which only inner products are known.
 *
 * A vector v = Σ a_i·b_i / p has whole inner products with the lattice where A·a ≡ 0 (mod p) for its Gram matrix A, and
 * a whole square where aᵀ·A·a ≡ 0 (mod p²). Both depend on the line of a modulo p alone, and where det A = k² for a
 * lattice of index k in one of determinant 1, few lines of few primes qualify. In Zⁿ v·v ≡ v·w (mod 2) for w all of ±1,
 * a characteristic vector: that leaves fewer.
 * @see J. H. Conway, N. J. A. Sloane, Sphere Packings, Lattices and Groups, chapter 4 (glue vectors).
 * @module */
import { type ReducedGram, reduceGram } from "./lll.ts";

/** Determinants that floats of a reduced basis give to the unit. */
const LARGEST = 2 ** 40;
/** Primes that are tried. */
const MOST_PRIME = 1024;
/** Lines of a kernel that are looked at. */
const MOST_LINES = 4096;

/** Lattices around one, and whether they are all there are. */
export interface Overlattices {
  /** Their index p; null where no square of a prime below 2^10 divides the determinant. */
  readonly prime: number | null;
  readonly lattices: readonly ReducedGram[];
  /** Whether these are all of prime index; also where the determinant is 1, and there are none. Not where there are too
   * many to look at, or the reduction of one did not end. */
  readonly complete: boolean;
}

/** The integral lattices around this one of index p, for the smallest prime p whose square divides its determinant.
 * @param lattice reduced; one with a determinant of 2^40 or more has too many around it, and none is tried.
 * @param characteristic columns of `carried` that are inner products with characteristic vectors. */
export function overlattices(
  lattice: ReducedGram,
  { characteristic = [] }: { readonly characteristic?: readonly number[] } = {},
): Overlattices {
  const { gram, rank, carried } = lattice;
  const width = carried.length / rank;
  const determinant = Math.round(determinantOf(gram, rank));
  const prime = determinant < LARGEST ? smallestSquaredPrime(determinant) : null;
  if (prime === null) return { prime, lattices: [], complete: determinant === 1 };
  const kernel = kernelMod(gram, rank, prime);
  const lines = linesOf(kernel, prime);
  const lattices: ReducedGram[] = [];
  let complete = lines.length < MOST_LINES;
  for (const a of lines) {
    const products = timesRows(gram, a, rank); // ⟨v, b_i⟩·p
    const square = a.reduce((sum, value, i) => sum + value * products[i], 0);
    if (square % prime ** 2 !== 0) continue;
    const [m, last] = [rank + 1, rank];
    const wider = new Float64Array(m * m);
    for (let i = 0; i < rank; i++) {
      for (let j = 0; j < rank; j++) wider[i * m + j] = gram[i * rank + j];
      wider[i * m + last] = wider[last * m + i] = products[i] / prime;
    }
    wider[last * m + last] = square / prime ** 2;
    const glue = timesRows(carried, a, width).map((value) => value / prime);
    if (!glue.every(Number.isInteger)) continue; // of no lattice whose inner products are whole
    if (characteristic.some((column) => (glue[column] - square / prime ** 2) % 2 !== 0)) continue;
    const found = reduceGram(wider, { m, carry: Float64Array.from([...carried, ...glue]) });
    if (found.status === "reduced") lattices.push(found);
    else complete = false;
  }
  return { prime, lattices, complete };
}

/** The determinant of a positive Gram matrix, by floats. */
export function determinantOf(gram: Float64Array, rank: number): number {
  const A = gram.slice();
  let determinant = 1;
  for (let k = 0; k < rank; k++) {
    const pivot = A[k * rank + k];
    determinant *= pivot;
    for (let i = k + 1; i < rank; i++) {
      const factor = A[i * rank + k] / pivot;
      for (let j = k; j < rank; j++) A[i * rank + j] -= factor * A[k * rank + j];
    }
  }
  return determinant;
}

function smallestSquaredPrime(value: number): number | null {
  for (let p = 2; p < MOST_PRIME && p * p <= value; p++) if (value % (p * p) === 0) return p;
  return null;
}

/** aᵀ·R for R of a.length rows. */
function timesRows(R: Float64Array, a: readonly number[], width: number): number[] {
  const out = new Array<number>(width).fill(0);
  a.forEach((factor, i) => {
    for (let j = 0; j < width; j++) out[j] += factor * R[i * width + j];
  });
  return out;
}

/** A basis of the vectors a with A·a ≡ 0 (mod p). */
function kernelMod(A: Float64Array, n: number, p: number): number[][] {
  const mod = (value: number) => (value % p + p) % p;
  const rows = Array.from({ length: n }, (_, i) => Array.from(A.subarray(i * n, i * n + n), mod));
  const pivots: number[] = []; // column of the pivot of each row in turn
  for (let column = 0; column < n; column++) {
    const at = rows.findIndex((row, i) => i >= pivots.length && row[column] !== 0);
    if (at < 0) continue;
    const rank = pivots.length;
    [rows[rank], rows[at]] = [rows[at], rows[rank]];
    const inverse = inverseMod(rows[rank][column], p);
    rows[rank] = rows[rank].map((value) => value * inverse % p);
    rows.forEach((row, i) => {
      if (i === rank || row[column] === 0) return;
      const factor = row[column];
      rows[i] = row.map((value, j) => mod(value - factor * rows[rank][j]));
    });
    pivots.push(column);
  }
  const free = rows.map((_, column) => column).filter((column) => !pivots.includes(column));
  return free.map((column) => {
    const a = new Array<number>(n).fill(0);
    a[column] = 1;
    pivots.forEach((pivot, row) => a[pivot] = mod(-rows[row][column]));
    return a;
  });
}

/** value⁻¹ mod p, by search: p is small. */
function inverseMod(value: number, p: number): number {
  let x = 1;
  while (value * x % p !== 1) x++;
  return x;
}

/** One vector of each line of the span, the first non-zero coefficient 1; at most {@linkcode MOST_LINES}. */
function linesOf(basis: readonly (readonly number[])[], p: number): number[][] {
  const lines: number[][] = [];
  for (const [first, start] of basis.entries()) {
    const rest = basis.slice(first + 1);
    for (let code = 0; code < p ** rest.length && lines.length < MOST_LINES; code++) {
      let digits = code;
      const a = start.slice();
      for (const vector of rest) {
        const digit = digits % p;
        digits = (digits - digit) / p;
        vector.forEach((value, i) => a[i] = (a[i] + digit * value) % p);
      }
      lines.push(a);
    }
  }
  return lines;
}
