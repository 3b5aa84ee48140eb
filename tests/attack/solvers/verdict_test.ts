import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { admm } from "lib/attack/solvers/admm.ts";
import { buildLp } from "lib/attack/lp_model.ts";
import { pixelRules } from "lib/attack/priors.ts";
import { serverView } from "lib/attack/view.ts";
import { exactMinimum, hasVertex } from "../exact_simplex.ts";
import { byHighs, byStructure, worstViolation } from "../fixtures.ts";
import { smallPrograms } from "../programs.ts";

const programs = smallPrograms().map(({ name, shape, W1, z1, priors }) => {
  const integer = { n: shape[0] * shape[1], W1, z1, rules: pixelRules(shape, priors) };
  const minimum = exactMinimum(integer, new Array(integer.n).fill(1n));
  return { name, view: serverView({ W1, z1, shape, scaleBits: 0 }), priors, integer, minimum };
});

const solvers = {
  fast: byStructure,
  highs: byHighs,
  batched: async (...[view, priors]: Parameters<typeof byStructure>) =>
    (await admm([view], priors))[0],
};

Deno.test("the corpus has over 60 programs, with and without a solution, and two oracles agree", () => {
  assert(programs.length >= 60, `${programs.length}`);
  const solvable = programs.filter(({ minimum }) => minimum !== null).length;
  assertLess(20, Math.min(solvable, programs.length - solvable));
  const small = programs.filter(({ integer }) => integer.n <= 4);
  assertLess(20, small.length);
  for (const { name, integer, minimum } of small) {
    assertEquals(hasVertex(integer), minimum !== null, name);
  }
});

for (const [solver, solve] of Object.entries(solvers)) {
  Deno.test(`${solver}: no verdict on a small program differs from the exact one`, async () => {
    let open = 0;
    for (const { name, view, priors, minimum } of programs) {
      const { status, xHat, message } = await solve(view, priors);
      if (status === "undecided" || status === "time-limit") {
        open++;
        continue;
      }
      assertEquals(status, minimum === null ? "infeasible" : "optimal", `${name}: ${message}`);
      if (xHat === null) continue;
      const off = worstViolation(buildLp(view, priors), xHat);
      assertLess(off, 1e-3, `${name}: violation ${off}`);
      if (solver === "batched") continue; // a first-order method: near the optimum, not at it
      const sum = xHat.reduce((total, x) => total + x);
      assertAlmostEquals(sum, minimum!, 0.5 + 1e-3 * minimum!, name);
    }
    assertLess(open, programs.length / (solver === "batched" ? 4 : 10), `${open} undecided`);
  });
}
