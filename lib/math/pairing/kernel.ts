/** Sums of products in a 381-bit prime field, two at a time, in WebAssembly with relaxed SIMD.
 *
 * Method: Emmart, Zheng, Weems, "Faster Modular Exponentiation Using Double Precision Floating Point
 * Arithmetic on the GPU" (ARITH 2018), here with signed digits, since WebAssembly only rounds to nearest.
 * A number is 8 limbs of 50 bits, balanced, each a float64 (two numbers side by side in a v128). For
 * limbs a, b the fused h = a·b + 1.5·2^102 holds the high part in its mantissa and
 * l = a·b + (1.5·2^102 + 1.5·2^52 − h) the low part, both exactly; their bit patterns are summed as
 * integers, and the patterns of the two constants leave again through the sums' initial value.
 *
 * One instruction does all: out = (Σ a_i·b_i)·R⁻¹ + addend, R = 2^400, one Montgomery reduction for the
 * whole sum (Longa, ePrint 2022/367). Since p/R < 2^-19, sums of such results and their products leave
 * |out| ≤ (1/2 + 2^-14)·p + |addend|: nothing is ever conditionally subtracted. Rules for the caller: a
 * limb of a_i times a limb of b_i is at most 7·2^98, as when a_i is normal (a result) and b_i a sum of up
 * to 7 results; at most MAX_PAIRS products.
 *
 * The function interprets programs: lists of operations on memory addresses, written by `tower.ts`,
 * `lines.ts` and others. A run repeats a program over arrays of records at two moving bases.
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
import { isFused } from "../wasm_fma.ts";

const LIMBS = 8;
/** Bytes of a number: 8 limbs, 2 lanes. */
export const NUMBER = 128;
/** Bits of a limb. */
export const LIMB_BITS = 50;
/** log2 R. */
export const R_BITS = 400n;
/** Products in one sum, at most: what the columns hold. */
export const MAX_PAIRS = 12;

const { get, set, tee } = local;
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Addresses of the constants; 16 bytes each but for `p` (a number) and `bias` (16 columns for every
 * number of products). */
