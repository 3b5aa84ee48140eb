/** How much the equations of a layer can tell, measured on W1 alone, and how much an image needs.
 *
 * A wrong image x' = x + d satisfies row w iff ⟨w, d⟩ = 0. If the row's entries are drawn independently of
 * the image and of each other, and none takes a value with more than probability q, then for a d of k live
 * pixels ⟨w, d⟩ = 0 has at most probability q, and at most about 1/√(2π·k·v), v the least variance that such
 * a q allows: (m² − 1)/12 for q ≤ 1/m, q(1 − q) for q > ½ (Juškevičius, Kurauskas, arXiv 1912.08770; Singhal,
 * arXiv 1912.02886; for q = ½ Littlewood–Offord). So a row tells
 *
 *     k ≤ 2:  log2(1/q)        k > 2:  max(log2(1/q), ½·log2(2π·(k·v − ½)))
 *
 * bits, and independent rows add up. q is measured: the most frequent value among all entries, or in a row or
 * a column where it stands out, or the share of rows in which two columns agree: pixels behind columns that
 * repeat, or are multiples of each other, can be exchanged (q = 1). The sums of the rows count as a column:
 * where they are 0, an image can be made brighter as a whole. Longer relations between columns, one the sum of two
 * others, are not looked for. Rows that nearly repeat others count as what is new in them: a pivot of the
 * Cholesky factor of W1·W1ᵀ is the row's distance from those above, s² a pixel, and q ≥ 1/√(12·s² + 1).
 *
 * The other side is how complex an image is: the length in bits of a description that gives it back. Two
 * descriptions, the shorter one counts, and a bit says which. Both name a class of images and the image's place in
 * it, so that at most 2^bits images have a description of that length:
 *
 *     sparse   s of n pixels are not black       log2(n + 1) + log2 C(n, s) + s·log2 255
 *     smooth   steps along a scan add up to T    log2(255·n + 1) + log2 Σ_k 2^k·C(n, k)·C(T, k) + 1
 *
 * The scan goes by rows (or columns, the last bit) and steps from a pixel to the one before it in its row,
 * in its channel; the first of a row to the one above. The sum counts the integer vectors of n entries
 * whose absolute values add up to at most T.
 * @module */
import { apply, cholesky, multiplyTransposed, withColumn } from "../math/dense.ts";
import { rankMod } from "../math/rank_mod.ts";
import { gaussian, seededRng } from "../math/rng.ts";
import type { Shape } from "./priors.ts";

/** What {@linkcode layerEvidence} measures. */
export interface LayerEvidence {
  /** Pixels that no equation sees. */
  readonly deadPixels: number;
  /** Equations that say something that those before do not. */
  readonly rank: number;
  /** W1 has rank n, exactly: one image at most satisfies the equations. */
  readonly full: boolean;
  /** Groups of rows with the same q. */
  readonly rows: readonly { q: number; count: number }[];
  /** [n] bits that they tell about a wrong image that differs in 1, 2, … n pixels. */
  readonly bits: Float64Array;
}

/** Standard deviations that a count must be above its mean to stand out. */
const STANDS_OUT = 5;

/** Rows in which all pairs of columns are compared. */
const COMPARED_ROWS = 64;

/** Bits of one row, see the module. @param q in (0, 1]. */
export function rowBits(q: number, k: number): number {
  const least = -Math.log2(q);
  const m = Math.floor(1 / q);
  const v = q > 0.5 ? q * (1 - q) : (m * m - 1) / 12;
  const spread = k * v - 0.5;
  return k <= 2 || !(spread > 0) ? least : Math.max(least, Math.log2(2 * Math.PI * spread) / 2);
}

/** Measures W1 [hidden, n]. */
export function layerEvidence(W1: Float64Array, n: number): LayerEvidence {
  const live = liveRows(W1, n);
  const hidden = live.length / n;
  const deadPixels = countDead(live, n);
  const nothing = { rows: [], bits: new Float64Array(n) };
  if (hidden === 0) return { deadPixels: n, rank: 0, full: false, ...nothing };
  if (hidden >= n && deadPixels === 0 && rankMod(live, n) === n) {
    return { deadPixels, rank: n, full: true, ...nothing };
  }
  const used = Math.min(hidden, n); // more cannot be independent
  const A = live.subarray(0, used * n);
  const L = multiplyTransposed(A, A, { n, lower: true });
  const rank = cholesky(L, used);
  const atoms = rowAtoms(A, n);
  const groups = new Map<number, number>();
  let before = 0;
  for (let row = 0; row < used; row++) {
    const pivot = L[row * used + row];
    if (pivot === Infinity) continue;
    const variance = pivot ** 2 / (n - before++);
    const q = Math.max(atoms[row], 1 / Math.sqrt(12 * variance + 1));
    groups.set(q, (groups.get(q) ?? 0) + 1);
  }
  const rows = [...groups].map(([q, count]) => ({ q, count }));
  const bits = Float64Array.from(
    { length: n },
    (_, at) => rows.reduce((sum, { q, count }) => sum + count * rowBits(q, at + 1), 0),
  );
  return { deadPixels, rank, full: false, rows, bits };
}

