import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { preparedLayer } from "lib/attack/layer.ts";
import { provesInfeasible } from "lib/attack/solvers/farkas.ts";
import { interiorPoint, type PixelProgram } from "lib/attack/solvers/interior_point.ts";
import { checkedPriors, type Objective, type PixelRule, pixelRules } from "lib/attack/priors.ts";
import { saddle } from "lib/attack/solvers/saddle.ts";
import { costTerms } from "lib/attack/priors.ts";
import type { ServerView } from "lib/attack/view.ts";
import { plain, plantedView, SQUARE } from "../fixtures.ts";

function program(
  view: ServerView,
  objective: Objective,
  { rules = [], way }: { rules?: PixelRule[]; way?: "range" | "null" } = {},
): PixelProgram {
  const { A, scaled, multipliers } = preparedLayer(view).equations();
  const system = saddle(A, view.n, way);
  const { pixelWeights: c, pairs, pairWeights: w } = costTerms(view, plain(objective));
  const unit = rules.map((rule) => ({ ...rule, bound: rule.bound / 255 }));
  const proves = (y: Float64Array, r: Float64Array) =>
    provesInfeasible(view, rules, multipliers(y), r);
  return { system, b: scaled(view.z1), c, pairs, w, rules: unit, proves };
}

/** min x0 + x1 over A·x = b in two pixels. */
const twoPixels = (A: number[], b: number, rules: PixelRule[] = []) =>
  interiorPoint({
    system: saddle(Float64Array.from(A), 2),
    b: Float64Array.of(b),
    c: Float64Array.of(1, 1),
    pairs: [],
    w: new Float64Array(0),
    rules,
    proves: () => true,
  });

/** An image that keeps to every rule by a margin. */
const SMOOTH = Uint8Array.from({ length: 64 }, (_, p) => 40 + 9 * Math.floor(p / 8) + 11 * (p % 8));

const RULES = [
  { period: 1 },
  { period: 2 },
  { period: 4, wrapEdges: true },
  { border: true },
  { period: 2, wrapEdges: true, border: true },
].map((input) => pixelRules([8, 8, 1], checkedPriors({ objective: "tv", ...input })));

Deno.test("interiorPoint() solves a program by hand", () => {
  // x0 + 2·x1 = 1 at the least x0 + x1: x1 = ½.
  const outcome = twoPixels([1, 2], 1);
  assert(outcome.status === "optimal");
  assertAlmostEquals(outcome.x[0], 0, 1e-7);
  assertAlmostEquals(outcome.x[1], 0.5, 1e-7);
});

Deno.test("interiorPoint() keeps to a rule by hand, on either side", () => {
  // x0 + 2·x1 = 1 with |x1 − x0| ≤ ⅕: x0 = ⅕, x1 = ⅖; with the rule's signs turned, the same.
  for (const sign of [1, -1]) {
    const rule = { indices: [1, 0], values: [sign, -sign], bound: 0.2 };
    const outcome = twoPixels([1, 2], 1, [rule]);
    assert(outcome.status === "optimal");
    assertAlmostEquals(outcome.x[0], 0.2, 1e-7);
    assertAlmostEquals(outcome.x[1], 0.4, 1e-7);
    // x0 − x1 = ½ against |x0 − x1| ≤ ⅕.
    assertEquals(twoPixels([1, -1], 0.5, [rule]).status, "infeasible");
    assertEquals(twoPixels([1, -1], -0.5, [rule]).status, "infeasible");
    assertEquals(twoPixels([1, -1], 0.19, [rule]).status, "optimal");
  }
});

Deno.test("interiorPoint() recovers an image to seven digits", () => {
  const outcome = interiorPoint(program(plantedView(SQUARE, { hidden: 30 }), "tv-sum"));
  assert(outcome.status === "optimal");
  outcome.x.forEach((x, p) => assertAlmostEquals(x, SQUARE[p] / 255, 1e-7));
});

Deno.test("interiorPoint() reaches one optimum in the range space and in the null space", () => {
  for (const hidden of [10, 31, 33, 50, 62]) {
    for (const rules of [[], ...RULES]) {
      const [range, kernel] = (["range", "null"] as const).map((way) =>
        interiorPoint(program(plantedView(SMOOTH, { hidden }), "tv-sum", { rules, way }))
      );
      assert(range.status === "optimal" && kernel.status === "optimal");
      assertLess(Math.max(range.iterations, kernel.iterations), 25);
      range.x.forEach((x, p) => assertAlmostEquals(kernel.x[p], x, 1e-5));
    }
  }
});

Deno.test("interiorPoint() finds points within every rule in a few iterations", () => {
  for (const hidden of [4, 30, 60, 63]) {
    for (const rules of RULES) {
      const { system, ...rest } = program(plantedView(SMOOTH, { hidden }), "published", { rules });
      const outcome = interiorPoint({ system, ...rest });
      assert(outcome.status === "optimal");
      assertLess(outcome.iterations, 15);
      for (const { indices, values, bound } of rest.rules) {
        const form = indices.reduce((sum, p, k) => sum + values[k] * outcome.x[p], 0);
        assertLess(Math.abs(form), bound + 1e-12);
      }
      assert(outcome.x.every((x) => x > 0 && x < 1));
    }
  }
});

Deno.test("interiorPoint() proves a contradiction within ten iterations", () => {
  for (const objective of ["published", "sum", "tv", "tv-sum"] as const) {
    const view = plantedView(SQUARE, { hidden: 30, weightSeed: 2 });
    const { status, iterations } = interiorPoint(program(view, objective));
    assertEquals(status, "infeasible");
    assertLess(iterations, 10);
  }
});

Deno.test("interiorPoint() proves that an image with edges breaks the rules, within ten iterations", () => {
  for (const hidden of [50, 60, 63]) { // fewer equations leave smooth images too
    for (const objective of ["published", "tv-sum"] as const) {
      for (const rules of RULES) {
        const view = plantedView(SQUARE, { hidden });
        const { status, iterations } = interiorPoint(program(view, objective, { rules }));
        assertEquals(status, "infeasible");
        assertLess(iterations, 10);
        assertEquals(interiorPoint(program(view, objective)).status, "optimal");
      }
    }
  }
});

Deno.test("interiorPoint() stops when told to", () => {
  const view = plantedView(SQUARE, { hidden: 30 });
  assertEquals(interiorPoint(program(view, "tv"), () => true).status, "stopped");
});
