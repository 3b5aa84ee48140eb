/** A step of Adam (optimizer.ts has the formula) in WebAssembly with 128-bit SIMD: in float64, which division and root
 * round as JavaScript's do, so it gives the same bits as the loop there.
 * @module */
import { Kernel, type Memory32 } from "../math/memory32.ts";
import { again, assemble, f64x2, i32, local, loop, v128 } from "../math/pairing/emit.ts";

/** Numbers that are moved at a time, and their bytes. */
const [PAIR, PAIR_BYTES] = [2, 8];

/** What a step takes beside the arrays, in this order. */
export interface AdamFactors {
  readonly divisor: number;
  /** 1 − β₁ and 1 − β₂. */
  readonly share1: number;
  readonly share2: number;
  /** η, corrected for both moments. */
  readonly rate: number;
  /** ε, corrected. */
  readonly floor: number;
}

const kernel = new Kernel(() => {
  const [weights, sums, m, v, factors, pairs, g, mean, square] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const [divisor, share1, share2, rate, floor] = [9, 10, 11, 12, 13];
  const { get, set, tee } = local;
  /** moment + share·(value − moment), the value being on the stack below; what is stored is rounded. */
  const blend = (moment: number, share: number, result: number) => [
    [get(moment), f64x2.loadFloats(0), v128.subFloat, get(share), v128.multiplyFloat],
    [get(moment), f64x2.loadFloats(0), v128.addFloat, set(result)],
    [get(moment), get(result), f64x2.demote, f64x2.storeFloats(0)],
  ];
  return assemble(6, [["v128", 8]], [
    [divisor, share1, share2, rate, floor].map((factor, k) => [
      [get(factors), v128.loadSplat(8 * k), set(factor)],
    ]),
    loop(
      [get(sums), f64x2.loadFloats(0), get(divisor), f64x2.divide, tee(g)],
      blend(m, share1, mean),
      [get(g), get(g), v128.multiplyFloat, blend(v, share2, square)],
      [get(weights), get(weights), f64x2.loadFloats(0)],
      [get(rate), get(mean), v128.multiplyFloat],
      [get(square), f64x2.sqrt, get(floor), v128.addFloat, f64x2.divide],
      [v128.subFloat, f64x2.demote, f64x2.storeFloats(0)],
      [weights, sums, m, v].map((place) => [
        [get(place), i32.const(PAIR_BYTES), i32.add, set(place)],
      ]),
      [get(pairs), i32.const(1), i32.sub, tee(pairs), again],
    ),
  ], "shared");
});

/** Moves all weights but a last odd one. The arrays were taken from `memory` and have one length.
 * @returns how many were moved. */
export function adamPairs(
  memory: Memory32,
  arrays: { weights: Float32Array; sums: Float32Array; m: Float32Array; v: Float32Array },
  { divisor, share1, share2, rate, floor }: AdamFactors,
): number {
  const { weights, sums, m, v } = arrays;
  const pairs = Math.floor(weights.length / PAIR);
  if (pairs === 0) return 0;
  const factors = memory.take(10);
  const doubles = new Float64Array(factors.buffer, factors.byteOffset, 5);
  doubles.set([divisor, share1, share2, rate, floor]);
  const places = [weights, sums, m, v, factors].map(({ byteOffset }) => byteOffset);
  memory.run(kernel, ...places, pairs);
  memory.give(factors);
  return PAIR * pairs;
}