/** The rows that are not all zero. */
function liveRows(W1: Float64Array, n: number): Float64Array {
  const rows: number[] = [];
  for (let at = 0; at < W1.length; at += n) {
    if (W1.subarray(at, at + n).some((w) => w !== 0)) rows.push(at);
  }
  if (rows.length * n === W1.length) return W1;
  const live = new Float64Array(rows.length * n);
  rows.forEach((at, row) => live.set(W1.subarray(at, at + n), row * n));
  return live;
}

function countDead(A: Float64Array, n: number): number {
  const seen = new Uint8Array(n);
  for (let at = 0; at < A.length; at += n) {
    for (let p = 0; p < n; p++) if (A[at + p] !== 0) seen[p] = 1;
  }
  return seen.reduce((count, live) => live === 0 ? count + 1 : count, 0);
}

/** Of each row, the largest probability of a value: that of all entries, or the row's, or a column's, or of two
 * columns' being the same. */
function rowAtoms(A: Float64Array, n: number): Float64Array {
  const hidden = A.length / n;
  const extended = withColumn(A, apply(A, new Float64Array(n).fill(1))); // the sums of the rows
  if (hasParallelColumns(extended, n + 1)) return new Float64Array(hidden).fill(1);
  const mostFrequent = counter(extended);
  const all = mostFrequent(0, 1, extended.length) / A.length;
  const outstanding = (count: number, of: number) =>
    count > of * all + STANDS_OUT * (Math.sqrt(of * all) + 1) ? count / of : all;
  const { count, of } = mostAgreement(extended, n + 1);
  let columns = outstanding(count, of);
  for (let p = 0; p <= n; p++) {
    columns = Math.max(columns, outstanding(mostFrequent(p, n + 1, hidden), hidden));
  }
  return Float64Array.from(
    { length: hidden },
    (_, row) => Math.max(columns, outstanding(mostFrequent(row * (n + 1), 1, n), n)),
  );
}

/** Whether a column is zero or a multiple of another: by a random combination of each one's entries without their common
 * factor and sign. Others that fall together, one pair in 2^50, only cost a certificate. */
function hasParallelColumns(A: Float64Array, n: number): boolean {
  const hidden = A.length / n;
  const factors = new Float64Array(n);
  for (let at = 0; at < A.length; at += n) {
    for (let p = 0; p < n; p++) {
      if (factors[p] !== 1) factors[p] = commonDivisor(factors[p], A[at + p]);
    }
  }
  if (factors.includes(0)) return true;
  const sums = new Float64Array(n);
  gaussian(seededRng(1), hidden).forEach((share, row) => {
    for (let p = 0; p < n; p++) {
      sums[p] += share * (A[row * n + p] / factors[p]);
    }
  });
  return new Set(sums.map(Math.abs)).size < n;
}

