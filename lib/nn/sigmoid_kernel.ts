/** a ← σ(a) = 1 / (1 + e⁻ᵃ) in float32, and its derivative, in WebAssembly with 128-bit SIMD.
 *
 * With z = |a|: e⁻ᶻ = s·p(t), where n = round(−z·log₂e), s = 2ⁿ, t = z + n·ln 2 in two steps, and p is a polynomial of
 * degree 5; σ(−z) = e⁻ᶻ / (e⁻ᶻ + 1), and 1 less that for a positive a. Steps and constants are those of XNNPACK
 * (src/f32-sigmoid/wasmsimd-rr2-p5-div.c.in), by which tfjs computes it, so the two give the same bits.
 * @module */
import { Kernel, type Memory32 } from "../math/memory32.ts";
import { again, assemble, f32x4, i32, local, loop, v128 } from "../math/pairing/emit.ts";

/** 1.5·2²³ + 127: added to a number, it leaves the nearest integer, biased as an exponent, in the lowest bits. */
const MAGIC = 12583039;
const LOG2_E = 1.442695; // 0x1.715476p+0
/** ln 2, and what float32 leaves of it. */
const [LN2_HIGH, LN2_LOW] = [0.693145751953125, 1.42860677e-6];
/** p, from the highest power. */
const POWERS = [-0.00828929059, 0.0418978221, -0.166676521, 0.499991506, -0.999999702];
/** For a larger z, e⁻ᶻ is no normal number of float32: 0. */
const CUTOFF = 87.3365479;

const VECTOR_BYTES = 16;
const LANES = 4;

const kernel = new Kernel(() => {
  const [place, vectors, a, z, n, s, t, p] = [0, 1, 2, 3, 4, 5, 6, 7];
  const { get, set, tee } = local;
  const times = (value: number) => [f32x4.const(value), f32x4.multiply];
  const [highest, ...lower] = POWERS;
  return assemble(2, [["v128", 6]], [
    loop(
      [get(place), v128.load(0), tee(a), f32x4.abs, set(z)],
      [get(z), times(-LOG2_E), f32x4.const(MAGIC), f32x4.add, tee(n)],
      [i32.const(23), f32x4.shiftLeft, set(s)],
      [get(n), f32x4.const(MAGIC), f32x4.sub, set(n)],
      [get(z), get(n), times(LN2_HIGH), f32x4.add, get(n), times(LN2_LOW), f32x4.add, set(t)],
      [f32x4.const(highest), set(p)],
      lower.map((c) => [f32x4.const(c), get(t), get(p), f32x4.multiply, f32x4.add, set(p)]),
      [get(s), get(t), get(s), f32x4.multiply, get(p), f32x4.multiply, f32x4.add, tee(p)],
      [get(p), f32x4.const(1), f32x4.add, f32x4.divide],
      [get(z), f32x4.const(CUTOFF), f32x4.greater, f32x4.andNot, set(p)],
      [get(place), get(p), f32x4.const(1), get(p), f32x4.sub],
      [get(a), i32.const(31), f32x4.shiftRightSigned, f32x4.select, v128.store(0)],
      [get(place), i32.const(VECTOR_BYTES), i32.add, set(place)],
      [get(vectors), i32.const(1), i32.sub, tee(vectors), again],
    ),
  ], "shared");
});

/** a ← σ(a), of an array taken from `memory`. */
export function sigmoid32(memory: Memory32, a: Float32Array): void {
  if (a.length > 0) memory.run(kernel, a.byteOffset, Math.ceil(a.length / LANES));
}

const slope = new Kernel(() => {
  const [gradients, place, vectors, a] = [0, 1, 2, 3];
  const { get, set, tee } = local;
  return assemble(3, [["v128", 1]], [
    loop(
      [get(gradients), get(gradients), v128.load(0), get(place), v128.load(0), tee(a)],
      [get(a), get(a), f32x4.multiply, f32x4.sub, f32x4.multiply, v128.store(0)],
      [gradients, place].map((at) => [get(at), i32.const(VECTOR_BYTES), i32.add, set(at)]),
      [get(vectors), i32.const(1), i32.sub, tee(vectors), again],
    ),
  ], "shared");
});

/** da ← da ∘ (a − a²), each step rounded to float32: σ′ by what σ gave. Both were taken from `memory`. */
export function sigmoidSlope32(memory: Memory32, da: Float32Array, a: Float32Array): void {
  if (a.length === 0) return;
  memory.run(slope, da.byteOffset, a.byteOffset, Math.ceil(a.length / LANES));
}
