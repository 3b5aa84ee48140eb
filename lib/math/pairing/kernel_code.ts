/** The kernel's instructions: see `kernel.ts` for what they compute.
 * @module */
import {
  again,
  assemble,
  type Code,
  forever,
  i32,
  ifElse,
  leave,
  local,
  loop,
  v128,
} from "./emit.ts";

/** Limbs of a number. */
export const LIMBS = 8;
/** Bytes of a number: 8 limbs, 2 lanes. */
export const NUMBER = 128;
/** Bits of a limb. */
export const LIMB_BITS = 50;
/** Products in one sum, at most: what the columns hold. */
export const MAX_PAIRS = 12;
/** Sums that are reduced side by side. */
export const TOGETHER = 4;
/** Sums whose columns can wait. */
export const MAX_WAITING = 12;

/** First words of operations; in a sum with its number of products n:
 *
 *     [n, out, addend, a_1, b_1, …]        a sum, reduced at once
 *     [KEEP + n, columns, 0, a_1, b_1, …]  a sum whose columns wait
 *     [REDUCE, columns, out, addend, …]    reduces four sums whose columns lie side by side
 *     [ADD or SUBTRACT, out, a, b]
 *     [STOP] */
export const OPERATION = { KEEP: 64, ADD: 0, SUBTRACT: -1, STOP: -2, REDUCE: -3 };

const { get, set, tee } = local;
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Bytes of the 16 columns of a sum. */
export const COLUMNS = 256;
/** Addresses of the constants; 16 bytes each but for `p` (a number) and `bias` (16 columns for every
 * number of products). */
export const AT = {
  high: 0, // 1.5·2^102
  both: 16, // 1.5·2^102 + 1.5·2^52
  low: 32, // 1.5·2^52
  mask: 48,
  exponent: 64, // 2^52, whose mantissa is a 52-bit integer
  minusInverse: 80, // −1/p mod 2^50
  firstOffset: 96,
  offset: 112,
  bases: 128, // int32: 0, base 1, base 2
  p: 256,
  bias: 256 + NUMBER,
};
/** Where the columns of sums wait. */
export const WAITING: readonly number[] = range(MAX_WAITING)
  .map((i) => AT.bias + COLUMNS * (MAX_PAIRS + 1 + i));
/** The first address that is free for numbers and programs. */
export const FREE = AT.bias + COLUMNS * (MAX_PAIRS + 1 + MAX_WAITING);

// Parameters and locals of `run`.
const [PROGRAM, TIMES, BASE1, STRIDE1, BASE2, STRIDE2] = range(6);
let next = 6;
const locals = (count: number) => range(count).map(() => next++);
const [KIND, COUNT, HERE, POINTER, A, B] = locals(6);
const [OUTS, ADDENDS] = [locals(TOGETHER), locals(TOGETHER)];
const INTEGERS = next - 6;
const COLUMN = locals(16);
const M = range(TOGETHER).map(() => locals(LIMBS));
const [SUM, NEXT, CARRY] = [locals(TOGETHER), locals(TOGETHER), locals(TOGETHER)];
const RIGHT = locals(LIMBS);
const [FACTOR1, FACTOR2, PRODUCT, HIGH, BOTH, LOW, ZERO] = locals(7);
const VECTORS = next - 6 - INTEGERS;

const constant = (at: number): Code => [i32.const(0), v128.load(at)];

/** The address in the word `offset` bytes after HERE: 16-aligned, its low two bits choose a base. */
const address = (offset: number): Code => [
  [get(HERE), i32.load(offset), tee(POINTER), i32.const(-16), i32.and],
  [get(POINTER), i32.const(3), i32.and, i32.const(2), i32.shiftLeft],
  [i32.load(AT.bases), i32.add],
];

/** The column `low` += low part of a·b, the column `high` += high part. */
const multiplyAdd = (a: Code, b: Code, low: number, high: number): Code => [
  [a, tee(FACTOR1), b, tee(FACTOR2), get(HIGH), v128.madd, tee(PRODUCT)],
  [get(high), v128.add, set(high)],
  [get(FACTOR1), get(FACTOR2), get(BOTH), get(PRODUCT), v128.subFloat, v128.madd],
  [get(low), v128.add, set(low)],
];

/** The limbs of a factor whose products with the other's fall into a column. */
const limbsOf = (column: number) =>
  range(LIMBS).filter((i) => column - i >= 0 && column - i < LIMBS);

/** The columns of Σ a_i·b_i; HERE moves to the end of the list. */
const sumProducts: Code = [
  COLUMN.map((column, k) => [
    [get(COUNT), i32.const(8), i32.shiftLeft, v128.load(AT.bias + 16 * k)],
    set(column),
  ]),
  loop(
    [address(0), set(A), address(4), set(B)],
    RIGHT.map((limb, j) => [get(B), v128.load(16 * j), set(limb)]),
    range(15).map((k) =>
      limbsOf(k).map((i) =>
        multiplyAdd([get(A), v128.load(16 * i)], get(RIGHT[k - i]), COLUMN[k], COLUMN[k + 1])
      )
    ),
    [get(HERE), i32.const(8), i32.add, set(HERE)],
    [get(COUNT), i32.const(-1), i32.add, tee(COUNT), again],
  ),
];

