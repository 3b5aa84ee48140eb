/** A program that multiplies, for blas_library_test.ts: prints what by, and whether it is right. With the argument
 * "again" a Worker and a child process say it too; arguments behind are the child's permissions. With "together" four
 * Workers say it at once, and this thread how many threads its environment asks for.
 * @module */
import { dgemm, productsBy } from "lib/math/blas.ts";

const [A, B, C] = [Float64Array.of(1, 2, 3, 4), Float64Array.of(5, 6, 7, 8), new Float64Array(4)];
try {
  dgemm({ m: 2, n: 2, k: 2, A, B, C });
  console.log(productsBy(), C.join() === "19,22,43,50");
} catch (error) {
  console.log((error as Error).message);
}
const { postMessage } = globalThis as { postMessage?: (message: string) => void };
postMessage?.("done"); // in a Worker
if (Deno.args[0] === "again" && !postMessage) {
  const worker = new Worker(import.meta.url, { type: "module" });
  await new Promise((resolve) => worker.onmessage = resolve);
  worker.terminate();
  const flags = Deno.args.length > 1 ? Deno.args.slice(1) : ["-A"];
  const args = ["run", "--quiet", "--no-prompt", ...flags, import.meta.filename!];
  await new Deno.Command(Deno.execPath(), { args }).spawn().status;
}
if (Deno.args[0] === "together" && !postMessage) {
  await Promise.all([1, 2, 3, 4].map(async () => {
    const worker = new Worker(import.meta.url, { type: "module" });
    await new Promise((resolve) => worker.onmessage = resolve);
    worker.terminate();
  }));
  console.log(Deno.env.get("OMP_NUM_THREADS"));
}
