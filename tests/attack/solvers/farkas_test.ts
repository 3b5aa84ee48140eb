import { assertEquals } from "@std/assert";
import { provesInfeasible, suggestsInfeasible } from "lib/attack/solvers/farkas.ts";
import { checkedPriors, keepsRules, pixelRules } from "lib/attack/priors.ts";
import { serverView } from "lib/attack/view.ts";
import { applyTransposed } from "lib/math/dense.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

Deno.test("suggestsInfeasible() accepts a proof by bounds, and one by a rule", () => {
  // x0 + x1 = 3 with pixels up to 1: y = 1 gives 3 > 2.
  const [y, reach] = [Float64Array.of(1), Float64Array.of(1, 1)];
  assertEquals(suggestsInfeasible({ y, b: Float64Array.of(3), reach }), true);
  assertEquals(suggestsInfeasible({ y, b: Float64Array.of(2), reach }), false);
  // x0 = 1, x1 = 0 against |x0 − x1| ≤ ½: y = (1, −1), r = 1 leave nothing to reach.
  const rule = { y: Float64Array.of(1, -1), b: Float64Array.of(1, 0), reach: new Float64Array(2) };
  assertEquals(suggestsInfeasible({ ...rule, allowance: 0.5 }), true);
  assertEquals(suggestsInfeasible({ ...rule, allowance: 1 }), false);
});

Deno.test("suggestsInfeasible() accepts nothing against equations that have a solution", () => {
  const [hidden, n] = [4, 10];
  for (let seed = 1; seed <= 200; seed++) {
    const noise = gaussian(seededRng(seed), hidden * n + n + hidden);
    const A = noise.slice(0, hidden * n);
    const x = noise.subarray(hidden * n, hidden * n + n).map((v) => Math.min(1, Math.max(0, v)));
    const y = noise.slice(hidden * n + n);
    const b = y.map((_, row) => x.reduce((sum, v, p) => sum + v * A[row * n + p], 0));
    assertEquals(suggestsInfeasible({ y, b, reach: applyTransposed(A, y) }), false);
  }
});

Deno.test("provesInfeasible() is exact at the edge, where float64 cannot tell", () => {
  const view = (z: number) =>
    serverView({ W1: [2 ** 40, 1], z1: [z], shape: [1, 2, 1], scaleBits: 0 });
  const most = 255 * (2 ** 40 + 1);
  assertEquals(provesInfeasible(view(most), [], [1]), false);
  assertEquals(provesInfeasible(view(most + 1), [], [1]), true);
  assertEquals(provesInfeasible(view(-1), [], [-1]), true);
  assertEquals(provesInfeasible(view(0), [], [-1]), false);
  // Any scale of the multipliers, and none of these: all zero, not finite.
  assertEquals(provesInfeasible(view(-1), [], [-1e-300]), true);
  assertEquals(provesInfeasible(view(-1), [], [-1e300]), true);
  for (const y of [0, NaN, -Infinity]) assertEquals(provesInfeasible(view(-1), [], [y]), false);
});

Deno.test("provesInfeasible() takes rules into account, thirds and quarters exactly", () => {
  // A corner 26 above its two neighbours breaks the rule; 25 keeps it.
  const rules = pixelRules([2, 2, 1], checkedPriors({ objective: "published", period: 2 }));
  const W1 = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
  const view = (x: number) => serverView({ W1, z1: [x, 0, 0], shape: [2, 2, 1], scaleBits: 0 });
  const [y, r] = [[1, -0.5, -0.5], [1, 0]];
  assertEquals(provesInfeasible(view(26), rules, y, r), true);
  assertEquals(provesInfeasible(view(25), rules, y, r), false);
  assertEquals(provesInfeasible(view(26), rules, y), false);
});

Deno.test("provesInfeasible() accepts no random multipliers against a view that has a solution", () => {
  const [hidden, n] = [3, 9];
  const rules = pixelRules([3, 3, 1], checkedPriors({ objective: "published", period: 1 }));
  for (let seed = 1; seed <= 300; seed++) {
    const noise = gaussian(seededRng(seed), hidden * n + hidden + rules.length);
    const W1 = noise.slice(0, hidden * n).map((w) => Math.round(100 * w));
    const x = Array.from({ length: n }, (_, p) => 40 + (seed * (p + 1)) % 20); // within every rule
    const z1 = Array.from(
      { length: hidden },
      (_, row) => x.reduce((sum, v, p) => sum + v * W1[row * n + p], 0),
    );
    const view = serverView({ W1, z1, shape: [3, 3, 1], scaleBits: 0 });
    assertEquals(keepsRules(x, rules), true);
    const y = noise.slice(hidden * n, hidden * n + hidden);
    assertEquals(provesInfeasible(view, rules, y, noise.slice(hidden * n + hidden)), false);
  }
});

Deno.test("keepsRules() is exact on the bound", () => {
  const rules = pixelRules([2, 2, 1], checkedPriors({ objective: "published", period: 2 }));
  assertEquals(keepsRules([25, 0, 0, 0], rules), true);
  assertEquals(keepsRules([26, 0, 0, 0], rules), false);
  const middle = pixelRules([2, 3, 1], checkedPriors({ objective: "published", period: 1 }));
  // Pixel 1 has three neighbours: 25 above their mean of a third.
  assertEquals(keepsRules([10, 25, 0, 0, 0, 0], middle.slice(1, 2)), true);
  assertEquals(keepsRules([0, 26, 1, 0, 1, 0], middle.slice(1, 2)), false);
});
