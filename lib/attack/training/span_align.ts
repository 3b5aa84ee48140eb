/** Which linear map takes the space of `span_view.ts` to pixels: the likeliest, given the labels and public images.
 *
 * With coordinates z of an image in the space, x = A·z for an unknown A [n, rank]. In pixels whitened by the public
 * images' covariance within classes, the private images are taken to be normal in each class, with the public mean m_c
 * and covariance S_c (a tenth of it the identity). As density moves with its volume, A minimises
 *
 *   Σ_i ½·(A·z_i − m_c)ᵀ·S_c⁻¹·(A·z_i − m_c) − (N/2)·log det(AᵀA) + w·Σ_i ‖what of x_i leaves [0, 1]‖²
 *
 * by L-BFGS, first without the last term. Each start fits the classes' means and turns what they leave open at random;
 * the start that ends lowest is taken, which needs no truth. Matching of moments with equal weights, which does for
 * 60,000 images, fits the noise of 20 images a class: on 200 digits of 7×7 it ends at an MSE above 0.012 even from the
 * truth.
 * @module */
import * as dense from "../../math/dense.ts";
import { minimise, type Slope } from "../../math/lbfgs.ts";
import { gaussian, type Rng } from "../../math/rng.ts";
import { breather } from "../../workers/pool.ts";
import type { LabelledImages } from "./recovery.ts";
import type { Span } from "./span_view.ts";

/** Added to the variance within classes of each pixel: four grey levels. */
const RIDGE = 3e-4;

/** The share of the identity in each class's whitened covariance. */
const SHRINK = 0.1;

/** What it costs to leave [0, 1]: w. */
const OUTSIDE = 1000;

/** Iterations without, then with that cost. */
const ITERATIONS = [100, 400];

/** What is known of the public classes. */
interface PublicClasses {
  /** `[n, n]`, whitened pixels to pixels, lower triangular. */
  readonly L: Float64Array;
  /** Of each class the mean `[n]` and the inverse covariance `[n, n]`, whitened. */
  readonly means: readonly Float64Array[];
  readonly inverses: readonly Float64Array[];
}

/** All images, `[N, n]`, pixels in 0..255.
 * @throws {TypeError} public images of another shape. {RangeError} a class with fewer than two of them, or no start.
 * @throws the signal's reason when aborted. */
export async function alignSpan(
  { base, rank, count }: Span,
  labels: Uint8Array,
  images: LabelledImages,
  { n, classes, rng, starts, signal, onProgress }: {
    readonly n: number;
    readonly classes: number;
    readonly rng: Rng;
    readonly starts: number;
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number, total: number) => void;
  },
): Promise<Float64Array> {
  if (!Number.isInteger(starts) || starts < 1) {
    throw new RangeError(`Cannot align: expected one start or more, got ${starts}`);
  }
  const known = publicClasses(images, n, classes);
  const Z = base.map((value) => value * Math.sqrt(count));
  const rows = Array.from(
    { length: classes },
    (_, c) => Uint32Array.from([...labels.keys()].filter((i) => labels[i] === c)),
  );
  const parts = rows.map((members) => gather(Z, members, rank));
  const breathe = breather(signal);
  let best: { x: Float64Array; value: number } = { x: new Float64Array(), value: Infinity };
  for (let start = 0; start < starts; start++) {
    onProgress?.(start, starts);
    let x = startingMap(known, parts, rank, rng);
    let value = Infinity;
    for (const [phase, iterations] of ITERATIONS.entries()) {
      const loss = (A: Float64Array) =>
        lossOf(A, Z, { rows, parts, known, rank, outside: phase === 0 ? 0 : OUTSIDE });
      ({ x, value } = await minimise(loss, x, { iterations, breathe }));
    }
    if (value < best.value) best = { x, value };
  }
  onProgress?.(starts, starts);
  const whitened = dense.multiplyTransposed(Z, best.x, { n: rank });
  return dense.multiplyTransposed(whitened, known.L, { n })
    .map((value) => 255 * Math.min(1, Math.max(0, value)));
}

/** Rows of Z. */
function gather(Z: Float64Array, rows: Uint32Array, width: number): Float64Array {
  const out = new Float64Array(rows.length * width);
  rows.forEach((row, at) => out.set(Z.subarray(row * width, (row + 1) * width), at * width));
  return out;
}

function publicClasses({ x, y }: LabelledImages, n: number, classes: number): PublicClasses {
  if (y.length === 0 || x.length !== y.length * n) {
    throw new TypeError(
      `Cannot align: publicImages has ${x.length} pixels for ${y.length} images of ${n}`,
    );
  }
  const X = Float64Array.from(x, (value) => value / 255);
  const rows = Array.from(
    { length: classes },
    (_, c) => Uint32Array.from([...y.keys()].filter((i) => y[i] === c)),
  );
  const few = rows.findIndex(({ length }) => length < 2);
  if (few >= 0) {
    throw new RangeError(
      `Cannot align: class ${few} has ${rows[few].length} public images, expected 2 or more`,
    );
  }
  const centred = rows.map((members) => centre(gather(X, members, n), n));
  const within = new Float64Array(n * n);
  for (const { rest } of centred) {
    covariance(rest, n).forEach((value, at) => within[at] += value * rest.length / X.length);
  }
  for (let p = 0; p < n; p++) within[p * n + p] += RIDGE;
  const L = within.slice();
  dense.cholesky(L, n);
  zeroAbove(L, n);
  const whiten = (rows: Float64Array) => {
    const out = rows.slice();
    dense.solveForward(L, out, n);
    return out;
  };
  return {
    L,
    means: centred.map(({ mean }) => whiten(mean)),
    inverses: centred.map(({ rest }) => {
      const S = covariance(whiten(rest), n).map((value) => (1 - SHRINK) * value);
      for (let p = 0; p < n; p++) S[p * n + p] += SHRINK;
      return inverseOf(S, n).inverse;
    }),
  };
}

