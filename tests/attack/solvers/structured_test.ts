import { assert, assertAlmostEquals, assertEquals, assertLess, assertRejects } from "@std/assert";
import { buildLp } from "lib/attack/lp_model.ts";
import { exact } from "lib/attack/metrics.ts";
import { checkedPriors, OBJECTIVES } from "lib/attack/priors.ts";
import { serverView } from "lib/attack/view.ts";
import {
  byHighs,
  byStructure,
  plain,
  plantedView,
  SQUARE,
  totalVariation,
  worstViolation,
} from "../fixtures.ts";
import oracle from "../oracle.json" with { type: "json" };

const shape = oracle.shape as [number, number, number];

Deno.test("solveExact(fast) reaches the optimum that SciPy finds, for every objective and period", async () => {
  const view = serverView({ W1: oracle.W1, z1: oracle.z1, shape, scaleBits: 4 });
  for (const { objective: name, period, status, value } of oracle.optima) {
    const objective = OBJECTIVES.find((known) => known === name)!;
    const recovery = await byStructure(view, checkedPriors({ objective, period }));
    assertEquals(recovery.status, status);
    const sum = recovery.xHat!.reduce((total, x) => total + x);
    const tv = totalVariation(recovery.xHat!, shape);
    const reached = { published: 0, sum, tv, "tv-sum": tv + sum / 2, reweighted: NaN }[objective];
    assertAlmostEquals(reached, value, 1e-3, `${name}, period ${period}: ${reached} ≠ ${value}`);
  }
});

Deno.test("solveExact(fast) gives the pixels that solveExact(highs) gives where the optimum is unique", async () => {
  for (const hidden of [24, 28, 40]) {
    const view = plantedView(SQUARE, { hidden });
    const [fast, slow] = await Promise.all(
      [byStructure, byHighs].map((solve) => solve(view, plain("tv-sum"))),
    );
    assertEquals([fast.status, fast.certified], [slow.status, slow.certified]);
    fast.xHat!.forEach((x, p) => assertAlmostEquals(x / 255, slow.xHat![p] / 255, 1e-6));
  }
});

Deno.test("solveExact(fast) solves the equations even where it does not find the image", async () => {
  const view = plantedView(SQUARE, { hidden: 10 });
  for (const objective of OBJECTIVES) {
    const { xHat, certified } = await byStructure(view, plain(objective));
    assertEquals([certified, exact(xHat!, SQUARE)], [false, false]);
    assertLess(worstViolation(buildLp(view, plain("published")), xHat!), 1e-6);
  }
});

Deno.test("solveExact(fast) proves the z1 of another W1 infeasible", async () => {
  for (const hidden of [1, 20, 60, 64, 80]) {
    const view = plantedView(SQUARE, { hidden, seed: 1, weightSeed: 2 });
    if (hidden === 1) view.z1[0] = 1e9; // one equation is rarely contradictory by chance
    for (const objective of OBJECTIVES) {
      const { status, xHat } = await byStructure(view, plain(objective));
      assertEquals([objective, hidden, status, xHat], [objective, hidden, "infeasible", null]);
    }
  }
  // Repeated rows that disagree: rank 20, no only solution to look at.
  const { W1, z1, scaleBits, shape } = plantedView(SQUARE, { hidden: 20 });
  const many = (change: number) =>
    serverView({
      W1: [0, 1, 2, 3].flatMap(() => [...W1]),
      z1: [0, 1, 2, 3].flatMap((k) => [...z1.map((z) => z + (k === 3 ? change : 0))]),
      shape,
      scaleBits,
    });
  assertEquals((await byStructure(many(5), plain("tv"))).status, "infeasible");
  assertEquals((await byStructure(many(0), plain("tv"))).status, "optimal");
});

Deno.test("solveExact(fast) agrees with solveExact(highs) on which programs with rules have a solution", async () => {
  // Corners of black that step up by d: one more than 25 breaks a rule, once the equations are enough.
  const corners = (d: number) =>
    Uint8Array.from({ length: 64 }, (_, p) => [9, 20, 36, 54].includes(p) ? d : 0);
  const seen = new Set<string>();
  for (const input of [{ period: 2 }, { period: 4, wrapEdges: true }, { border: true }]) {
    const priors = checkedPriors({ objective: "published", ...input });
    for (const d of [25, 26, 60]) {
      for (const hidden of [16, 31, 33, 44, 60, 63, 64, 80]) {
        const view = plantedView(corners(d), { hidden, seed: hidden });
        const [fast, slow] = await Promise.all([byStructure, byHighs].map((s) => s(view, priors)));
        assertEquals(fast.status, slow.status, `${d}, ${hidden}, ${JSON.stringify(input)}`);
        seen.add(fast.status);
        if (fast.xHat !== null) {
          assertLess(worstViolation(buildLp(view, priors), fast.xHat), 1e-7);
          if (hidden >= 63) assert(exact(fast.xHat, corners(d)));
        }
      }
    }
  }
  assertEquals([...seen].sort(), ["infeasible", "optimal"]);
});

