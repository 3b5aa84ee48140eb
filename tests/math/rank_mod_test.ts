import { assertEquals } from "@std/assert";
import { rankMod } from "lib/math/rank_mod.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

Deno.test("rankMod() matches ranks by hand", () => {
  assertEquals(rankMod([0, 0, 0, 0], 2), 0);
  assertEquals(rankMod([1, 2, 2, 4], 2), 1);
  assertEquals(rankMod([1500, 1501, 1499, 1500], 2), 2); // determinant 1
  assertEquals(rankMod([0, 3, 5, 0, 7, 7], 2), 2);
  assertEquals(rankMod([-1, 1, 1, -1], 2), 1);
  assertEquals(rankMod([2 ** 53 - 1, 1, -(2 ** 53) + 1, -1], 2), 1);
});

Deno.test("rankMod() finds the rank of products of thin integer matrices, where float64 sees noise", () => {
  const [m, n] = [60, 40];
  for (const rank of [1, 2, 17, 39, 40]) {
    const noise = gaussian(seededRng(rank), rank * (m + n)).map((v) => Math.round(1000 * v));
    const A = new Float64Array(m * n);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        for (let k = 0; k < rank; k++) {
          A[i * n + j] += noise[i * rank + k] * noise[m * rank + k * n + j];
        }
      }
    }
    assertEquals(rankMod(A, n), rank);
  }
});

Deno.test("rankMod() is never above the rank: multiples of the prime count as zero", () => {
  assertEquals(rankMod([2_097_143, 0, 0, 1], 2), 1);
});
