import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { clearProducts, fixedAccuracy, initFixedNet } from "lib/protocol/fixed_net.ts";
import { fastProducts } from "lib/protocol/fixed_products.ts";
import { DEFAULT_SCALES, trainStep } from "lib/protocol/fixed_step.ts";
import { trainFixed } from "lib/protocol/fixed_train.ts";

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

Deno.test("trainFixed() and fixedAccuracy() give the same through fastProducts()", async () => {
  const products = fastProducts;
  const { net: fast } = await trainFixed(net, images, { ...options, products });
  assertEquals(fast, (await trainFixed(net, images, options)).net);
  assertEquals(await fixedAccuracy(fast, images, products), await fixedAccuracy(fast, images));
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
