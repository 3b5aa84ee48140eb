/** Bytes to pixels, byte · scale, in WebAssembly with 128-bit SIMD: multiplied in float64 and rounded to float32, as
 * JavaScript's loop does it, to the same bits.
 * @module */
import { Kernel, type Memory32 } from "../math/memory32.ts";
import { again, assemble, f64x2, i32, i32x4, local, loop, v128 } from "../math/pairing/emit.ts";

/** Bytes that are turned at a time. */
const STEP = 8;

const kernel = new Kernel(() => {
  const [bytes, out, factor, steps, scale] = [0, 1, 2, 3, 4];
  const { get, set, tee } = local;
  const pairs = [0, 2, 4, 6];
  return assemble(4, [["v128", 1]], [
    [get(factor), v128.loadSplat(0), set(scale)],
    loop(
      pairs.map((first) => [
        [get(out), get(bytes), i32x4.loadBytes(first), f64x2.fromIntegers],
        [get(scale), v128.multiplyFloat, f64x2.demote, f64x2.storeFloats(4 * first)],
      ]),
      [get(bytes), i32.const(STEP), i32.add, set(bytes)],
      [get(out), i32.const(4 * STEP), i32.add, set(out)],
      [get(steps), i32.const(1), i32.sub, tee(steps), again],
    ),
  ], "shared");
});

/** X `[m, n]` of some images, taken from `memory`.
 * @param images pixels `[count, n]`.   @param indices m of them. */
export function pixels32(
  memory: Memory32,
  { images, n, scale }: { images: Uint8Array; n: number; scale: number },
  indices: Uint32Array,
): Float32Array {
  const length = n * indices.length;
  const steps = Math.ceil(length / STEP);
  const X = memory.take(STEP * steps); // what is past the end is not read
  if (steps > 0) {
    const gathered = memory.take(2 * steps + 2); // a pair is loaded as a part of 8 bytes
    const bytes = new Uint8Array(gathered.buffer, gathered.byteOffset, length);
    for (const [k, image] of indices.entries()) {
      bytes.set(images.subarray(image * n, (image + 1) * n), k * n);
    }
    const factor = memory.take(2);
    new Float64Array(factor.buffer, factor.byteOffset, 1)[0] = scale;
    memory.run(kernel, gathered.byteOffset, X.byteOffset, factor.byteOffset, steps);
    memory.give(gathered);
    memory.give(factor);
  }
  return X.subarray(0, length);
}
