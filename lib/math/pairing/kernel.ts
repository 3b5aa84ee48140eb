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
 * A product is finished column by column, so that sums stay in registers. In the reduction each limb of m = −T/p mod R
 * waits some 30 cycles for the one before; so sums may wait in memory and be reduced four at a time, side by side.
 *
 * The function interprets programs: lists of operations on memory addresses, written by `tower.ts`,
 * `lines.ts` and others. A run repeats a program over arrays of records at two moving bases.
 * @module */
import { assemble, i32, v128 } from "./emit.ts";
import { AT, COLUMNS, kernelModule, LIMB_BITS, LIMBS, MAX_PAIRS } from "./kernel_code.ts";

export { FREE, LIMB_BITS, MAX_PAIRS, NUMBER } from "./kernel_code.ts";
/** log2 R. */
export const R_BITS = 400n;

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
  const limbs: number[] = [];
  while (limbs.length < LIMBS) {
    const limb = BigInt.asIntN(LIMB_BITS, value);
    value = (value - limb) >> BigInt(LIMB_BITS);
    limbs.push(Number(limb));
  }
  return limbs;
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
      integer(AT.bias + COLUMNS * count + 16 * k, BigInt.asIntN(64, bias));
    }
  }
}

/** Whether relaxed SIMD is here and its multiply-add fused, that is, rounded once: the specification
 * also allows rounding twice. (1 + ε)(1 − ε) − 1 is −ε² or 0. */
async function isFused(): Promise<boolean> {
  const operands = [0, 16, 32].map((at) => [i32.const(0), v128.load(at)]);
  const bytes = assemble(0, [], [i32.const(48), operands, v128.madd, v128.store(0)]);
  if (!WebAssembly.validate(bytes)) return false;
  const memory = new WebAssembly.Memory({ initial: 1 });
  const floats = new Float64Array(memory.buffer);
  const epsilon = 2 ** -30;
  floats.set([1 + epsilon, 1 + epsilon, 1 - epsilon, 1 - epsilon, -1, -1]);
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  (instance.exports.run as () => void)();
  return floats[6] === -(epsilon ** 2) && floats[7] === -(epsilon ** 2);
}

/** Compiles the kernel for the prime p, 2^379 < p < 2^381, over a memory of its own.
 * @returns null where the machine has no relaxed SIMD with a fused multiply-add. */
export async function startKernel(
  p: bigint,
): Promise<{ run: Run; memory: WebAssembly.Memory } | null> {
  if (!await isFused()) return null;
  const memory = new WebAssembly.Memory({ initial: 16 });
  const { instance } = await WebAssembly.instantiate(kernelModule(), { env: { memory } });
  writeConstants(memory, p);
  return { run: instance.exports.run as Run, memory };
}
