/** The oracle of the solvers' verdicts: linear programs in exact integers, slow and obvious.
 *
 * Integer pivoting (Edmonds): the tableau holds integers over one common denominator, so each step is exact;
 * Bland's rule ends. For up to four pixels `hasVertex` tries every choice of tight constraints instead.
 * @module */
import type { PixelRule } from "lib/attack/priors.ts";

/** W1·x = z1, 0 ≤ x ≤ 255, |R·x| ≤ τ, in integers. */
export interface IntegerProgram {
  n: number;
  W1: number[];
  z1: number[];
  rules: readonly PixelRule[];
}

/** The smallest Σ cost·x as a number, or null if there is no point. */
export function exactMinimum({ n, W1, z1, rules }: IntegerProgram, cost: bigint[]): number | null {
  // Columns: x, slack of the upper bounds, two slacks a rule. Rows: equations, bounds, rules twice.
  const columns = 2 * n + 2 * rules.length;
  const rows: { a: bigint[]; b: bigint }[] = z1.map((z, row) => ({
    a: Array.from({ length: columns }, (_, c) => c < n ? BigInt(W1[row * n + c]) : 0n),
    b: BigInt(z),
  }));
  for (let p = 0; p < n; p++) {
    rows.push({
      a: Array.from({ length: columns }, (_, c) => c === p || c === n + p ? 1n : 0n),
      b: 255n,
    });
  }
  rules.forEach(({ indices, values, bound }, e) => {
    for (const side of [1, -1]) {
      const a = new Array<bigint>(columns).fill(0n);
      indices.forEach((p, k) => a[p] += BigInt(side * Math.round(12 * values[k])));
      a[2 * n + 2 * e + (side === 1 ? 0 : 1)] = 1n;
      rows.push({ a, b: BigInt(Math.round(12 * bound)) });
    }
  });
  const m = rows.length;
  // [columns | artificials | right-hand side]; b ≥ 0.
  const T = rows.map(({ a, b }, row) => {
    const sign = b < 0n ? -1n : 1n;
    const unit = Array.from({ length: m }, (_, k) => k === row ? 1n : 0n);
    return [...a.map((v) => sign * v), ...unit, sign * b];
  });
  const basis = T.map((_, row) => columns + row);
  let denominator = 1n;
  const width = columns + m;
  const minimise = (c: bigint[], allowed: number) => {
    while (true) {
      // Reduced costs times the denominator.
      const reduced = Array.from(
        { length: allowed },
        (_, j) => c[j] * denominator - T.reduce((sum, t, i) => sum + c[basis[i]] * t[j], 0n),
      );
      const enter = reduced.findIndex((value) => value < 0n);
      if (enter < 0) return T.reduce((sum, t, i) => sum + c[basis[i]] * t[width], 0n);
      let leave = -1;
      T.forEach((t, i) => {
        if (t[enter] <= 0n) return;
        if (leave < 0) {
          leave = i;
          return;
        }
        const [left, right] = [t[width] * T[leave][enter], T[leave][width] * t[enter]];
        if (left < right || (left === right && basis[i] < basis[leave])) leave = i;
      });
      if (leave < 0) throw new Error("unbounded");
      const pivot = T[leave][enter];
      T.forEach((t, i) => {
        if (i === leave) return;
        const factor = t[enter];
        for (let j = 0; j <= width; j++) {
          t[j] = (t[j] * pivot - factor * T[leave][j]) / denominator;
        }
      });
      denominator = pivot;
      basis[leave] = enter;
    }
  };
  const phase1 = Array.from({ length: width }, (_, j) => j < columns ? 0n : 1n);
  if (minimise(phase1, width) !== 0n) return null;
  const phase2 = Array.from({ length: width }, (_, j) => cost[j] ?? 0n);
  // Artificials that stayed in the basis are 0 and must stay so: they may not grow, nor enter again.
  T.forEach((t, i) => {
    if (basis[i] < columns) return;
    const enter = t.findIndex((v, j) => j < columns && v !== 0n);
    if (enter < 0) return; // a redundant row
    if (t[enter] < 0n) { for (let j = 0; j <= width; j++) t[j] = -t[j]; }
    const pivot = t[enter];
    T.forEach((other, k) => {
      if (k === i) return;
      const factor = other[enter];
      for (let j = 0; j <= width; j++) other[j] = (other[j] * pivot - factor * t[j]) / denominator;
    });
    denominator = pivot;
    basis[i] = enter;
  });
  return Number(minimise(phase2, columns) * 1000000n / denominator) / 1e6;
}

/** Whether the program has a vertex, hence a point: every choice of n tight constraints is solved. */
export function hasVertex({ n, W1, z1, rules }: IntegerProgram): boolean {
  const equations = z1.map((z, row) => ({
    a: Array.from({ length: n }, (_, p) => BigInt(W1[row * n + p])),
    b: BigInt(z),
  }));
  const limits: { a: bigint[]; b: bigint }[] = [];
  for (let p = 0; p < n; p++) {
    for (const b of [0n, 255n]) {
      limits.push({ a: Array.from({ length: n }, (_, q) => q === p ? 1n : 0n), b });
    }
  }
  for (const { indices, values, bound } of rules) {
    for (const side of [1, -1]) {
      const a = new Array<bigint>(n).fill(0n);
      indices.forEach((p, k) => a[p] += BigInt(side * Math.round(12 * values[k])));
      limits.push({ a, b: BigInt(Math.round(12 * bound)) });
    }
  }
  const all = [...equations, ...limits];
  const choose = (from: number, chosen: typeof all): boolean => {
    if (chosen.length < n) {
      for (let at = from; at < all.length; at++) {
        if (choose(at + 1, [...chosen, all[at]])) return true;
      }
      return false;
    }
    const x = solveExactly(chosen, n);
    if (x === null) return false;
    const { numerators, denominator } = x;
    const value = (a: bigint[]) => a.reduce((sum, v, p) => sum + v * numerators[p], 0n);
    return equations.every(({ a, b }) => value(a) === b * denominator) &&
      numerators.every((v) => v >= 0n && v <= 255n * denominator) &&
      limits.slice(2 * n).every(({ a, b }) => value(a) <= b * denominator);
  };
  return choose(0, []);
}

/** The solution of n equations by Cramer's rule, denominator > 0; null if they depend on each other. */
function solveExactly(rows: { a: bigint[]; b: bigint }[], n: number) {
  const determinant = (M: bigint[][]): bigint =>
    M.length === 0 ? 1n : M[0].reduce((sum, v, c) => {
      if (v === 0n) return sum;
      const minor = M.slice(1).map((row) => row.filter((_, k) => k !== c));
      return sum + (c % 2 === 0 ? v : -v) * determinant(minor);
    }, 0n);
  const whole = determinant(rows.map(({ a }) => a));
  if (whole === 0n) return null;
  const sign = whole < 0n ? -1n : 1n;
  const numerators = Array.from(
    { length: n },
    (_, p) => sign * determinant(rows.map(({ a, b }) => a.map((v, k) => k === p ? b : v))),
  );
  return { numerators, denominator: sign * whole };
}