function centre(X: Float64Array, n: number): { mean: Float64Array; rest: Float64Array } {
  const mean = new Float64Array(n);
  X.forEach((value, at) => mean[at % n] += value * n / X.length);
  return { mean, rest: X.map((value, at) => value - mean[at % n]) };
}

function covariance(rest: Float64Array, n: number): Float64Array {
  const m = rest.length / n;
  const turned = dense.transpose(rest, m, n);
  return dense.multiplyTransposed(turned, turned, { n: m }).map((value) => value / m);
}

function zeroAbove(L: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) L.fill(0, i * n + i + 1, (i + 1) * n);
}

/** Of a symmetric positive matrix. */
function inverseOf(S: Float64Array, n: number): { inverse: Float64Array; logDet: number } {
  const L = S.slice();
  dense.cholesky(L, n);
  const rows = new Float64Array(n * n); // L⁻¹, transposed
  let logDet = 0;
  for (let i = 0; i < n; i++) {
    rows[i * n + i] = 1;
    logDet += 2 * Math.log(L[i * n + i]);
  }
  dense.solveForward(L, rows, n);
  return { inverse: dense.multiplyTransposed(rows, rows, { n }), logDet };
}

/** A map with orthonormal columns, in coordinates that are white within classes, that takes the classes' means near to
 * the public ones, as far as those tell, and is random otherwise. */
function startingMap(
  { means }: PublicClasses,
  parts: readonly Float64Array[],
  rank: number,
  rng: Rng,
): Float64Array {
  const n = means[0].length;
  const count = parts.reduce((sum, part) => sum + part.length / rank, 0);
  const within = new Float64Array(rank * rank);
  const centred = parts.map((part) => part.length === 0 ? null : centre(part, rank));
  for (const found of centred) {
    if (found === null) continue;
    const share = found.rest.length / rank / count;
    covariance(found.rest, rank).forEach((value, at) => within[at] += share * value);
  }
  for (let k = 0; k < rank; k++) within[k * rank + k] += 1e-6;
  const L = within;
  dense.cholesky(L, rank);
  zeroAbove(L, rank);
  let P = gaussian(rng, n * rank).map((value) => 0.02 * value);
  centred.forEach((found, c) => {
    if (found === null) return;
    const z = dense.forward(L, found.mean);
    const share = parts[c].length / rank / count;
    for (let p = 0; p < n; p++) {
      for (let k = 0; k < rank; k++) P[p * rank + k] += share * means[c][p] * z[k];
    }
  });
  const length = Math.sqrt(dense.dot(P, P));
  P = P.map((value) => value / length);
  for (let k = 0; k < 60; k++) { // Newton and Schulz, to the nearest with orthonormal columns
    const turned = dense.transpose(P, n, rank);
    const gram = dense.multiplyTransposed(turned, turned, { n });
    const next = dense.multiplyTransposed(P, gram, { n: rank });
    P = P.map((value, at) => 1.5 * value - 0.5 * next[at]);
  }
  // A = P·L⁻¹, so that A·z is P times the white coordinates: Lᵀ·aᵀ = pᵀ for each row.
  const A = new Float64Array(n * rank);
  for (let p = 0; p < n; p++) {
    A.set(dense.backward(L, P.slice(p * rank, (p + 1) * rank)), p * rank);
  }
  return A;
}

/** The loss at A `[n, rank]` and its gradient. */
function lossOf(
  A: Float64Array,
  Z: Float64Array,
  { rows, parts, known: { L, means, inverses }, rank, outside }: {
    readonly rows: readonly Uint32Array[];
    readonly parts: readonly Float64Array[];
    readonly known: PublicClasses;
    readonly rank: number;
    readonly outside: number;
  },
): Slope {
  const n = A.length / rank;
  const count = Z.length / rank;
  const pulls = new Float64Array(count * n); // d loss / d (A·z_i)
  let value = 0;
  const Y = dense.multiplyTransposed(Z, A, { n: rank });
  parts.forEach((part, c) => {
    if (part.length === 0) return;
    const rest = gather(Y, rows[c], n).map((y, at) => y - means[c][at % n]);
    const pull = dense.multiplyTransposed(rest, inverses[c], { n }); // symmetric
    value += dense.dot(rest, pull) / 2;
    rows[c].forEach((row, at) => pulls.set(pull.subarray(at * n, (at + 1) * n), row * n));
  });
  if (outside > 0) {
    const over = dense.multiplyTransposed(Y, L, { n })
      .map((x) => x < 0 ? x : x > 1 ? x - 1 : 0);
    value += outside * dense.dot(over, over);
    const back = dense.multiplyTransposed(over, dense.transpose(L, n, n), { n });
    back.forEach((pull, at) => pulls[at] += 2 * outside * pull);
  }
  const turned = dense.transpose(A, n, rank);
  const gram = dense.multiplyTransposed(turned, turned, { n });
  const { inverse, logDet } = inverseOf(gram, rank);
  value -= count / 2 * logDet;
  const volume = dense.multiplyTransposed(A, inverse, { n: rank });
  const gradient = dense.multiplyTransposed(
    dense.transpose(pulls, count, n),
    dense.transpose(Z, count, rank),
    { n: count },
  );
  for (let at = 0; at < gradient.length; at++) gradient[at] -= count * volume[at];
  return { value, gradient };
}
