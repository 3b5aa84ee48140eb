import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { loadPatients } from "lib/data/tables.ts";
import {
  batchSizes,
  clearGradients,
  type GradientStep,
  rightSides,
  trainLinear,
} from "lib/nn/linear.ts";
import { linearSamples, momentsOf } from "lib/nn/linear_samples.ts";

const { train, test } = await loadPatients();
const moments = momentsOf(train);
const [scaleBits, weightBits, B] = [5, 10, 16];
const samples = linearSamples(train, { moments, scaleBits });
const sizes = batchSizes(samples.count, B);
const training = {
  ...{ n: 30, sizes, epochs: 17, rate: 0.01, scaleBits, weightBits },
  gradient: clearGradients(samples, B),
};

Deno.test("trainLinear() on patients is right for at least 97 % of the test's, in 17 epochs of 29 batches", async () => {
  const steps: GradientStep[] = [];
  const weights = await trainLinear({ ...training, onStep: (step) => steps.push(step) });
  assertEquals([sizes.length, sizes.at(-1), steps.length], [29, 7, 493]);
  const held = linearSamples(test, { moments, scaleBits });
  assert(rightSides(weights, held) >= 0.97 * 114);
  assertEquals(steps[29].epoch, 1);
  assert(steps[0].c.every((value, k) => value === (k === 31 ? -(2 ** weightBits) : 0)));
});

Deno.test("trainLinear() has the same weights, bit for bit, from gradients that come late and by another way", async () => {
  const { u, n, count } = samples;
  const other = async (batch: number, c: Int32Array) => {
    await Promise.resolve();
    const rows = Array.from(
      { length: sizes[batch] },
      (_, i) =>
        Array.from(u.subarray((batch * B + i) * (n + 2), (batch * B + i + 1) * (n + 2)), BigInt),
    );
    return Float64Array.from(
      { length: n + 1 },
      (_, j) =>
        Number(
          rows.reduce(
            (sum, row) => sum + row.reduce((z, value, k) => z + BigInt(c[k]) * value, 0n) * row[j],
            0n,
          ),
        ),
    );
  };
  assertEquals(count, 455);
  const short = { ...training, epochs: 2 };
  assertEquals(await trainLinear({ ...short, gradient: other }), await trainLinear(short));
});

Deno.test("clearGradients() of the labels alone is −Xᵀy; what is out of range is refused", async () => {
  const u = Int32Array.of(1, 2, 4, 8, 3, -1, 4, -8); // two samples, n = 2
  const gradient = clearGradients({ n: 2, count: 2, u, scaleBits: 2, bound: 8 }, 2);
  assertEquals([...await gradient(0, Int32Array.of(0, 0, 0, -1))], [16, -24, 0]);
  assertEquals([...await gradient(0, Int32Array.of(1, 0, 0, 0))], [10, -1, 16]);
  assertThrows(() => gradient(1, Int32Array.of(0, 0, 0, -1)), RangeError, "batch 1 of 1");
  assertThrows(() => gradient(0, Int32Array.of(1)), TypeError, "1 coefficients, expected 4");
  const wide = clearGradients({ n: 2, count: 2, u, scaleBits: 2, bound: 2 ** 20 }, 2);
  assertThrows(() => wide(0, Int32Array.of(0, 0, 0, 2 ** 14)), RangeError, "not exact");
});

Deno.test("batchSizes() ends with what is left; trainLinear() refuses a rate that diverges, and stops", async () => {
  assertEquals(batchSizes(10, 4), [4, 4, 2]);
  assertThrows(() => batchSizes(10, 0), RangeError, "batches of 0");
  await assertRejects(() => trainLinear({ ...training, rate: 100 }), RangeError);
  const stopped = AbortSignal.abort(new Error("stopped"));
  await assertRejects(() => trainLinear({ ...training, signal: stopped }), Error, "stopped");
});
