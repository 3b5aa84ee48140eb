/** Equations that repeat what others say, taken out before a solver sees them.
 *
 * Solvers in float64 see noise where a row of W1 is an exact combination of others. Rows are told apart
 * modulo a prime (`rank_mod.ts`); where the right-hand side of a dependent row is not the same combination,
 * the equations contradict each other, and the combination is the proof.
 * @module */
import { withColumn } from "../math/dense.ts";
import { independentRows } from "../math/rank_mod.ts";
import { provesInfeasible } from "./farkas.ts";
import { leastSquaresSystem } from "./least_squares.ts";
import { noRecovery, type Recovery, recovery } from "./recovery.ts";
import type { ServerView } from "./view.ts";

/** Solves a view by its independent equations. @param rank of W1, as float64 tells; cheap to know.
 * @returns null where no equation can be spared below n, or no verdict be had this way. */
export async function solveIndependent(
  view: ServerView,
  rank: number,
  objective: Recovery["objective"],
  solve: (view: ServerView) => Promise<Recovery>,
): Promise<Recovery | null> {
  if (rank === Math.min(view.hidden, view.n)) return null;
  const start = performance.now();
  const rows = independentRows(view.W1, view.n);
  if (rows.length === view.hidden || rows.length === 0) return null;
  const details = () => ({ objective, elapsedMs: performance.now() - start });
  const reduced = withRows(view, rows);
  const odd = contradiction(view, rows);
  if (odd !== null) {
    // row_odd = Σ c_k·row_k, but z1_odd ≠ Σ c_k·z1_k.
    const combination = leastSquaresSystem(reduced).multipliers(rowOf(view, odd));
    const y = new Float64Array(view.hidden);
    y[odd] = 1;
    rows.forEach((row, k) => y[row] -= combination[k]);
    const proved = [1, -1].some((sign) => provesInfeasible(view, [], y.map((v) => sign * v)));
    return proved ? noRecovery("infeasible", objective, details()) : null;
  }
  const found = await solve(reduced);
  return found.xHat === null
    ? { ...found, elapsedMs: details().elapsedMs }
    : recovery(view, found.xHat, details());
}

/** A row that is a combination of `rows` in W1, but not in z1; null if there is none. */
function contradiction(view: ServerView, rows: readonly number[]): number | null {
  const more = independentRows(withColumn(view.W1, view.z1), view.n + 1).find((row) =>
    !rows.includes(row)
  );
  return more ?? null;
}

const rowOf = ({ W1, n }: ServerView, row: number) => W1.subarray(row * n, (row + 1) * n);

function withRows(view: ServerView, rows: readonly number[]): ServerView {
  const W1 = new Float64Array(rows.length * view.n);
  rows.forEach((row, k) => W1.set(rowOf(view, row), k * view.n));
  return { ...view, W1, z1: Float64Array.from(rows, (row) => view.z1[row]), hidden: rows.length };
}
