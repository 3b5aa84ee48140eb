/** A primal-dual interior point method on the structure of the attacker's linear program.
 *
 *     minimise  c·x + Σ w_e·|x_a − x_b|    such that  A·x = b,  0 ≤ x ≤ 1
 *
 * With |D·x| = p + q, D·x = p − q, and everything but x and the multipliers y of A·x = b eliminated,
 * each Newton step is
 *
 *     [ K  −Aᵀ ] [dx]   [g]        K = Θ + Dᵀ·Φ·D,   Θ, Φ > 0 diagonal
 *     [ A   0  ] [dy] = [r]
 *
 * K has the band of the image's grid, so K = L·Lᵀ is cheap. What remains is the Gram matrix of
 * Y = A·L⁻ᵀ and its Cholesky factor, `hidden` wide: a general solver does not see that the dense rows
 * are few and the rest is a grid. Predictor and corrector: Mehrotra 1992, as in Wright, "Primal-Dual
 * Interior-Point Methods", 1997.
 *
 * That a program is infeasible is proved (Farkas): the multipliers y of an infeasible one grow along
 * a proof, so they are tried as they come.
 * @module */
import { bandedBackward, bandedCholesky, bandedForward } from "../math/banded.ts";
import * as dense from "../math/dense.ts";
import { provesInfeasible } from "./farkas.ts";

/** A program over pixels in [0, 1], in an order that keeps the pairs close. */
export interface PixelProgram {
  /** [hidden, n] row-major, rows of comparable length. */
  A: Float64Array;
  /** [hidden] */
  b: Float64Array;
  /** [n], c ≥ 0 */
  c: Float64Array;
  pairs: readonly (readonly [number, number])[];
  /** [pairs], w > 0 */
  w: Float64Array;
}

/** How a solve of a program ended. */
export type PointOutcome =
  | { status: "optimal"; x: Float64Array; iterations: number }
  | { status: "infeasible" | "stopped" | "stalled"; iterations: number };

/** Digits need 10 to 30. */
const MAX_ITERATIONS = 80;

/** Relative residuals and duality gap of an optimum. */
const TOLERANCE = 1e-8;

/** Share of the way to the boundary that a step may go. */
const STEP = 0.995;

/** Added to K's diagonal, as a share of the largest Φ: a flat region would leave K singular in floating
 * point. The dual residual of a step grows by RIDGE·Φ·dx, and dx is small by then. */
const RIDGE = 1e-13;

/** The four non-negative variables x, 1 − x, p, q, or their multipliers, or a step of either. */
type Blocks = readonly [Float64Array, Float64Array, Float64Array, Float64Array];

/** An iterate: variables, their multipliers, and the multipliers of A·x = b. */
interface Iterate {
  v: Blocks;
  z: Blocks;
  y: Float64Array;
}

/** Solves a program. @param stopped asked at each iteration; true ends the solve: "stopped". */
export function interiorPoint(program: PixelProgram, stopped = () => false): PointOutcome {
  const { A, b, c, w, pairs } = program;
  const at = start(program);
  const [normB, normC] = [1 + norm(b), 1 + norm(c) + norm(w)];
  for (let iterations = 0; iterations < MAX_ITERATIONS; iterations++) {
    if (stopped()) return { status: "stopped", iterations };
    const { v: [x, , p, q], z: [zx, zs, zp, zq], y } = at;
    const Ax = dense.apply(A, x);
    const yA = dense.applyTransposed(A, y);
    if (provesInfeasible({ y, b, reach: yA })) return { status: "infeasible", iterations };

    const pull = spread(zp.map((z, e) => (z - zq[e]) / 2), pairs, c.length);
    const primalGap = b.map((value, row) => value - Ax[row]);
    const dualGap = c.map((cost, i) => cost - yA[i] - pull[i] - zx[i] + zs[i]);
    const cost = dense.dot(c, x) + dense.dot(w, p) + dense.dot(w, q);
    const bound = dense.dot(b, y) - zs.reduce((sum, z) => sum + z, 0);
    const worst = Math.max(
      norm(primalGap) / normB,
      norm(dualGap) / normC,
      Math.abs(cost - bound) / (1 + Math.abs(cost)),
    );
    if (worst < TOLERANCE) return { status: "optimal", x, iterations };
    if (!(worst < Infinity)) break;
    advance(at, newton(program, at, { primalGap, dualGap }));
  }
  return { status: "stalled", iterations: MAX_ITERATIONS };
}

/** The starting point: near the least-squares solution, well inside the bounds, D·x = p − q. */
function start({ A, b, c, pairs, w }: PixelProgram): Iterate {
  const n = c.length;
  const gram = dense.multiplyTransposed(A, A, { n, lower: true });
  dense.cholesky(gram, b.length);
  const middle = dense.apply(A, new Float64Array(n).fill(0.5));
  const y = dense.solveCholesky(gram, b.map((value, row) => value - middle[row]));
  const x = dense.applyTransposed(A, y).map((v) => Math.min(0.95, Math.max(0.05, v + 0.5)));
  const d = differences(x, pairs);
  return {
    v: [
      x,
      x.map((v) => 1 - v),
      d.map((v) => Math.max(v, 0) + 0.1),
      d.map((v) => Math.max(-v, 0) + 0.1),
    ],
    z: [c.map((cost) => cost + 1), new Float64Array(n).fill(1), w.slice(), w.slice()],
    y: new Float64Array(b.length),
  };
}

