/** Least squares with a handful of coefficients that cannot be negative: costs.
 * @module */

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

/** Solves rows·c ≈ 1 by the normal equations and Gaussian elimination. */
function solveNormal(rows: readonly (readonly number[])[]): number[] {
  const size = rows[0].length;
  // Columns scaled to length 1: their sizes differ by powers of ten.
  const lengths = Array.from({ length: size }, (_, j) => Math.hypot(...rows.map((row) => row[j])));
  const unit = rows.map((row) => row.map((value, j) => value / lengths[j]));
  const system = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => unit.reduce((sum, row) => sum + row[i] * row[j], 0)),
    unit.reduce((sum, row) => sum + row[i], 0),
  ]);
  for (let pivot = 0; pivot < size; pivot++) { // positive definite: no row exchange is needed
    if (!(system[pivot][pivot] > 1e-9)) {
      throw new RangeError(`Cannot fit: the observations do not determine ${size} coefficients`);
    }
    for (let row = 0; row < size; row++) {
      if (row === pivot) continue;
      const factor = system[row][pivot] / system[pivot][pivot];
      system[row] = system[row].map((value, j) => value - factor * system[pivot][j]);
    }
  }
  return system.map((row, i) => row[size] / row[i] / lengths[i]);
}
