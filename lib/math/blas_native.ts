/** A native BLAS, called through Deno's FFI on typed arrays where they lie: nothing is copied.
 *
 * cblas takes row-major matrices; LAPACK's upper triangle by columns is the lower one by rows. Integers have 32 bits.
 * Nothing is checked here: a wrong length writes into foreign memory. `blas.ts` checks.
 * @see J. Dongarra et al., "A set of level 3 basic linear algebra subprograms", ACM TOMS 16, 1990.
 * @module */
import { nameOf, openSymbols, type Symbols } from "./blas_symbols.ts";
import { factor } from "./blas_wasm.ts";

const ROW_MAJOR = 101;
const [PLAIN, TRANSPOSED] = [111, 112];
const LOWER = 122;
const NON_UNIT = 131;
const RIGHT = 142;
const UPPER = new TextEncoder().encode("U");

/** Columns that are factored at a time where LAPACK is not there. */
const BLOCK = 64;

/** What follows a 32-bit integer in memory: an integer of 64 bits would be negative. */
const OTHER_HALF = -(2 ** 31);

/** A product whose sizes are checked: C `[m, n]` ← op(A)·op(B), plus C where `add`. */
export interface Multiplication<T> {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly A: T;
  readonly B: T;
  readonly C: T;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly add: boolean;
  /** Only C's lower triangle, of A·Aᵀ. */
  readonly lower?: boolean;
}

/** Rows `from` to `to` of C. */
export interface Rows {
  readonly from: number;
  readonly to: number;
}

/** What cblas is told about a tile of a product: gemm's arguments; of a lower triangle what lies left of the diagonal
 * block, and syrk's for the block.
 * @param place where an entry of a matrix lies. */
export function tileArguments<P>(
  { m, n, k, transposeA, transposeB, add, lower = false }: Omit<
    Multiplication<unknown>,
    "A" | "B" | "C"
  >,
  { from, to }: Rows,
  place: (matrix: "A" | "B" | "C", entry: number) => P,
) {
  const columns = lower ? from : n;
  const op = (transposed: boolean) => transposed ? TRANSPOSED : PLAIN;
  const gemm = () =>
    [
      ...[ROW_MAJOR, op(transposeA), op(transposeB), to - from, columns, k, 1] as const,
      ...[place("A", transposeA ? from : from * k), transposeA ? m : k] as const,
      ...[place("B", 0), transposeB ? k : n, add ? 1 : 0, place("C", from * n), n] as const,
    ] as const;
  const syrk = () =>
    [
      ...[ROW_MAJOR, LOWER, PLAIN, to - from, k, 1, place("A", from * k), k] as const,
      ...[0, place("C", from * n + from), n] as const,
    ] as const;
  return { gemm: columns > 0 ? gemm() : null, syrk: lower ? syrk() : null };
}

/** What Deno's types ask for; shared memory passes as well. */
type Doubles = Float64Array<ArrayBuffer>;

/** A library that is open. */
export class Native {
  /** Such as "OpenBLAS 0.3.21, SkylakeX". */
  readonly name: string;
  readonly symbols: Symbols;

  /** @throws {Error} it does not load, or lacks a symbol. {Deno.errors.NotCapable} no permission for FFI. */
  constructor(file: string) {
    this.symbols = openSymbols(file);
    this.name = nameOf(this.symbols, file);
  }

  /** A tile of a product, or of a lower triangle. */
  multiply<T extends Float32Array | Float64Array>(p: Multiplication<T>, rows: Rows): void {
    const { cblas_sgemm, cblas_dgemm, cblas_dsyrk } = this.symbols;
    const { gemm, syrk } = tileArguments(p, rows, (X, entry) => p[X].subarray(entry) as Doubles);
    if (gemm) (p.A instanceof Float32Array ? cblas_sgemm : cblas_dgemm)(...gemm);
    if (syrk) cblas_dsyrk(...syrk);
  }

  /** Rows of B `[rows, m]` ← L⁻¹·row, or L⁻ᵀ·row. */
  solve(L: Float64Array, B: Float64Array, m: number, transpose: boolean): void {
    this.#solve(L, B, { m, rows: B.length / m, transpose, leading: m });
  }

  #solve(
    L: Float64Array,
    B: Float64Array,
    size: { m: number; rows: number; transpose: boolean; leading: number },
  ): void {
    const { m, rows, transpose, leading } = size;
    this.symbols.cblas_dtrsm(
      ...[ROW_MAJOR, RIGHT, LOWER, transpose ? PLAIN : TRANSPOSED, NON_UNIT] as const,
      ...[rows, m, 1, L as Doubles, leading, B as Doubles, leading] as const,
    );
  }

  /** Factors S `[m, m]` in place. @returns 0, or 1 + the first row whose pivot is not positive and finite. */
  factor(S: Float64Array, m: number): number {
    const { dpotrf_ } = this.symbols;
    if (!dpotrf_) return this.#factorBlocks(S, m);
    const [size, info] = [Int32Array.of(m, OTHER_HALF), Int32Array.of(0, OTHER_HALF)];
    dpotrf_(UPPER, size, S as Doubles, size, info, 1n);
    const done = info[0] === 0 ? m : info[0] - 1;
    for (let i = 0; i < done; i++) { // OpenBLAS goes on from a pivot that is no number
      if (!(S[i * m + i] > 0 && S[i * m + i] < Infinity)) return i + 1;
    }
    return info[0];
  }

  /** Without LAPACK: columns in blocks, each factored in WebAssembly, the rest by products. */
  #factorBlocks(S: Float64Array, m: number): number {
    for (let i = 0; i < m; i += BLOCK) {
      const width = Math.min(BLOCK, m - i);
      const corner = new Float64Array(width * width);
      for (let r = 0; r < width; r++) {
        corner.set(S.subarray((i + r) * m + i, (i + r) * m + i + r + 1), r * width);
      }
      const { failed } = factor(corner, width, 0);
      if (failed >= 0) return 1 + i + failed;
      for (let r = 0; r < width; r++) {
        S.set(corner.subarray(r * width, r * width + r + 1), (i + r) * m + i);
      }
      const below = i + width;
      if (below === m) break;
      const panel = S.subarray(below * m + i) as Doubles;
      const rows = m - below;
      this.#solve(S.subarray(i * m + i), panel, { m: width, rows, transpose: false, leading: m });
      this.symbols.cblas_dsyrk(
        ...[ROW_MAJOR, LOWER, PLAIN, rows, width, -1, panel, m] as const,
        ...[1, S.subarray(below * m + below) as Doubles, m] as const,
      );
    }
    return 0;
  }

  /** ⟨a, b⟩, its length passed by the address of a 32-bit integer: a library that reads 64 bits there finds a
   * negative length, and gives 0. */
  dot(a: Float64Array, b: Float64Array): number {
    const [size, one] = [a.length, 1].map((value) => Int32Array.of(value, OTHER_HALF));
    return this.symbols.ddot_(size, a as Doubles, one, b as Doubles, one);
  }
}
