import { assertEquals, assertThrows } from "@std/assert";
import { solveGradient } from "lib/attack/training/gradient.ts";
import { seededRng } from "lib/math/rng.ts";

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
