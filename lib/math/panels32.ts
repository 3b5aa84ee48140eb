/** C ← op(A)·op(B) in float32, in WebAssembly with 128-bit SIMD: what a product is where there is no native library.
 *
 * Four rows of C by a panel of eight columns at a time. Each sum runs in the order of k, multiplied and then added,
 * never fused: the same bits on every processor and for any cut of C, and those of XNNPACK, which tfjs multiplies by.
 * Nothing is packed, and arrays of one memory (`memory32.ts`) are used where they lie.
 * @module */
import type { Product } from "./blas.ts";
import { Kernel, Memory32, memoryOf } from "./memory32.ts";
import {
  again,
  assemble,
  type Code,
  f32x4,
  i32,
  ifElse,
  local,
  loop,
  v128,
} from "./pairing/emit.ts";

/** Rows and columns of C that are summed at a time. */
const [TILE, PANEL] = [4, 8];
const [FLOAT_BYTES, VECTOR_BYTES] = [4, 16];

/** Steps in k that the kernel takes between two branches, as a power of two: 16 are a quarter faster than 2. */
const UNROLL_BITS = 4;

/** By how A lies. */
const KERNELS = {
  row: {
    tiles: new Kernel(() => assembleKernel(TILE, "row")),
    rows: new Kernel(() => assembleKernel(1, "row")),
  },
  column: {
    tiles: new Kernel(() => assembleKernel(TILE, "column")),
    rows: new Kernel(() => assembleKernel(1, "column")),
  },
};

/** The product of checked operands, none of its sizes 0. */
export function multiply32(product: Product<Float32Array>): void {
  const { A, B, C } = product;
  const home = memoryOf(C) ?? memoryOf(A) ?? memoryOf(B);
  if (home) return multiplyIn(home, product);
  using memory = Memory32.open();
  multiplyIn(memory, product);
}

function multiplyIn(
  memory: Memory32,
  { m, n, k, A, B, C, transposeA = false, transposeB = false, add = false }: Product<Float32Array>,
): void {
  const [left, right] = [memory.hold(A), transposeB ? turned(memory, B, n, k) : memory.hold(B)];
  const out = memoryOf(C) === memory ? C : memory.take(C.length);
  if (!add) out.fill(0);
  else if (out !== C) out.set(C);
  const whole = n - n % PANEL;
  const a = transposeA
    ? { place: left.byteOffset, along: "column", next: m } as const
    : { place: left.byteOffset, along: "row", next: k } as const;
  addPanels(memory, { m, k, a, right, out, from: 0, to: whole, width: n });
  if (whole < n) addLast(memory, { m, n, k, a, right, out });
  if (out !== C) C.set(out);
  for (const [held, own] of [[left, A], [right, B], [out, C]]) if (held !== own) memory.give(held);
}

/** Bᵀ `[k, n]` for B `[n, k]`, in this memory. */
function turned(memory: Memory32, B: Float32Array, n: number, k: number): Float32Array {
  const out = memory.take(B.length);
  for (let j = 0; j < n; j++) {
    for (let p = 0; p < k; p++) out[p * n + j] = B[j * k + p];
  }
  return out;
}

/** A in memory: its place, which numbers lie side by side, and how many are before the next row, or column. */
interface Left {
  readonly place: number;
  readonly along: "row" | "column";
  readonly next: number;
}

/** Adds the products to columns `from` to `to` of `out`; both matrices on the right are `width` wide. */
function addPanels(
  memory: Memory32,
  { m, k, a, right, out, from, to, width }: {
    m: number;
    k: number;
    a: Left;
    right: Float32Array;
    out: Float32Array;
    from: number;
    to: number;
    width: number;
  },
): void {
  const [aNext, next] = [a.next, width].map((numbers) => FLOAT_BYTES * numbers);
  const { tiles, rows } = KERNELS[a.along];
  const whole = m - m % TILE;
  for (let j = from; j < to; j += PANEL) {
    const [b, c] = [right, out].map((array) => array.byteOffset + FLOAT_BYTES * j);
    if (whole > 0) memory.run(tiles, a.place, aNext, b, next, c, whole / TILE, k);
    if (whole < m) {
      const below = a.place + whole * (a.along === "row" ? aNext : FLOAT_BYTES);
      memory.run(rows, below, aNext, b, next, c + next * whole, m - whole, k);
    }
  }
}

