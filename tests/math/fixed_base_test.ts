import { assert } from "@std/assert";
import fc from "fast-check";
import {
  Comb,
  combDigits,
  combOf,
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

Deno.test("combOf() and generatorMultiples() build one table for a base, for a group", () => {
  const G = GROUPS["p256"];
  const base = G.multiply(G.generator, 5n);
  assert(combOf(G, base) === combOf(G, base));
  assert(combOf(G, base) !== combOf(G, G.generator));
  assert(generatorMultiples(G) === generatorMultiples(G));
  assert(G.equals(generatorMultiples(G).multiply(3), G.multiply(G.generator, 3n)));
  assert(generatorMultiples(GROUPS["secp256k1"]) !== generatorMultiples(G));
});
