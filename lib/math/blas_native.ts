/** A native BLAS, called through Deno's FFI on typed arrays where they lie: nothing is copied.
 *
 * cblas takes row-major matrices; LAPACK's upper triangle by columns is the lower one by rows. Integers have 32 bits.
 * Nothing is checked here: a wrong length writes into foreign memory. `blas.ts` checks.
 * @module */

import { factor } from "./blas_wasm.ts";

const ROW_MAJOR = 101;
const [PLAIN, TRANSPOSED] = [111, 112];
const LOWER = 122;
const NON_UNIT = 131;
const RIGHT = 142;
const UPPER = new TextEncoder().encode("U");

/** Columns that are factored at a time where LAPACK is not there. */
const BLOCK = 64;

/** What follows a 32-bit integer in memory: one of 64 bits would be negative. */
const OTHER_HALF = -(2 ** 31);

const [int, at] = ["i32", "buffer"] as const;
const gemm = <F extends "f32" | "f64">(real: F) =>
  [int, int, int, int, int, int, real, at, int, at, int, real, at, int] as const;
const syrk = [int, int, int, int, int, "f64", at, int, "f64", at, int] as const;
const trsm = [int, int, int, int, int, int, int, "f64", at, int, at, int] as const;
const text = { parameters: [], result: "pointer", optional: true } as const;
const threads = { parameters: [int], result: "void", optional: true } as const;

const later = <N extends string>(name: N) => ({ name, result: "void", nonblocking: true }) as const;

const SYMBOLS = {
  cblas_sgemm: { parameters: gemm("f32"), result: "void" },
  cblas_dgemm: { parameters: gemm("f64"), result: "void" },
  cblas_dsyrk: { parameters: syrk, result: "void" },
  cblas_dtrsm: { parameters: trsm, result: "void" },
  sgemmLater: { ...later("cblas_sgemm"), parameters: gemm("f32") },
  dgemmLater: { ...later("cblas_dgemm"), parameters: gemm("f64") },
  dsyrkLater: { ...later("cblas_dsyrk"), parameters: syrk },
  /** With Fortran's addresses of integers: tells their width. */
  ddot_: { parameters: [at, at, at, at, at], result: "f64" },
  /** The last is the length of the first, which Fortran passes unseen. */
  dpotrf_: { parameters: [at, at, at, at, at, "usize"], result: "void", optional: true },
  openblas_set_num_threads: threads,
  bli_thread_set_num_threads: { ...threads, parameters: ["isize"] },
  MKL_Set_Num_Threads: threads,
  /** Accelerate since macOS 15; 1: one thread. */
  BLASSetThreading: { ...threads, parameters: ["u32"], result: "i32" },
  openblas_get_config: text,
  openblas_get_corename: text,
  bli_info_get_version_str: text,
} as const satisfies Deno.ForeignLibraryInterface;

/** What a library reads at load: no threads of its own. */
const ONE_THREAD = [
  "OPENBLAS_NUM_THREADS",
  "OMP_NUM_THREADS",
  "BLIS_NUM_THREADS",
  "MKL_NUM_THREADS",
  "VECLIB_MAXIMUM_THREADS",
];

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
  /** Columns of the matrix that C is part of; C's own unless said. */
  readonly ldc?: number;
}

/** Rows `from` to `to` of C. */
export interface Rows {
  readonly from: number;
  readonly to: number;
}

/** What Deno's types ask for; shared memory passes as well. */
type Doubles = Float64Array<ArrayBuffer>;
type Symbols = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

/** A library that is open; {@linkcode openNative} makes it. */
export class Native {
  /** Such as "OpenBLAS 0.3.21, SkylakeX". */
  readonly name: string;
  readonly #symbols: Symbols;

  constructor(symbols: Symbols, file: string) {
    this.#symbols = symbols;
    symbols.openblas_set_num_threads?.(1);
    symbols.bli_thread_set_num_threads?.(1n);
    symbols.MKL_Set_Num_Threads?.(1);
    symbols.BLASSetThreading?.(1);
    this.name = nameOf(symbols, file);
  }

  /** Rows of a product. */
  gemm<T extends Float32Array | Float64Array>(p: Multiplication<T>, rows: Rows): void {
    const { cblas_sgemm, cblas_dgemm } = this.#symbols;
    (p.A instanceof Float32Array ? cblas_sgemm : cblas_dgemm)(...gemmArguments(p, rows));
  }

  /** The same beside this thread. The caller keeps the arrays. */
  gemmLater<T extends Float32Array | Float64Array>(
    p: Multiplication<T>,
    rows: Rows,
  ): Promise<void> {
    const { sgemmLater, dgemmLater } = this.#symbols;
    return (p.A instanceof Float32Array ? sgemmLater : dgemmLater)(...gemmArguments(p, rows));
  }

  /** Those entries of the lower triangle of C `[n, n]` ← A·Aᵀ whose row and column are both in `rows`. */
  syrk(A: Float64Array, C: Float64Array, size: { n: number; k: number }, rows: Rows): void {
    this.#symbols.cblas_dsyrk(...syrkArguments(A, C, size, rows));
  }

  /** The same beside this thread. The caller keeps the arrays. */
  syrkLater(
    A: Float64Array,
    C: Float64Array,
    size: { n: number; k: number },
    rows: Rows,
  ): Promise<void> {
    return this.#symbols.dsyrkLater(...syrkArguments(A, C, size, rows));
  }

