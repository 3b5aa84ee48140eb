/** Products and factorisations of row-major matrices: by a native BLAS where the machine has one, else in WebAssembly.
 *
 * The library runs one thread. Large products are cut into tiles of rows, whose number depends on the product's
 * shape alone; the `…Async` functions compute them side by side, on all cores. So both give the same bits, on any
 * number of cores. **Rows cut otherwise may differ in the last bits**: in OpenBLAS and BLIS alike an entry of C depends
 * on how many rows the call has. Who deals rows to Workers and wants equal bits cuts them in the same places whatever
 * the number of Workers. WebAssembly sums in the order of k, multiplied and then added: the same bits for any cut.
 *
 * `FE_BLAS=off` takes WebAssembly, `FE_BLAS=PATH` that library or an error. Without permission for the environment it
 * is not read, and every thread tries the library it finds.
 * @module */
import { findLibrary, type Library } from "./blas_library.ts";
import type { Multiplication, Rows } from "./blas_native.ts";
import { factor, rowProducts, solveRows, solveRowsTransposed, transpose } from "./blas_wasm.ts";
import { multiply32 } from "./panels32.ts";

/** C `[m, n]` ← op(A)·op(B), plus what C held where `add`. */
export interface Product<T> {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** `[m, k]`, or `[k, m]` where `transposeA`. */
  readonly A: T;
  /** `[k, n]`, or `[n, k]` where `transposeB`. */
  readonly B: T;
  readonly C: T;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly add?: boolean;
}

/** What is used. */
export interface Blas {
  /** Such as "OpenBLAS 0.3.21, SkylakeX". */
  readonly name: string;
}

let found: Library | undefined;
const library = (): Library => found ??= findLibrary();

/** The native library in use, or null: WebAssembly.
 * @throws {Error} `FE_BLAS` names one that cannot be used; so do all functions here. */
export function blas(): Blas | null {
  return library().native;
}

/** For the description of a machine: "OpenBLAS 0.3.21, SkylakeX, one thread a call", or "WebAssembly (why)". */
export function productsBy(): string {
  const { native, why } = library();
  return native ? `${native.name}, one thread a call` : `WebAssembly (${why})`;
}

const MOST = 2 ** 31 - 1;

/** Multiplications from which a tile pays, and the most tiles. */
const [TILE, MOST_TILES] = [2 ** 23, 8];

/** The tiles of a product: by its shape only. Their number is a power of two, so that two cores have as much to do. */
function tiles({ m, n, k }: { m: number; n: number; k: number }): Rows[] {
  let count = 1;
  while (2 * count <= MOST_TILES && 2 * count * TILE <= m * n * k && 16 * count < m) count *= 2;
  const height = 16 * Math.ceil(m / count / 16);
  return Array.from(
    { length: Math.ceil(m / height) },
    (_, t) => ({ from: t * height, to: Math.min(m, (t + 1) * height) }),
  );
}

type Matrix = Float32Array | Float64Array;

function size(what: string, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > MOST) {
    throw new RangeError(
      `Cannot multiply: ${what} is ${value}, expected an integer in 0 … 2^31 − 1`,
    );
  }
}

/** An array's class. */
type Kind<T> = { readonly name: string } & (new (length: number) => T);

function entries<T extends Matrix>(
  what: string,
  matrix: T,
  { kind, rows, columns }: { kind: Kind<T>; rows: number; columns: number },
): void {
  if (!(matrix instanceof kind)) { // the library would write numbers of another size
    const came = (matrix as unknown)?.constructor?.name ?? matrix;
    throw new TypeError(`Cannot multiply: ${what} is ${came}, expected ${kind.name}`);
  }
  if (matrix.length !== rows * columns) {
    throw new TypeError(
      `Cannot multiply: ${what} has ${matrix.length} entries, expected ${rows} × ${columns}`,
    );
  }
  const { buffer } = matrix;
  if (buffer instanceof ArrayBuffer ? buffer.resizable : buffer.growable) {
    throw new TypeError(`Cannot multiply: ${what} lies in a buffer that can be resized`);
  }
}

const overlap = (a: Matrix, b: Matrix) =>
  a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength &&
  b.byteOffset < a.byteOffset + a.byteLength;

function checked<T extends Matrix>(
  { m, n, k, A, B, C, transposeA = false, transposeB = false, add = false }: Product<T>,
  kind: Kind<T>,
): Multiplication<T> {
  size("m", m);
  size("n", n);
  size("k", k);
  entries("A", A, { kind, rows: m, columns: k });
  entries("B", B, { kind, rows: k, columns: n });
  entries("C", C, { kind, rows: m, columns: n });
  if (overlap(A, C) || overlap(B, C)) {
    throw new RangeError("Cannot multiply: C lies where A or B does");
  }
  return { m, n, k, A, B, C, transposeA, transposeB, add };
}

/** C ← op(A)·op(B) in float32.
 * @throws {TypeError} an array of another class, whose length is not that of its shape, or that can be resized. {RangeError} a size that
 * is no integer in 0 … 2^31 − 1, or C in the place of A or B. */
export function sgemm(product: Product<Float32Array>): void {
  multiply(checked(product, Float32Array), multiply32);
}