/** out = (columns + m·p)/R + addend for several sums side by side, where m ≡ −columns/p mod R. Column by column:
 * the first eight give a limb of m each, which makes them 0 but for a carry; the others are the limbs of out, after
 * one round of carries, within 2^49 + 2^10. A limb of m waits for the one before, but not for those of other sums. */
const reduce = (sums: readonly { column: (k: number) => Code; m: readonly number[] }[]): Code => {
  const multiplyM = (k: number, which: number, i: number) =>
    multiplyAdd(get(sums[which].m[i]), constant(AT.p + 16 * (k - i)), SUM[which], NEXT[which]);
  return range(16).map((k) => [
    sums.map(({ column }, which) => [
      [column(k), k > 0 ? [get(NEXT[which]), v128.add] : [], set(SUM[which])],
      [get(ZERO), set(NEXT[which])],
      limbsOf(k).filter((i) => i < k).map((i) => multiplyM(k, which, i)),
    ]),
    sums.map(({ m }, which) => {
      const [sum, next] = [SUM[which], NEXT[which]];
      if (k < LIMBS) {
        return [
          // The low bits of the column, as a float; times −1/p, of which the low part is m's limb.
          [get(sum), constant(AT.mask), v128.and, constant(AT.exponent), v128.or],
          [constant(AT.exponent), v128.subFloat, tee(m[k])],
          [constant(AT.minusInverse), get(HIGH), get(m[k]), constant(AT.minusInverse)],
          [get(HIGH), v128.madd, v128.subFloat, v128.madd, set(m[k])],
          multiplyM(k, which, k),
          [get(sum), i32.const(LIMB_BITS), v128.shiftRight, get(next), v128.add, set(next)],
        ];
      }
      const j = k - LIMBS;
      return [
        [get(ADDENDS[which]), v128.load(16 * j), get(LOW), v128.addFloat],
        [get(sum), v128.add, set(sum)],
        [get(OUTS[which]), get(sum), j < LIMBS - 1 ? [constant(AT.mask), v128.and] : []],
        j > 0 ? [get(CARRY[which]), v128.add] : [],
        [constant(AT.exponent), v128.or],
        [constant(j === 0 ? AT.firstOffset : AT.offset), v128.subFloat, v128.store(16 * j)],
        [get(sum), i32.const(LIMB_BITS), v128.shiftRight, set(CARRY[which])],
      ];
    }),
  ]);
};

/** Reduces four sums that wait: their columns lie where the first word says. */
const reduceWaiting: Code = [
  [address(4), set(A)],
  range(TOGETHER).map((i) => [
    [address(8 + 8 * i), set(OUTS[i]), address(12 + 8 * i), set(ADDENDS[i])],
  ]),
  reduce(M.map((m, i) => ({
    m,
    column: (k) => [get(A), v128.load(COLUMNS * i + 16 * k)],
  }))),
  [get(HERE), i32.const(8 + 8 * TOGETHER), i32.add, set(HERE)],
];
/** Reduces the sum whose columns have just been made. */
const reduceNow: Code = reduce([{ column: (k) => get(COLUMN[k]), m: RIGHT }]);

/** out = a + b or a − b, limb by limb. */
const limbwise = (operation: Code): Code =>
  range(LIMBS).map((j) => [
    [get(OUTS[0]), get(A), v128.load(16 * j), get(B), v128.load(16 * j)],
    [operation, v128.store(16 * j)],
  ]);

const step = (base: number, stride: number): Code => [get(base), get(stride), i32.add, set(base)];

const run: Code = [
  [constant(AT.high), set(HIGH), constant(AT.both), set(BOTH)],
  [constant(AT.low), set(LOW)],
  loop(
    [i32.const(0), get(BASE1), i32.store(AT.bases + 4)],
    [i32.const(0), get(BASE2), i32.store(AT.bases + 8)],
    [get(PROGRAM), set(HERE)],
    forever(
      [get(HERE), i32.load(0), tee(KIND), i32.const(OPERATION.STOP), i32.equal, leave],
      [address(4), set(OUTS[0])],
      [get(KIND), i32.const(1), i32.less],
      ifElse(
        [
          [get(KIND), i32.const(OPERATION.REDUCE), i32.equal],
          ifElse(reduceWaiting, [
            [address(8), set(A), address(12), set(B), get(KIND)],
            ifElse(limbwise(v128.subFloat), limbwise(v128.addFloat)),
            [get(HERE), i32.const(16), i32.add, set(HERE)],
          ]),
        ],
        [
          [address(8), set(ADDENDS[0])],
          [get(HERE), i32.const(12), i32.add, set(HERE)],
          [get(KIND), i32.const(OPERATION.KEEP - 1), i32.and, set(COUNT)],
          sumProducts,
          [get(KIND), i32.const(OPERATION.KEEP), i32.less],
          ifElse(
            reduceNow,
            COLUMN.map((sum, k) => [get(OUTS[0]), get(sum), v128.store(16 * k)]),
          ),
        ],
      ),
    ),
    [step(BASE1, STRIDE1), step(BASE2, STRIDE2)],
    [get(TIMES), i32.const(-1), i32.add, tee(TIMES), again],
  ),
];

/** The kernel as a WebAssembly module: `run(program, times, base1, stride1, base2, stride2)`. */
export const kernelModule = (): Uint8Array<ArrayBuffer> =>
  assemble(6, [["i32", INTEGERS], ["v128", VECTORS]], run);
