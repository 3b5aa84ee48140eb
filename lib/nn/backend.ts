/** Starts tfjs on its WASM backend, once, and says so when it cannot.
 *
 * The binary comes by raw import and is handed over as a blob URL, so no permission is needed and no
 * file is looked for beside the bundle. The multi-threaded binary is not used: it needs a browser's
 * cross-origin isolation. Beware when writing tensor code: on this backend `matMul` with a transpose
 * flag runs about ten times slower than an explicit `transpose()` before it.
 * @module */
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import plain from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm" with {
  type: "bytes",
};
import simd from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm" with {
  type: "bytes",
};

const wasmUrl = (bytes: Uint8Array<ArrayBuffer>) =>
  URL.createObjectURL(new Blob([bytes], { type: "application/wasm" }));

let started: Promise<void> | undefined;

async function load(): Promise<void> {
  tf.env().set("PROD", true); // no banner
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  setWasmPaths({
    "tfjs-backend-wasm.wasm": wasmUrl(plain),
    "tfjs-backend-wasm-simd.wasm": wasmUrl(simd),
    "tfjs-backend-wasm-threaded-simd.wasm": wasmUrl(simd), // must be named, is never chosen
  }, true);
  // A failure returns false and silently leaves the slow backend in place.
  if (!await tf.setBackend("wasm")) {
    throw new Error("Cannot start tfjs: its WASM backend did not load");
  }
}

/** Makes the WASM backend the current one. Await it before the first tensor; later calls are free.
 * @throws {Error} the backend did not load. */
export function startBackend(): Promise<void> {
  return started ??= load();
}

/** The transpose `[columns, rows]` of a row-major matrix `[rows, columns]`. */
export function transpose(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = matrix[i * columns + j];
  }
  return result;
}
