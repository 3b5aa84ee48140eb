/** The linear systems of an interior point method on a few dense rows and a banded rest:
 *
 *     [ K  −Aᵀ ] [dx]   [g]
 *     [ A   0  ] [dy] = [r]        A [hidden, n] stays, K (banded, positive definite) changes
 *
 * Two ways, the narrower matrix wins. In the *range space*, K = L·Lᵀ and Y = A·L⁻ᵀ give
 *
 *     Y·Yᵀ·dy = r − Y·L⁻¹·g        dx = L⁻ᵀ·(Yᵀ·dy + L⁻¹·g)
 *
 * at hidden²·n a system. In the *null space*, N [n − hidden, n] with A·Nᵀ = 0, N·Nᵀ = I gives
 *
 *     dx₀ = Aᵀ·(A·Aᵀ)⁻¹·r        (N·K·Nᵀ)·t = N·(g − K·dx₀)        dx = dx₀ + Nᵀ·t
 *     dy = (A·Aᵀ)⁻¹·A·(K·dx − g)
 *
 * at (n − hidden)²·n, with N made once: vectors of random signs, projected and made orthonormal by Cholesky. N only
 * steers: what rounding leaves of A·Nᵀ shows in the next iteration's residual. Nocedal, Wright, "Numerical
 * Optimization", 2006, chapter 16.2.
 *
 * Rows of A that depend on others get dy = 0; then only the range space will do.
 * @module */
import {
  bandedBackward,
  bandedCholesky,
  bandedForward,
  bandedMultiply,
  diagonalsOf,
} from "../../math/banded.ts";
import { dsyrk } from "../../math/blas.ts";
import {
  apply,
  applyTransposed,
  cholesky,
  multiplyTransposed,
  solveCholesky,
  solveForward,
  transpose,
} from "../../math/dense.ts";
import { seededRng } from "../../math/rng.ts";

/** Share of n above which `hidden` rows are many: the null space must also earn its preparation. Measured. */
const WIDE = 0.5;

/** Not a seed that weights may come from: their rows would be what N is to avoid. */
const BASIS_SEED = 0x2509_21497;

/** Solves a system for one right-hand side g [n]; dy [hidden] costs something of its own. */
export type SaddleSolve = (g: Float64Array) => { dx: Float64Array; dy: () => Float64Array };

/** What {@linkcode saddle} prepares for one A. */
export interface Saddle {
  readonly A: Float64Array;
  /** Of A, as far as float64 tells. */
  readonly rank: number;
  /** The shortest x with A·x = r. */
  leastNorm(r: Float64Array): Float64Array;
  /** Factors K, given in the banded storage of `lib/math/banded.ts` and overwritten, for one r [hidden]. The solve is
   * good until the next K is factored: they share their memory. */
  factor(K: Float64Array, width: number, r: Float64Array): SaddleSolve;
}

/** Prepares A `[hidden, n]`. @param way by default the faster one that serves; the tests compare the two. */
export function saddle(A: Float64Array, n: number, way?: "range" | "null"): Saddle {
  const hidden = A.length / n;
  const gram = multiplyTransposed(A, A, { n, lower: true });
  const rank = cholesky(gram, hidden);
  const leastNorm = (r: Float64Array) => applyTransposed(A, solveCholesky(gram, r));
  const wide = way === undefined ? hidden > WIDE * n : way === "null";
  const factor = wide && rank === hidden ? nullSpace(A, gram, n) : rangeSpace(A, n);
  return { A, rank, leastNorm, factor };
}

function rangeSpace(A: Float64Array, n: number): Saddle["factor"] {
  const hidden = A.length / n;
  const [Y, schur] = [new Float64Array(A.length), new Float64Array(hidden * hidden)];
  return (K, width, r) => {
    bandedCholesky(K, width);
    bandedForward(K, width, A, Y);
    dsyrk({ n: hidden, k: n, A: Y, C: schur });
    cholesky(schur, hidden);
    return (g) => {
      const dx = g.slice();
      bandedForward(K, width, dx);
      const dy = solveCholesky(schur, less(r, apply(Y, dx)));
      const pull = applyTransposed(Y, dy);
      for (let i = 0; i < n; i++) dx[i] += pull[i];
      bandedBackward(K, width, dx);
      return { dx, dy: () => dy };
    };
  };
}

/** a − b */
function less(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) out[i] = a[i] - b[i];
  return out;
}

/** @param gram the factor of A·Aᵀ. */
function nullSpace(A: Float64Array, gram: Float64Array, n: number): Saddle["factor"] {
  const N = nullBasis(A, gram, n);
  return (K, width, r) => {
    const diagonals = diagonalsOf(K, width);
    const inner = multiplyTransposed(N, bandedMultiply(diagonals, N), { n, lower: true });
    cholesky(inner, N.length / n);
    const dx0 = applyTransposed(A, solveCholesky(gram, r));
    const Kdx0 = bandedMultiply(diagonals, dx0);
    return (g) => {
      const t = solveCholesky(inner, apply(N, less(g, Kdx0)));
      const dx = dx0.slice();
      const shift = t.length > 0 ? applyTransposed(N, t) : new Float64Array(n);
      for (let i = 0; i < n; i++) dx[i] += shift[i];
      const dy = () => solveCholesky(gram, apply(A, less(bandedMultiply(diagonals, dx), g)));
      return { dx, dy };
    };
  };
}

/** N `[n − hidden, n]`, orthonormal rows that A maps to 0. @param gram the factor L of A·Aᵀ. */
function nullBasis(A: Float64Array, gram: Float64Array, n: number): Float64Array {
  const hidden = A.length / n;
  const count = n - hidden;
  const columns = transpose(A, hidden, n);
  solveForward(gram, columns, hidden); // of Q = L⁻¹·A, Q·Qᵀ = I
  const bits = seededRng(BASIS_SEED).bytes(Math.ceil(count * n / 8));
  const N = new Float64Array(count * n).map((_, at) => bits[at >> 3] >> (at & 7) & 1 ? 1 : -1);
  const shares = multiplyTransposed(N, transpose(columns, n, hidden), { n });
  multiplyTransposed(shares, columns, { n: hidden }).forEach((part, at) => N[at] -= part);
  const L = multiplyTransposed(N, N, { n, lower: true });
  cholesky(L, count);
  const basis = transpose(N, count, n);
  if (count > 0) solveForward(L, basis, count);
  return transpose(basis, n, count);
}
