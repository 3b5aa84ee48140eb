import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { leastSquares } from "lib/attack/solvers/least_squares.ts";
import { exact } from "lib/attack/metrics.ts";
import { serverView } from "lib/attack/view.ts";
import { plantedView, SQUARE } from "../fixtures.ts";

Deno.test("leastSquares() gives the minimum-norm solution", () => {
  // x0 + 2·x1 = 10: the shortest solution is (2, 4).
  const view = serverView({ W1: [1, 2], z1: [10], shape: [1, 2, 1], scaleBits: 0 });
  const { status, xHat, objective } = leastSquares(view);
  assertEquals([status, objective], ["optimal", "least-squares"]);
  assertAlmostEquals(xHat![0], 2, 1e-6);
  assertAlmostEquals(xHat![1], 4, 1e-6);
});

Deno.test("leastSquares() recovers the image from as many equations as pixels or more, not from fewer", () => {
  const recovered = [40, 64, 80].map((hidden) =>
    exact(leastSquares(plantedView(SQUARE, { hidden })).xHat!, SQUARE)
  );
  assertEquals(recovered, [false, true, true]);
});

Deno.test("leastSquares() stays within the pixel range and survives repeated rows", () => {
  const view = plantedView(SQUARE, { hidden: 40 });
  const repeated = serverView({
    ...view,
    W1: [...view.W1, ...view.W1.subarray(0, 64)],
    z1: [...view.z1, view.z1[0]],
  });
  const { xHat } = leastSquares(repeated);
  assert(xHat!.every((x) => x >= 0 && x <= 255));
  const once = leastSquares(view).xHat!;
  xHat!.forEach((x, p) => assertAlmostEquals(x, once[p], 1e-4));
});

Deno.test("leastSquares() reports a W1 of zeros as an error", () => {
  const view = serverView({ W1: [0, 0], z1: [0], shape: [1, 2, 1], scaleBits: 0 });
  const { status, xHat } = leastSquares(view);
  assertEquals([status, xHat], ["error", null]);
});
