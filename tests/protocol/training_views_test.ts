import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { trainingView, visitsOf, z1Of } from "lib/attack/training/view.ts";
import { type Dataset, dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { inProcess } from "lib/net/connection.ts";
import { AUTHORS, type Setting } from "lib/nn/optimizer.ts";
import { trainPlain } from "lib/protocol/cryptonn/in_process.ts";
import { DEFAULT_SCALES } from "lib/protocol/fixed_net.ts";
import type { StepRecord } from "lib/protocol/fixed_train.ts";
import { train } from "lib/protocol/mitig2/client.ts";
import { type Seen, serve } from "lib/protocol/mitig2/server.ts";
import { train as train3 } from "lib/protocol/mitig3/client.ts";
import { type Seen as Seen3, serve as serve3 } from "lib/protocol/mitig3/server.ts";
import { NARROW } from "lib/protocol/mitig3/terms.ts";
import { cryptonnView, mitig2View, mitig3View } from "lib/protocol/training_views.ts";

const [n, hidden, count] = [9, 4, 8];

function images(): Dataset {
  const rng = seededRng(3);
  const x = rng.bytes(count * n);
  const y = Uint8Array.from({ length: count }, (_, i) => i % 2);
  return dataset({ name: "noise", x, y, shape: [3, 3, 1], classes: ["0", "1"] });
}

Deno.test("CryptoNN's view: dW1 = dz1ᵀ·X and z1 = W1·x, in reals, exactly", async () => {
  const records: StepRecord[] = [];
  const data = images();
  await trainPlain(data, {
    ...{ hidden, batch: 4, steps: 4, learningRate: 1, insecureSeed: 1 },
    onStep: (record) => records.push(record),
  });
  const terms = { scales: DEFAULT_SCALES, learningRate: 1, count, labels: data.y };
  const view = cryptonnView(records, data, terms);
  const { samples, z1, dz1, W1, dW1 } = view.steps[3];
  assertEquals([...samples!], [4, 5, 6, 7]);
  const input = (row: number, p: number) => data.x[samples![row] * n + p] * view.inputScale;
  for (let u = 0; u < hidden; u++) {
    const sum = (from: (k: number) => number, to: number) =>
      Array.from({ length: to }, (_, k) => from(k)).reduce((a, b) => a + b, 0);
    assertEquals(z1[2 * hidden + u], sum((p) => W1![u * n + p] * input(2, p), n));
    assertEquals(dW1![u * n + 5], sum((row) => dz1[row * hidden + u] * input(row, 5), 4));
  }
  assertEquals(visitsOf(view).get(5)!.map(({ step }) => step), [1, 3]);
  assertEquals(z1Of(view, { step: 3, row: 2 }), z1.subarray(2 * hidden, 3 * hidden));
});

Deno.test("MITIG2's view: z1 moves between visits as dz1 and the Gram matrix say", async () => {
  const data = images();
  const setting: Setting = {
    ...AUTHORS,
    epochs: 2,
    batch: 4,
    pixelScale: 1 / 255,
    learningRate: 1,
  };
  const seen: Seen[] = [];
  const [ours, theirs] = inProcess();
  const served = serve(theirs, { rng: seededRng(2), observe: (part) => seen.push(part) });
  await train(ours, { train: data, test: data }, { setting, hidden, rng: seededRng(1) });
  ours.close();
  await served;
  const view = mitig2View(seen, data, { hidden, count, setting });
  assertEquals(view.steps.map(({ samples }) => [...samples!]), [
    ...[[0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 2, 3], [4, 5, 6, 7]],
  ]);
  const inner = (i: number, j: number) => {
    let sum = 0;
    for (let p = 0; p < n; p++) sum += data.x[i * n + p] * data.x[j * n + p] * view.inputScale ** 2;
    return sum;
  };
  const [before, after] = visitsOf(view).get(2)!;
  let moved = 0;
  for (const { samples, dz1, rate } of view.steps.slice(0, 2)) {
    samples!.forEach((name, row) => moved -= rate! * dz1[row * hidden] * inner(2, name));
  }
  assertAlmostEquals(z1Of(view, after)[0] - z1Of(view, before)[0], moved, 1e-4);
  const shuffled = mitig2View(seen, data, {
    hidden,
    count,
    setting: { ...setting, shuffle: true },
  });
  assertThrows(() => visitsOf(shuffled), TypeError, "does not name them");
  const adam = { ...setting, optimizer: "adam" as const };
  assert(mitig2View(seen, data, { hidden, count, setting: adam }).steps[0].rate === null);
});

Deno.test("MITIG3's view: codes of as many numbers as classes, every visit in an order that is not told", async () => {
  const data = images();
  const setting = { ...NARROW, epochs: 2, batch: 4 };
  const seen: Seen3[] = [];
  const [ours, theirs] = inProcess();
  const served = serve3(theirs, { rng: seededRng(2), observe: (part) => seen.push(part) });
  // seeds, since five ReLUs may all be still at a sample, whose code is then shorter than 1
  const drawn = { units: 5, insecureNoNoise: true, insecureSeed: 1 };
  await train3(ours, { train: data, test: data }, { setting, ...drawn });
  ours.close();
  await served;
  const view = mitig3View(seen, data, { width: 2 });
  assertEquals([view.scheme, view.units, view.steps.length], ["mitig3", 2, 4]);
  for (const { samples, z1, labels, dz1, rate, W1, dW1 } of view.steps) {
    assertEquals([samples, rate, W1, dW1], [null, null, null, null]);
    assertEquals([z1.length, labels!.length, dz1.length], [8, 4, 8]);
    for (let k = 0; k < 4; k++) {
      assertAlmostEquals(Math.hypot(z1[2 * k], z1[2 * k + 1]), 1, 1e-6);
    }
  }
  assertThrows(() => visitsOf(view), TypeError, "does not name them");
});

Deno.test("a view with NaN, a missing row, a label of no class or no step is refused", async () => {
  const records: StepRecord[] = [];
  const data = images();
  await trainPlain(data, {
    ...{ hidden, batch: 4, steps: 1, learningRate: 1, insecureSeed: 1 },
    onStep: (record) => records.push(record),
  });
  const terms = { scales: DEFAULT_SCALES, learningRate: 1, count, labels: data.y };
  const view = cryptonnView(records, data, terms);
  const [step] = view.steps;
  const refuse = (other: Partial<typeof step>, ErrorClass: typeof TypeError, text: string) =>
    assertThrows(() => trainingView({ ...view, steps: [{ ...step, ...other }] }), ErrorClass, text);
  refuse({ z1: step.z1.with(5, NaN) }, RangeError, "z1[5] of step 0 is NaN");
  refuse({ dz1: step.dz1.subarray(hidden) }, TypeError, "dz1 of step 0 has 12 entries");
  refuse({ labels: Uint8Array.of(0, 1, 2, 0) }, RangeError, "not below 2");
  refuse({ samples: Uint32Array.of(1) }, TypeError, "1 samples for 4 samples");
  refuse({ rate: 0 }, RangeError, "the rate of step 0 is 0");
  assertThrows(() => trainingView({ ...view, steps: [] }), TypeError, "there is no step");
});
