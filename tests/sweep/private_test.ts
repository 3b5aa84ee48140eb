import { assert, assertEquals } from "@std/assert";
import { epsilonOf } from "lib/defences/private_training.ts";
import { parseOnly, type Point, pointsOf } from "lib/sweep/grid.ts";
import { sweep } from "lib/sweep/private.ts";

const small = "images=300,epochs=1,batch=100,noise=2,sigma=2,scale=1,learningRate=4,run=0";

Deno.test("private gives a point the same row again, ε none without noise", async () => {
  const options = { seed: 1, stopped: () => false };
  const points = pointsOf(sweep, parseOnly(sweep, small))
    .map((point): Point => ({ ...point, dataset: "mnist" })); // which comes with the install
  assertEquals(points.map(({ reader }) => reader), ["model", "server"]);
  const { seconds: _, ...row } = await sweep.run(points[1], options);
  const { seconds: _again, ...again } = await sweep.run(points[1], options);
  assertEquals(again, row);
  assert(Number(row.epsilon) > 0);
  const { epsilon } = await sweep.run({ ...points[0], noise: 0 }, options);
  assertEquals(epsilon, null);
});

Deno.test("the full points of private keep ε below 8", () => {
  for (const point of pointsOf(sweep).filter(({ images, noise }) => images === 60_000 && noise)) {
    const epsilon = epsilonOf(point as never, 60_000);
    assert(epsilon < 8 && epsilon > 7.5, JSON.stringify(point));
  }
});
