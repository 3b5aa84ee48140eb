/** Eigenvalues and eigenvectors of a symmetric matrix in float64: Householder's tridiagonal form, then implicit QL.
 *
 * The procedures tred2 and tql2, with the vectors kept as rows so that each rotation runs along memory: 0.1 s for 300
 * rows, a few seconds for 800.
 * @see J. H. Wilkinson, C. Reinsch, "Linear Algebra" (Handbook for Automatic Computation II), 1971, contributions II/2
 * and II/3.
 * @module */

/** Steps of QL for one eigenvalue; it takes one or two. */
const MAX_STEPS = 60;

/** A symmetric matrix S = Σ values_k·v_k·v_kᵀ. */
export interface Eigen {
  /** `[m]`, falling. */
  readonly values: Float64Array;
  /** `[m, m]`, row k the unit vector v_k. */
  readonly vectors: Float64Array;
}

/** The eigenvalues and eigenvectors of a symmetric matrix, by Householder's tridiagonal form and QL steps.
 * @param S `[m, m]`, its lower triangle is read.
 * @throws {TypeError} it is not square, or empty. {RangeError} an entry that is not finite. */
export function symmetricEigen(S: Float64Array): Eigen {
  const m = Math.round(Math.sqrt(S.length));
  if (m === 0 || m * m !== S.length) {
    throw new TypeError(`Cannot decompose: ${S.length} entries are no square matrix`);
  }
  const bad = S.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new RangeError(`Cannot decompose: entry ${bad} is ${S[bad]}`);
  const { diagonal, off, vectors } = tridiagonal(S, m);
  rotate(diagonal, off, vectors);
  const order = Array.from(diagonal.keys()).sort((a, b) => diagonal[b] - diagonal[a]);
  const sorted = new Float64Array(m * m);
  order.forEach((from, to) => sorted.set(vectors.subarray(from * m, (from + 1) * m), to * m));
  return { values: Float64Array.from(order, (k) => diagonal[k]), vectors: sorted };
}

/** S = Qᵀ·T·Q with T tridiagonal: row by row from the last, reflections I − u·uᵀ/h.
 * @returns T's diagonal, `off[i]` between i − 1 and i, and the rows of Q. */
function tridiagonal(S: Float64Array, m: number) {
  const A = S.slice();
  for (let i = 0; i < m; i++) for (let j = 0; j < i; j++) A[j * m + i] = A[i * m + j];
  const off = new Float64Array(m);
  const reflections: { u: Float64Array; h: number }[] = [];
  for (let i = m - 1; i > 1; i--) {
    const row = A.subarray(i * m, i * m + i);
    const scale = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const rest = row.subarray(0, i - 1).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (rest === 0) { // nothing to remove
      off[i] = row[i - 1];
      continue;
    }
    const u = row.map((value) => value / scale);
    let square = 0;
    for (const value of u) square += value * value;
    const length = u[i - 1] > 0 ? -Math.sqrt(square) : Math.sqrt(square);
    const h = square - u[i - 1] * length; // half of |u|² once its last entry is moved
    off[i] = scale * length;
    u[i - 1] -= length;
    const p = new Float64Array(i); // A·u/h
    let overlap = 0;
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let k = 0, at = j * m; k < i; k++) sum += A[at + k] * u[k];
      p[j] = sum / h;
      overlap += u[j] * p[j];
    }
    overlap /= 2 * h;
    for (let j = 0; j < i; j++) p[j] -= overlap * u[j];
    for (let j = 0; j < i; j++) { // A − u·pᵀ − p·uᵀ
      const [a, b] = [u[j], p[j]];
      for (let k = 0, at = j * m; k < i; k++) A[at + k] -= a * p[k] + b * u[k];
    }
    reflections.push({ u, h });
  }
  if (m > 1) off[1] = A[m];
  const vectors = new Float64Array(m * m);
  for (let i = 0; i < m; i++) vectors[i * m + i] = 1;
  for (const { u, h } of reflections.reverse()) { // Q ← Q·(I − u·uᵀ/h): the rows of this product
    const width = u.length;
    const sums = new Float64Array(m);
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < m; j++) sums[j] += u[i] * vectors[i * m + j];
    }
    for (let i = 0; i < width; i++) {
      const factor = u[i] / h;
      for (let j = 0; j < m; j++) vectors[i * m + j] -= factor * sums[j];
    }
  }
  return {
    diagonal: Float64Array.from({ length: m }, (_, i) => A[i * m + i]),
    off,
    vectors: transposed(vectors, m),
  };
}

function transposed(A: Float64Array, m: number): Float64Array {
  const out = new Float64Array(A.length);
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) out[j * m + i] = A[i * m + j];
  return out;
}

/** Implicit QL: `diagonal` becomes the eigenvalues, the rows of `vectors` their vectors. */
function rotate(diagonal: Float64Array, off: Float64Array, vectors: Float64Array): void {
  const m = diagonal.length;
  const e = new Float64Array(m);
  e.set(off.subarray(1)); // e[i] between i and i + 1
  for (let l = 0; l < m; l++) {
    for (let steps = 0;; steps++) {
      let end = l;
      while (end < m - 1 && !negligible(e[end], diagonal[end], diagonal[end + 1])) end++;
      if (end === l) break;
      if (steps === MAX_STEPS) throw new RangeError("Cannot decompose: QL does not converge");
      let g = (diagonal[l + 1] - diagonal[l]) / (2 * e[l]);
      let r = Math.hypot(g, 1);
      g = diagonal[end] - diagonal[l] + e[l] / (g + (g < 0 ? -r : r));
      let [s, c, p] = [1, 1, 0];
      let i = end - 1;
      for (; i >= l; i--) {
        let f = s * e[i];
        const b = c * e[i];
        e[i + 1] = r = Math.hypot(f, g);
        if (r === 0) { // the matrix falls apart here
          diagonal[i + 1] -= p;
          e[end] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = diagonal[i + 1] - p;
        r = (diagonal[i] - g) * s + 2 * c * b;
        p = s * r;
        diagonal[i + 1] = g + p;
        g = c * r - b;
        for (let k = 0, a = i * m, z = a + m; k < m; k++, a++, z++) {
          f = vectors[z];
          vectors[z] = s * vectors[a] + c * f;
          vectors[a] = c * vectors[a] - s * f;
        }
      }
      if (i >= l) continue;
      diagonal[l] -= p;
      e[l] = g;
      e[end] = 0;
    }
  }
}

const negligible = (e: number, a: number, b: number) => {
  const size = Math.abs(a) + Math.abs(b);
  return Math.abs(e) + size === size;
};
