import { assertEquals } from "@std/assert";
import { provesInfeasible } from "lib/attack/farkas.ts";
import { applyTransposed } from "lib/math/dense.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

Deno.test("provesInfeasible() accepts a proof by bounds, and one by a rule", () => {
  // x0 + x1 = 3 with pixels up to 1: y = 1 gives 3 > 2.
  const [y, reach] = [Float64Array.of(1), Float64Array.of(1, 1)];
  assertEquals(provesInfeasible({ y, b: Float64Array.of(3), reach }), true);
  assertEquals(provesInfeasible({ y, b: Float64Array.of(2), reach }), false);
  // x0 = 1, x1 = 0 against |x0 − x1| ≤ ½: y = (1, −1), r = 1 leave nothing to reach.
  const rule = { y: Float64Array.of(1, -1), b: Float64Array.of(1, 0), reach: new Float64Array(2) };
  assertEquals(provesInfeasible({ ...rule, allowance: 0.5 }), true);
  assertEquals(provesInfeasible({ ...rule, allowance: 1 }), false);
});

Deno.test("provesInfeasible() accepts nothing against equations that have a solution", () => {
  const [hidden, n] = [4, 10];
  for (let seed = 1; seed <= 200; seed++) {
    const noise = gaussian(seededRng(seed), hidden * n + n + hidden);
    const A = noise.slice(0, hidden * n);
    const x = noise.subarray(hidden * n, hidden * n + n).map((v) => Math.min(1, Math.max(0, v)));
    const y = noise.slice(hidden * n + n);
    const b = y.map((_, row) => x.reduce((sum, v, p) => sum + v * A[row * n + p], 0));
    assertEquals(provesInfeasible({ y, b, reach: applyTransposed(A, y) }), false);
  }
});
