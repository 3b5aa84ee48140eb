import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError } from "lib/data/dataset.ts";
import { attackGradients, GradientStudy } from "lib/study/gradients.ts";
import { SQUARES } from "./fixtures.ts";

Deno.test("attackGradients() gives a batch no larger than the layer exactly", async () => {
  const counts: number[] = [];
  const onProgress = (done: number) => counts.push(done);
  const study = await attackGradients({
    ...{ images: SQUARES, hidden: 12, batch: 4, seeds: [1, 2, 3], onProgress },
  });
  assertEquals(counts, [1, 2, 3]);
  assertEquals([study.exact.successes, study.exact.n, study.solvedIsPrivate], [12, 12, true]);
  assertEquals(study.table("t").rows, [[1, 4, "yes", 4], [2, 4, "yes", 4], [3, 4, "yes", 4]]);
  assertEquals(study.steps[1].batch.x, SQUARES.x.subarray(4 * 144, 8 * 144)); // images of its own
  assertEquals(study.grid("g", "t", 3).name, "g");
});

Deno.test("attackGradients() has no solution to offer for a batch larger than the layer", async () => {
  const study = await attackGradients({ images: SQUARES, hidden: 3, batch: 12, seeds: [1] });
  assertEquals([study.exact.successes, study.steps[0].solves], [0, false]);
  assert(study.solvedIsPrivate); // nothing was claimed to be solved
  assertEquals(study.grid("g", "t").name, "g");
});

Deno.test("solvedIsPrivate sees a batch that solves the equations and is another", async () => {
  const { steps } = await attackGradients({ images: SQUARES, hidden: 12, batch: 4, seeds: [1] });
  assert(!new GradientStudy([{ ...steps[0], exact: 3 }]).solvedIsPrivate);
});

Deno.test("attackGradients() refuses more batches than there are images", async () => {
  const options = { images: SQUARES, hidden: 12, batch: 12, seeds: [1, 2] };
  await assertRejects(() => attackGradients(options), DataError);
});
