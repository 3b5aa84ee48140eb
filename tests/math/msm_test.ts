import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { group } from "lib/math/group.ts";
import { ALL_GROUPS } from "./weierstrass.ts";
import { chooseWindow, multiScalar, signedDigits } from "lib/math/msm.ts";

const INT32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

Deno.test("signedDigits() recomposes to the value, with digits of half the base", () => {
  fc.assert(
    fc.property(INT32, fc.integer({ min: 2, max: 10 }), (value, window) => {
      const digits = signedDigits(value, window);
      assertEquals(digits.reduceRight((sum, d) => sum * 2 ** window + d, 0), value);
      for (const digit of digits) assertLessOrEqual(Math.abs(digit), 2 ** (window - 1));
      assertLessOrEqual(digits.length, Math.ceil(33 / window));
    }),
    { seed: 1 },
  );
  assertEquals(signedDigits(0, 4), []);
});

Deno.test("chooseWindow() grows with the number of vectors that share the tables", () => {
  const windows = [1, 10, 300, 10_000].map((vectors) => chooseWindow(784, vectors, 11));
  assertEquals(windows, [...windows].sort((a, b) => a - b));
  assertLess(windows[0], windows[3]);
  assertEquals(chooseWindow(784, 300, 11), 6);
});

for (const G of ALL_GROUPS) {
  Deno.test(`${G.name}: multiScalar() agrees with one multiplication per coordinate`, () => {
    const points = [1n, 5n, G.order - 7n, 123456789n].map((k) => G.multiply(G.generator, k));
    const naive = (y: ArrayLike<number>) =>
      points.reduce(
        (sum, P, i) => sum.add(G.multiply(P, BigInt(y[i]))),
        G.identity,
      );
    const vector = fc.array(fc.oneof(INT32, fc.integer({ min: -300, max: 300 })), {
      minLength: 4,
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.array(vector, { maxLength: 3 }), (ys) => {
        const sums = multiScalar(G, points, ys.map((y) => Int32Array.from(y)));
        assertEquals(sums.length, ys.length);
        sums.forEach((sum, k) => assert(G.equals(sum, naive(ys[k])), `${ys[k]}`));
      }),
      { seed: 1, numRuns: 12 },
    );
    const [zero] = multiScalar(G, points, [new Int32Array(4)]);
    assert(G.equals(zero, G.identity));
  });
}

Deno.test("multiScalar() reports progress once per vector", () => {
  const G = group("ristretto255");
  const seen: [number, number][] = [];
  multiScalar(G, [G.generator], [Int32Array.of(1), Int32Array.of(2)], (...at) => seen.push(at));
  assertEquals(seen, [[1, 2], [2, 2]]);
});
