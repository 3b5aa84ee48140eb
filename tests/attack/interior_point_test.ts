import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { scaledEquations } from "lib/attack/equations.ts";
import { interiorPoint } from "lib/attack/interior_point.ts";
import { objectiveTerms } from "lib/attack/terms.ts";
import type { Objective } from "lib/attack/priors.ts";
import type { ServerView } from "lib/attack/view.ts";
import { plain, plantedView, SQUARE } from "./fixtures.ts";

function program(view: ServerView, objective: Objective) {
  const { A, scaled } = scaledEquations(view);
  const { pixelWeights: c, pairs, pairWeights: w } = objectiveTerms(view, plain(objective));
  return { A, b: scaled(view.z1), c, pairs, w };
}

Deno.test("interiorPoint() solves a program by hand", () => {
  // x0 + 2·x1 = 1 at the least x0 + x1: x1 = ½.
  const b = Float64Array.of(1);
  const [A, c, w] = [Float64Array.of(1, 2), Float64Array.of(1, 1), new Float64Array(0)];
  const outcome = interiorPoint({ A, b, c, pairs: [], w });
  assert(outcome.status === "optimal");
  assertAlmostEquals(outcome.x[0], 0, 1e-7);
  assertAlmostEquals(outcome.x[1], 0.5, 1e-7);
});

Deno.test("interiorPoint() recovers an image to seven digits", () => {
  const outcome = interiorPoint(program(plantedView(SQUARE, { hidden: 30 }), "tv-sum"));
  assert(outcome.status === "optimal");
  outcome.x.forEach((x, p) => assertAlmostEquals(x, SQUARE[p] / 255, 1e-7));
});

Deno.test("interiorPoint() proves a contradiction within ten iterations", () => {
  for (const objective of ["published", "sum", "tv", "tv-sum"] as const) {
    const view = plantedView(SQUARE, { hidden: 30, weightSeed: 2 });
    const { status, iterations } = interiorPoint(program(view, objective));
    assertEquals(status, "infeasible");
    assertLess(iterations, 10);
  }
});

Deno.test("interiorPoint() stops when told to", () => {
  const view = plantedView(SQUARE, { hidden: 30 });
  assertEquals(interiorPoint(program(view, "tv"), () => true).status, "stopped");
});
