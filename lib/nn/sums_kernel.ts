/** Sums over the rows of a matrix in float32, in WebAssembly with 128-bit SIMD, each in the rows' order.
 * @module */
import { Kernel, type Memory32 } from "../math/memory32.ts";
import { again, assemble, f32x4, i32, local, loop, v128 } from "../math/pairing/emit.ts";

const LANES = 4;

const kernel = new Kernel(() => {
  const [matrix, rowBytes, rows, out, vectors, row, count, sum] = [0, 1, 2, 3, 4, 5, 6, 7];
  const { get, set, tee } = local;
  return assemble(5, [["i32", 2], ["v128", 1]], [
    loop(
      [get(matrix), set(row), get(rows), set(count), f32x4.const(0), set(sum)],
      loop(
        [get(sum), get(row), v128.load(0), f32x4.add, set(sum)],
        [get(row), get(rowBytes), i32.add, set(row)],
        [get(count), i32.const(1), i32.sub, tee(count), again],
      ),
      [get(out), get(sum), v128.store(0)],
      [matrix, out].map((place) => [get(place), i32.const(4 * LANES), i32.add, set(place)]),
      [get(vectors), i32.const(1), i32.sub, tee(vectors), again],
    ),
  ], "shared");
});

/** Adds to `sums` `[width]` the sums over all rows of a matrix `[rows, width]`, taken from `memory`. */
export function addColumnSums(memory: Memory32, sums: Float32Array, matrix: Float32Array): void {
  const width = sums.length;
  if (matrix.length === 0) return;
  const part = memory.take(width);
  const vectors = Math.floor(width / LANES);
  const places = [matrix.byteOffset, 4 * width, matrix.length / width, part.byteOffset];
  if (vectors > 0) memory.run(kernel, ...places, vectors);
  part.fill(0, LANES * vectors);
  for (let i = LANES * vectors; i < width; i++) {
    for (let at = i; at < matrix.length; at += width) part[i] += matrix[at];
  }
  for (let i = 0; i < width; i++) sums[i] += part[i];
  memory.give(part);
}
