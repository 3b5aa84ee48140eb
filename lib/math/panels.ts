/** Inner products four rows by four, in WebAssembly with 128-bit SIMD: three times as fast as JavaScript.
 *
 * A matrix lies in this thread's WebAssembly memory in panels of four rows, entry (i, k) at place 4·k + i mod 4 of
 * panel ⌊i/4⌋; rows that the last panel lacks are 0. Each product is summed in the order of k, multiplied and
 * then added, so that a result does not depend on the processor.
 * @module */
import { again, assemble, type Code, drop, i32, local, loop, v128 } from "./pairing/emit.ts";

/** Rows of a panel. */
export const PANEL = 4;

/** Places 0 to 15 of the memory: what {@linkcode innerProducts} writes. */
export const SUMS = PANEL * PANEL;

const PAGE_BYTES = 2 ** 16;
const memory = new WebAssembly.Memory({ initial: 1 });
const kernel = new WebAssembly.Instance(new WebAssembly.Module(assembleKernel()), {
  env: { memory },
}).exports.run as (a: number, b: number, end: number, out: number) => void;

/** This thread's memory with room for `length` numbers, for the caller's panels from {@linkcode SUMS} on. What others
 * left there is lost. */
export const panelMemory = (length: number): Float64Array => floatsIn(memory, length);

/** A memory as float64, grown to hold `length` of them. */
export function floatsIn(memory: WebAssembly.Memory, length: number): Float64Array {
  const pages = Math.ceil(8 * length / PAGE_BYTES) - memory.buffer.byteLength / PAGE_BYTES;
  if (pages > 0) memory.grow(pages);
  return new Float64Array(memory.buffer);
}

/** Writes A `[rows, n]` into panels from place `at` on, each `width` columns wide. @returns the place after them. */
export function pack(
  floats: Float64Array,
  at: number,
  A: Float64Array,
  { n, width = n }: { n: number; width?: number },
): number {
  const rows = A.length / n;
  const end = at + PANEL * width * Math.ceil(rows / PANEL);
  let [panel, i] = [at, 0];
  for (; i + PANEL <= rows; i += PANEL, panel += PANEL * width) {
    const [a, b, c, d] = [i * n, (i + 1) * n, (i + 2) * n, (i + 3) * n];
    for (let k = 0, to = panel; k < n; k++, to += PANEL) {
      floats[to] = A[a + k];
      floats[to + 1] = A[b + k];
      floats[to + 2] = A[c + k];
      floats[to + 3] = A[d + k];
    }
    if (width > n) floats.fill(0, panel + PANEL * n, panel + PANEL * width);
  }
  floats.fill(0, panel, end);
  for (let r = 0; i < rows; i++, r++) {
    for (let k = 0; k < n; k++) floats[panel + PANEL * k + r] = A[i * n + k];
  }
  return end;
}

/** Place 4·r + c ← Σ_k a_rk·b_ck over the first `columns` ≥ 1 of the panels at a and b. */
export function innerProducts(a: number, b: number, columns: number): void {
  kernel(8 * a, 8 * b, 8 * (b + PANEL * columns), 0);
}

function assembleKernel(): Uint8Array<ArrayBuffer> {
  const [a, b, end, out] = [0, 1, 2, 3]; // parameters; eleven variables follow
  const sum = (r: number, half: number) => 4 + 2 * r + half;
  const [right, value] = [[12, 13], 14];
  const { get, set, tee } = local;
  const rows = [0, 1, 2, 3], halves = [0, 1];
  const advance = (to: number): Code => [get(to), i32.const(8 * PANEL), i32.add, tee(to)];
  const addProduct = (r: number, h: number): Code => [
    [get(sum(r, h)), get(value), get(right[h]), v128.multiplyFloat],
    [v128.addFloat, set(sum(r, h))],
  ];
  return assemble(4, [["v128", 11]], [
    loop(
      halves.map((h) => [get(b), v128.load(16 * h), set(right[h])]),
      rows.map((r) => [
        [get(a), v128.loadSplat(8 * r), set(value)],
        halves.map((h) => addProduct(r, h)),
      ]),
      [advance(a), drop, advance(b), get(end), i32.less, again],
    ),
    rows.map((r) => halves.map((h) => [get(out), get(sum(r, h)), v128.store(32 * r + 16 * h)])),
  ]);
}
