import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { fromEpochs } from "lib/attack/training/epochs.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { madeView, rectangle } from "./made_view.ts";

const images = Array.from({ length: 6 }, (_, k) => rectangle(k));
const batches = Array.from({ length: 20 }, (_, t) => t % 2 === 0 ? [0, 1, 2] : [3, 4, 5]);
const view = madeView(images, batches, { units: 5 });
const truth = images.flatMap((x) => [...x]);

Deno.test("fromEpochs() is exact by linear algebra once the visits have the rank of the live pixels", async () => {
  const found = await fromEpochs(view, { prior: false });
  assertEquals([found.status, [...found.samples], [...found.X!]], [
    "exact",
    [0, 1, 2, 3, 4, 5],
    truth,
  ]);
  const few = await fromEpochs(view, { prior: false, visits: 2 });
  assertEquals([few.status, few.X], ["failed", null]);
  assert(few.message.includes("too few independent equations for 6 samples, from 0 on"));
});

Deno.test("fromEpochs() needs fewer visits under the prior, and says which images solve the equations", async () => {
  const found = await fromEpochs(view, { visits: 4 });
  assertEquals([found.status, [...found.X!]], ["exact", truth]);
  assert(found.assumption.includes("little variation"));
  const one = await fromEpochs(view, { visits: 1 });
  assertEquals([one.status, one.samples.length], ["estimate", 6]);
});

Deno.test("fromEpochs() weighs noise", async () => {
  const noise = 200; // z1 is of the order of 20 000
  const steps = view.steps.map((step, t) => {
    const drawn = gaussian(seededRng(t), step.z1.length);
    return { ...step, z1: Float64Array.from(step.z1, (z, at) => z + noise * drawn[at]) };
  });
  const off = async (options: Parameters<typeof fromEpochs>[1]) => {
    const { X } = await fromEpochs({ ...view, steps }, options);
    return Math.hypot(...X!.map((v, at) => v - truth[at])) / Math.sqrt(truth.length);
  };
  const [met, weighed, linear] = [
    await off({ visits: 8 }),
    await off({ visits: 8, noise }),
    await off({ visits: 8, noise, prior: false }),
  ];
  assertLess(weighed, met);
  assertLess(weighed, linear);
  assertLess(weighed, 12); // grey levels
});

Deno.test("fromEpochs() refuses a view without W1 or names, noise and visits that are none, and stops", async () => {
  const changed = (part: object) => ({
    ...view,
    steps: view.steps.map((step, t) => t === 1 ? { ...step, ...part } : step),
  });
  await assertRejects(() => fromEpochs(changed({ W1: null })), TypeError, "step 1 has no W1");
  await assertRejects(
    () => fromEpochs(changed({ samples: null })),
    TypeError,
    "does not name them",
  );
  await assertRejects(() => fromEpochs(view, { noise: -1 }), RangeError, "noise -1");
  for (const visits of [0, 1.5]) {
    await assertRejects(() => fromEpochs(view, { visits }), RangeError, `${visits} visits`);
  }
  const signal = AbortSignal.abort(new Error("stopped"));
  await assertRejects(() => fromEpochs(view, { signal }), Error, "stopped");
});
