/** A program that ends, or whose Worker is terminated, inside a product: for blas_ends_test.ts.
 * @module */
import { dgemm, dgemmAsync } from "lib/math/blas.ts";

const [where, how, end] = Deno.args;
const n = 700; // a tenth of a second on one core, in WebAssembly more
const matrix = () => new Float64Array(n * n).fill(1);
const product = () => ({ m: n, n, k: n, A: matrix(), B: matrix(), C: matrix() });

async function multiply(): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (how === "async") await Promise.all([dgemmAsync(product()), dgemmAsync(product())]);
    else dgemm(product());
    await new Promise((resolve) => setTimeout(resolve)); // a Worker is terminated between its turns
  }
}

const { postMessage } = globalThis as { postMessage?: (message: string) => void };
if (postMessage) {
  dgemm({
    m: 1,
    n: 1,
    k: 1,
    A: matrix().slice(0, 1),
    B: matrix().slice(0, 1),
    C: new Float64Array(1),
  });
  postMessage("begin");
  void multiply();
} else if (where === "worker") {
  const worker = new Worker(import.meta.url, { type: "module" });
  await new Promise((resolve) => worker.onmessage = resolve);
  await new Promise((resolve) => setTimeout(resolve, 20));
  if (end === "terminate") worker.terminate();
  else if (end === "throw") throw new Error("planned");
  else Deno.exit(3);
} else {
  void multiply();
  await new Promise((resolve) => setTimeout(resolve, 20));
  if (end === "throw") throw new Error("planned");
  Deno.exit(3);
}