/** A function that gives the step towards v·z = `targets` and zero gaps, from one factorisation. */
function newton(
  { A, pairs, c }: PixelProgram,
  { v: [x, s, p, q], z: [zx, zs, zp, zq] }: Iterate,
  { primalGap, dualGap }: { primalGap: Float64Array; dualGap: Float64Array },
) {
  const n = c.length;
  const width = pairs.reduce((max, [i, j]) => Math.max(max, j - i), 0);
  const phi = p.map((value, e) => 1 / (value / zp[e] + q[e] / zq[e]));
  const ridge = RIDGE * phi.reduce((max, value) => Math.max(max, value), 0);
  const L = new Float64Array(n * (width + 1));
  const diagonal = (i: number) => i * (width + 1) + width;
  for (let i = 0; i < n; i++) L[diagonal(i)] = zx[i] / x[i] + zs[i] / s[i] + ridge;
  pairs.forEach(([i, j], e) => {
    L[diagonal(i)] += phi[e];
    L[diagonal(j)] += phi[e];
    L[diagonal(j) + i - j] -= phi[e];
  });
  bandedCholesky(L, width);
  const Y = A.slice();
  bandedForward(L, width, Y);
  const schur = dense.multiplyTransposed(Y, Y, { n, lower: true });
  dense.cholesky(schur, primalGap.length);

  return ([tx, ts, tp, tq]: Blocks) => {
    // p·dzp + zp·dp = tp − p·zp and so on; dzp = −dzq, D·dx = dp − dq.
    const h = tp.map((t, e) => t / zp[e] - p[e] - tq[e] / zq[e] + q[e]);
    const g = spread(h.map((value, e) => phi[e] * value), pairs, n);
    for (let i = 0; i < n; i++) g[i] += tx[i] / x[i] - zx[i] - ts[i] / s[i] + zs[i] - dualGap[i];
    bandedForward(L, width, g);
    const Yg = dense.apply(Y, g);
    const dy = dense.solveCholesky(schur, primalGap.map((gap, row) => gap - Yg[row]));
    const dx = dense.applyTransposed(Y, dy).map((value, i) => value + g[i]);
    bandedBackward(L, width, dx);
    const Ddx = differences(dx, pairs);
    const dl = h.map((value, e) => phi[e] * (value - Ddx[e]));
    const dv: Blocks = [
      dx,
      dx.map((value) => -value),
      tp.map((t, e) => (t - p[e] * dl[e]) / zp[e] - p[e]),
      tq.map((t, e) => (t + q[e] * dl[e]) / zq[e] - q[e]),
    ];
    const dz: Blocks = [
      tx.map((t, i) => (t - zx[i] * dx[i]) / x[i] - zx[i]),
      ts.map((t, i) => (t + zs[i] * dx[i]) / s[i] - zs[i]),
      dl,
      dl.map((value) => -value),
    ];
    return { dv, dz, dy };
  };
}

/** Moves the iterate by one predictor-corrector step. */
function advance({ v, z, y }: Iterate, step: ReturnType<typeof newton>): void {
  const count = v.reduce((sum, block) => sum + block.length, 0);
  const mu = v.reduce((sum, block, k) => sum + dense.dot(block, z[k]), 0) / count;
  const predictor = step(mapBlocks(v, () => 0));
  const [reachV, reachZ] = [stepLength(v, predictor.dv), stepLength(z, predictor.dz)];
  const after = v.reduce((sum, block, k) => {
    const [other, db, dother] = [z[k], predictor.dv[k], predictor.dz[k]];
    return block.reduce(
      (part, value, i) => part + (value + reachV * db[i]) * (other[i] + reachZ * dother[i]),
      sum,
    );
  }, 0) / count;
  const target = mu * (after / mu) ** 3;
  const { dv, dz, dy } = step(
    mapBlocks(v, (k, i) => target - predictor.dv[k][i] * predictor.dz[k][i]),
  );
  const [lengthV, lengthZ] = [stepLength(v, dv), stepLength(z, dz)];
  for (let k = 0; k < 4; k++) {
    for (let i = 0; i < v[k].length; i++) {
      v[k][i] += lengthV * dv[k][i];
      z[k][i] += lengthZ * dz[k][i];
    }
  }
  for (let row = 0; row < y.length; row++) y[row] += lengthZ * dy[row];
}

/** The longest step, at most 1, that keeps every block positive. */
function stepLength(blocks: Blocks, steps: Blocks): number {
  let length = 1 / STEP;
  blocks.forEach((block, k) => {
    for (let i = 0; i < block.length; i++) {
      if (steps[k][i] < 0) length = Math.min(length, -block[i] / steps[k][i]);
    }
  });
  return Math.min(1, STEP * length);
}

/** Blocks of the shape of `like`, from block and position. */
function mapBlocks(like: Blocks, value: (k: number, i: number) => number): Blocks {
  const [x, s, p, q] = like.map((block, k) => block.map((_, i) => value(k, i)));
  return [x, s, p, q];
}

/** D·x: x_a − x_b for each pair. */
function differences(x: Float64Array, pairs: PixelProgram["pairs"]): Float64Array {
  return Float64Array.from(pairs, ([a, b]) => x[a] - x[b]);
}

/** Dᵀ·v. */
function spread(v: Float64Array, pairs: PixelProgram["pairs"], n: number): Float64Array {
  const out = new Float64Array(n);
  pairs.forEach(([a, b], e) => {
    out[a] += v[e];
    out[b] -= v[e];
  });
  return out;
}

const norm = (v: Float64Array): number => Math.sqrt(dense.dot(v, v));
