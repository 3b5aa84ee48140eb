import { byHighs, byStructure, plain, plantedView, SQUARE, SQUARE_SHAPE } from "../fixtures.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { exact } from "lib/attack/metrics.ts";
import { costTerms } from "lib/attack/priors.ts";
import { noRecovery, recovery } from "lib/attack/recovery.ts";
import { reweigh, REWEIGHTINGS, solveIndependent, solveRounds } from "lib/attack/solvers/exact.ts";
import { type ServerView, serverView } from "lib/attack/view.ts";

const view = plantedView(SQUARE, { hidden: 20 });
const base = costTerms(view, plain("reweighted"));

Deno.test("costTerms() are those of TV + sum before any reweighting", () => {
  assertEquals(base, costTerms(view, plain("tv-sum")));
  assertEquals([base.pixelWeights[0], base.pairWeights[0], base.pairs.length], [0.5, 1, 112]);
  assertEquals(costTerms(view, plain("sum")).pairs.length, 0);
});

Deno.test("reweigh() costs ε / (|term| + ε), ε = 60·0.6^round", () => {
  const { pixelWeights, pairWeights } = reweigh(base, SQUARE, 0);
  assertEquals([pixelWeights[0], pairWeights[0]], [0.5, 1]);
  assertAlmostEquals(pixelWeights[18], 0.5 * 60 / 260, 1e-12);
  const jump = base.pairs.findIndex(([a, b]) => a === 17 && b === 18);
  assertAlmostEquals(pairWeights[jump], 60 / 260, 1e-12);
  assertAlmostEquals(reweigh(base, SQUARE, 2).pairWeights[jump], 21.6 / 221.6, 1e-12);
});

Deno.test("reweighting recovers from fewer equations than TV + sum, with either solver", async () => {
  const hidden = 13;
  const few = plantedView(SQUARE, { hidden });
  for (const solve of [byHighs, byStructure]) {
    const once = await solve(few, plain("tv-sum"));
    assertEquals([once.status, exact(once.xHat!, SQUARE)], ["optimal", false]);
    const { status, xHat, consistent } = await solve(few, plain("reweighted"));
    assertEquals([status, exact(xHat!, SQUARE), consistent], ["optimal", true, true]);
  }
});

Deno.test("solveRounds() stops at an image that fits, at the last round, and when a round is cut short", async () => {
  const grey = () => recovery(view, new Float64Array(64).fill(100), "reweighted");
  const right = () => recovery(view, Float64Array.from(SQUARE), "reweighted");
  const run = async (
    answer: (round: number) => ReturnType<typeof grey>,
    objective = "reweighted",
  ) => {
    let rounds = 0;
    const last = await solveRounds(view, plain(objective as "tv"), () => answer(rounds++));
    return { rounds, ...last };
  };
  const never = await run(grey);
  assertEquals([never.rounds, never.consistent], [REWEIGHTINGS + 1, false]);
  const second = await run((round) => round === 1 ? right() : grey());
  assertEquals([second.rounds, second.consistent], [2, true]);
  const cut = await run((round) => round === 1 ? noRecovery("aborted", "reweighted") : grey());
  assertEquals([cut.rounds, cut.status, cut.xHat], [2, "aborted", null]);
  const failed = await run((round) => round === 1 ? noRecovery("error", "reweighted") : grey());
  const open = await run((round) => round === 1 ? noRecovery("undecided", "reweighted") : grey());
  assertEquals([open.rounds, open.status], [2, "optimal"]);
  assertEquals([failed.rounds, failed.status], [2, "optimal"]);
  const none = await run(() => noRecovery("infeasible", "reweighted"));
  assertEquals([none.rounds, none.status], [1, "infeasible"]);
  assertEquals((await run(grey, "tv")).rounds, 1);
  assert(never.xHat!.every((x) => x === 100));
});

/** 40 combinations of 25 equations. */
function dependent(): ServerView {
  const { W1, z1, n } = plantedView(SQUARE, { hidden: 25 });
  const rows = Array.from(
    { length: 40 },
    (_, row) => row < 25 ? [[row, 1]] : [[row - 25, 3], [row - 20, -2]],
  );
  const combined = rows.flatMap((parts) =>
    Array.from({ length: n }, (_, p) => parts.reduce((sum, [k, c]) => sum + c * W1[k * n + p], 0))
  );
  const sums = rows.map((parts) => parts.reduce((sum, [k, c]) => sum + c * z1[k], 0));
  return serverView({ W1: combined, z1: sums, shape: SQUARE_SHAPE, scaleBits: 8 });
}

Deno.test("solveIndependent() hands the solver only the equations that say something new", async () => {
  let seen = 0;
  const found = await solveIndependent(dependent(), { rank: 25, objective: "tv" }, async (view) => {
    seen = view.hidden;
    return await byStructure(view, plain("tv"));
  });
  assertEquals([seen, found!.status, exact(found!.xHat!, SQUARE)], [25, "optimal", true]);
  assertEquals(found!.certificate!.rank, 25);
});

Deno.test("solveIndependent() proves equations contradictory whose sums are off by one", async () => {
  const view = dependent();
  view.z1[39] += 1;
  for (const solve of [byStructure, byHighs]) {
    assertEquals((await solve(view, plain("tv"))).status, "infeasible");
  }
});

Deno.test("solveIndependent() leaves full rank, and rows that are only nearly dependent, alone", async () => {
  const fail = () => Promise.reject(new Error("called"));
  assertEquals(
    await solveIndependent(
      plantedView(SQUARE, { hidden: 25 }),
      { rank: 25, objective: "tv" },
      fail,
    ),
    null,
  );
  const W1 = [1_500_000, 1_500_001, 1_499_999, 1_500_000];
  const view = serverView({ W1, z1: [3, 3], shape: [1, 2, 1], scaleBits: 0 });
  assertEquals(await solveIndependent(view, { rank: 1, objective: "tv" }, fail), null);
});
