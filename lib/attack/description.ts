/** How complex an image is: the length in bits of a description that gives it back.
 *
 * Two descriptions, the shorter one counts, and a bit says which. Both name a class of images and the
 * image's place in it, so that at most 2^bits images have a description of that length:
 *
 *     sparse   s of n pixels are not black       log2(n + 1) + log2 C(n, s) + s·log2 255
 *     smooth   steps along a scan add up to T    log2(255·n + 1) + log2 Σ_k 2^k·C(n, k)·C(T, k) + 1
 *
 * The scan goes by rows (or columns, the last bit) and steps from a pixel to the one before it in its row,
 * in its channel; the first of a row to the one above. The sum counts the integer vectors of n entries
 * whose absolute values add up to at most T.
 * @module */
import type { Shape } from "./priors.ts";

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
  return log2Sum(shares.map((share, k) => k + places[k] + share));
}

/** log2 Σ 2^term; −Infinity for no terms. */
export function log2Sum(terms: Float64Array): number {
  const most = terms.reduce((a, b) => Math.max(a, b), -Infinity);
  if (most === -Infinity) return most;
  return most + Math.log2(terms.reduce((sum, term) => sum + 2 ** (term - most), 0));
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
