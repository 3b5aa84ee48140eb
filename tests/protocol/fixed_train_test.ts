import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import {
  clearProducts,
  DEFAULT_SCALES,
  initFixedNet,
  type InnerProducts,
} from "lib/protocol/fixed_net.ts";
import { trainFixed, trainStep } from "lib/protocol/fixed_train.ts";

const n = 9;
const images = dataset({
  name: "noise",
  x: seededRng(6).bytes(6 * n),
  y: Uint8Array.of(0, 1, 0, 1, 1, 0),
  shape: [3, 3, 1],
  classes: ["a", "b"],
});
const net = initFixedNet({ n, hidden: 3, classes: 2 }, DEFAULT_SCALES, seededRng(1));
const options = { batch: 2, steps: 4, learningRate: 1 };

Deno.test("trainFixed() takes the steps of consecutive batches, over and over", async () => {
  let expected = net;
  for (const batch of [0, 1, 2, 0]) {
    const x = images.x.subarray(2 * batch * n, (2 * batch + 2) * n);
    const labels = images.y.subarray(2 * batch, 2 * batch + 2);
    ({ net: expected } = await trainStep(expected, labels, clearProducts(x, n), 1));
  }
  const steps: [number, boolean][] = [];
  const onStep = (_: unknown, step: number, after: typeof net) =>
    steps.push([step, after.W1 !== net.W1]);
  const trained = await trainFixed(net, images, { ...options, onStep });
  assertEquals(trained.net, expected);
  assertNotEquals(trained.net, net);
  assertEquals(steps, [0, 1, 2, 3].map((step) => [step, true]));
});

Deno.test("trainFixed() refuses batches, steps and images that do not fit, and stops when aborted", async () => {
  const refused = (bad: Partial<typeof options>, why: string) =>
    assertRejects(() => trainFixed(net, images, { ...options, ...bad }), RangeError, why);
  await refused({ batch: 4 }, "6 images are not whole batches of 4");
  await refused({ batch: 0 }, "whole batches of 0");
  await refused({ steps: 0.5 }, "steps = 0.5");
  const other = dataset({ ...images, x: new Uint8Array(6 * 4), shape: [2, 2, 1] });
  await assertRejects(() => trainFixed(net, other, options), TypeError, "takes 9 pixels");
  const stop = new AbortController();
  const onProgress = () => stop.abort(new Error("stopped by hand"));
  const run = trainFixed(net, images, { ...options, signal: stop.signal, onProgress });
  await assertRejects(() => run, Error, "stopped by hand");
});

const m = 4;
const labels = [0, 2, 1, 2];
const start = initFixedNet({ n: 6, hidden: 3, classes: 3 }, DEFAULT_SCALES, seededRng(1));
const clear = clearProducts(seededRng(2).bytes(m * 6), 6);

Deno.test("trainStep() lowers the loss, returns what it saw and changes nothing it was given", async () => {
  const before = structuredClone(start);
  const first = await trainStep(start, labels, clear, 0.5);
  assertEquals(start, before);
  assertEquals(first.record.W1, start.W1);
  assertEquals(first.record.z1, await clear.forward(start.W1));
  assertEquals(first.record.dW1, await clear.backward(first.record.dz1));
  assertNotEquals(first.net.W1, start.W1);
  let { net: trained, record } = first;
  for (let step = 0; step < 300; step++) {
    ({ net: trained, record } = await trainStep(trained, labels, clear, 1));
  }
  assert(record.loss < first.record.loss / 2, `loss ${first.record.loss} → ${record.loss}`);
});

Deno.test("trainStep() refuses products of another shape and products that are no integers", async () => {
  const refuses = (bent: Partial<InnerProducts>, message: string) =>
    assertRejects(() => trainStep(start, labels, { ...clear, ...bent }, 0.5), TypeError, message);
  const always = (values: Float64Array) => () => Promise.resolve(values);
  await refuses({ forward: always(new Float64Array(11)) }, "z1 has 11 entries, expected 12");
  const beyond = new Float64Array(12).fill(2 ** 53); // no longer exact
  await refuses({ forward: always(beyond) }, "z1[0] = 9007199254740992 is no integer");
  await refuses({ forward: always(new Float64Array(12).fill(NaN)) }, "z1[0] = NaN is no integer");
  await refuses({ backward: always(new Float64Array(12)) }, "dW1 has 12 entries, expected 18");
  await refuses({ backward: always(new Float64Array(18).fill(0.5)) }, "dW1[0] = 0.5 is no integer");
});

Deno.test("trainStep() refuses NaN that comes from the later layers", async () => {
  const head = { ...start.head, W2: start.head.W2.map(() => NaN) };
  await assertRejects(
    () => trainStep({ ...start, head }, labels, clear, 0.5),
    RangeError,
    "dz1 of unit 0, sample 0 is NaN",
  );
});
