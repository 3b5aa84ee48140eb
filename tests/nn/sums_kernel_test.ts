import { assertEquals } from "@std/assert";
import { Memory32 } from "lib/math/memory32.ts";
import { seededRng, uniform } from "lib/math/rng.ts";
import { addColumnSums } from "lib/nn/sums_kernel.ts";

Deno.test("addColumnSums() adds each column in the rows' order, rounded at each step, for any width", () => {
  const rng = seededRng(1);
  for (const [rows, width] of [[0, 5], [1, 1], [3, 4], [7, 10], [50, 61]]) {
    using memory = Memory32.open();
    const matrix = memory.take(rows * width);
    matrix.forEach((_, at) => matrix[at] = uniform(rng) - 0.5);
    const sums = Float32Array.from({ length: width }, () => uniform(rng));
    const expected = sums.map((sum, i) => {
      let part = 0;
      for (let k = 0; k < rows; k++) part = Math.fround(part + matrix[k * width + i]);
      return sum + part;
    });
    addColumnSums(memory, sums, matrix);
    assertEquals(sums, expected);
  }
});
