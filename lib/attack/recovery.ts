/** What an attack hands back. Infeasible, undecided, out of time and aborted are outcomes, not exceptions.
 * @module */
import { withColumn } from "../math/dense.ts";
import { rankMod } from "../math/rank_mod.ts";
import { type Certificate, certify } from "./certificate.ts";
import { keepsRules } from "./farkas.ts";
import type { Objective, PixelRule } from "./priors.ts";
import type { ServerView } from "./view.ts";

/** The outcome of one attack on one view. */
export interface Recovery {
  /** "infeasible" is proved in exact integers; what is neither solved nor proved is "undecided". */
  status: "optimal" | "infeasible" | "undecided" | "time-limit" | "aborted" | "error";
  /** [n] pixels in 0..255, not rounded; null unless the status is "optimal". */
  xHat: Float64Array | null;
  /** The rounded xHat satisfies every equation exactly. */
  consistent: boolean;
  /** It is consistent, and the equations pin it: see {@linkcode Certificate}. */
  certified: boolean;
  /** The argument; null unless consistent. */
  certificate: Certificate | null;
  elapsedMs: number;
  objective: Objective | "least-squares" | "gaussian";
  message?: string;
}

type Details = Pick<Recovery, "objective" | "elapsedMs">;

/** How far a solution may leave the pixel range or a rule, in grey levels. */
const TOLERANCE = 1e-6 * 255;

/** Largest residual of an equation, relative to its terms: rounding, and what clipping may leave. Rounding is also
 * relative to terms of one grey level: black pixels come out as 1e-15. */
const ROUNDING = 1e-10;
const CLIPPING = 1e-3;

/** A point's pixels, clipped to their range. */
export function clipped({ n, pixelRange: [low, high] }: ServerView, point: Float64Array) {
  return point.slice(0, n).map((value) => Math.min(high, Math.max(low, value)));
}

/** A recovery from an attack's point: clipped to the pixel range, weighed. */
export function recovery(view: ServerView, point: Float64Array, details: Details): Recovery {
  const xHat = clipped(view, point);
  const certificate = certify(view, xHat);
  const [consistent, certified] = [certificate !== null, certificate?.certified === true];
  return { status: "optimal", xHat, consistent, certified, certificate, ...details };
}

/** A recovery that recovered nothing, and why. */
export function noRecovery(
  status: Exclude<Recovery["status"], "optimal">,
  objective: Recovery["objective"],
  details: { elapsedMs: number; message?: string },
): Recovery {
  const nothing = { xHat: null, consistent: false, certified: false, certificate: null };
  return { status, ...nothing, objective, ...details };
}

/** A point that claims to solve a program, and what the solver knows of it. */
export interface Candidate {
  /** [n] in 0..255, put on the equations as well as float64 can. */
  point: Float64Array;
  /** The rank of W1 that the solver's factorisation found. */
  rank: number;
  /** How far the point may leave the pixel range or a rule, in grey levels; it is clipped then. */
  tolerance?: number;
}

/** The recovery of a candidate; null if it does not solve the equations under the rules: if neither its rounded
 * pixels do, exactly, nor itself. The point itself counts only where float64 can tell: where no row of W1 is so
 * near the others that the factorisation took it for one of them, unless it is. */
export function solution(
  view: ServerView,
  rules: readonly PixelRule[],
  { point, rank, tolerance = TOLERANCE }: Candidate,
  details: Details,
): Recovery | null {
  const found = recovery(view, point, details);
  if (found.consistent && keepsRules(found.xHat!.map(Math.round), rules)) return found;
  const [low, high] = view.pixelRange;
  const inside = point.every((v) => v >= low - tolerance && v <= high + tolerance); // false for NaN
  const ruled = rules.every(({ indices, values, bound }) => {
    const sum = indices.reduce((total, p, k) => total + values[k] * point[p], 0);
    return Math.abs(sum) <= bound + tolerance;
  });
  const solved = inside && ruled && solvesEquations(view, point, ROUNDING) &&
    solvesEquations(view, found.xHat!, CLIPPING) && resolved(view, rank);
  return solved ? found : null;
}

function solvesEquations(
  { W1, z1, hidden, n }: ServerView,
  x: Float64Array,
  tolerance: number,
): boolean {
  for (let row = 0; row < hidden; row++) {
    let [sum, size, least] = [0, Math.abs(z1[row]), 0];
    for (let p = 0; p < n; p++) {
      const w = W1[row * n + p];
      sum += w * x[p];
      size += Math.abs(w * x[p]);
      least += Math.abs(w);
    }
    const allowed = Math.max(tolerance * size, ROUNDING * least);
    if (!(Math.abs(sum - z1[row]) <= allowed)) return false;
  }
  return true;
}

/** Whether the equations have a solution and `rank` is what there is to resolve: dependent rows, if any, depend
 * on others exactly, and so do their right-hand sides. */
function resolved(view: ServerView, rank: number): boolean {
  const { W1, z1, hidden, n } = view;
  return rank === hidden ||
    rankMod(W1, n) === rank && rankMod(withColumn(W1, z1), n + 1) === rank;
}
