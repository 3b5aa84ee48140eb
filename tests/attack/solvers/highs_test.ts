import { assert, assertAlmostEquals, assertEquals, assertLess, assertRejects } from "@std/assert";
import { buildLp } from "lib/attack/lp_model.ts";
import { checkedPriors, OBJECTIVES } from "lib/attack/priors.ts";
import { consistent } from "lib/attack/recovery.ts";
import { exact } from "lib/attack/metrics.ts";
import { serverView } from "lib/attack/view.ts";
import { highsRuntime } from "lib/attack/solvers/highs.ts";
import {
  byHighs,
  plain,
  plantedView,
  SQUARE,
  totalVariation,
  worstViolation,
} from "../fixtures.ts";
import oracle from "../oracle.json" with { type: "json" };

const shape = oracle.shape as [number, number, number];

Deno.test("solveExact(highs) reaches the optimum that SciPy finds, for every objective and period", async () => {
  const view = serverView({ W1: oracle.W1, z1: oracle.z1, shape, scaleBits: 4 });
  for (const { objective: name, period, status, value } of oracle.optima) {
    const objective = OBJECTIVES.find((known) => known === name)!;
    const recovery = await byHighs(view, checkedPriors({ objective, period }));
    assertEquals(recovery.status, status);
    const sum = recovery.xHat!.reduce((total, x) => total + x);
    const tv = totalVariation(recovery.xHat!, shape);
    const reached = { published: 0, sum, tv, "tv-sum": tv + sum / 2, reweighted: NaN }[objective];
    assertAlmostEquals(reached, value, 1e-3, `${name}, period ${period}: ${reached} ≠ ${value}`);
  }
});

Deno.test("solveExact(highs) recovers a planted image with each objective, where least squares cannot", async () => {
  for (const [objective, hidden] of [["sum", 40], ["tv", 32], ["tv-sum", 28]] as const) {
    const view = plantedView(SQUARE, { hidden });
    const { status, xHat } = await byHighs(view, plain(objective));
    assertEquals([status, exact(xHat!, SQUARE), consistent(view, xHat!)], ["optimal", true, true]);
  }
});

Deno.test("solveExact(highs) with no objective needs nearly as many units as pixels", async () => {
  const [few, many] = await Promise.all(
    [28, 60].map((hidden) => byHighs(plantedView(SQUARE, { hidden }), plain("published"))),
  );
  assertEquals([exact(few.xHat!, SQUARE), exact(many.xHat!, SQUARE)], [false, true]);
});

Deno.test("solveExact(highs) never returns what does not solve the equations", async () => {
  const view = plantedView(SQUARE, { hidden: 20 });
  for (const objective of OBJECTIVES) {
    const { xHat } = await byHighs(view, plain(objective));
    const lp = buildLp(view, plain("published"));
    assertLess(worstViolation(lp, xHat!), 1e-6);
    assert(xHat!.every((x) => x >= 0 && x <= 255));
  }
});

Deno.test("solveExact(highs) reports the z1 of another W1 as infeasible", async () => {
  for (const hidden of [20, 64, 80]) { // fewer, as many, more equations than pixels
    const view = plantedView(SQUARE, { hidden, seed: 1, weightSeed: 2 });
    for (const objective of OBJECTIVES) {
      const { status, xHat } = await byHighs(view, plain(objective));
      assertEquals([objective, hidden, status, xHat], [objective, hidden, "infeasible", null]);
    }
  }
});

Deno.test("solveExact(highs) reports the published rule as infeasible when it excludes the only solution", async () => {
  // The square's edges jump by 200, the rule allows 25, and 64 equations leave no other image.
  const view = plantedView(SQUARE, { hidden: 64 });
  const { status, xHat } = await byHighs(
    view,
    checkedPriors({ objective: "published", period: 2 }),
  );
  assertEquals([status, xHat], ["infeasible", null]);
});

Deno.test("solveExact(highs) obeys a feasible neighbour rule at the cost of the truth", async () => {
  const view = plantedView(SQUARE, { hidden: 12 });
  const priors = checkedPriors({ objective: "tv-sum", period: 4 });
  const { status, xHat } = await byHighs(view, priors);
  assertEquals([status, exact(xHat!, SQUARE)], ["optimal", false]);
});

