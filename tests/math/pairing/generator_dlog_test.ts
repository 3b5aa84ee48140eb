import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { generatorGT, solveGenerator } from "lib/math/pairing/generator_dlog.ts";
import { powerGT } from "lib/math/pairing/group.ts";
import { fastest as fast, label, PAIRINGS } from "./backends.ts";

for (const G of PAIRINGS) {
  const generator = generatorGT(G);
  const solve = (z: number, bound: number) => solveGenerator(G, powerGT(G, generator, z), bound);

  Deno.test(`${label(G)}: solveGenerator() finds z on both sides, in the table and beyond it`, () => {
    // A bound of 50 has a table of 64 entries, which is all; 600 one of 512 and a giant step of 1025.
    for (const z of [0, 1, -1, 49, -50]) assertEquals(solve(z, 50), z);
    for (const z of [0, 511, 512, -512, 513, -600, 600]) assertEquals(solve(z, 600), z);
  });

  Deno.test(`${label(G)}: solveGenerator() finds nothing outside the range, near it and far`, () => {
    for (const [z, bound] of [[51, 50], [-51, 50], [601, 600], [5000, 600]]) {
      assertEquals(solve(z, bound), null);
    }
    const [foreign] = G.pairingProducts([
      { g1: G.powersG1([G.order / 3n]), g2: G.prepare(G.powersG2([1n])) },
    ]);
    assertEquals(solveGenerator(G, foreign, 600), null);
  });
}

const generator = generatorGT(fast);
const solve = (z: number, bound: number) =>
  solveGenerator(fast, powerGT(fast, generator, z), bound);

Deno.test("solveGenerator() leaves out no z of a range", () => {
  for (let z = -300; z <= 300; z++) assertEquals(solve(z, 300), z);
});

Deno.test("solveGenerator() agrees with the exponent up to the largest range", () => {
  const bound = 2 ** 31;
  fc.assert(
    fc.property(fc.integer({ min: -bound, max: bound - 1 }), (z) => {
      assertEquals(solve(z, bound), z);
    }),
    { seed: 1, numRuns: 20 },
  );
  // Multiples of the giant step have the identity's key, which no table holds.
  const stride = 2 ** 19 + 1;
  for (const z of [stride, -stride, 33 * stride, -100 * stride, 2 ** 18, 2 ** 18 + 1]) {
    assertEquals(solve(z, bound), z);
  }
  assertEquals(solve(2 ** 31, 2 ** 31), 2 ** 31);
  assertEquals(solve(2 ** 31, 2 ** 31 - 1), null);
});

Deno.test("generatorGT() is made once, and not 1", () => {
  assert(generatorGT(fast) === generator);
  assert(!fast.equal(generator, fast.multiply(generator, fast.invert(generator))));
});
