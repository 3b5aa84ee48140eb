/** Least squares with a handful of coefficients that cannot be negative: costs.
 * @module */
import { apply, cholesky, multiplyTransposed, solveCholesky } from "./dense.ts";

/** Coefficients c ≥ 0 that minimise Σ ((features·c − value) / value)²: relative, so that small sizes count as
 * much as large ones. A coefficient that would be negative is dropped, the most negative first.
 * @param features one row an observation.   @param values all positive.
 * @throws {RangeError} fewer observations than coefficients, or features that do not tell them apart. */
export function fitCosts(
  features: readonly (readonly number[])[],
  values: readonly number[],
): number[] {
  const out = features[0].map(() => 0);
  let active = out.map((_, column) => column);
  while (active.length > 0) {
    const rows = features.map((row, i) => active.map((column) => row[column] / values[i]));
    const fitted = solveNormal(rows);
    const lowest = fitted.indexOf(Math.min(...fitted));
    if (fitted[lowest] >= 0) {
      active.forEach((column, i) => out[column] = fitted[i]);
      break;
    }
    active = active.filter((_, i) => i !== lowest);
  }
  return out;
}

/** Solves rows·c ≈ 1 by the normal equations. */
function solveNormal(rows: readonly (readonly number[])[]): number[] {
  const columns = rows[0].map((_, j) => rows.map((row) => row[j]));
  // Columns scaled to length 1: their sizes differ by powers of ten.
  const lengths = columns.map((column) => Math.hypot(...column));
  const unit = Float64Array.from(columns.flatMap((column, j) => column.map((v) => v / lengths[j])));
  const system = multiplyTransposed(unit, unit, { n: rows.length });
  const rank = cholesky(system, columns.length);
  const pivots = columns.map((_, j) => system[j * columns.length + j] ** 2);
  if (rank < columns.length || !pivots.every((pivot) => pivot > 1e-9)) {
    throw new RangeError(
      `Cannot fit: the observations do not determine ${columns.length} coefficients`,
    );
  }
  const sums = apply(unit, new Float64Array(rows.length).fill(1));
  return Array.from(solveCholesky(system, sums), (value, j) => value / lengths[j]);
}
