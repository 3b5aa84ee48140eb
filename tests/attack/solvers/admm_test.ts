import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { admm, type Residuals } from "lib/attack/solvers/admm.ts";
import { buildLp } from "lib/attack/lp_model.ts";
import { exact, mse } from "lib/attack/metrics.ts";
import { checkedPriors, OBJECTIVES } from "lib/attack/priors.ts";
import { narrowView } from "lib/attack/view.ts";
import {
  byHighs,
  byStructure,
  plain,
  plantedView,
  SQUARE,
  totalVariation,
  worstViolation,
} from "../fixtures.ts";

/** A smooth image: no two pixels alike in a row. */
const SLOPE = Uint8Array.from(SQUARE, (_, p) => 10 + 3 * (p % 8) + 5 * Math.floor(p / 8));
/** The square, its negative, a slope, grey. */
const IMAGES = [SQUARE, SQUARE.map((x) => 255 - x), SLOPE, new Uint8Array(64).fill(93)];
const viewsAt = (hidden: number) => IMAGES.map((image) => plantedView(image, { hidden }));

Deno.test("admm() reaches the optimum of each image within 1e-6, for every objective", async () => {
  for (const hidden of [20, 30, 45]) {
    for (const objective of ["tv", "tv-sum"] as const) {
      const views = viewsAt(hidden);
      const recoveries = await admm(views, plain(objective));
      for (const [k, { status, xHat }] of recoveries.entries()) {
        const best = await byStructure(views[k], plain(objective));
        assertEquals(status, "optimal");
        const cost = (x: Float64Array) =>
          totalVariation(x, [8, 8, 1]) +
          (objective === "tv" ? 0 : x.reduce((sum, v) => sum + v) / 2);
        assertLess(Math.abs(cost(xHat!) - cost(best.xHat!)), 1e-3 * cost(best.xHat!) + 1);
        assertLess(worstViolation(buildLp(views[k], plain("published")), xHat!), 1e-4);
        if (best.consistent) assertLess(mse(xHat!, best.xHat!), 1e-6);
      }
    }
  }
});

Deno.test("admm() certifies what it recovers exactly, reweighting included", async () => {
  const recoveries = await admm(viewsAt(45), plain("tv-sum"));
  const right = recoveries.map(({ xHat }, k) => exact(xHat!, IMAGES[k]));
  assertEquals(recoveries.map(({ consistent }) => consistent), right);
  const certified = recoveries.map((recovery) => recovery.certified);
  assertEquals([right[0], right[3], certified[0], certified[3]], [true, true, true, true]);
  const few = [plantedView(SQUARE, { hidden: 13 })];
  const [once, again] = await Promise.all(
    (["tv-sum", "reweighted"] as const).map((objective) => admm(few, plain(objective))),
  );
  assertEquals([once[0].consistent, again[0].consistent], [false, true]);
});

Deno.test("admm() obeys the neighbour rule, or proves that it cannot", async () => {
  const priors = checkedPriors({ objective: "tv-sum", period: 4 });
  const views = [SQUARE, SLOPE].map((image) => plantedView(image, { hidden: 12 }));
  const recoveries = await admm(views, priors);
  for (const [k, { status, xHat }] of recoveries.entries()) {
    assertEquals(status, (await byHighs(views[k], priors)).status);
    const rule = checkedPriors({ objective: "published", period: 4 });
    assertLess(worstViolation(buildLp(views[k], rule), xHat!), 1e-3);
  }
  const period = checkedPriors({ objective: "published", period: 2 });
  const full = [SQUARE, SLOPE].map((image) => plantedView(image, { hidden: 60 }));
  const verdicts = await admm(full, period);
  assertEquals(verdicts.map(({ status }) => status), ["infeasible", "optimal"]);
});

Deno.test("admm() does not take the image for a solution where it breaks a rule by one grey level", async () => {
  const priors = checkedPriors({ objective: "tv-sum", period: 2 });
  for (const [d, right] of [[25, ["optimal"]], [26, ["infeasible", "time-limit"]]] as const) {
    const corners = Uint8Array.from(SQUARE, (_, p) => [9, 20, 36, 54].includes(p) ? d : 0);
    for (const hidden of [60, 62, 63]) {
      const [{ status }] = await admm([plantedView(corners, { hidden })], priors);
      assert(right.some((known) => known === status), `${d}, ${hidden}: ${status}`);
    }
  }
});

Deno.test("admm() proves the z1 of another W1 infeasible among good ones", async () => {
  for (const hidden of [20, 60, 64, 80]) {
    const good = plantedView(SQUARE, { hidden });
    const bad = { ...good, z1: plantedView(SQUARE, { hidden, seed: 2 }).z1 };
    for (const objective of OBJECTIVES) {
      const recoveries = await admm([bad, good], plain(objective));
      const statuses = recoveries.map(({ status }) => status);
      assertEquals([hidden, objective, ...statuses], [hidden, objective, "infeasible", "optimal"]);
    }
  }
});

Deno.test("admm() handles one unit, one image, more units than pixels, three channels, none", async () => {
  const one = await admm([plantedView(SQUARE, { hidden: 1 })], plain("tv"));
  assertEquals(one[0].status, "optimal");
  const wide = await admm(viewsAt(80), plain("sum"));
  assertEquals(wide.map(({ certified }) => certified), [true, true, true, true]);
  const colour = Uint8Array.from({ length: 5 * 4 * 3 }, (_, at) => [200, 0, 90][at % 3]);
  const view = plantedView(colour, { hidden: 20, shape: [5, 4, 3] });
  assert((await admm([view], plain("tv")))[0].consistent);
  assertEquals(await admm([], plain("tv")), []);
});

Deno.test("admm() reports residuals that fall, and progress", async () => {
  let seen = 0;
  const views = viewsAt(30);
  const residuals: Residuals[] = [];
  await admm(views, plain("tv"), {
    onProgress: (done) => seen = done,
    onResiduals: (state) => residuals.push(state),
  });
  assertEquals([seen, residuals[0].iteration, residuals[0].running], [4, 10, 4]);
  assertLess(residuals.at(-1)!.primal, residuals[0].primal / 10);
});

Deno.test("admm() ends at its iterations and on abort, without an image", async () => {
  const views = viewsAt(20);
  const recoveries = await admm(views, plain("tv"), { maxIterations: 10 });
  assertEquals(recoveries.map(({ status, xHat }) => [status, xHat])[2], ["time-limit", null]);
  assertStringIncludes(recoveries[2].message!, "no convergence in 10 iterations");
  const stop = new AbortController();
  const stopped = admm(views, plain("tv"), { signal: stop.signal });
  setTimeout(() => stop.abort());
  await assertRejects(() => stopped, DOMException, "aborted");
});

Deno.test("admm() refuses views of different W1, and no iterations", async () => {
  const views = [plantedView(SQUARE, { hidden: 20 }), plantedView(SQUARE, { hidden: 20, seed: 2 })];
  await assertRejects(() => admm(views, plain("tv")), TypeError, "different W1");
  const narrow = [views[0], narrowView(views[0], 10)];
  await assertRejects(() => admm(narrow, plain("tv")), TypeError, "different W1");
  await assertRejects(
    () => admm(views, plain("tv"), { maxIterations: 0 }),
    RangeError,
    "0 iterations",
  );
});
