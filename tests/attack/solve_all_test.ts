import { assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { solveFast } from "lib/attack/fast.ts";
import { solveLp } from "lib/attack/highs.ts";
import { OBJECTIVES, type Priors } from "lib/attack/priors.ts";
import { solveAll } from "lib/attack/solve_all.ts";
import { plain, plantedView, SQUARE } from "./fixtures.ts";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted";
const view = plantedView(SQUARE, { hidden: 30 });
const contradictory = plantedView(SQUARE, { hidden: 30, weightSeed: 2 });

Deno.test({
  name:
    "solveAll() gives what the solvers give in this thread, in order, for any number of Workers",
  ignore,
  async fn() {
    const jobs = [view, contradictory].flatMap((view) =>
      OBJECTIVES.map((objective) => ({ view, priors: plain(objective) }))
    );
    for (const [solver, solve] of [["highs", solveLp], ["fast", solveFast]] as const) {
      const expected = await Promise.all(jobs.map(({ view, priors }) => solve(view, priors)));
      for (const workers of [1, 3]) {
        const recoveries = await solveAll(jobs, { workers, solver });
        const plainly = (list: typeof recoveries) =>
          list.map(({ status, objective, xHat }) => ({ status, objective, xHat }));
        assertEquals(plainly(recoveries), plainly(expected));
      }
    }
  },
});

Deno.test({
  name: "solveAll() rejects promptly with the signal's reason when aborted",
  ignore,
  async fn() {
    const wide = plantedView(new Uint8Array(784).map((_, p) => (p * 37) % 256), {
      hidden: 500,
      shape: [28, 28, 1],
    });
    const signal = AbortSignal.timeout(100);
    const start = performance.now();
    const jobs = [1, 2, 3].map(() => ({ view: wide, priors: plain("tv") }));
    await assertRejects(
      () => solveAll(jobs, { workers: 2, signal }),
      DOMException,
      "due to timeout",
    );
    assertLess(performance.now() - start, 5000);
  },
});

Deno.test({
  name: "solveAll() turns a job that throws in its Worker into an error and solves the others",
  ignore,
  async fn() {
    const broken = { view: { ...view, W1: null } as unknown as typeof view, priors: plain("tv") };
    const [bad, good] = await solveAll([broken, { view, priors: plain("tv") }], { workers: 1 });
    assertEquals([bad.status, bad.xHat, good.status], ["error", null, "optimal"]);
    assertStringIncludes(bad.message!, "null");
  },
});

Deno.test("solveAll() refuses a time limit that is not positive and takes no jobs for an answer", async () => {
  await assertRejects(() => solveAll([], { timeLimitS: -1 }), RangeError, "time limit -1 s");
  assertEquals(await solveAll([] as { view: typeof view; priors: Priors }[]), []);
});
