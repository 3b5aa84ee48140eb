/** A primal-dual interior point method on the structure of the attacker's linear program.
 *
 *     minimise  c·x + Σ w_e·|x_a − x_b|    such that  A·x = b,  0 ≤ x ≤ 1,  |R·x| ≤ τ
 *
 * A pixel is bounded as a rule is: F stacks the pixels on the rules R, −low ≤ F·x ≤ high, and both slacks
 * are variables. With |D·x| = p + q, D·x = p − q, and everything but x and the multipliers y of A·x = b
 * eliminated, each Newton step is
 *
 *     [ K  −Aᵀ ] [dx]   [g]        K = Fᵀ·Θ·F + Dᵀ·Φ·D,   Θ, Φ > 0 diagonal
 *     [ A   0  ] [dy] = [r]
 *
 * K has the band of the image's grid, twice as wide with rules; a general solver does not see that the
 * dense rows are few and the rest is a grid. `saddle.ts` solves the system. Predictor and corrector:
 * Mehrotra 1992, as in Wright, "Primal-Dual Interior-Point Methods", 1997.
 *
 * That a program is infeasible is proved (`farkas.ts`): the multipliers of an infeasible one grow along
 * a proof, so they are tried as they come.
 * @module */
import * as dense from "../../math/dense.ts";
import { suggestsInfeasible } from "./farkas.ts";
import { addGram, applyForms, bandwidth, type Forms, formsOf, spreadForms } from "./forms.ts";
import type { PixelRule } from "../priors.ts";
import type { Saddle } from "./saddle.ts";

