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
import type { Rng } from "./rng.ts";

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

/** The representative of a in [0, q). */
export function mod(a: bigint, q: bigint): bigint {
  const rest = a % q;
  return rest < 0n ? rest + q : rest;
}

/** 1/a mod q, by Euclid. @throws {RangeError} a is 0 mod q. */
function invert(a: bigint, q: bigint): bigint {
  let [r0, r1, s0, s1] = [q, mod(a, q), 0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [s0, s1] = [s1, s0 - quotient * s1];
  }
  if (r0 !== 1n) throw new RangeError(`Cannot invert: ${a} has no inverse mod ${q}`);
  return mod(s0, q);
}

/** 1/a for every a, with one inversion (Montgomery's trick).
 * @throws {RangeError} some a is 0 mod q. */
export function invertBatch(values: readonly bigint[], q: bigint): bigint[] {
  const prefixes: bigint[] = [];
  let product = 1n;
  for (const value of values) {
    prefixes.push(product);
    product = (product * value) % q;
  }
  let inverse = invert(product, q);
  const out = new Array<bigint>(values.length);
  for (let i = values.length - 1; i >= 0; i--) {
    out[i] = mod(inverse * prefixes[i], q);
    inverse = (inverse * values[i]) % q;
  }
  return out;
}

/** Assembles B from its triangles. @throws {RangeError} a zero on the diagonal. */
export function luMatrix(
  order: bigint,
  lower: readonly (readonly bigint[])[],
  upper: readonly (readonly bigint[])[],
): LuMatrix {
  const diagonal = upper.map(([first]) => first);
  return {
    order,
    lower,
    upper,
    determinant: diagonal.reduce((product, u) => (product * u) % order, 1n),
    diagonalInverses: invertBatch(diagonal, order),
  };
}

/** `count` uniform scalars in [0, order), by rejection, from few large draws: one by one, the drawing of B
 * would take ten times as long as all that is done with it. */
export function randomScalars(order: bigint, rng: Rng, count: number): bigint[] {
  const bits = (order - 1n).toString(2).length;
  const words = Math.ceil(bits / 64);
  const out: bigint[] = [];
  while (out.length < count) {
    const bytes = rng.bytes(8 * words * (count - out.length));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += 8 * words) {
      let value = view.getBigUint64(at);
      for (let word = 1; word < words; word++) {
        value = (value << 64n) | view.getBigUint64(at + 8 * word);
      }
      value = BigInt.asUintN(bits, value);
      if (value < order) out.push(value);
    }
  }
  return out;
}

/** `count` uniform scalars in [1, order). */
export function randomNonZero(order: bigint, rng: Rng, count: number): bigint[] {
  return randomScalars(order - 1n, rng, count).map((scalar) => scalar + 1n);
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
