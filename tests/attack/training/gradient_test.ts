import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { fromGradients, solveGradient } from "lib/attack/training/gradient.ts";
import { seededRng } from "lib/math/rng.ts";
import { madeView, rectangle } from "./made_view.ts";

/** Small integers, as dz1 has, and bytes. */
function made(hidden: number, batch: number, n: number, seed: number) {
  const bytes = seededRng(seed).bytes(hidden * batch + batch * n);
  const dz1 = Float64Array.from(bytes.subarray(0, hidden * batch), (v) => v - 128);
  const X = Int32Array.from(bytes.subarray(hidden * batch));
  return { dz1, X };
}

function product(dz1: ArrayLike<number>, X: Int32Array, hidden: number, batch: number, n: number) {
  return Float64Array.from({ length: hidden * n }, (_, at) => {
    const [unit, pixel] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let i = 0; i < batch; i++) sum += dz1[unit * batch + i] * X[i * n + pixel];
    return sum;
  });
}

Deno.test("solveGradient() gives the images of a batch no larger than the layer, and knows that it does", () => {
  for (const [hidden, batch, n] of [[5, 1, 3], [6, 6, 4], [40, 30, 9], [64, 64, 5]]) {
    const { dz1, X } = made(hidden, batch, n, hidden);
    const found = solveGradient(dz1, product(dz1, X, hidden, batch, n), { hidden, batch, n });
    assertEquals(found, { X, rank: batch, solves: true });
  }
});

Deno.test("solveGradient() says so where dz1 does not tell the images apart", () => {
  const [hidden, batch, n] = [10, 4, 3];
  const { dz1, X } = made(hidden, batch, n, 1);
  for (let unit = 0; unit < hidden; unit++) dz1[unit * batch + 2] = 0; // a sample without gradient
  const dW1 = product(dz1, X, hidden, batch, n);
  assertEquals(solveGradient(dz1, dW1, { hidden, batch, n }), { X: null, rank: 3, solves: false });
  const more = made(4, 10, n, 2);
  const wide = solveGradient(more.dz1, product(more.dz1, more.X, 4, 10, n), {
    ...{ hidden: 4, batch: 10, n },
  });
  assertEquals([wide.X, wide.rank, wide.solves], [null, 4, false]);
});

Deno.test("solveGradient() does not call a solution what breaks an equation", () => {
  const [hidden, batch, n] = [10, 4, 3];
  const { dz1, X } = made(hidden, batch, n, 3);
  const dW1 = product(dz1, X, hidden, batch, n);
  dW1[7] += 1; // no whole image gives this
  assertEquals(solveGradient(dz1, dW1, { hidden, batch, n }).solves, false);
  assertThrows(
    () => solveGradient(dz1, dW1, { hidden, batch: 5, n }),
    TypeError,
    "40 and 30 entries are not 10 × 5 and 10 × 3",
  );
});

const images = Array.from({ length: 12 }, (_, k) => rectangle(k));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const pixels = (which: readonly number[]) => which.flatMap((i) => [...images[i]]);

Deno.test("fromGradients() gives batches no larger than the layer exactly, and larger ones after enough visits", async () => {
  const two = madeView(images, [range(0, 6), range(6, 12)], { units: 6 });
  const found = await fromGradients(two, { prior: false });
  assertEquals([found.status, [...found.samples]], ["exact", range(0, 12)]);
  assertEquals([...found.X!], pixels(range(0, 12)));

  const often = (visits: number) =>
    madeView(images, Array.from({ length: visits }, () => range(0, 12)), { units: 6 });
  assertEquals((await fromGradients(often(1), { prior: false })).status, "failed");
  const twice = await fromGradients(often(2), { prior: false });
  assertEquals([twice.status, [...twice.X!]], ["exact", pixels(range(0, 12))]);
  const mixed = madeView(images, [range(0, 8), range(4, 12), [0, 1, 2, 3, 8, 9, 10, 11]], {
    units: 4, // samples that meet others at each visit: 12 equations for 12
  });
  assertEquals([...(await fromGradients(mixed, { prior: false })).X!], pixels(range(0, 12)));
});