/** A program over pixels in [0, 1], in an order that keeps the pairs close. */
export interface PixelProgram {
  /** Of an A [hidden, n] with rows of comparable length. */
  system: Saddle;
  /** [hidden] */
  b: Float64Array;
  /** [n], c ≥ 0 */
  c: Float64Array;
  pairs: readonly (readonly [number, number])[];
  /** [pairs], w > 0 */
  w: Float64Array;
  /** R and τ; the values of each rule sum to 0. */
  rules: readonly PixelRule[];
  /** Whether multipliers y [hidden] of A and r [rules] of R prove, exactly, that there is no point. */
  proves(y: Float64Array, r: Float64Array): boolean;
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

/** Added to each entry of K's diagonal, as a share of it: a flat region, where differences count and bounds
 * do not, would leave K singular in floating point. A tenth or ten times as much stalls more often. */
const RIDGE = 1e-14;

/** A program with its forms in one place. */
interface Prepared extends PixelProgram {
  /** The pixels, then the rules: −low ≤ F·x ≤ high. */
  F: Forms;
  low: Float64Array;
  high: Float64Array;
  /** The differences of the pairs. */
  D: Forms;
  /** The bandwidth of K. */
  width: number;
}

/** The non-negative variables low + F·x, high − F·x, p, q, or their multipliers, or a step of either. */
type Blocks = readonly [Float64Array, Float64Array, Float64Array, Float64Array];

/** An iterate: variables, their multipliers, and the multipliers of A·x = b. */
interface Iterate {
  v: Blocks;
  z: Blocks;
  y: Float64Array;
}

/** What an iterate lacks of an optimum. */
interface Gaps {
  /** b − A·x */
  primal: Float64Array;
  /** c − Aᵀ·y − the pull of pairs and bounds. */
  dual: Float64Array;
  /** The largest of both and the duality gap, each relative to its terms. */
  worst: number;
}

/** Solves a program. @param stopped asked at each iteration; true ends the solve: "stopped". */
export function interiorPoint(program: PixelProgram, stopped = () => false): PointOutcome {
  const prepared = prepare(program);
  const at = start(prepared);
  for (let iterations = 0; iterations < MAX_ITERATIONS; iterations++) {
    if (stopped()) return { status: "stopped", iterations };
    const yA = dense.applyTransposed(program.system.A, at.y);
    if (contradicts(prepared, at, yA)) return { status: "infeasible", iterations };
    const gaps = gapsOf(prepared, at, yA);
    if (gaps.worst < TOLERANCE) return { status: "optimal", x: pixels(prepared, at), iterations };
    if (!(gaps.worst < Infinity)) break;
    advance(at, newton(prepared, at, gaps));
  }
  return { status: "stalled", iterations: MAX_ITERATIONS };
}

function prepare(program: PixelProgram): Prepared {
  const { c, pairs, rules } = program;
  const F = formsOf([
    ...Array.from(c, (_, i) => [[i, 1]] as const),
    ...rules.map(({ indices, values }) => indices.map((i, k) => [i, values[k]] as const)),
  ]);
  const D = formsOf(pairs.map(([i, j]) => [[i, 1], [j, -1]]));
  const bounds = rules.map(({ bound }) => bound);
  return {
    ...program,
    F,
    low: Float64Array.from([...c.map(() => 0), ...bounds]),
    high: Float64Array.from([...c.map(() => 1), ...bounds]),
    D,
    width: Math.max(bandwidth(F), bandwidth(D)),
  };
}

/** The starting point, well inside the bounds: near the least-squares solution, or an even grey, which keeps
 * to every rule. D·x = p − q. */
function start({ system, b, c, w, F, low, high, D, rules }: Prepared): Iterate {
  const n = c.length;
  const grey = new Float64Array(n).fill(0.5);
  const middle = dense.apply(system.A, grey);
  const x = rules.length > 0 ? grey : system.leastNorm(b.map((value, row) => value - middle[row]))
    .map((v) => Math.min(0.95, Math.max(0.05, v + 0.5)));
  const f = applyForms(F, x);
  const d = applyForms(D, x);
  return {
    v: [
      f.map((v, e) => low[e] + v),
      f.map((v, e) => high[e] - v),
      d.map((v) => Math.max(v, 0) + 0.1),
      d.map((v) => Math.max(-v, 0) + 0.1),
    ],
    z: [f.map((_, e) => e < n ? c[e] + 1 : 1), f.map(() => 1), w.slice(), w.slice()],
    y: new Float64Array(b.length),
  };
}

/** x: the first slacks. */
const pixels = ({ c }: Prepared, { v: [below] }: Iterate) => below.slice(0, c.length);

/** Whether the multipliers prove that there is no point. @param yA y·A */
function contradicts(
  { b, c, F, high, proves }: Prepared,
  { z: [zb, za], y }: Iterate,
  yA: Float64Array,
): boolean {
  const n = c.length;
  const minusR = zeros(zb);
  let allowance = 0;
  for (let e = n; e < zb.length; e++) {
    minusR[e] = zb[e] - za[e];
    allowance += high[e] * Math.abs(minusR[e]);
  }
  const reach = spreadForms(F, minusR, yA.slice());
  return suggestsInfeasible({ y, b, reach, allowance }) &&
    proves(y, minusR.subarray(n).map((value) => -value));
}

function gapsOf(prepared: Prepared, at: Iterate, yA: Float64Array): Gaps {
  const { system, b, c, w, F, low, high, D } = prepared;
  const { v: [, , p, q], z: [zb, za, zp, zq], y } = at;
  const x = pixels(prepared, at);
  const Ax = dense.apply(system.A, x);
  const primal = zeros(b);
  for (let row = 0; row < b.length; row++) primal[row] = b[row] - Ax[row];
  const dual = zeros(c);
  for (let i = 0; i < c.length; i++) dual[i] = c[i] - yA[i];
  const pull = zeros(zp);
  for (let e = 0; e < zp.length; e++) pull[e] = (zq[e] - zp[e]) / 2;
  spreadForms(D, pull, dual);
  const push = zeros(zb);
  for (let e = 0; e < zb.length; e++) push[e] = za[e] - zb[e];
  spreadForms(F, push, dual);
  const cost = dense.dot(c, x) + dense.dot(w, p) + dense.dot(w, q);
  const bound = dense.dot(b, y) - dense.dot(low, zb) - dense.dot(high, za);
  const worst = Math.max(
    norm(primal) / (1 + norm(b)),
    norm(dual) / (1 + norm(c) + norm(w)),
    Math.abs(cost - bound) / (1 + Math.abs(cost)),
  );
  return { primal, dual, worst };
}

/** A function that gives the step towards v·z = `targets` and zero gaps, from one factorisation. */
function newton(
  { system, c, F, D, width }: Prepared,
  { v: [below, above, p, q], z: [zb, za, zp, zq] }: Iterate,
  gaps: Gaps,
) {
  const theta = zeros(below);
  for (let e = 0; e < theta.length; e++) theta[e] = zb[e] / below[e] + za[e] / above[e];
  const phi = zeros(p);
  for (let e = 0; e < phi.length; e++) phi[e] = 1 / (p[e] / zp[e] + q[e] / zq[e]);
  const K = new Float64Array(c.length * (width + 1));
  addGram(F, theta, K, width);
  addGram(D, phi, K, width);
  for (let at = width; at < K.length; at += width + 1) K[at] *= 1 + RIDGE;
  const solve = system.factor(K, width, gaps.primal);

  return ([tb, ta, tp, tq]: Blocks) => {
    // p·dzp + zp·dp = tp − p·zp and so on; dzp = −dzq, D·dx = dp − dq.
    const g = zeros(c);
    for (let i = 0; i < g.length; i++) g[i] = -gaps.dual[i];
    const [h, pull] = [zeros(p), zeros(p)];
    for (let e = 0; e < h.length; e++) {
      h[e] = tp[e] / zp[e] - p[e] - tq[e] / zq[e] + q[e];
      pull[e] = phi[e] * h[e];
    }
    spreadForms(D, pull, g);
    const push = zeros(below);
    for (let e = 0; e < push.length; e++) {
      push[e] = tb[e] / below[e] - zb[e] - ta[e] / above[e] + za[e];
    }
    spreadForms(F, push, g);
    const { dx, dy } = solve(g);
    const [df, dd] = [applyForms(F, dx), applyForms(D, dx)];
    const [minus, dzb, dza] = [zeros(df), zeros(df), zeros(df)];
    for (let e = 0; e < df.length; e++) {
      minus[e] = -df[e];
      dzb[e] = (tb[e] - zb[e] * df[e]) / below[e] - zb[e];
      dza[e] = (ta[e] + za[e] * df[e]) / above[e] - za[e];
    }
    const [dp, dq, dl, minusDl] = [zeros(dd), zeros(dd), zeros(dd), zeros(dd)];
    for (let e = 0; e < dd.length; e++) {
      dl[e] = phi[e] * (h[e] - dd[e]);
      minusDl[e] = -dl[e];
      dp[e] = (tp[e] - p[e] * dl[e]) / zp[e] - p[e];
      dq[e] = (tq[e] + q[e] * dl[e]) / zq[e] - q[e];
    }
    return { dv: [df, minus, dp, dq] as Blocks, dz: [dzb, dza, dl, minusDl] as Blocks, dy };
  };
}

/** Moves the iterate by one predictor-corrector step. */
function advance({ v, z, y }: Iterate, step: ReturnType<typeof newton>): void {
  let [count, sum] = [0, 0];
  for (let k = 0; k < 4; k++) {
    count += v[k].length;
    sum += dense.dot(v[k], z[k]);
  }
  const mu = sum / count;
  const predictor = step(zeroBlocks(v));
  const [reachV, reachZ] = [stepLength(v, predictor.dv), stepLength(z, predictor.dz)];
  let after = 0;
  const targets = zeroBlocks(v);
  for (let k = 0; k < 4; k++) {
    const [value, other, dv, dz] = [v[k], z[k], predictor.dv[k], predictor.dz[k]];
    for (let i = 0; i < value.length; i++) {
      after += (value[i] + reachV * dv[i]) * (other[i] + reachZ * dz[i]);
    }
  }
  const target = mu * (after / count / mu) ** 3;
  for (let k = 0; k < 4; k++) {
    const [dv, dz, to] = [predictor.dv[k], predictor.dz[k], targets[k]];
    for (let i = 0; i < to.length; i++) to[i] = target - dv[i] * dz[i];
  }
  const { dv, dz, dy } = step(targets);
  const [lengthV, lengthZ] = [stepLength(v, dv), stepLength(z, dz)];
  for (let k = 0; k < 4; k++) {
    add(v[k], lengthV, dv[k]);
    add(z[k], lengthZ, dz[k]);
  }
  add(y, lengthZ, dy());
}

const zeros = ({ length }: Float64Array) => new Float64Array(length);
const zeroBlocks = ([a, b, p, q]: Blocks): Blocks => [zeros(a), zeros(b), zeros(p), zeros(q)];

/** v ← v + length·step */
function add(v: Float64Array, length: number, step: Float64Array): void {
  for (let i = 0; i < v.length; i++) v[i] += length * step[i];
}

/** The longest step, at most 1, that keeps every block positive. */
function stepLength(blocks: Blocks, steps: Blocks): number {
  let length = 1 / STEP;
  for (let k = 0; k < 4; k++) {
    const [block, step] = [blocks[k], steps[k]];
    for (let i = 0; i < block.length; i++) {
      if (step[i] < 0) length = Math.min(length, -block[i] / step[i]);
    }
  }
  return Math.min(1, STEP * length);
}

const norm = (v: Float64Array): number => Math.sqrt(dense.dot(v, v));
