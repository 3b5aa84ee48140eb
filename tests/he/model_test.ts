import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  checkSizes,
  clearGradients,
  outputsOf,
  type Sizes,
  weightCounts,
  type Weights,
} from "lib/he/model.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const NETWORK: Sizes = { n: 3, hidden: 2, outputs: 2, batch: 4 };
const LINEAR: Sizes = { n: 3, hidden: 0, outputs: 1, batch: 4 };

const drawn = (sizes: Sizes) => {
  const rng = seededRng(3);
  return {
    weights: weightCounts(sizes).map((count) => gaussian(rng, count)),
    x: gaussian(rng, sizes.batch * sizes.n),
    y: gaussian(rng, sizes.batch * sizes.outputs),
  };
};

Deno.test("outputsOf() is W2·(W1·x)², and w·x", () => {
  const weights = [Float64Array.of(1, 2, 0, 0, 1, 1), Float64Array.of(1, -1, 2, 0)];
  const x = Float64Array.of(1, 1, 1); // z1 = 3, 2
  assertEquals([...outputsOf({ ...NETWORK, batch: 1 }, weights, x)], [9 - 4, 18]);
  assertEquals([...outputsOf({ ...LINEAR, batch: 1 }, [Float64Array.of(1, 2, 3)], x)], [6]);
});

Deno.test("clearGradients() are the differences of the loss", () => {
  for (const sizes of [NETWORK, LINEAR]) {
    const { weights, x, y } = drawn(sizes);
    const loss = (weights: Weights) =>
      outputsOf(sizes, weights, x).reduce((sum, out, i) => sum + (out - y[i]) ** 2, 0) /
      (2 * sizes.batch);
    const gradients = clearGradients(sizes, weights, { x, y });
    weights.forEach((matrix, layer) =>
      matrix.forEach((_, at) => {
        const moved = (by: number) =>
          loss(weights.map((w, i) => i === layer ? w.map((v, k) => k === at ? v + by : v) : w));
        const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert(Math.abs(slope - gradients[layer][at]) < 1e-6 * (1 + Math.abs(slope)));
      })
    );
  }
});

Deno.test("sizes, weights and batches that do not fit are refused", () => {
  const { weights, x, y } = drawn(NETWORK);
  const refuse = (change: Partial<Sizes>, why: string) =>
    assertThrows(() => checkSizes({ ...NETWORK, ...change }), RangeError, why);
  refuse({ n: 0 }, "Cannot train: n = 0 is not an integer in [1, 8192]");
  refuse({ hidden: -1 }, "hidden = -1 is not an integer in [0, 8192]");
  refuse({ batch: NaN }, "batch = NaN");
  assertThrows(
    () => clearGradients(NETWORK, [weights[0]], { x, y }),
    TypeError,
    "weights of [6] entries, expected [6,4]",
  );
  assertThrows(
    () => clearGradients(NETWORK, weights, { x, y: x }),
    TypeError,
    "12 inputs and 12 targets for a batch of 4, expected 12 and 8",
  );
});