/** C ← op(A)·op(B) in float64; throws as {@linkcode sgemm}. */
export function dgemm(product: Product<Float64Array>): void {
  multiply(checked(product, Float64Array), multiplyDoubles);
}

/** {@linkcode sgemm} on all cores, which throws what that throws at once; A, B and C stay untouched until it is done. */
export function sgemmAsync(product: Product<Float32Array>): Promise<void> {
  return multiplyBeside(checked(product, Float32Array), multiply32);
}

/** {@linkcode dgemm} on all cores; A, B and C stay untouched until it is done. */
export function dgemmAsync(product: Product<Float64Array>): Promise<void> {
  return multiplyBeside(checked(product, Float64Array), multiplyDoubles);
}

/** A product here. @param own the same without a library. */
function multiply<T extends Matrix>(
  p: Multiplication<T>,
  own: (p: Multiplication<T>) => void,
): void {
  if (p.k === 0 && !p.add) clear(p);
  if (p.m === 0 || p.n === 0 || p.k === 0) return;
  const { native } = library();
  if (!native) own(p);
  else for (const rows of tiles(p)) native.multiply(p, rows);
}

function clear({ m, n, C, lower }: Multiplication<Matrix>): void {
  for (let i = 0; i < m; i++) C.fill(0, i * n, i * n + (lower ? i + 1 : n));
}

/** A product on all cores, if it has tiles for them. */
// deno-lint-ignore require-await
async function multiplyBeside<T extends Matrix>(
  p: Multiplication<T>,
  own: (p: Multiplication<T>) => void,
): Promise<void> {
  const cut = tiles(p);
  const { beside } = library();
  return beside && cut.length > 1 ? beside.multiply(p, cut) : multiply(p, own);
}

function multiplyDoubles(
  { m, n, k, A, B, C, transposeA, transposeB, add, lower }: Multiplication<Float64Array>,
) {
  const left = transposeA ? transpose(A, k, m) : A;
  rowProducts(left, transposeB ? B : transpose(B, k, n), C, { n: k, add, lower });
}

/** A·Aᵀ for A `[n, k]`: the lower triangle of C `[n, n]` is written. */
export interface Square {
  readonly n: number;
  readonly k: number;
  readonly A: Float64Array;
  readonly C: Float64Array;
}

function checkedSquare({ n, k, A, C }: Square): Multiplication<Float64Array> {
  size("n", n);
  size("k", k);
  entries("A", A, { kind: Float64Array, rows: n, columns: k });
  entries("C", C, { kind: Float64Array, rows: n, columns: n });
  if (overlap(A, C)) throw new RangeError("Cannot multiply: C lies where A does");
  return { m: n, n, k, A, B: A, C, transposeA: false, transposeB: true, add: false, lower: true };
}

/** The lower triangle of C ← A·Aᵀ; throws as {@linkcode sgemm}. */
export function dsyrk(square: Square): void {
  multiply(checkedSquare(square), multiplyDoubles);
}

/** {@linkcode dsyrk} on all cores; A and C stay untouched until it is done. */
export function dsyrkAsync(square: Square): Promise<void> {
  return multiplyBeside(checkedSquare(square), multiplyDoubles);
}

/** S `[m, m]` ← L with L·Lᵀ = S; the lower triangle is read and written.
 * @returns 0, or 1 + the first row whose pivot is not positive and finite: S is then half done.
 * @throws as {@linkcode sgemm}. */
export function dpotrf(S: Float64Array, m: number): number {
  size("m", m);
  entries("S", S, { kind: Float64Array, rows: m, columns: m });
  if (m === 0) return 0;
  return library().native?.factor(S, m) ?? 1 + factor(S, m, 0).failed;
}

/** Rows of B `[rows, m]` to solve for, behind the lower triangle of L `[m, m]`. */
export interface Triangle {
  readonly L: Float64Array;
  readonly m: number;
  readonly B: Float64Array;
  /** L⁻ᵀ instead of L⁻¹. */
  readonly transpose?: boolean;
}

/** Every row of B ← L⁻¹·row, or L⁻ᵀ·row; throws as {@linkcode sgemm}. */
export function dtrsm({ L, m, B, transpose = false }: Triangle): void {
  size("m", m);
  entries("L", L, { kind: Float64Array, rows: m, columns: m });
  const rows = m === 0 ? 0 : B.length / m;
  if (!Number.isInteger(rows)) {
    throw new TypeError(`Cannot solve: B has ${B.length} entries, expected rows of ${m}`);
  }
  entries("B", B, { kind: Float64Array, rows, columns: m });
  size("rows", rows);
  if (overlap(L, B)) throw new RangeError("Cannot solve: B lies where L does");
  if (rows === 0) return;
  const { native } = library();
  if (native) native.solve(L, B, m, transpose);
  else if (transpose) solveRowsTransposed(L, B, m);
  else solveRows(L, B, m);
}

/** Every row of B `[rows, m]` ← (L·Lᵀ)⁻¹·row; throws as {@linkcode sgemm}. */
export function dpotrs(L: Float64Array, m: number, B: Float64Array): void {
  dtrsm({ L, m, B });
  dtrsm({ L, m, B, transpose: true });
}
