import { assertEquals } from "@std/assert";
import { innerProducts, pack, PANEL, panelMemory, SUMS } from "lib/math/panels.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

Deno.test("pack() writes panels of four rows, zeros for what is not there", () => {
  const A = Float64Array.from({ length: 15 }, (_, at) => at + 1); // 5 × 3
  const floats = panelMemory(1000).fill(7);
  assertEquals(pack(floats, SUMS, A, { n: 3, width: 4 }), SUMS + 2 * 16);
  const first = [1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12, 0, 0, 0, 0];
  const second = [13, 0, 0, 0, 14, 0, 0, 0, 15, 0, 0, 0, 0, 0, 0, 0];
  assertEquals([...floats.subarray(SUMS, SUMS + 32)], [...first, ...second]);
  assertEquals(floats[SUMS + 32], 7);
});

Deno.test("innerProducts() sums in the order of the columns, to the bit, in a memory that grows", () => {
  for (const n of [1, 2, 5, 3000]) {
    const A = gaussian(seededRng(n), 8 * n);
    const floats = panelMemory(SUMS + 8 * n);
    pack(floats, SUMS, A, { n });
    innerProducts(SUMS, SUMS + PANEL * n, n);
    for (let r = 0; r < PANEL; r++) {
      for (let c = 0; c < PANEL; c++) {
        let sum = 0;
        for (let k = 0; k < n; k++) sum += A[r * n + k] * A[(PANEL + c) * n + k];
        assertEquals(floats[PANEL * r + c], sum);
      }
    }
  }
});
