import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { powerGT, solveGT } from "lib/math/pairing/group.ts";
import { fastest as fast, label, PAIRINGS } from "./backends.ts";

for (const G of PAIRINGS) {
  const [base, other] = G.pairingProducts([
    { g1: G.powersG1([5n]), g2: G.prepare(G.powersG2([9n])) },
    { g1: G.powersG1([G.order / 5n]), g2: G.prepare(G.powersG2([9n])) },
  ]);

  Deno.test(`${label(G)}: solveGT() finds z on both sides, across the stages`, () => {
    // 64 baby steps give ±65 and then ±131 a giant step; from 4000 on it is the second stage's.
    for (const z of [0, 1, -1, 64, 65, -66, 130, 131, 132, -197, 4093, -4500, 6000]) {
      assertEquals(solveGT(G, base, powerGT(G, base, z), 6000), z);
    }
  });

  Deno.test(`${label(G)}: solveGT() finds nothing for what is outside the range, near it and far`, () => {
    for (const [z, bound] of [[11, 10], [-11, 10], [70, 66], [500, 100]]) {
      assertEquals(solveGT(G, base, powerGT(G, base, z), bound), null);
    }
    assertEquals(solveGT(G, base, other, 300), null);
  });

  Deno.test(`${label(G)}: solveGT() finds z from any guess`, () => {
    for (const near of [-300, -1, 1, 250, 300]) {
      for (const z of [-300, -299, 0, 248, 300]) {
        assertEquals(solveGT(G, base, powerGT(G, base, z), 300, near), z);
      }
    }
    assertEquals(solveGT(G, base, powerGT(G, base, 301), 300, 300), null);
  });
}

const [base] = fast.pairingProducts([
  { g1: fast.powersG1([2n]), g2: fast.prepare(fast.powersG2([3n])) },
]);

Deno.test("solveGT() agrees with the exponent over a wide range, whatever the guess", () => {
  const bound = 2_000_000;
  const inRange = fc.integer({ min: -bound, max: bound });
  fc.assert(
    fc.property(inRange, inRange, (z, near) => {
      assertEquals(solveGT(fast, base, powerGT(fast, base, z), bound, near), z);
    }),
    { seed: 1, numRuns: 40 },
  );
});

Deno.test("solveGT() searches on from a guess at one end to the other", () => {
  const bound = 4100; // the first stage reaches 4192
  for (const side of [1, -1]) {
    const target = powerGT(fast, base, side * bound);
    assertEquals(solveGT(fast, base, target, bound, -side * bound), side * bound);
  }
});

Deno.test("solveGT() leaves out no z of a range", () => {
  for (let z = -400; z <= 400; z++) {
    assertEquals(solveGT(fast, base, powerGT(fast, base, z), 400), z);
  }
});