/** The columns that are no whole panel, beside columns of 0. */
function addLast(
  memory: Memory32,
  { m, n, k, a, right, out }: {
    m: number;
    n: number;
    k: number;
    a: Left;
    right: Float32Array;
    out: Float32Array;
  },
): void {
  const first = n - n % PANEL;
  const [b, c] = [memory.take(k * PANEL), memory.take(m * PANEL)];
  copyColumns({ from: right, width: n, first }, { to: b.fill(0), width: PANEL, first: 0 }, k);
  copyColumns({ from: out, width: n, first }, { to: c.fill(0), width: PANEL, first: 0 }, m);
  addPanels(memory, { m, k, a, right: b, out: c, from: 0, to: PANEL, width: PANEL });
  copyColumns({ from: c, width: PANEL, first: 0 }, { to: out, width: n, first }, m);
  memory.give(b);
  memory.give(c);
}

/** Copies the columns that both matrices have from `first` on. */
function copyColumns(
  { from, width, first }: { from: Float32Array; width: number; first: number },
  { to, ...there }: { to: Float32Array; width: number; first: number },
  count: number,
): void {
  const columns = Math.min(width - first, there.width - there.first);
  for (let i = 0; i < count; i++) {
    const [source, target] = [i * width + first, i * there.width + there.first];
    for (let j = 0; j < columns; j++) to[target + j] = from[source + j];
  }
}

/** `steps` times: the products of `height` rows of A with a panel of B, added to C.
 * @param along which numbers of A lie side by side, those of a row or those of a column. */
function assembleKernel(height: number, along: "row" | "column"): Uint8Array<ArrayBuffer> {
  const [A, aNext, b, row, c, steps, k] = [0, 1, 2, 3, 4, 5, 6]; // parameters
  const [right, count, first] = [7, 8, 9]; // int32 variables, then places in A
  const { get, set, tee } = local;
  const indices = Array.from({ length: height }, (_, r) => r), halves = [0, 1];
  const places = along === "row" ? indices : [0]; // of each row, or of all
  const vectors = first + places.length;
  const sum = (r: number, half: number) => vectors + 2 * r + half;
  const [values, value] = [
    halves.map((h) => vectors + 2 * height + h),
    vectors + 2 * height + 2,
  ];
  const advance = (place: number, by: Code): Code => [get(place), by, i32.add, set(place)];
  const countDown = (counter: number): Code => [get(counter), i32.const(1), i32.sub, tee(counter)];
  const addProduct = (r: number, h: number): Code => [
    [get(sum(r, h)), get(value), get(values[h]), f32x4.multiply],
    [f32x4.add, set(sum(r, h))],
  ];
  /** `columns` steps in k. */
  const run = (columns: number): Code => [
    Array.from({ length: columns }, (_, u) => [
      halves.map((h) => [get(right), v128.load(VECTOR_BYTES * h), set(values[h])]),
      advance(right, get(row)),
      indices.map((r) => [
        along === "row"
          ? [get(first + r), f32x4.loadSplat(FLOAT_BYTES * u)]
          : [get(first), f32x4.loadSplat(FLOAT_BYTES * r)],
        [set(value), halves.map((h) => addProduct(r, h))],
      ]),
      along === "row" ? [] : advance(first, get(aNext)),
    ]),
    along === "row" ? places.map((r) => advance(first + r, i32.const(FLOAT_BYTES * columns))) : [],
  ];
  const store = (r: number, h: number): Code => [
    [get(c), get(c), v128.load(VECTOR_BYTES * h), get(sum(r, h))],
    [f32x4.add, v128.store(VECTOR_BYTES * h)],
  ];
  return assemble(7, [["i32", 2 + places.length], ["v128", 2 * height + 3]], [
    loop(
      places.map((r) => [
        r === 0 ? get(A) : [get(first + r - 1), get(aNext), i32.add],
        set(first + r),
      ]),
      indices.map((r) => halves.map((h) => [f32x4.const(0), set(sum(r, h))])),
      [get(b), set(right)],
      [get(k), i32.const(UNROLL_BITS), i32.shiftRight, tee(count)],
      ifElse(loop(run(2 ** UNROLL_BITS), countDown(count), again), []),
      [get(k), i32.const(2 ** UNROLL_BITS - 1), i32.and, tee(count)],
      ifElse(loop(run(1), countDown(count), again), []),
      indices.map((r) => [halves.map((h) => store(r, h)), advance(c, get(row))]),
      along === "row"
        ? indices.map(() => advance(A, get(aNext)))
        : advance(A, i32.const(FLOAT_BYTES * height)),
      [countDown(steps), again],
    ),
  ], "shared");
}
