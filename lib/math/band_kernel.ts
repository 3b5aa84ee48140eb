/** What `banded.ts` does to a row, done to sixteen rows side by side, in WebAssembly with 128-bit SIMD: eight times as
 * fast as JavaScript.
 *
 * A group of rows lies column by column in this thread's memory, entry (r, k) at place 16·k + r, with zeros for the
 * columns that a band reaches beyond either end and for rows that are not there. Every sum is taken in the order of a
 * plain loop, multiplied and then added or subtracted, so that it has that loop's bits.
 * @module */
import { again, assemble, type Code, drop, f64x2, i32, local, loop, v128 } from "./pairing/emit.ts";
import { floatsIn } from "./panels.ts";

/** Rows of a group. */
export const GROUP = 16;

const { get, set, tee } = local;
const halves = Array.from({ length: GROUP / 2 }, (_, h) => h); // two rows a v128

const COLUMN_BYTES = 8 * GROUP;
const memory = new WebAssembly.Memory({ initial: 1 });
const kernel = <F>(code: Uint8Array<ArrayBuffer>): F =>
  new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports.run as F;
const substitute: (L: number, from: number, end: number, back: number) => void = kernel(
  assembleSubstitute(),
);
const multiply: (
  terms: number,
  from: number,
  end: number,
  aparts: number,
  apartsEnd: number,
  toOut: number,
) => void = kernel(assembleMultiply());

/** Every row of out ← L⁻¹·that row of B `[rows, n]`, for L `[n, width + 1]` as `banded.ts` stores it. */
export function forwardRows(
  L: Float64Array,
  width: number,
  B: Float64Array,
  out: Float64Array,
): void {
  const n = L.length / (width + 1);
  const group = L.length + GROUP * width; // after L and the columns that the band reaches beyond column 0
  const floats = floatsIn(memory, group + GROUP * n);
  floats.set(L);
  for (let i = 0; i < width && i < n; i++) floats.fill(0, i * (width + 1), i * width + width);
  floats.fill(0, L.length, group);
  for (let at = 0; at < B.length; at += GROUP * n) {
    pack(floats, group, B.subarray(at, at + GROUP * n), n);
    substitute(0, 8 * group, 8 * (group + GROUP * n), -COLUMN_BYTES * width);
    unpack(floats, group, out.subarray(at, at + GROUP * n), n);
  }
}

/** A diagonal of a symmetric matrix: entry (i, i − apart) at place i, 0 for i < apart. */
export interface Diagonal {
  readonly apart: number;
  readonly values: Float64Array;
}

/** Every row of B `[rows, n]` times the symmetric matrix with these diagonals, the main one first. */
export function multiplyRows(
  [main, ...others]: readonly Diagonal[],
  B: Float64Array,
): Float64Array {
  const n = main.values.length;
  const pairs = others.length > 0 ? others : [{ apart: 0, values: new Float64Array(n) }];
  const width = Math.max(...pairs.map(({ apart }) => apart));
  const perColumn = 1 + 2 * pairs.length; // entry (i, i), then (i, i − apart) and (i + apart, i) of each pair
  const table = perColumn * n; // two int32 a pair in the space of one float64
  const input = table + pairs.length + GROUP * width;
  const output = input + GROUP * (n + width);
  const floats = floatsIn(memory, output + GROUP * n);
  floats.fill(0, 0, output);
  const offsets = new Int32Array(memory.buffer, 8 * table);
  for (let i = 0; i < n; i++) floats[perColumn * i] = main.values[i];
  pairs.forEach(({ apart, values }, t) => {
    offsets[2 * t] = -COLUMN_BYTES * apart;
    offsets[2 * t + 1] = COLUMN_BYTES * apart;
    for (let i = 0, at = 2 * t + 1; i < n; i++, at += perColumn) {
      floats[at] = values[i];
      floats[at + 1] = i + apart < n ? values[i + apart] : 0;
    }
  });
  const out = new Float64Array(B.length);
  const [from, end, toOut] = [8 * input, 8 * (input + GROUP * n), 8 * (output - input)];
  for (let at = 0; at < B.length; at += GROUP * n) {
    pack(floats, input, B.subarray(at, at + GROUP * n), n);
    multiply(0, from, end, 8 * table, 8 * (table + pairs.length), toOut);
    unpack(floats, output, out.subarray(at, at + GROUP * n), n);
  }
  return out;
}

