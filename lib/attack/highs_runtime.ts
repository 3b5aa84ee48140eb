/** HiGHS compiled to WebAssembly, one instance a thread, started without any permission.
 *
 * The binary comes by raw import and goes in through Emscripten's `instantiateWasm` hook; under Deno
 * the package's own `wasmBinary` and `wasmModule` options are ignored and it would read the file.
 * @module */
import loadHighs, { type Highs, type InitOptions, type ModelData } from "highs";
import wasm from "highs/runtime" with { type: "bytes" };
import type { SparseLp } from "./lp_model.ts";

// The package is typed as CommonJS, where the default export would be a namespace; it is not.
const load = loadHighs as unknown as (options: InitOptions) => Promise<Highs>;

let runtime: Promise<Highs> | undefined;

/** This thread's HiGHS, started at the first call. */
export function highsRuntime(): Promise<Highs> {
  return runtime ??= start();
}

/** Forgets this thread's HiGHS, after it aborted: the next call starts another. */
export function dropRuntime(): void {
  runtime = undefined;
}

/** A program in the form that HiGHS takes. */
export function modelData(lp: SparseLp): ModelData {
  return { ...lp, matrix: { format: "csr", ...lp } };
}

function start(): Promise<Highs> {
  const module = new WebAssembly.Module(wasm);
  const instantiateWasm = (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ) => {
    const instance = new WebAssembly.Instance(module, imports);
    done(instance, module);
    return instance.exports;
  };
  return load({ instantiateWasm } as InitOptions);
}
