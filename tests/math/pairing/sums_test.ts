import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { G1, G2, PairingGroup } from "lib/math/pairing/group.ts";
import { bucketWindow } from "lib/math/pairing/sums.ts";
import { label, PAIRINGS } from "./backends.ts";

const INT32 = 2 ** 31 - 1;

/** One source group's operations, and its bytes. */
const sides = (G: PairingGroup) => [
  {
    which: "G1",
    powers: (k: bigint[]): unknown[] => G.powersG1(k),
    sums: (p: unknown[], v: Int32Array[]): unknown[] => G.sumsG1(p as G1[], v),
    multiply: (p: unknown[], k: bigint[]): unknown[] => G.multiplyG1(p as G1[], k),
    hex: (p: unknown) => G.encodeG1(p as G1).toHex(),
    encode: (p: unknown) => G.encodeG1(p as G1),
  },
  {
    which: "G2",
    powers: (k: bigint[]): unknown[] => G.powersG2(k),
    sums: (p: unknown[], v: Int32Array[]): unknown[] => G.sumsG2(p as G2[], v),
    multiply: (p: unknown[], k: bigint[]): unknown[] => G.multiplyG2(p as G2[], k),
    hex: (p: unknown) => G.encodeG2(p as G2).toHex(),
    encode: (p: unknown) => G.encodeG2(p as G2),
  },
];

for (const G of PAIRINGS) {
  const q = G.order;
  for (const { which, powers, sums, multiply, hex, encode } of sides(G)) {
    const name = `${label(G)} ${which}`;

    Deno.test(`${name}: sums are the powers of the sums of the exponents`, () => {
      const entry = fc.oneof(
        fc.integer({ min: -9, max: 9 }),
        fc.integer({ min: -INT32, max: INT32 }),
      );
      const instance = fc.integer({ min: 1, max: 6 }).chain((n) =>
        fc.tuple(
          fc.array(fc.bigInt({ min: 1n, max: q - 1n }), { minLength: n, maxLength: n }),
          fc.array(fc.array(entry, { minLength: n, maxLength: n }), { maxLength: 3 }),
        )
      );
      fc.assert(
        fc.property(instance, ([exponents, vectors]) => {
          const found = sums(powers(exponents), vectors.map((v) => Int32Array.from(v)));
          const expected = vectors.map((vector) => {
            const sum = vector.reduce((s, k, i) => s + BigInt(k) * exponents[i], 0n) % q;
            return (sum + q) % q;
          });
          found.forEach((element, i) => {
            if (expected[i] === 0n) assertThrows(() => encode(element), RangeError, "the identity");
            else assertEquals(hex(element), hex(powers([expected[i]])[0]));
          });
        }),
        { seed: 1, numRuns: G.backend === "noble" ? 4 : 40 },
      );
    });

    Deno.test(`${name}: equal points, opposite ones and extreme coefficients add up`, () => {
      const points = powers([5n, 5n, q - 5n, 7n]);
      const vectors = [[1, 1, 0, 0], [1, -1, 0, 0], [1, 0, 1, 0], [INT32, 0, 0, -INT32], [
        0,
        0,
        0,
        0,
      ]];
      const [double, zero, opposite, extreme, none] = sums(
        points,
        vectors.map((v) => Int32Array.from(v)),
      );
      assertEquals(hex(double), hex(powers([10n])[0]));
      for (const identity of [zero, opposite, none]) {
        assertThrows(() => encode(identity), RangeError, `${which} element: it is the identity`);
      }
      assertEquals(hex(extreme), hex(powers([q - 2n * BigInt(INT32)])[0]));
      assertEquals(sums(points, []), []);
    });

    Deno.test(`${name}: multiply takes every point by its own scalar`, () => {
      const points = powers([2n, 3n]);
      const [a, b] = multiply(points, [q - 1n, q / 3n]);
      assertEquals([hex(a), hex(b)], powers([q - 2n, 3n * (q / 3n) % q]).map(hex));
      assertThrows(() => multiply(points, [1n]), TypeError, "1 scalars for 2 elements");
      for (const bad of [0n, q, -1n]) {
        assertThrows(() => multiply(points, [1n, bad]), RangeError, "scalar 1 is not in [1, q)");
      }
    });

    Deno.test(`${name}: sums refuse a vector of another length`, () => {
      for (const length of [0, 1, 3]) {
        assertThrows(
          () => sums(powers([1n, 2n]), [new Int32Array(2), new Int32Array(length)]),
          TypeError,
          `Cannot sum: vector 1 has ${length} coefficients for 2 elements`,
        );
      }
    });
  }

  Deno.test(`${label(G)}: the identity pairs to 1, wherever it stands in a product`, () => {
    const [a, b, c] = G.powersG1([3n, 5n, 7n]);
    const [d, e, f] = G.powersG2([11n, 13n, 17n]);
    const [none1] = G.sumsG1([a], [Int32Array.of(0)]);
    const [none2] = G.sumsG2([d], [Int32Array.of(0)]);
    const value = (g1: G1[], g2: G2[]) => G.pairingProducts([{ g1, g2: G.prepare(g2) }])[0];
    const alone = value([a], [d]);
    const one = G.multiply(alone, G.invert(alone));
    assert(!G.equal(alone, one));
    for (const g1 of [none1, a]) {
      for (const g2 of [none2, d]) {
        if (g1 === a && g2 === d) continue;
        assert(G.equal(value([g1], [g2]), one));
        assert(G.equal(value([g1, a], [g2, d]), alone));
        assert(G.equal(value([a, g1], [d, g2]), alone));
        assert(G.equal(value([b, g1, c, a], [e, g2, f, d]), value([b, c, a], [e, f, d])));
      }
    }
  });
}

Deno.test("bucketWindow() grows with the points, and takes one digit where one is enough", () => {
  assertEquals(bucketWindow(1000, 1), 1);
  assertEquals(bucketWindow(1000, 0), 1);
  const windows = [2, 30, 1000, 100_000].map((n) => bucketWindow(n, 2 ** 30));
  assertEquals(windows, windows.toSorted((a, b) => a - b));
  assert(windows[0] < windows[3]);
});
