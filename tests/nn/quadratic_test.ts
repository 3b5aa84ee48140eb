import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { accuracyOf, dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { largestOf, quadraticInputs, quadraticScores, trainQuadratic } from "lib/nn/quadratic.ts";

/** 3 × 3 images whose class says whether the first and last pixel are alike: no linear classifier can tell. */
const alike = (seed: number, count = 400) => {
  const x = seededRng(seed).bytes(9 * count).map((v) => v < 128 ? 0 : 255);
  const y = Uint8Array.from({ length: count }, (_, i) => Number(x[9 * i] === x[9 * i + 8]));
  return dataset({ name: "alike", x, y, shape: [3, 3, 1], classes: ["no", "yes"] });
};

Deno.test("quadraticScores() is xᵀF_k x in exact integers", () => {
  const [P, D] = [Int32Array.of(1, 0, -2, 3, 1, 1), Int32Array.of(1, 2, -1, 15)];
  const net = { length: 3, classes: 2, P, D };
  // h = (7, −9), (−14, 30)
  assertEquals([...quadraticScores(net, Uint8Array.of(15, 0, 4, 0, 15, 7, 0, 0, 0))], [
    ...[49 + 2 * 49 ** 2, -49 + 15 * 49 ** 2],
    ...[196 + 2 * 22 ** 2, -196 + 15 * 22 ** 2],
    ...[0, 0],
  ]);
  assertThrows(() => quadraticScores(net, new Uint8Array(4)), TypeError, "not whole inputs of 3");
  assertEquals([...largestOf(Float64Array.of(1, 2, 5, -7), 2)], [1, 0]);
});

Deno.test("quadraticInputs() rounds to 4 bits and ends each image with 15", () => {
  const x = Uint8Array.of(0, 8, 9, 255, 246, 247);
  assertEquals([...quadraticInputs({ x, n: 3, count: 2 })], [0, 0, 1, 15, 15, 14, 15, 15]);
});

Deno.test("trainQuadratic() learns what no linear classifier can, in integers of 5 bits, the same from the same seed", async () => {
  const run = { projections: 8, epochs: 150 };
  const net = await trainQuadratic(alike(1), { ...run, rng: seededRng(1) });
  assertEquals([net.length, net.classes, net.P.length, net.D.length], [10, 2, 80, 16]);
  for (const weights of [net.P, net.D]) {
    assertEquals(weights.reduce((most, value) => Math.max(most, Math.abs(value)), 0), 15);
  }
  const test = alike(2);
  const scores = quadraticScores(net, quadraticInputs(test));
  assert(accuracyOf(largestOf(scores, 2), test.y) > 0.97);
  const short = { ...run, epochs: 3 };
  assertEquals(
    await trainQuadratic(alike(1), { ...short, rng: seededRng(1) }),
    await trainQuadratic(alike(1), { ...short, rng: seededRng(1) }),
  );
});

Deno.test("trainQuadratic() refuses sizes that are none, and stops", async () => {
  const refuses = (projections: number, epochs: number, message: string) =>
    assertRejects(() => trainQuadratic(alike(1), { projections, epochs }), RangeError, message);
  await refuses(0, 1, "projections = 0 is not a positive integer");
  await refuses(1, 0.5, "epochs = 0.5 is not a positive integer");
  const signal = AbortSignal.abort(new Error("stopped"));
  await assertRejects(
    () => trainQuadratic(alike(1), { projections: 1, epochs: 1, signal }),
    Error,
    "stopped",
  );
});