const AT = {
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
/** The first address that is free for numbers and programs. */
export const FREE = AT.bias + 256 * (MAX_PAIRS + 1);

// Parameters and locals of `run`.
const [PROGRAM, TIMES, BASE1, STRIDE1, BASE2, STRIDE2] = range(6);
const [COUNT, HERE, POINTER, A, B, OUT, ADDEND] = range(7).map((i) => 6 + i);
const FIRST = 13;
const COLUMN = range(16).map((k) => FIRST + k);
const RIGHT = range(LIMBS).map((j) => FIRST + 16 + j);
const [DIGIT, PRODUCT, HIGH, BOTH, LOW] = range(5).map((i) => FIRST + 24 + i);

const constant = (at: number): Code => [i32.const(0), v128.load(at)];

/** The address in the word `offset` bytes after HERE: 16-aligned, its low two bits choose a base. */
const address = (offset: number): Code => [
  [get(HERE), i32.load(offset), tee(POINTER), i32.const(-16), i32.and],
  [get(POINTER), i32.const(3), i32.and, i32.const(2), i32.shiftLeft],
  [i32.load(AT.bases), i32.add],
];

/** column[k] += low part of a·b, column[k + 1] += high part. */
const multiplyAdd = (a: Code, b: Code, k: number): Code => [
  [a, b, get(HIGH), v128.madd, tee(PRODUCT)],
  [get(COLUMN[k + 1]), v128.add, set(COLUMN[k + 1])],
  [a, b, get(BOTH), get(PRODUCT), v128.subFloat, v128.madd],
  [get(COLUMN[k]), v128.add, set(COLUMN[k])],
];

/** The columns of Σ a_i·b_i; HERE moves to the end of the list. */
const sumProducts: Code = [
  range(16).map((k) => [
    [get(COUNT), i32.const(8), i32.shiftLeft, v128.load(AT.bias + 16 * k)],
    set(COLUMN[k]),
  ]),
  loop(
    [address(0), set(A), address(4), set(B)],
    range(LIMBS).map((j) => [get(B), v128.load(16 * j), set(RIGHT[j])]),
    range(LIMBS).map((i) => [
      [get(A), v128.load(16 * i), set(DIGIT)],
      range(LIMBS).map((j) => multiplyAdd(get(DIGIT), get(RIGHT[j]), i + j)),
    ]),
    [get(HERE), i32.const(8), i32.add, set(HERE)],
    [get(COUNT), i32.const(-1), i32.add, tee(COUNT), again],
  ),
];

/** Adds m·p with m ≡ −columns/p mod R, limb by limb: columns 0 … 7 become 0 and carry into column 8. */
const reduce: Code = range(LIMBS).map((i) => [
  // The low bits of the column, as a float; times −1/p, of which the low part is m's limb.
  [get(COLUMN[i]), constant(AT.mask), v128.and, constant(AT.exponent), v128.or],
  [constant(AT.exponent), v128.subFloat, set(DIGIT)],
  [get(DIGIT), constant(AT.minusInverse), get(HIGH), v128.madd, set(PRODUCT)],
  [get(DIGIT), constant(AT.minusInverse), get(BOTH), get(PRODUCT)],
  [v128.subFloat, v128.madd, get(LOW), v128.subFloat, set(DIGIT)],
  range(LIMBS).map((j) => multiplyAdd(get(DIGIT), constant(AT.p + 16 * j), i + j)),
  [get(COLUMN[i]), i32.const(LIMB_BITS), v128.shiftRight],
  [get(COLUMN[i + 1]), v128.add, set(COLUMN[i + 1])],
]);

/** out = columns 8 … 15 + addend, with one round of carries: limbs within 2^49 + 2^10. */
const finish: Code = [
  range(LIMBS).map((j) => [
    [get(ADDEND), v128.load(16 * j), get(LOW), v128.addFloat],
    [get(COLUMN[8 + j]), v128.add, set(COLUMN[8 + j])],
  ]),
  range(LIMBS).map((j) => [
    [get(OUT), get(COLUMN[8 + j])],
    j < LIMBS - 1 ? [constant(AT.mask), v128.and] : [],
    j > 0 ? [get(COLUMN[7 + j]), i32.const(LIMB_BITS), v128.shiftRight, v128.add] : [],
    [constant(AT.exponent), v128.or],
    [constant(j === 0 ? AT.firstOffset : AT.offset), v128.subFloat],
    v128.store(16 * j),
  ]),
];

/** out = a + b or a − b, limb by limb. */
const limbwise = (operation: Code): Code =>
  range(LIMBS).map((j) => [
    [get(OUT), get(ADDEND), v128.load(16 * j), get(A), v128.load(16 * j)],
    [operation, v128.store(16 * j)],
  ]);

/** Words of an operation: [count, out, addend, a_1, b_1, …], or [0 add | −1 subtract, out, a, b]. The last: */
export const STOP = -2;

const step = (base: number, stride: number): Code => [get(base), get(stride), i32.add, set(base)];

const run: Code = [
  [constant(AT.high), set(HIGH), constant(AT.both), set(BOTH)],
  [constant(AT.low), set(LOW)],
  loop(
    [i32.const(0), get(BASE1), i32.store(AT.bases + 4)],
    [i32.const(0), get(BASE2), i32.store(AT.bases + 8)],
    [get(PROGRAM), set(HERE)],
    forever(
      [get(HERE), i32.load(0), tee(COUNT), i32.const(STOP), i32.equal, leave],
      [address(4), set(OUT), address(8), set(ADDEND)],
      [get(COUNT), i32.const(1), i32.less],
      ifElse(
        [
          [address(12), set(A), get(COUNT)],
          ifElse(limbwise(v128.subFloat), limbwise(v128.addFloat)),
          [get(HERE), i32.const(16), i32.add, set(HERE)],
        ],
        [
          [get(HERE), i32.const(12), i32.add, set(HERE)],
          [sumProducts, reduce, finish],
        ],
      ),
    ),
    [step(BASE1, STRIDE1), step(BASE2, STRIDE2)],
    [get(TIMES), i32.const(-1), i32.add, tee(TIMES), again],
  ),
];

/** Runs a program `times` over, with the bases moving by the strides. */
export type Run = (
  program: number,
  times: number,
  base1: number,
  stride1: number,
  base2: number,
  stride2: number,
) => void;

/** The balanced limbs of an integer below 2^399 in absolute value. */
export function toLimbs(value: bigint): number[] {
  return range(LIMBS).map(() => {
    const limb = BigInt.asIntN(LIMB_BITS, value);
    value = (value - limb) >> BigInt(LIMB_BITS);
    return Number(limb);
  });
}

/** Writes the constants for the field of p into the memory. */
function writeConstants(memory: WebAssembly.Memory, p: bigint): void {
  const floats = new Float64Array(memory.buffer);
  const integers = new BigInt64Array(memory.buffer);
  const float = (at: number, value: number) => floats.fill(value, at / 8, at / 8 + 2);
  const integer = (at: number, value: bigint) => integers.fill(value, at / 8, at / 8 + 2);
  const [high, low] = [1.5 * 2 ** 102, 1.5 * 2 ** 52];
  const bits = (value: number) => new BigInt64Array(Float64Array.of(value).buffer)[0];
  float(AT.high, high);
  float(AT.both, high + low);
  float(AT.low, low);
  integer(AT.mask, (1n << BigInt(LIMB_BITS)) - 1n);
  float(AT.exponent, 2 ** 52);
  let inverse = 1n; // of p mod 2^50, by Newton: each step doubles the correct bits
  for (let i = 0; i < 6; i++) inverse = BigInt.asUintN(LIMB_BITS, inverse * (2n - p * inverse));
  float(AT.minusInverse, Number(BigInt.asIntN(LIMB_BITS, -inverse)));
  toLimbs(p).forEach((limb, j) => float(AT.p + 16 * j, limb));

  // Carries are taken by a shift that knows no sign, so a multiple of 2^50 makes the columns positive;
  // what it adds to the next column is taken out there. Half a limb more rounds to nearest.
  const half = 2 ** (LIMB_BITS - 1);
  const [positive, carried] = [1n << 61n, 1n << 11n];
  float(AT.firstOffset, 2 ** 52 + half);
  float(AT.offset, 2 ** 52 + half + Number(carried));
  const terms = (k: number) => BigInt(Math.max(0, Math.min(k + 1, 15 - k)));
  for (let count = 1; count <= MAX_PAIRS; count++) {
    for (let k = 0; k < 16; k++) {
      // The reduction is one product more.
      let bias = -BigInt(count + 1) *
        (terms(k) * bits(low) + (k > 0 ? terms(k - 1) : 0n) * bits(high));
      if (k < 15) bias += positive;
      if (k > 0 && k <= 8) bias -= carried;
      if (k >= 8) bias += BigInt(half) - bits(low); // the addend's
      integer(AT.bias + 256 * count + 16 * k, BigInt.asIntN(64, bias));
    }
  }
}

/** Compiles the kernel for the prime p, 2^379 < p < 2^381, over a memory of its own.
 * @returns null where the machine has no relaxed SIMD with a fused multiply-add. */
export async function startKernel(
  p: bigint,
): Promise<{ run: Run; memory: WebAssembly.Memory } | null> {
  if (!await isFused()) return null;
  const memory = new WebAssembly.Memory({ initial: 16 });
  const bytes = assemble(6, [["i32", 7], ["v128", 29]], run);
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  writeConstants(memory, p);
  return { run: instance.exports.run as Run, memory };
}
