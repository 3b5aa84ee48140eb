import { assert, assertEquals, assertRejects } from "@std/assert";
import { firstImages } from "lib/data/dataset.ts";
import { frontierRow, sweep } from "lib/sweep/frontier.ts";
import { pointsOf, seedOf } from "lib/sweep/grid.ts";
import { stripes } from "../defences/fixtures.ts";

Deno.test("frontierRow() measures on pixels what was trained on other features", async () => {
  const images = { train: stripes(1200, 1), test: stripes(100, 2) };
  const setting = { scheme: "mitig3", sigma: 0.3, learningRate: 0.01, epochs: 1 } as const;
  const row = await frontierRow(images, images, setting, { seed: 3 });
  assert(row.accuracy > 0.5 && row.floor > 0 && row.k1000! <= 1.05 * row.floor);
  assertEquals(row.k10000, null); // there are not so many
  const mitig2 = { ...setting, scheme: "mitig2", learningRate: 0.5 } as const;
  const open = await frontierRow(images, images, mitig2, { seed: 3 });
  assert(open.part > row.part && open.k1000! < row.k1000!);
  const fewer = { ...images, train: firstImages(images.train, 1000) };
  await assertRejects(
    () => frontierRow(fewer, images, setting, { seed: 3 }),
    TypeError,
    "1200 images",
  );
});

Deno.test("the points of frontier: seeds by run alone, so that ways to train meet the same draws", () => {
  const points = pointsOf(sweep);
  const seeds = (run: number) =>
    new Set(points.filter((point) => point.run === run).map((point) => seedOf(sweep, point)));
  assertEquals([seeds(0).size, seeds(1).size], [1, 1]);
  assert(points.some(({ images }) => images === 2000)); // the small one
});
