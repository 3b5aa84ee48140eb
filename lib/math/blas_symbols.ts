/** The symbols of a BLAS that are used, and how a library is opened: with no threads of its own.
 *
 * A library that keeps threads takes the process with it: BLIS with two (libgomp's) ends a Deno process that ends by
 * a segmentation fault, because it is unloaded under them; OpenBLAS with two hangs in an exit that meets a call.
 * @module */

const [int, at] = ["i32", "buffer"] as const;
const gemm = <F extends "f32" | "f64", M extends "buffer" | "pointer">(real: F, matrix: M) =>
  [int, int, int, int, int, int, real, matrix, int, matrix, int, real, matrix, int] as const;
const syrk = <M extends "buffer" | "pointer">(matrix: M) =>
  [int, int, int, int, int, "f64", matrix, int, "f64", matrix, int] as const;
const trsm = [int, int, int, int, int, int, int, "f64", at, int, at, int] as const;
const text = { parameters: [], result: "pointer", optional: true } as const;
const threads = { parameters: [int], result: "void", optional: true } as const;
const later = <N extends string>(name: N) => ({ name, result: "void", nonblocking: true }) as const;

const SYMBOLS = {
  cblas_sgemm: { parameters: gemm("f32", at), result: "void" },
  cblas_dgemm: { parameters: gemm("f64", at), result: "void" },
  cblas_dsyrk: { parameters: syrk(at), result: "void" },
  cblas_dtrsm: { parameters: trsm, result: "void" },
  sgemmLater: { ...later("cblas_sgemm"), parameters: gemm("f32", "pointer") },
  dgemmLater: { ...later("cblas_dgemm"), parameters: gemm("f64", "pointer") },
  dsyrkLater: { ...later("cblas_dsyrk"), parameters: syrk("pointer") },
  /** Takes integers by their address, as Fortran does: tells how wide they are. */
  ddot_: { parameters: [at, at, at, at, at], result: "f64" },
  /** The last is the length of the first, which Fortran passes unseen. */
  dpotrf_: { parameters: [at, at, at, at, at, "usize"], result: "void", optional: true },
  openblas_set_num_threads: threads,
  bli_thread_set_num_threads: { ...threads, parameters: ["isize"] },
  MKL_Set_Num_Threads: threads,
  /** Accelerate since macOS 15; 1: one thread. */
  BLASSetThreading: { parameters: ["u32"], result: "i32", optional: true },
  openblas_get_config: text,
  openblas_get_corename: text,
  bli_info_get_version_str: text,
} as const satisfies Deno.ForeignLibraryInterface;

/** What can be called. */
export type Symbols = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

/** What the libraries read when they are loaded. */
const ONE_THREAD = [
  ...["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS", "MKL_NUM_THREADS"],
  "VECLIB_MAXIMUM_THREADS",
];

/** Which library this process has open, or is opening. */
const OPENED = "FE_BLAS_OPENED";

/** How long a thread waits for another to open it. */
const PATIENCE_MS = 5000;

/** Opens a library by its path, or by a name that the loader looks for.
 * @throws {Error} it does not load, or lacks a symbol. {Deno.errors.NotCapable} no permission for FFI. */
export function openSymbols(file: string): Symbols {
  const { state } = Deno.permissions.querySync({ name: "env" });
  const { symbols } = state === "granted" ? openFirst(file) : Deno.dlopen(file, SYMBOLS);
  symbols.openblas_set_num_threads?.(1);
  symbols.bli_thread_set_num_threads?.(1n);
  symbols.MKL_Set_Num_Threads?.(1);
  symbols.BLASSetThreading?.(1);
  return symbols;
}

/** Opens it; with the variables set where no thread has. They are the whole process's: one thread at a time. */
function openFirst(file: string): Deno.DynamicLibrary<typeof SYMBOLS> {
  const [opening, opened] = [`opening by ${Deno.pid}`, `${Deno.pid} ${file}`];
  const end = performance.now() + PATIENCE_MS;
  while (Deno.env.get(OPENED) === opening && performance.now() < end) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
  if (Deno.env.get(OPENED) === opened) return Deno.dlopen(file, SYMBOLS);
  Deno.env.set(OPENED, opening);
  const before = ONE_THREAD.map((name) => Deno.env.get(name));
  ONE_THREAD.forEach((name) => Deno.env.set(name, "1"));
  let state = "";
  try {
    const library = Deno.dlopen(file, SYMBOLS);
    state = opened;
    return library;
  } finally { // programs that this one starts may use all cores
    before.forEach((value, k) => {
      if (value === undefined) Deno.env.delete(ONE_THREAD[k]);
      else Deno.env.set(ONE_THREAD[k], value);
    });
    Deno.env.set(OPENED, state);
  }
}

/** Such as "OpenBLAS 0.3.21, SkylakeX". */
export function nameOf(symbols: Symbols, file: string): string {
  const read = (text?: (() => Deno.PointerValue) | null) => {
    const pointer = text?.() ?? null;
    return pointer === null ? "" : new Deno.UnsafePointerView(pointer).getCString();
  };
  const openblas = /^OpenBLAS [\d.]+/.exec(read(symbols.openblas_get_config))?.[0];
  if (openblas) return `${openblas}, ${read(symbols.openblas_get_corename)}`;
  const blis = read(symbols.bli_info_get_version_str);
  return blis ? `BLIS ${blis}` : file.split(/[\\/]/).at(-1)!;
}