function commonDivisor(a: number, b: number): number {
  [a, b] = [Math.abs(a), Math.abs(b)];
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

/** In how many of some rows, spread over all, the two columns most alike are equal, or equal but for the sign. */
function mostAgreement(A: Float64Array, n: number): { count: number; of: number } {
  const hidden = A.length / n;
  const of = Math.min(hidden, COMPARED_ROWS);
  const pairs = new Uint8Array(n * n); // equal above the diagonal, opposite below
  let count = 0;
  for (let k = 0; k < of; k++) {
    const from = Math.floor(k * hidden / of) * n;
    const row = A.subarray(from, from + n);
    const last = new Map<number, number>(); // of the columns of one size
    const before = new Int32Array(n);
    for (let q = 0; q < n; q++) {
      const size = Math.abs(row[q]);
      before[q] = last.get(size) ?? -1;
      last.set(size, q);
      for (let p = before[q]; p >= 0; p = before[p]) {
        const agreed = row[p] === row[q] ? ++pairs[p * n + q] : ++pairs[q * n + p];
        if (agreed > count) count = agreed;
      }
    }
  }
  return { count, of };
}

/** A function that tells how often the most frequent value occurs among `count` entries of A from `from` on.
 * @param A integers. */
function counter(A: Float64Array): (from: number, stride: number, count: number) => number {
  const { coded, codes } = codesOf(A);
  const counts = new Int32Array(codes);
  return (from, stride, count) => {
    let most = 0;
    for (let k = 0, at = from; k < count; k++, at += stride) {
      most = Math.max(most, ++counts[coded[at]]);
    }
    for (let k = 0, at = from; k < count; k++, at += stride) counts[coded[at]] = 0;
    return most;
  };
}

/** A number from 0 to `codes` − 1 for each entry: how far it is above the least one, or in the order of appearance where
 * integers lie so far apart that most of those numbers would stand for nothing. */
function codesOf(A: Float64Array): { coded: Int32Array; codes: number } {
  let [low, high] = [Infinity, -Infinity];
  for (let at = 0; at < A.length; at++) {
    if (A[at] < low) low = A[at];
    if (A[at] > high) high = A[at];
  }
  const coded = new Int32Array(A.length);
  if (high - low < A.length) {
    for (let at = 0; at < A.length; at++) coded[at] = A[at] - low;
    return { coded, codes: high - low + 1 };
  }
  const known = new Map<number, number>();
  for (let at = 0; at < A.length; at++) {
    const code = known.get(A[at]) ?? known.size;
    if (code === known.size) known.set(A[at], code);
    coded[at] = code;
  }
  return { coded, codes: known.size };
}

/** Bits that describe an image of whole pixel values 0..255; fewer for a simple one. */
export function descriptionBits(x: ArrayLike<number>, shape: Shape): number {
  return 1 + Math.min(sparseBits(x), smoothBits(x, shape));
}

function sparseBits(x: ArrayLike<number>): number {
  const n = x.length;
  let s = 0;
  for (let p = 0; p < n; p++) if (x[p] !== 0) s++;
  return Math.log2(n + 1) + log2Binomials(n, n)[s] + s * Math.log2(255);
}

function smoothBits(x: ArrayLike<number>, [height, width, channels]: Shape): number {
  const at = (i: number, j: number, k: number) =>
    i < 0 || j < 0 ? 0 : x[(i * width + j) * channels + k];
  let [byRows, byColumns] = [0, 0];
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      for (let k = 0; k < channels; k++) {
        byRows += Math.abs(at(i, j, k) - (j > 0 ? at(i, j - 1, k) : at(i - 1, 0, k)));
        byColumns += Math.abs(at(i, j, k) - (i > 0 ? at(i - 1, j, k) : at(0, j - 1, k)));
      }
    }
  }
  const n = x.length;
  return Math.log2(255 * n + 1) + log2Ball(n, Math.min(byRows, byColumns)) + 1;
}

/** log2 of the number of integer vectors v of n entries with Σ|v| ≤ T. */
function log2Ball(n: number, T: number): number {
  const [places, shares] = [log2Binomials(n, n), log2Binomials(T, Math.min(n, T))];
  const terms = new Float64Array(shares.length);
  for (let k = 0; k < terms.length; k++) terms[k] = k + places[k] + shares[k];
  return log2Sum(terms);
}

/** log2 Σ 2^term; −Infinity for no terms. */
export function log2Sum(terms: Float64Array): number {
  let most = -Infinity;
  for (let k = 0; k < terms.length; k++) most = Math.max(most, terms[k]);
  if (most === -Infinity) return most;
  let sum = 0;
  for (let k = 0; k < terms.length; k++) sum += 2 ** (terms[k] - most);
  return most + Math.log2(sum);
}

let last: { n: number; binomials: Float64Array } | undefined;

/** log2 C(n, k) for k = 0 to `most`. The whole row of the last n is kept: it is asked for again and again. */
export function log2Binomials(n: number, most: number): Float64Array {
  if (last?.n === n && most === n) return last.binomials;
  const binomials = new Float64Array(most + 1);
  for (let k = 1; k <= most; k++) binomials[k] = binomials[k - 1] + Math.log2((n - k + 1) / k);
  if (most === n) last = { n, binomials };
  return binomials;
}
