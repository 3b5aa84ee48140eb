/** Sparse linear forms of the pixels: differences of neighbours, rules, single pixels.
 * @module */

/** Linear forms by rows: form e is Σ values[k]·x[indices[k]] over starts[e] ≤ k < starts[e + 1]. */
export interface Forms {
  starts: Int32Array;
  indices: Int32Array;
  values: Float64Array;
}

/** Forms from their terms, (index, value) each. */
export function formsOf(rows: readonly (readonly (readonly [number, number])[])[]): Forms {
  const starts = new Int32Array(rows.length + 1);
  rows.forEach((row, e) => starts[e + 1] = starts[e] + row.length);
  const indices = new Int32Array(starts[rows.length]);
  const values = new Float64Array(indices.length);
  let at = 0;
  for (const row of rows) {
    for (const term of row) {
      indices[at] = term[0];
      values[at++] = term[1];
    }
  }
  return { starts, indices, values };
}

/** F·x, the value of every form. */
export function applyForms({ starts, indices, values }: Forms, x: Float64Array): Float64Array {
  const out = new Float64Array(starts.length - 1);
  for (let e = 0; e < out.length; e++) {
    for (let k = starts[e]; k < starts[e + 1]; k++) out[e] += values[k] * x[indices[k]];
  }
  return out;
}

/** out ← out + Fᵀ·v. */
export function spreadForms(
  { starts, indices, values }: Forms,
  v: Float64Array,
  out: Float64Array,
): Float64Array {
  for (let e = 0; e < v.length; e++) {
    for (let k = starts[e]; k < starts[e + 1]; k++) out[indices[k]] += values[k] * v[e];
  }
  return out;
}

/** The bandwidth of Fᵀ·F: how far apart the pixels of one form are at most. */
export function bandwidth({ starts, indices }: Forms): number {
  let width = 0;
  for (let e = 0; e + 1 < starts.length; e++) {
    let [low, high] = [Infinity, -Infinity];
    for (let k = starts[e]; k < starts[e + 1]; k++) {
      low = Math.min(low, indices[k]);
      high = Math.max(high, indices[k]);
    }
    width = Math.max(width, high - low);
  }
  return width;
}

/** K ← K + Fᵀ·diag(weights)·F for K in banded storage, `width` at least the forms' {@linkcode bandwidth}. */
export function addGram(
  { starts, indices, values }: Forms,
  weights: Float64Array,
  K: Float64Array,
  width: number,
): void {
  for (let e = 0; e < weights.length; e++) {
    for (let k = starts[e]; k < starts[e + 1]; k++) {
      const row = indices[k] * (width + 1) + width - indices[k];
      const weighted = weights[e] * values[k];
      for (let l = starts[e]; l < starts[e + 1]; l++) {
        if (indices[l] <= indices[k]) K[row + indices[l]] += weighted * values[l];
      }
    }
  }
}
