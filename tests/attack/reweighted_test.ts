import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { exact } from "lib/attack/metrics.ts";
import { noRecovery, recovery } from "lib/attack/recovery.ts";
import { reweigh, REWEIGHTINGS, solveRounds } from "lib/attack/reweighted.ts";
import { solveFast } from "lib/attack/fast.ts";
import { solveLp } from "lib/attack/highs.ts";
import { objectiveTerms } from "lib/attack/terms.ts";
import { plain, plantedView, SQUARE } from "./fixtures.ts";

const view = plantedView(SQUARE, { hidden: 20 });
const base = objectiveTerms(view, plain("reweighted"));

Deno.test("objectiveTerms() are those of TV + sum before any reweighting", () => {
  assertEquals(base, objectiveTerms(view, plain("tv-sum")));
  assertEquals([base.pixelWeights[0], base.pairWeights[0], base.pairs.length], [0.5, 1, 112]);
  assertEquals(objectiveTerms(view, plain("sum")).pairs.length, 0);
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
  for (const solve of [solveLp, solveFast]) {
    const once = await solve(few, plain("tv-sum"));
    assertEquals([once.status, exact(once.xHat!, SQUARE)], ["optimal", false]);
    const { status, xHat, consistent } = await solve(few, plain("reweighted"));
    assertEquals([status, exact(xHat!, SQUARE), consistent], ["optimal", true, true]);
  }
});

Deno.test("solveRounds() stops at an image that fits, at the last round, and when a round is cut short", async () => {
  const details = { objective: "reweighted", elapsedMs: 0 } as const;
  const grey = () => recovery(view, new Float64Array(64).fill(100), details);
  const right = () => recovery(view, Float64Array.from(SQUARE), details);
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
  const cut = await run((round) =>
    round === 1 ? noRecovery("aborted", "reweighted", details) : grey()
  );
  assertEquals([cut.rounds, cut.status, cut.xHat], [2, "aborted", null]);
  const failed = await run((round) =>
    round === 1 ? noRecovery("error", "reweighted", details) : grey()
  );
  const open = await run((round) =>
    round === 1 ? noRecovery("undecided", "reweighted", details) : grey()
  );
  assertEquals([open.rounds, open.status], [2, "optimal"]);
  assertEquals([failed.rounds, failed.status], [2, "optimal"]);
  const none = await run(() => noRecovery("infeasible", "reweighted", details));
  assertEquals([none.rounds, none.status], [1, "infeasible"]);
  assertEquals((await run(grey, "tv")).rounds, 1);
  assert(never.xHat!.every((x) => x === 100));
});
