/** Tries libraries in a process of its own: `blas_library.ts` starts it and reads what it says. The arguments are the
 * milliseconds that it may take, and the libraries' names.
 *
 * Every function is held to slow obvious ones, at sizes that are odd and with all transposes; one product is large
 * enough for the library's blocks.
 * @module */
import type { TrialLine } from "./blas_library.ts";
import { type Multiplication, Native } from "./blas_native.ts";

type Matrix = Float32Array | Float64Array;

const say = (line: TrialLine) => console.log(JSON.stringify(line));

/** Entries in [-1, 1) that repeat: exact in float32 too. */
function matrix<T extends Matrix>(
  make: new (length: number) => T,
  length: number,
  seed: number,
): T {
  const out = new make(length);
  let state = seed;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[at] = (state >>> 20) / 2048 - 1;
  }
  return out;
}

/** What keeps a library from use, or null. */
function fault(native: Native): string | null {
  if (native.dot(Float64Array.of(1, 2, 3), Float64Array.of(4, 5, 6)) !== 32) {
    return "takes 64-bit integers, or does not give the inner product of (1, 2, 3) and (4, 5, 6)";
  }
  for (const [m, n, k] of [[1, 1, 1], [3, 5, 7], [17, 9, 33], [70, 50, 400]]) {
    const size = `${m} × ${n} × ${k}`;
    if (!productsRight(native, Float32Array, { m, n, k })) {
      return `gives a wrong product (cblas_sgemm, ${size})`;
    }
    if (!productsRight(native, Float64Array, { m, n, k })) {
      return `gives a wrong product (cblas_dgemm, ${size})`;
    }
  }
  for (const [n, k] of [[1, 1], [7, 5], [70, 90]]) {
    const [A, C] = [matrix(Float64Array, n * k, 1), matrix(Float64Array, n * n, 3)];
    const square = { transposeA: false, transposeB: true, add: false, lower: true };
    if (!productRight(native, { m: n, n, k, A, B: A, C, ...square })) {
      return `gives a wrong product (cblas_dsyrk, ${n} × ${k})`;
    }
  }
  for (const m of [1, 7, 70]) {
    const wrong = factorFault(native, m);
    if (wrong !== null) return `${wrong}, ${m} × ${m})`;
  }
  return null;
}

/** With both transposed or not, added or not. */
function productsRight<T extends Matrix>(
  native: Native,
  make: new (length: number) => T,
  { m, n, k }: { m: number; n: number; k: number },
): boolean {
  return [0, 1, 2, 3, 4, 5, 6, 7].every((flags) => {
    const [transposeA, transposeB, add] = [1, 2, 4].map((bit) => (flags & bit) > 0);
    const [A, B, C] = [m * k, k * n, m * n].map((length, seed) => matrix(make, length, seed + 1));
    return productRight(native, { m, n, k, A, B, C, transposeA, transposeB, add });
  });
}

/** Whether each entry is right, in two tiles, and those above a lower triangle untouched. */
function productRight<T extends Matrix>(native: Native, p: Multiplication<T>): boolean {
  const { m, n, k, A, B, C, transposeA, transposeB, add, lower } = p;
  const before = C.slice();
  const half = m >> 1;
  if (half > 0) native.multiply(p, { from: 0, to: half });
  native.multiply(p, { from: half, to: m });
  const tolerance = k * (A instanceof Float32Array ? 2 ** -22 : 2 ** -50);
  return C.every((value, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    if (lower && j > i) return value === before[at];
    let sum = add ? before[at] : 0;
    for (let q = 0; q < k; q++) {
      sum += A[transposeA ? q * m + i : i * k + q] * B[transposeB ? j * k + q : q * n + j];
    }
    return Math.abs(value - sum) <= tolerance;
  });
}

/** A matrix whose factor is known: L·Lᵀ for L with entries near 1 on the diagonal and small ones below. */
function factorFault(native: Native, m: number): string | null {
  const L = matrix(Float64Array, m * m, 5).map((value, at) => {
    const [i, j] = [Math.floor(at / m), at % m];
    return i === j ? 2 + value : j < i ? value / m : 0;
  });
  const S = new Float64Array(m * m);
  const sums = (X: Float64Array, i: number, j: number) => {
    let sum = 0;
    for (let q = 0; q < m; q++) sum += X[q] * L[i * m + q] * (j < 0 ? 1 : L[j * m + q]);
    return sum;
  };
  const ones = new Float64Array(m).fill(1);
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) S[i * m + j] = sums(ones, i, j);
  const near = (a: number, b: number) => Math.abs(a - b) <= 1e-11;
  const factored = S.slice();
  const status = native.factor(factored, m);
  const right = factored.every((value, at) => at % m > Math.floor(at / m) || near(value, L[at]));
  if (status !== 0 || !right) return "gives a wrong factor (dpotrf_";
  for (const pivot of [-1, NaN]) {
    const bad = S.slice();
    bad[m * m - 1] = pivot;
    if (native.factor(bad, m) !== m) {
      return "factors a matrix that is not positive definite (dpotrf_";
    }
  }
  for (const transpose of [false, true]) {
    const x = matrix(Float64Array, 3 * m, 6);
    const B = new Float64Array(3 * m);
    for (let r = 0; r < 3; r++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < m; j++) {
          B[r * m + i] += L[transpose ? j * m + i : i * m + j] * x[r * m + j];
        }
      }
    }
    native.solve(L, B, m, transpose);
    if (!B.every((value, at) => near(value, x[at]))) {
      return "solves a triangle wrongly (cblas_dtrsm";
    }
  }
  return null;
}

/** Files that are mapped into this process; none where the system does not say. */
function mapped(): string[] {
  try {
    const maps = Deno.readTextFileSync("/proc/self/maps");
    return [...new Set(maps.match(/(?<=\s)\/\S.*$/gm))];
  } catch {
    return [];
  }
}

const [limit, ...names] = Deno.args;

/** Ends this process when the time is up: another thread has to, while a call does not return. */
const late: TrialLine = { refused: `takes longer than ${Number(limit) / 1000} s`, missing: false };
const watch = `postMessage("here"); setTimeout(() => {
  console.log(${JSON.stringify(JSON.stringify(late))});
  Deno.kill(Deno.pid, "SIGKILL");
}, ${Number(limit)});`;
const watchman = new Worker(`data:text/javascript,${encodeURIComponent(watch)}`, {
  type: "module",
});

await new Promise((resolve) => watchman.onmessage = resolve); // it cannot start while a library loads

for (const name of names) {
  say({ begin: name });
  const before = new Set(mapped());
  try {
    const native = new Native(name);
    const stem = name.split(/[\\/]/).at(-1)!.split(".")[0];
    const added = mapped().filter((file) => !before.has(file));
    const file = added.find((path) => path.split("/").at(-1)!.startsWith(stem)) ?? added[0];
    const refused = fault(native);
    if (refused === null) {
      say({ usable: name, file });
      break;
    }
    say({ refused, missing: false });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const missing = /No such file|cannot open shared object|could not be found|126/.test(text);
    say({ refused: missing ? "is not there" : `does not load (${text.trim()})`, missing });
  }
}
watchman.terminate();
