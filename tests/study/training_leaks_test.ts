import { assert, assertEquals, assertLess } from "@std/assert";
import { fromGradients } from "lib/attack/training/gradient.ts";
import { dataset, firstImages, poolImages } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import {
  firstSteps,
  heldBy,
  record,
  recoveredGrid,
  rounded,
  roundings,
} from "lib/study/training_leaks.ts";
import { coarseGradients, largeBatches, visitsNeeded } from "lib/study/training_leaks_batches.ts";
import { manyVisits, noisyVisits, withNoise } from "lib/study/training_leaks_epochs.ts";
import { SQUARES } from "./fixtures.ts";

const small = firstImages(poolImages(SQUARES, 6), 6); // 2 × 2 pixels

Deno.test("record() has the same view from ciphertexts as in the clear, and only the steps that are kept", async () => {
  const run = { hidden: 4, batch: 3, steps: 3, insecureSeed: 1 };
  const encrypted = await record(small, { ...run, workers: 1 });
  const clear = await record(small, run);
  assertEquals(encrypted.view, clear.view);
  assert(encrypted.transcript !== undefined && clear.transcript === undefined);
  assertEquals(clear.view.steps.map(({ samples }) => [...samples!]), [[0, 1, 2], [3, 4, 5], [
    0,
    1,
    2,
  ]]);
  const last = await record(small, { ...run, keep: (step) => step === 1 });
  assertEquals(last.view.steps, clear.view.steps.slice(1, 2));
  const held = heldBy(await fromGradients(encrypted.view, { prior: false }), encrypted);
  assertEquals([held.exact.successes, held.mse, held.psnr], [6, 0, 120]);
});

Deno.test("firstSteps() takes images of its own for each seed; what is not recovered is not exact", async () => {
  const steps = await firstSteps({ images: SQUARES, hidden: 8, batch: 6, seeds: [1, 2] });
  assertEquals([steps.exact.successes, steps.exact.n, steps.fewest], [12, 12, 6]);
  const narrow = await firstSteps({ images: SQUARES, hidden: 3, batch: 6, seeds: [1] });
  assertEquals([narrow.exact.successes, narrow.exact.n], [0, 6]);
  const { view } = steps.recordings[0];
  const two = rounded(view, 2);
  const [dW1, whole] = [two.view.steps[0].dW1!, view.steps[0].dW1!];
  const far = Math.max(...Array.from(dW1, (v, at) => Math.abs(v - whole[at])));
  assert(far > 0 && far <= 0.005 + 1e-12);
  assertEquals(
    recoveredGrid(SQUARES, { found: steps.found[0] }, { name: "g", title: "t" }).name,
    "g",
  );
});

Deno.test("roundings() and coarseGradients() lose images with digits", async () => {
  const run = { images: SQUARES, hidden: 12, batch: 4, seeds: [1] };
  const found = await roundings({ ...run, decimals: [2, 6], maxIterations: 20 });
  assertLess(found.of(2).linear ?? 0, found.of(6).linear!);
  assertEquals([found.of(6).exact.rate, found.table("t").rows.length], [1, 2]);
  assertEquals(found.figure("f").name, "f");
  const coarse = await coarseGradients({
    ...{ images: SQUARES, bits: [0, 10], steps: [0, 2], hidden: 12, batch: 4, insecureSeed: 1 },
  });
  assertEquals([coarse.of(0, 0).exact.rate, coarse.of(0, 0).dead], [0, 4]);
  assertEquals([coarse.of(10, 0).exact.rate, coarse.of(10, 2).dead], [1, 0]);
  assertEquals([coarse.figure("f").name, coarse.table("t").rows.length], ["f", 4]);
});

Deno.test("largeBatches() tries what it is told; visitsNeeded() is exact from B/H visits on", async () => {
  const images = SQUARES;
  const found = await largeBatches({
    ...{ images, hidden: 8, batches: [10, 12], alone: [10], seeds: [1], maxIterations: 60 },
  });
  assert(found.of(10).gradient !== null && found.of(12).gradient === null);
  assertEquals([found.figure("f").name, found.table("t").rows.length], ["f", 3]);
  const visits = await visitsNeeded({ images, hidden: 6, batches: [12], insecureSeed: 1 });
  assertEquals(visits.rows.map(({ visits, exact }) => [visits, exact.rate]), [
    ...[[1, 0], [2, 1], [3, 1]],
  ]);
  assertEquals([visits.after(() => 1).rate, visits.table("t").rows.length], [0, 3]);
});

Deno.test("manyVisits() finds more with each visit; noisyVisits() draws its noise", async () => {
  const run = { images: SQUARES, batch: 6, maxIterations: 60 };
  const x = seededRng(5).bytes(12 * 16);
  const images = dataset({ ...SQUARES, x, shape: [4, 4, 1] });
  const found = await manyVisits({ ...run, images, visits: { 6: [1, 4] }, seeds: [1] });
  assertEquals([found.of(6, 4).linear.rate, found.of(6, 4).exact.rate], [1, 1]);
  assertEquals([found.needed(6).linear, found.shown.visits], [4, 1]);
  assertEquals([found.figure("f").name, found.table("t").rows.length], ["f", 2]);
  const noisy = await noisyVisits({
    ...run,
    hidden: 16,
    visits: 3,
    noises: [1e-3],
    insecureSeed: 1,
  });
  assertLess(noisy.of(1e-3).weighed, noisy.of(1e-3).met);
  assertEquals(noisy.figure("f").name, "f");
  const { view } = await record(small, { hidden: 3, batch: 3, steps: 1, insecureSeed: 1 });
  const [step] = withNoise(view, 2, seededRng(1)).steps;
  assert(step.z1.every((z, at) => z !== view.steps[0].z1[at]));
});
