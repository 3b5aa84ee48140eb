/** Linear algebra mod a prime q, on triangular matrices only: all that function-hiding encryption needs.
 *
 * A random invertible B is drawn as L·U (L unit lower, U upper triangular with a non-zero diagonal), so
 * that y·B is two triangular products, x·B* with B* = det(B)·(B⁻¹)ᵀ two triangular solves, and det B the
 * product of U's diagonal: O(n²), where inverting B takes O(n³). `lib/fe/fhipe.ts` says which matrices are
 * reached this way, and why that is enough.
 *
 * The products of 255-bit BigInts are nearly all of the time, reductions the rest: rows are summed
 * unreduced, and reduced once.
 * @module */
import { Field, FpInvertBatch, mod } from "@noble/curves/abstract/modular.js";
import { randomNonZero, randomScalars, type Rng } from "./rng.ts";

/** B = L·U. Row i of `lower` holds L[i, 0 … i−1]; row i of `upper` holds U[i, i … n−1]. */
export interface LuMatrix {
  readonly order: bigint;
  readonly lower: readonly (readonly bigint[])[];
  readonly upper: readonly (readonly bigint[])[];
  /** det B = ∏ U[i, i]. */
  readonly determinant: bigint;
  /** 1 / U[i, i]. */
  readonly diagonalInverses: readonly bigint[];
}

/** Assembles B from its triangles. @throws {RangeError} a zero on the diagonal. */
export function luMatrix(
  order: bigint,
  lower: readonly (readonly bigint[])[],
  upper: readonly (readonly bigint[])[],
): LuMatrix {
  const diagonal = upper.map(([first]) => first);
  const determinant = diagonal.reduce((product, u) => (product * u) % order, 1n);
  if (determinant === 0n) throw new RangeError("Cannot invert: a diagonal entry is 0");
  const diagonalInverses = FpInvertBatch(Field(order), diagonal, true);
  return { order, lower, upper, determinant, diagonalInverses };
}

/** Draws B = L·U with uniform entries below L's and above U's diagonal, and uniform non-zero entries on
 * U's. */
export function randomLu(n: number, order: bigint, rng: Rng): LuMatrix {
  const diagonal = randomNonZero(order, rng, n);
  const lower = diagonal.map((_, i) => randomScalars(order, rng, i));
  const upper = diagonal.map((first, i) => [first, ...randomScalars(order, rng, n - 1 - i)]);
  return luMatrix(order, lower, upper);
}

/** y·B = (y·L)·U, entries in [0, q). @param y n integers, small or not, of any sign. */
export function timesLu({ order, lower, upper }: LuMatrix, y: readonly bigint[]): bigint[] {
  const n = y.length;
  const inner = y.slice(); // L's diagonal is 1
  for (let i = 0; i < n; i++) {
    const row = lower[i];
    if (y[i] !== 0n) { for (let j = 0; j < i; j++) inner[j] += y[i] * row[j]; }
  }
  const out = new Array<bigint>(n).fill(0n);
  for (let i = 0; i < n; i++) {
    const factor = mod(inner[i], order);
    const row = upper[i];
    for (let j = i; j < n; j++) out[j] += factor * row[j - i];
  }
  return out.map((sum) => mod(sum, order));
}

/** x·B* for B* = det(B)·(B⁻¹)ᵀ, entries in [0, q): w = det(B)·B⁻¹·xᵀ, by L·v = x and then U·w = det(B)·v.
 * It satisfies ⟨y·B, x·B*⟩ = det(B)·⟨x, y⟩. @param x n integers, small or not, of any sign. */
export function timesDualLu(matrix: LuMatrix, x: readonly bigint[]): bigint[] {
  const { order, lower, upper, determinant, diagonalInverses } = matrix;
  const n = x.length;
  const inner = new Array<bigint>(n);
  for (let i = 0; i < n; i++) {
    const row = lower[i];
    let sum = x[i];
    for (let j = 0; j < i; j++) sum -= row[j] * inner[j];
    inner[i] = mod(sum, order);
  }
  const out = new Array<bigint>(n);
  for (let i = n - 1; i >= 0; i--) {
    const row = upper[i];
    let sum = determinant * inner[i];
    for (let j = i + 1; j < n; j++) sum -= row[j - i] * out[j];
    out[i] = mod(mod(sum, order) * diagonalInverses[i], order);
  }
  return out;
}