  /** Rows of B `[rows, m]` ← L⁻¹·row, or L⁻ᵀ·row. */
  trsm(L: Float64Array, B: Float64Array, m: number, transpose: boolean): void {
    this.#substitute(L, B, { m, rows: B.length / m, transpose, leading: m });
  }

  #substitute(
    L: Float64Array,
    B: Float64Array,
    { m, rows, transpose, leading }: {
      m: number;
      rows: number;
      transpose: boolean;
      leading: number;
    },
  ): void {
    const op = transpose ? PLAIN : TRANSPOSED; // rows times L⁻¹ or L⁻ᵀ
    this.#symbols.cblas_dtrsm(
      ...[ROW_MAJOR, RIGHT, LOWER, op, NON_UNIT, rows, m, 1] as const,
      ...[L as Doubles, leading, B as Doubles, leading] as const,
    );
  }

  /** Factors S in place. @returns 0, or 1 + the row whose pivot is not positive. */
  potrf(S: Float64Array, m: number): number {
    const { dpotrf_ } = this.#symbols;
    if (dpotrf_ == null) return this.#factor(S, m);
    const [size, info] = [Int32Array.of(m, OTHER_HALF), Int32Array.of(0, OTHER_HALF)];
    dpotrf_(UPPER, size, S as Doubles, size, info, 1n);
    return info[0];
  }

  /** Without LAPACK: columns in blocks, each factored here, the rest by products. */
  #factor(S: Float64Array, m: number): number {
    const block = new Float64Array(BLOCK * BLOCK);
    for (let i = 0; i < m; i += BLOCK) {
      const width = Math.min(BLOCK, m - i);
      const corner = block.subarray(0, width * width);
      const rows = (work: (row: number) => void) => {
        for (let r = 0; r < width; r++) work(r);
      };
      rows((r) => corner.set(S.subarray((i + r) * m + i, (i + r) * m + i + width), r * width));
      const { failed } = factor(corner, width, 0);
      if (failed >= 0) return 1 + i + failed;
      rows((r) => S.set(corner.subarray(r * width, r * width + r + 1), (i + r) * m + i));
      const below = i + width;
      if (below === m) break;
      const panel = S.subarray(below * m + i) as Doubles;
      const shape = { m: width, rows: m - below, transpose: false, leading: m };
      this.#substitute(S.subarray(i * m + i), panel, shape);
      this.#symbols.cblas_dsyrk(
        ...[ROW_MAJOR, LOWER, PLAIN, m - below, width, -1] as const,
        ...[panel, m, 1, S.subarray(below * m + below) as Doubles, m] as const,
      );
    }
    return 0;
  }

  /** ⟨a, b⟩ by addresses of 32-bit integers, whose other halves make a 64-bit length negative: 0 then. */
  dot(a: Float64Array, b: Float64Array): number {
    const [size, one] = [a.length, 1].map((value) => Int32Array.of(value, OTHER_HALF));
    return this.#symbols.ddot_(size, a as Doubles, one, b as Doubles, one);
  }
}

function gemmArguments<T extends Float32Array | Float64Array>(
  { m, n, k, A, B, C, transposeA, transposeB, add, ldc = n }: Multiplication<T>,
  { from, to }: Rows,
) {
  const op = (transposed: boolean) => transposed ? TRANSPOSED : PLAIN;
  const [left, right] = [A.subarray(transposeA ? from : from * k), B] as Doubles[];
  return [
    ...[ROW_MAJOR, op(transposeA), op(transposeB), to - from, n, k, 1] as const,
    ...[left, transposeA ? m : k, right, transposeB ? k : n] as const,
    ...[add ? 1 : 0, C.subarray(from * ldc) as Doubles, ldc] as const,
  ] as const;
}

function syrkArguments(
  A: Float64Array,
  C: Float64Array,
  { n, k }: { n: number; k: number },
  { from, to }: Rows,
) {
  return [
    ...[ROW_MAJOR, LOWER, PLAIN, to - from, k, 1] as const,
    ...[A.subarray(from * k) as Doubles, k, 0, C.subarray(from * n + from) as Doubles, n] as const,
  ] as const;
}

function nameOf(symbols: Symbols, file: string): string {
  const read = (text?: (() => Deno.PointerValue) | null) => {
    const pointer = text?.() ?? null;
    return pointer === null ? "" : new Deno.UnsafePointerView(pointer).getCString();
  };
  const openblas = /^OpenBLAS [\d.]+/.exec(read(symbols.openblas_get_config))?.[0];
  if (openblas) return `${openblas}, ${read(symbols.openblas_get_corename)}`;
  const blis = read(symbols.bli_info_get_version_str);
  return blis ? `BLIS ${blis}` : file.split(/[\\/]/).at(-1)!;
}

/** Opens a library by its path, or by a name that the loader looks for, with no threads of its own.
 * @throws {Error} it does not load, or lacks a symbol. {Deno.errors.NotCapable} no permission for FFI. */
export function openNative(file: string): Native {
  const { state } = Deno.permissions.querySync({ name: "env" });
  const before = state === "granted" ? ONE_THREAD.map((name) => Deno.env.get(name)) : null;
  if (before) ONE_THREAD.forEach((name) => Deno.env.set(name, "1"));
  try {
    return new Native(Deno.dlopen(file, SYMBOLS).symbols, file);
  } finally { // programs that this one starts may use all cores
    before?.forEach((value, k) => {
      if (value === undefined) Deno.env.delete(ONE_THREAD[k]);
      else Deno.env.set(ONE_THREAD[k], value);
    });
  }
}
