import { assertEquals } from "@std/assert";
import { solveIndependent } from "lib/attack/dependent.ts";
import { solveFast } from "lib/attack/fast.ts";
import { solveLp } from "lib/attack/highs.ts";
import { exact } from "lib/attack/metrics.ts";
import { type ServerView, serverView } from "lib/attack/view.ts";
import { plain, plantedView, SQUARE, SQUARE_SHAPE } from "./fixtures.ts";

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
  const found = await solveIndependent(dependent(), 25, "tv", async (view) => {
    seen = view.hidden;
    return await solveFast(view, plain("tv"));
  });
  assertEquals([seen, found!.status, exact(found!.xHat!, SQUARE)], [25, "optimal", true]);
  assertEquals(found!.certificate!.rank, 25);
});

Deno.test("solveIndependent() proves equations contradictory whose sums are off by one", async () => {
  const view = dependent();
  view.z1[39] += 1;
  for (const solve of [solveFast, solveLp]) {
    assertEquals((await solve(view, plain("tv"))).status, "infeasible");
  }
});

Deno.test("solveIndependent() leaves full rank, and rows that are only nearly dependent, alone", async () => {
  const fail = () => Promise.reject(new Error("called"));
  assertEquals(await solveIndependent(plantedView(SQUARE, { hidden: 25 }), 25, "tv", fail), null);
  const W1 = [1_500_000, 1_500_001, 1_499_999, 1_500_000];
  const view = serverView({ W1, z1: [3, 3], shape: [1, 2, 1], scaleBits: 0 });
  assertEquals(await solveIndependent(view, 1, "tv", fail), null);
});
