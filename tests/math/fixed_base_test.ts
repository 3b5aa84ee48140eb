import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  Comb,
  combDigits,
  combsOf,
  generatorMultiples,
  SmallMultiples,
} from "lib/math/fixed_base.ts";
import { ALL_GROUPS, GROUPS } from "./weierstrass.ts";

for (const G of ALL_GROUPS) {
  const base = G.multiply(G.generator, 0xabcdefn);
  const comb = new Comb(G, base);
  const small = new SmallMultiples(G, base);

  Deno.test(`${G.name}: Comb.multiply() agrees with multiply()`, () => {
    const agrees = (k: bigint) =>
      assert(G.equals(comb.multiply(combDigits(G, k)), G.multiply(base, k)), `${k}`);
    for (const k of [0n, 1n, 2n, G.order - 1n, (1n << 252n) - 1n, 1n << 251n]) agrees(k);
    fc.assert(fc.property(fc.bigInt(0n, G.order - 1n), agrees), { seed: 1, numRuns: 20 });
  });

  Deno.test(`${G.name}: SmallMultiples.multiply() agrees with multiply()`, () => {
    const agrees = (k: number) =>
      assert(G.equals(small.multiply(k), G.multiply(base, BigInt(k))), `${k}`);
    for (const k of [0, -0, 1, -1, 255, 256, -256, 257, 65_535, 65_536, 2 ** 31]) agrees(k);
    fc.assert(fc.property(fc.integer(), agrees), { seed: 1, numRuns: 30 });
  });
}

Deno.test("combsOf() and generatorMultiples() build one table for a list of bases, for a group", () => {
  const G = GROUPS["p256"];
  const bases = [G.multiply(G.generator, 5n)];
  assert(combsOf(G, bases) === combsOf(G, bases));
  assert(combsOf(G, bases) !== combsOf(G, [...bases]));
  assert(generatorMultiples(G) === generatorMultiples(G));
  assert(G.equals(generatorMultiples(G).multiply(3), G.multiply(G.generator, 3n)));
  assert(generatorMultiples(GROUPS["secp256k1"]) !== generatorMultiples(G));
});

for (const G of ALL_GROUPS) {
  Deno.test(`${G.name}: combsOf() multiplies every base by one scalar, and one base by many`, () => {
    const bases = [1n, 7n, G.order - 2n].map((k) => G.multiply(G.generator, k));
    const scalars = [0n, 1n, G.order - 1n, (1n << 252n) - 1n, 0x123456789abcdefn << 190n];
    for (const count of [0, 1, 2, 3]) {
      const some = bases.slice(0, count);
      const combs = combsOf(G, some);
      for (const k of scalars) {
        const powers = combs.multiply(k);
        assertEquals(powers.length, count);
        powers.forEach((power, i) => assert(G.equals(power, G.multiply(some[i], k)), `${i} ${k}`));
      }
      some.forEach((base, j) => {
        for (const few of [scalars, scalars.slice(1), []]) {
          const powers = combs.powers(j, few);
          assertEquals(powers.length, few.length);
          powers.forEach((power, i) => assert(G.equals(power, G.multiply(base, few[i])), `${i}`));
        }
      });
    }
  });
}
