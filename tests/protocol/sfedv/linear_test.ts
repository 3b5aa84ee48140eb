import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { decodeMessage, encodeMessage, ProtocolError } from "lib/net/wire.ts";
import {
  batchesOf,
  batchParams,
  checkLinearTerms,
  clearGradient,
  linearFields,
  type LinearTerms,
  rangeOfBatch,
  readLinearTerms,
  toSamples,
  trainLinear,
} from "lib/protocol/sfedv/linear.ts";
import { fastest as group } from "../../math/pairing/backends.ts";

const terms: LinearTerms = {
  ...{ n: 2, count: 7, batch: 3, epochs: 2, learningRate: 0.25 },
  ...{ featureBits: 8, weightBits: 16, boundX: 2 ** 11, boundY: 2 ** 9 },
};

Deno.test("trainLinear() takes the steps of least squares, up to the rounding of its model", async () => {
  const x = Array.from({ length: 7 }, (_, i) => [...gaussian(seededRng(i), 2)]);
  const y = x.map(([a, b]) => a > b ? 2 : -2);
  const fine = { ...terms, featureBits: 14, weightBits: 18, boundX: 2 ** 16, boundY: 2 ** 15 };
  const u = toSamples(fine, x, y);
  const seen: number[][] = [];
  const weights = await trainLinear(fine, clearGradient(fine, u), (step, total, c, gradient) => {
    seen.push([step, total, c.length, gradient.length]);
  });
  assertThrows(() => clearGradient(fine, u.slice(1)), TypeError, "6 samples, expected 7");
  assertEquals(seen, Array.from({ length: 6 }, (_, step) => [step, 6, 4, 3]));
  // The same in float64.
  let w = [0, 0, 0];
  for (let step = 0; step < 6; step++) {
    const [from, to] = [[0, 3], [3, 6], [6, 7]][step % 3];
    const gradient = [0, 0, 0];
    for (let i = from; i < to; i++) {
      const row = [...x[i], 1];
      const residual = row.reduce((sum, value, j) => sum + value * w[j], -y[i]);
      row.forEach((value, j) => gradient[j] += residual * value);
    }
    w = w.map((value, j) => value - 0.25 * gradient[j] / (to - from));
  }
  w.forEach((value, j) => assertAlmostEquals(weights[j], value, 1e-4));
});

Deno.test("batches: the last one is shorter, and has parameters of its own", () => {
  assertEquals(batchesOf(terms), 3);
  assertEquals([0, 1, 2].map((which) => rangeOfBatch(terms, which)), [[0, 3], [3, 6], [6, 7]]);
  assertEquals([0, 1, 2].map((which) => batchParams(terms, which, group).batch), [3, 3, 1]);
});

Deno.test("toSamples() rounds at its scale, and refuses what does not fit", () => {
  const small = { ...terms, count: 1 };
  assertEquals(toSamples(small, [[0.5, -1.25]], [2]), [Int32Array.of(128, -320, 256, 512)]);
  assertThrows(() => toSamples(small, [[1, 2]], []), TypeError, "1 samples and 0 labels, not 1");
  assertThrows(
    () => toSamples(small, [[1]], [1]),
    TypeError,
    "sample 0 has 1 features, expected 2",
  );
  assertThrows(() => toSamples(small, [[1, NaN]], [1]), RangeError, "value NaN at 1");
});

Deno.test("checkLinearTerms() refuses terms that no training can have, readLinearTerms() too", async () => {
  const bad: [Partial<LinearTerms>, string][] = [
    [{ n: 0 }, "n = 0 is not an integer in [1, 4096]"],
    [{ count: 1.5 }, "count = 1.5"],
    [{ batch: 2 ** 17 }, "batch = 131072"],
    [{ epochs: 0 }, "epochs = 0"],
    [{ featureBits: -1 }, "featureBits = -1"],
    [{ boundX: 255 }, "1 is 2^8, over boundX = 255"],
    [{ learningRate: 0 }, "learningRate = 0 is not positive"],
    [
      { n: 2 ** 12 - 1, count: 64, batch: 64 },
      "batches of 64 samples of 4095 features have 262208 numbers, at most 262144",
    ],
  ];
  for (const [change, state] of bad) {
    const changed = { ...terms, ...change };
    assertThrows(() => checkLinearTerms(changed), RangeError, `Cannot train: ${state}`);
    await assertRejects(() => trainLinear(changed, () => new Float64Array(3)), RangeError, state);
    const message = decodeMessage(encodeMessage("join", linearFields(changed)), "join");
    assertThrows(() => readLinearTerms(message), ProtocolError);
  }
  for (const batch of [64, 2 ** 16]) { // all samples, or more than there are
    const most = { ...terms, n: 2 ** 12 - 2, count: 64, batch };
    assert(checkLinearTerms(most) === most);
  }
  const message = decodeMessage(encodeMessage("join", linearFields(terms)), "join");
  assertEquals(readLinearTerms(message), terms);
  assert(checkLinearTerms(terms) === terms);
});