Deno.test("fromGradients() names dead samples, and takes two of one image for one", async () => {
  const view = madeView(images, [range(0, 6)], {
    ...{ units: 8, dz1: (i, _, u) => i === 3 ? 0 : (7 * i + 3 * u * u + i * u) % 23 - 11 },
  });
  const found = await fromGradients(view, { prior: false });
  assertEquals([found.status, [...found.samples]], ["exact", [0, 1, 2, 4, 5]]);
  assert(found.message.includes("dz1 = 0: samples 3"));

  const twins = images.with(4, images[1]);
  const dz1 = (i: number, _: number, u: number) =>
    (i === 4 ? 1 : i) * 5 + (u + (i === 4 ? 1 : i)) ** 2 % 13 - 9;
  const both = await fromGradients(madeView(twins, [range(0, 6)], { units: 8, dz1 }), {
    prior: false,
  });
  assertEquals([both.status, both.samples.length], ["exact", 6]);
  assert(both.message.includes("one image by all that is seen of it: samples 1, 4"));
  assertEquals([...both.X!.subarray(4 * 64, 5 * 64)], [...images[1]]);

  const nothing = madeView(images, [range(0, 3)], { units: 2, dz1: () => 0 });
  const none = await fromGradients(nothing);
  assertEquals([none.status, none.X, none.samples.length], ["failed", null, 0]);
});

Deno.test("fromGradients() takes more images than units by the prior, closer with z1; noise is weighed", async () => {
  const view = madeView(images, [range(0, 8)], { units: 6 });
  const error = (X: Float64Array | null) =>
    X!.reduce((sum, v, at) => sum + (v / 255 - pixels(range(0, 8))[at] / 255) ** 2, 0) / X!.length;
  const alone = await fromGradients(view, { z1: false });
  const withZ1 = await fromGradients(view);
  assertLess(error(alone.X), 5e-3);
  assertLess(error(withZ1.X), error(alone.X) + 1e-12);
  assert(
    alone.message.includes("6 independent equations") && alone.assumption.includes("variation"),
  );

  const small = madeView(images, [range(0, 5)], { units: 6 });
  const noise = 20;
  const [step] = small.steps;
  const noisy = {
    ...small,
    steps: [{ ...step, dW1: step.dW1!.map((v, at) => v + noise * Math.sin(7 * at)) }],
  };
  const [linear, weighed] = [
    await fromGradients(noisy, { noise, prior: false }),
    await fromGradients(noisy, { noise, z1: false }),
  ];
  assertEquals([linear.status, weighed.status], ["estimate", "estimate"]);
  const off = (X: Float64Array) => Math.hypot(...X.map((v, at) => v - pixels(range(0, 5))[at]));
  assertLess(off(weighed.X!), off(linear.X!));
});

Deno.test("fromGradients() refuses a view without dW1 and noise that is none, and stops", async () => {
  const view = madeView(images, [range(0, 3)], { units: 4 });
  const without = { ...view, scheme: "mitig1" as const, steps: [{ ...view.steps[0], dW1: null }] };
  await assertRejects(() => fromGradients(without), TypeError, "server of mitig1 decrypts none");
  for (const noise of [-1, NaN, Infinity]) {
    await assertRejects(() => fromGradients(view, { noise }), RangeError, `noise ${noise}`);
  }
  const signal = AbortSignal.abort(new Error("stopped"));
  await assertRejects(() => fromGradients(view, { signal }), Error, "stopped");
  const unnamed = { ...view, steps: view.steps.map((step) => ({ ...step, samples: null })) };
  assertEquals([...(await fromGradients(unnamed)).X!], pixels(range(0, 3)));
});