Deno.test("solveExact(highs) handles one unit, more units than pixels, a zero row and a constant image", async () => {
  const one = plantedView(SQUARE, { hidden: 1 });
  assertEquals((await byHighs(one, plain("tv-sum"))).status, "optimal");
  for (const objective of OBJECTIVES) {
    const wide = plantedView(SQUARE, { hidden: 80 });
    assert(exact((await byHighs(wide, plain(objective))).xHat!, SQUARE), objective);
  }
  for (const value of [0, 93, 255]) {
    const constant = new Uint8Array(64).fill(value);
    const { xHat } = await byHighs(plantedView(constant, { hidden: 20 }), plain("tv"));
    assert(exact(xHat!, constant), `${value}`);
  }
  const zeroRow = (z: number) =>
    serverView({ W1: [1, 1, 0, 0], z1: [9, z], shape: [1, 2, 1], scaleBits: 0 });
  assertEquals((await byHighs(zeroRow(0), plain("sum"))).status, "optimal");
  assertEquals((await byHighs(zeroRow(1), plain("sum"))).status, "infeasible");
});

Deno.test("solveExact(highs) treats channels apart", async () => {
  const colour = Uint8Array.from({ length: 4 * 4 * 3 }, (_, at) => [200, 0, 90][at % 3]);
  const view = plantedView(colour, { hidden: 20, shape: [4, 4, 3] });
  assert(exact((await byHighs(view, plain("tv"))).xHat!, colour));
});

Deno.test("solveExact(highs) ends at its time limit without an image", async () => {
  const view = plantedView(SQUARE, { hidden: 20 });
  const { status, xHat } = await byHighs(view, plain("published"), { timeLimitS: 1e-9 });
  assertEquals([status, xHat], ["time-limit", null]);
  await assertRejects(() => byHighs(view, plain("tv"), { timeLimitS: 0 }), RangeError, "0 s");
});

Deno.test("solveExact(highs) gives up between two iterations when told to", async () => {
  const view = plantedView(SQUARE, { hidden: 20 });
  for (const objective of OBJECTIVES) {
    let asked = 0;
    const { status, xHat } = await byHighs(view, checkedPriors({ objective, period: 9 }), {
      stopped: () => ++asked > 2, // once before the method starts, then within it
    });
    assertEquals([status, xHat, asked], ["aborted", null, 3]);
  }
});

Deno.test("solveExact(highs) keeps its memory flat over many solves", async () => {
  const dark = new Uint8Array(256).fill(255, 100, 108);
  const view = plantedView(dark, { hidden: 150, shape: [16, 16, 1] });
  const solve = async (times: number) => {
    for (let k = 0; k < times; k++) await byHighs(view, plain("sum"));
    return (await highsRuntime()).memoryBytes;
  };
  const before = await solve(5);
  assertEquals(await solve(60), before);
});

Deno.test("solveExact(highs) asks simplex again where a claim of infeasibility has no proof", async () => {
  // Determinant 1: (255, 0) is the only solution, and an interior point method sees none.
  for (const [size, x, objective] of [[15_000, [255, 0], "sum"], [100, [12, 34], "tv"]] as const) {
    const W1 = [size, size + 1, size - 1, size];
    const z1 = [W1[0] * x[0] + W1[1] * x[1], W1[2] * x[0] + W1[3] * x[1]];
    const view = serverView({ W1, z1, shape: [1, 2, 1], scaleBits: 0 });
    const { status, xHat } = await byHighs(view, plain(objective));
    assertEquals([size, status, xHat && [...xHat].map(Math.round)], [size, "optimal", [...x]]);
  }
});

Deno.test("solveExact(highs) takes the published program's interior point, as the authors do, not a corner", async () => {
  const hidden = 20;
  const { xHat } = await byHighs(plantedView(SQUARE, { hidden }), plain("published"));
  // A corner of the program has at most `hidden` pixels off their bounds.
  assertLess(2 * hidden, xHat!.filter((x) => x > 0.01 && x < 254.99).length);
});
