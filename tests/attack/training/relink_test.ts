import { assert, assertEquals, assertRejects } from "@std/assert";
import { relink } from "lib/attack/training/relink.ts";
import type { TrainingView } from "lib/attack/training/view.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const [count, units, classes] = [60, 8, 3];
const z1 = gaussian(seededRng(1), count * units);
const labels = Uint8Array.from({ length: count }, (_, i) => i % classes);

/** An epoch that meets the samples in `order`, each moved by `noise`, all by 5, in steps of 25. */
function epoch(order: readonly number[], noise: number, seed: number, labelled = true) {
  const noises = gaussian(seededRng(seed), count * units);
  const all = Float64Array.from({ length: count * units }, (_, at) => {
    const [row, u] = [Math.floor(at / units), at % units];
    return z1[order[row] * units + u] + noise * noises[at] + 5 * seed;
  });
  return [[0, 25], [25, 50], [50, 60]].map(([from, to]) => ({
    samples: null,
    z1: all.subarray(from * units, to * units),
    dz1: all.subarray(from * units, to * units),
    labels: labelled ? Uint8Array.from(order.slice(from, to), (i) => labels[i]) : null,
    ...{ rate: null, W1: null, dW1: null },
  }));
}

const identity = Array.from({ length: count }, (_, i) => i);
const reversed = identity.toReversed();
const turned = identity.map((i) => (i * 7 + 3) % count);
const view = (steps: TrainingView["steps"]): TrainingView => ({
  ...{ scheme: "mitig2", units, classes, shape: [2, 2, 1], inputScale: 1, steps },
});

const namesOf = ({ steps }: TrainingView) => steps.map(({ samples }) => [...samples!]).flat();

Deno.test("relink() names samples by the first epoch, through any order and a common shift", async () => {
  for (const labelled of [true, false]) {
    const epochs = [identity, reversed, turned].flatMap((order, k) =>
      epoch(order, 0.02, k, labelled)
    );
    const linked = await relink(view(epochs), { count });
    assertEquals(namesOf(linked), [...identity, ...reversed, ...turned]);
    assertEquals(linked.steps[4].z1, epochs[4].z1);
  }
});

Deno.test("relink() is one to one, and no better than chance where z1 is only noise", async () => {
  const linked = await relink(view([...epoch(identity, 0, 0), ...epoch(reversed, 50, 1)]), {
    count,
  });
  const names = namesOf(linked).slice(count);
  assertEquals(names.toSorted((a, b) => a - b), identity);
  names.forEach((name, row) => assertEquals(labels[name], labels[reversed[row]]));
  assert(names.filter((name, row) => name === reversed[row]).length < count / 4);
});

Deno.test("relink() ends on images that are equal, and on one epoch", async () => {
  const same = [...epoch(identity, 0, 0), ...epoch(identity, 0, 0)]
    .map((step) => ({ ...step, z1: step.z1.map(() => 1) }));
  const linked = await relink(view(same), { count });
  assertEquals(namesOf(linked).slice(count).toSorted((a, b) => a - b), identity);
  assertEquals(namesOf(await relink(view(epoch(turned, 0, 0)), { count })), identity);
});

Deno.test("relink() refuses epochs that do not end with a step, or that hold other samples", async () => {
  const steps = [...epoch(identity, 0, 0), ...epoch(reversed, 0, 1)];
  const refuse = (steps: TrainingView["steps"], count: number, text: string) =>
    assertRejects(() => relink(view(steps), { count }), RangeError, text);
  await refuse(steps, 55, "step 2 goes beyond");
  await refuse(steps.slice(0, 5), count, "the last epoch has 50 samples of 60");
  await refuse(steps, 0, "count = 0");
  const other = steps.map((step, k) =>
    k < 3 ? step : { ...step, labels: step.labels!.map(() => 1) }
  );
  await refuse(other, count, "60 samples of class 1, the one before 20");
  await assertRejects(
    () => relink(view(steps), { count, signal: AbortSignal.abort(new RangeError("stop")) }),
    RangeError,
    "stop",
  );
});