/** Writes at most sixteen rows into the group at place `at`. */
function pack(floats: Float64Array, at: number, rows: Float64Array, n: number): void {
  if (rows.length < GROUP * n) floats.fill(0, at, at + GROUP * n);
  for (let first = 0; first < rows.length; first += 4 * n) {
    const [a, b, c, d] = four(rows, first, n);
    for (let k = 0, to = at + first / n; k < n; k++, to += GROUP) {
      floats[to] = rows[a + k];
      floats[to + 1] = rows[b + k];
      floats[to + 2] = rows[c + k];
      floats[to + 3] = rows[d + k];
    }
  }
}

/** Reads the rows of the group at place `at`. */
function unpack(floats: Float64Array, at: number, rows: Float64Array, n: number): void {
  for (let first = 0; first < rows.length; first += 4 * n) {
    const [a, b, c, d] = four(rows, first, n);
    for (let k = 0, from = at + first / n; k < n; k++, from += GROUP) {
      rows[d + k] = floats[from + 3]; // before the row that it may stand in for
      rows[c + k] = floats[from + 2];
      rows[b + k] = floats[from + 1];
      rows[a + k] = floats[from];
    }
  }
}

/** Where the row at `first` and the next three begin; the first stands in for those that are not there. */
const four = ({ length }: Float64Array, first: number, n: number) =>
  [0, 1, 2, 3].map((r) => first + r * n < length ? first + r * n : first);

/** `count` more on a local variable, left on the stack. */
function advance(variable: number, count: number): Code {
  return [get(variable), i32.const(count), i32.add, tee(variable)];
}

/** Columns `from` to `end`, one after the other: less the columns before it times a row of L, over L's diagonal. */
function assembleSubstitute(): Uint8Array<ArrayBuffer> {
  const [L, column, end, back, before, l] = [0, 1, 2, 3, 4, 13]; // sums in 5 to 12
  const sum = (h: number) => 5 + h;
  const lessProduct = (h: number): Code => [
    [get(sum(h)), get(l), get(before), v128.load(16 * h), v128.multiplyFloat],
    [v128.subFloat, set(sum(h))],
  ];
  return assemble(4, [["i32", 1], ["v128", 9]], [
    loop(
      halves.map((h) => [get(column), v128.load(16 * h), set(sum(h))]),
      [get(column), get(back), i32.add, set(before)],
      loop(
        [get(L), v128.loadSplat(0), set(l)],
        halves.map(lessProduct),
        [advance(L, 8), drop, advance(before, COLUMN_BYTES), get(column), i32.less, again],
      ),
      [get(L), v128.loadSplat(0), set(l)],
      halves.map((h) => [
        [get(column), get(sum(h)), get(l), f64x2.divide, v128.store(16 * h)],
      ]),
      [advance(L, 8), drop, advance(column, COLUMN_BYTES), get(end), i32.less, again],
    ),
  ]);
}

/** Columns `from` to `end`: the diagonal's term, then those of each other diagonal, left plus right. */
function assembleMultiply(): Uint8Array<ArrayBuffer> {
  const [terms, column, end, aparts, apartsEnd, toOut, at, left, right] = [
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
  ];
  const sum = (h: number) => 9 + h;
  const [a, b] = [17, 18];
  const product = (value: number, from: number, h: number): Code => [
    [get(value), get(from), v128.load(16 * h), v128.multiplyFloat],
  ];
  return assemble(6, [["i32", 3], ["v128", 10]], [
    loop(
      [get(terms), v128.loadSplat(0), set(a), get(aparts), set(at)],
      halves.map((h) => [product(a, column, h), set(sum(h))]),
      loop(
        [get(terms), v128.loadSplat(8), set(a), get(terms), v128.loadSplat(16), set(b)],
        [get(column), get(at), i32.load(0), i32.add, set(left)],
        [get(column), get(at), i32.load(4), i32.add, set(right)],
        halves.map((h) => [
          [get(sum(h)), product(a, left, h), product(b, right, h), v128.addFloat],
          [v128.addFloat, set(sum(h))],
        ]),
        [advance(terms, 16), drop, advance(at, 8), get(apartsEnd), i32.less, again],
      ),
      halves.map((h) => [
        [get(column), get(toOut), i32.add, get(sum(h)), v128.store(16 * h)],
      ]),
      [advance(terms, 8), drop, advance(column, COLUMN_BYTES), get(end), i32.less, again],
    ),
  ]);
}
