/** A step of Adam (optimizer.ts has the formula) in WebAssembly with 128-bit SIMD, in one of two precisions.
 *
 * In float64, which division and root round as JavaScript's do, it gives the same bits as the loop there. In float32 it
 * takes a third of the time.
 * @module */
import { Kernel, type Memory32 } from "../math/memory32.ts";
import {
  again,
  assemble,
  type Code,
  f32x4,
  f64x2,
  i32,
  local,
  loop,
  v128,
} from "../math/pairing/emit.ts";

/** What a step computes in. */
export type Precision = "float32" | "float64";

/** How many numbers are moved at a time, and by which instructions. */
interface Lanes extends Record<"add" | "sub" | "multiply" | "divide" | "sqrt", Code> {
  readonly count: number;
  readonly load: Code;
  /** Rounds to float32; the address lies below the value. */
  readonly store: Code;
  readonly splat: (entry: number) => Code;
}

const LANES: Record<Precision, Lanes> = {
  float32: {
    ...{ count: 4, load: v128.load(0), store: v128.store(0) },
    splat: (entry) => f32x4.loadSplat(4 * entry),
    ...{ add: f32x4.add, sub: f32x4.sub, multiply: f32x4.multiply },
    ...{ divide: f32x4.divide, sqrt: f32x4.sqrt },
  },
  float64: {
    ...{ count: 2, load: f64x2.loadFloats(0), store: [f64x2.demote, f64x2.storeFloats(0)] },
    splat: (entry) => v128.loadSplat(8 * entry),
    ...{ add: v128.addFloat, sub: v128.subFloat, multiply: v128.multiplyFloat },
    ...{ divide: f64x2.divide, sqrt: f64x2.sqrt },
  },
};

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

function assembleStep(lanes: Lanes): Uint8Array<ArrayBuffer> {
  const [weights, sums, m, v, factors, vectors, g, mean, square] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const [divisor, share1, share2, rate, floor] = [9, 10, 11, 12, 13];
  const { get, set, tee } = local;
  const { load, store, splat, add, sub, multiply, divide, sqrt } = lanes;
  /** moment + share·(value − moment), the value being on the stack below; what is stored is rounded. */
  const blend = (moment: number, share: number, result: number) => [
    [get(moment), load, sub, get(share), multiply, get(moment), load, add, set(result)],
    [get(moment), get(result), store],
  ];
  return assemble(6, [["v128", 8]], [
    [divisor, share1, share2, rate, floor].map((factor, k) => [
      [get(factors), splat(k), set(factor)],
    ]),
    loop(
      [get(sums), load, get(divisor), divide, tee(g)],
      blend(m, share1, mean),
      [get(g), get(g), multiply, blend(v, share2, square)],
      [get(weights), get(weights), load, get(rate), get(mean), multiply],
      [get(square), sqrt, get(floor), add, divide, sub, store],
      [weights, sums, m, v].map((place) => [
        [get(place), i32.const(4 * lanes.count), i32.add, set(place)],
      ]),
      [get(vectors), i32.const(1), i32.sub, tee(vectors), again],
    ),
  ], "shared");
}

const KERNELS = {
  float32: new Kernel(() => assembleStep(LANES.float32)),
  float64: new Kernel(() => assembleStep(LANES.float64)),
};

/** Moves all weights but the last few, which are no whole vector. The arrays were taken from `memory` and have one
 * length.
 * @returns how many were moved. */
export function adamVectors(
  memory: Memory32,
  arrays: { weights: Float32Array; sums: Float32Array; m: Float32Array; v: Float32Array },
  { divisor, share1, share2, rate, floor }: AdamFactors,
  precision: Precision,
): number {
  const { weights, sums, m, v } = arrays;
  const { count } = LANES[precision];
  const vectors = Math.floor(weights.length / count);
  if (vectors === 0) return 0;
  const factors = memory.take(10);
  const numbers = precision === "float32"
    ? factors
    : new Float64Array(factors.buffer, factors.byteOffset, 5);
  numbers.set([divisor, share1, share2, rate, floor]);
  const places = [weights, sums, m, v, factors].map(({ byteOffset }) => byteOffset);
  memory.run(KERNELS[precision], ...places, vectors);
  memory.give(factors);
  return count * vectors;
}