Deno.test("solveExact(fast) refuses the only solution of the equations where it breaks a rule", async () => {
  for (const hidden of [64, 80]) {
    const view = plantedView(SQUARE, { hidden });
    const ruled = await byStructure(view, checkedPriors({ objective: "published", period: 2 }));
    assertEquals([ruled.status, ruled.xHat], ["infeasible", null]);
    assertEquals((await byStructure(view, plain("published"))).certified, true);
  }
});

Deno.test("solveExact(fast) handles one unit, more units than pixels, a zero row and a constant image", async () => {
  const one = plantedView(SQUARE, { hidden: 1 });
  assertEquals((await byStructure(one, plain("tv-sum"))).status, "optimal");
  for (const objective of OBJECTIVES) {
    for (const hidden of [64, 80]) {
      const { xHat, certified } = await byStructure(
        plantedView(SQUARE, { hidden }),
        plain(objective),
      );
      assertEquals([exact(xHat!, SQUARE), certified], [true, true]);
    }
  }
  for (const value of [0, 93, 255]) {
    const constant = new Uint8Array(64).fill(value);
    const { xHat } = await byStructure(plantedView(constant, { hidden: 20 }), plain("tv"));
    assert(exact(xHat!, constant), `${value}`);
  }
  const zeroRow = (z: number) =>
    serverView({ W1: [1, 1, 0, 0], z1: [9, z], shape: [1, 2, 1], scaleBits: 0 });
  assertEquals((await byStructure(zeroRow(0), plain("sum"))).status, "optimal");
  assertEquals((await byStructure(zeroRow(1), plain("sum"))).status, "infeasible");
});

Deno.test("solveExact(fast) treats channels apart", async () => {
  const colour = Uint8Array.from({ length: 5 * 4 * 3 }, (_, at) => [200, 0, 90][at % 3]);
  const view = plantedView(colour, { hidden: 20, shape: [5, 4, 3] });
  assert(exact((await byStructure(view, plain("tv"))).xHat!, colour));
});

Deno.test("solveExact(fast) applies the rules channel by channel, and the border rule to their sum", async () => {
  // Red varies, green steps; period 1 bounds both, the border rule their sum with blue.
  const shape: [number, number, number] = [5, 4, 3];
  const colour = (step: number) =>
    Uint8Array.from({ length: 60 }, (_, at) => {
      const [p, k] = [Math.floor(at / 3), at % 3];
      return k === 0 ? 100 + 5 * (p % 4) : k === 1 && p >= 12 ? step : 90;
    });
  const seen = new Set<string>();
  for (const input of [{ period: 1 }, { period: 2 }, { border: true }]) {
    const priors = checkedPriors({ objective: "published", ...input });
    for (const hidden of [20, 57]) {
      for (const step of [110, 150, 250]) {
        const view = plantedView(colour(step), { hidden, shape });
        const { status, xHat } = await byStructure(view, priors);
        assertEquals(status, (await byHighs(view, priors)).status);
        if (xHat !== null) assertLess(worstViolation(buildLp(view, priors), xHat), 1e-7);
        seen.add(status);
      }
    }
  }
  assertEquals([...seen].sort(), ["infeasible", "optimal"]);
});

Deno.test("solveExact(fast) ends at its time limit and when told to, without an image", async () => {
  const view = plantedView(SQUARE, { hidden: 20 });
  const late = await byStructure(view, plain("tv"), { timeLimitS: 1e-9 });
  assertEquals([late.status, late.xHat], ["time-limit", null]);
  let asked = 0;
  const told = await byStructure(view, plain("tv"), { stopped: () => ++asked > 2 });
  assertEquals([told.status, told.xHat], ["aborted", null]);
  await assertRejects(() => byStructure(view, plain("tv"), { timeLimitS: 0 }), RangeError, "0 s");
});
