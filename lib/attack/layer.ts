/** What W1 alone decides, made once for all images and objectives behind it.
 *
 * One W1 stands behind many images, and its equations are the larger part of a program. Each part of a
 * {@linkcode PreparedLayer} is made when first asked for; the layers last used are kept, and told apart by content.
 * @module */
import {
  apply,
  applyTransposed,
  cholesky,
  dot,
  multiplyTransposed,
  solveCholesky,
  transpose,
} from "../math/dense.ts";
import { independentRows } from "../math/rank_mod.ts";
import { type LayerEvidence, layerEvidence } from "./evidence.ts";
import { type Saddle, saddle } from "./solvers/saddle.ts";
import { PIXEL_RANGE, type ServerView } from "./view.ts";

/** The parts, each made at its first call. */
export interface PreparedLayer {
  /** Whether most entries of W1 are zero: a convolution. */
  sparse(): boolean;
  /** The largest |entry|. */
  largest(): number;
  /** Rows that do not depend on those above, exactly. */
  independent(): readonly number[];
  /** What its equations can tell. */
  evidence(): LayerEvidence;
  /** For attacks without a program. */
  leastSquares(): LeastSquares;
  /** For solvers in floating point. */
  equations(): ScaledEquations;
  /** The scaled equations as the interior point method takes them. */
  saddle(): Saddle;
}

/** Layers kept: those of one network, or two widths and the rows of one that are independent. */
const KEPT = 3;

let recent: {
  W1: Float64Array;
  n: number;
  channels: number;
  /** Arrays that hold the same numbers as W1: views do not change, so each is compared once. */
  equal: WeakSet<Float64Array>;
  layer: PreparedLayer;
}[] = [];

/** The parts of the W1 behind a view. */
export function preparedLayer(
  { W1, n, shape: [, , channels] }: Pick<ServerView, "W1" | "n" | "shape">,
): PreparedLayer {
  const known = recent.find((kept) =>
    kept.n === n && kept.channels === channels &&
    (kept.equal.has(W1) || sameNumbers(kept.W1, W1))
  ) ?? { W1, n, channels, equal: new WeakSet(), layer: prepare(W1, n, channels) };
  known.equal.add(W1);
  recent = [known, ...recent.filter((kept) => kept !== known)].slice(0, KEPT);
  return known.layer;
}

/** Whether two arrays hold the same numbers. */
export function sameNumbers(a: Float64Array, b: Float64Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function prepare(W1: Float64Array, n: number, channels: number): PreparedLayer {
  const equations = once(() => scaledEquations(W1, { n, channels }));
  return {
    sparse: once(() => isSparse(W1)),
    largest: once(() => largestOf(W1)),
    independent: once(() => independentRows(W1, n)),
    evidence: once(() => layerEvidence(W1, n)),
    leastSquares: once(() => factorLeastSquares(W1, n)),
    equations,
    saddle: once(() => saddle(equations().A, n)),
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function isSparse(W1: Float64Array): boolean {
  let zeros = 0;
  for (let at = 0; at < W1.length; at++) if (W1[at] === 0) zeros++;
  return 2 * zeros > W1.length;
}

function largestOf(W1: Float64Array): number {
  let most = 0;
  for (let at = 0; at < W1.length; at++) most = Math.max(most, Math.abs(W1[at]));
  return most;
}

/** The equations W1·x = z1 as floating-point solvers like them, for pixels in [0, 1]. */
export interface ScaledEquations {
  /** [hidden, n] rows of length 1, columns channel by channel: neighbours stay one image row apart. */
  readonly A: Float64Array;
  /** [n] pixel p is column place[p]. */
  readonly place: Int32Array;
  /** [hidden] the right-hand side for a z1. */
  scaled(z1: Float64Array): Float64Array;
  /** [hidden] multipliers of the rows of W1, from those of A. */
  multipliers(y: Float64Array): Float64Array;
  /** [n] pixels of 0..255 in their own order, from a point. */
  pixels(point: ArrayLike<number>): Float64Array;
}

/** Scales and orders the equations. A row of zeros stays one. */
function scaledEquations(
  W1: Float64Array,
  { n, channels }: { n: number; channels: number },
): ScaledEquations {
  const white = PIXEL_RANGE[1];
  const place = Int32Array.from(
    { length: n },
    (_, p) => (p % channels) * (n / channels) + Math.floor(p / channels),
  );
  const A = new Float64Array(W1.length);
  const lengths = new Float64Array(W1.length / n);
  for (let row = 0; row < lengths.length; row++) {
    const w = W1.subarray(row * n, (row + 1) * n);
    lengths[row] = Math.sqrt(dot(w, w)) || 1;
    const scaled = A.subarray(row * n, (row + 1) * n);
    for (let p = 0; p < n; p++) scaled[place[p]] = w[p] / lengths[row];
  }
  return {
    A,
    place,
    multipliers: (y) => y.map((value, row) => value / lengths[row]),
    scaled: (z1) => z1.map((z, row) => z / lengths[row] / white),
    pixels(point) {
      const x = new Float64Array(n);
      for (let p = 0; p < n; p++) x[p] = white * point[place[p]];
      return x;
    },
  };
}

/** The least-squares problem behind W1, factored. */
export interface LeastSquares {
  /** Of W1, as far as float64 tells. */
  readonly rank: number;
  /** The point nearest to x, in 0..255 and not clipped, that solves W1·x = z1 as well as any. */
  nearest(z1: Float64Array, x: Float64Array): Float64Array;
  /** y [hidden] with y·W1 as near as can be to a form [n]. */
  multipliers(form: Float64Array): Float64Array;
}

/** Corrections of a least-squares point: normal equations square the condition number. */
const CORRECTIONS = 2;

/** Factors W1·W1ᵀ, or W1ᵀ·W1 where that is smaller. */
function factorLeastSquares(W1: Float64Array, n: number): LeastSquares {
  const hidden = W1.length / n;
  const wide = hidden <= n;
  const gram = !wide
    ? columnGram(W1, n)
    : isSparse(W1)
    ? columnGram(transpose(W1, hidden, n), hidden)
    : multiplyTransposed(W1, W1, { n, lower: true });
  const rank = cholesky(gram, Math.min(hidden, n));
  const shortest = (r: Float64Array) =>
    wide
      ? applyTransposed(W1, solveCholesky(gram, r))
      : solveCholesky(gram, applyTransposed(W1, r));
  return {
    rank,
    nearest(z1, x) {
      for (let correction = 0; correction <= CORRECTIONS; correction++) {
        const Wx = apply(W1, x);
        const dx = shortest(z1.map((z, row) => z - Wx[row]));
        x = x.map((v, p) => v + dx[p]);
      }
      return x;
    },
    multipliers: (form) =>
      wide ? solveCholesky(gram, apply(W1, form)) : apply(W1, solveCholesky(gram, form)),
  };
}

/** Lower triangle of Wᵀ·W `[n, n]`, row by row over the entries that are not zero: the rows of a
 * convolution have few. */
function columnGram(W1: Float64Array, n: number): Float64Array {
  const gram = new Float64Array(n * n);
  for (let start = 0; start < W1.length; start += n) {
    const row = W1.subarray(start, start + n);
    const entries = [...row.keys()].filter((p) => row[p] !== 0);
    for (let i = 0; i < entries.length; i++) {
      const p = entries[i];
      for (let j = 0; j <= i; j++) gram[p * n + entries[j]] += row[p] * row[entries[j]];
    }
  }
  return gram;
}
