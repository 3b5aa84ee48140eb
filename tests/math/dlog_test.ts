import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import fc from "fast-check";
import { prepareDlog, solveMany } from "lib/math/dlog.ts";
import { buildTable, type DlogTable, lookup, tableEntries } from "lib/math/dlog_table.ts";
import { generatorMultiples } from "lib/math/fixed_base.ts";
import { type Element, type Group, group } from "lib/math/group.ts";
import { ALL_GROUPS, GROUPS } from "./weierstrass.ts";

const G = group("ristretto255");
const solve = (of: Group, element: Element, bound: number) => solveMany(of, [element], bound)[0];
const power = (of: Group, z: number) => generatorMultiples(of).multiply(z);

function drain(build: Generator<number, DlogTable>): { table: DlogTable; done: number[] } {
  const done: number[] = [];
  for (let step = build.next();; step = build.next()) {
    if (step.done) return { table: step.value, done };
    done.push(step.value);
  }
}

for (const of of ALL_GROUPS) {
  Deno.test(`${of.name}: solveMany() finds every z of a small range, and its edges`, () => {
    for (const bound of [1, 2, 20]) {
      const all = Array.from({ length: 2 * bound + 1 }, (_, i) => i - bound);
      assertEquals([...solveMany(of, all.map((z) => power(of, z)), bound)], all);
    }
  });

  Deno.test(`${of.name}: solveMany() finds z by giant steps on both sides`, () => {
    const bound = 60_000; // the table holds 2^14 entries, so that ±60 000 takes two giant steps
    const zs = [0, 1, -1, 16_384, 16_385, -16_385, 32_768, -32_769, 49_152, 59_999, bound, -bound];
    assertEquals([...solveMany(of, zs.map((z) => power(of, z)), bound)], zs);
    for (const z of zs) assertEquals(solve(of, power(of, z), bound), z);
  });
}

Deno.test("solveMany() agrees with the exponent, over a range many times its table", () => {
  const bound = 3_000_000; // 2^17 entries
  fc.assert(
    fc.property(fc.integer({ min: -bound, max: bound }), (z) => {
      assertEquals(solve(G, power(G, z), bound), z);
    }),
    { seed: 1, numRuns: 60 },
  );
});

Deno.test("solveMany() finds nothing for what lies outside the range, though its table may hold it", () => {
  for (const bound of [10, 1000, 60_000]) {
    for (const z of [bound + 1, -bound - 1, 2 * bound + 1, 10 * bound]) {
      assertEquals(solve(G, power(G, z), bound), NaN);
    }
  }
});

Deno.test("solveMany() gives NaN for an element that has no logarithm in the range, and solves the rest", () => {
  const stranger = G.hash(new Uint8Array(3), "dlog test");
  assertEquals([...solveMany(G, [power(G, 5), stranger, power(G, -5)], 100)], [5, NaN, -5]);
});

Deno.test("solveMany() of nothing is nothing", () => {
  assertEquals(solveMany(G, [], 100).length, 0);
});

Deno.test("tableEntries() grows with √bound from 16 to 2^20", () => {
  assertEquals([1, 16, 900, 60_000, 2 ** 28, 2 ** 40].map(tableEntries), [
    16,
    16,
    1024,
    2 ** 14,
    2 ** 20,
    2 ** 20,
  ]);
});

Deno.test("buildTable() holds every index once, at most half full", () => {
  const { table, done } = drain(buildTable(G, 2048));
  assertEquals(done, [1024, 2048]);
  const indices = table.data.filter((_, i) => i % 2 === 1).filter((index) => index !== 0);
  assertEquals([...indices].sort((a, b) => a - b), Array.from({ length: 2048 }, (_, i) => i + 1));
  assertGreater(table.data.length / 2 + 1, 2 * 2048);
});

Deno.test("lookup() goes on past a colliding fingerprint", () => {
  const { table } = drain(buildTable(G, 16));
  const [key] = G.keys([power(G, 7)]);
  assertEquals(lookup(table, key, (i) => i === 7), 7);
  assertEquals(lookup(table, key, () => false), -1);
  // Give every entry the fingerprint of 7: all entries of the run are now proposed, one is confirmed.
  const slot = table.data.findIndex((value, i) => i % 2 === 1 && value === 7) - 1;
  for (let i = 0; i < table.data.length; i += 2) table.data[i] = table.data[slot];
  const proposed: number[] = [];
  lookup(table, key, (i) => {
    proposed.push(i);
    return i === 7;
  });
  assertEquals(proposed.at(-1), 7);
});

Deno.test("prepareDlog() reports progress, and an abort keeps nothing", async () => {
  const of = GROUPS["secp256k1"];
  const seen: number[] = [];
  const controller = new AbortController();
  const bound = 5000; // 2^12 entries, used by no other test of this group
  await assertRejects(
    () =>
      prepareDlog(of, bound, {
        signal: controller.signal,
        onProgress: (done, total) => {
          assertEquals(total, 4096);
          if (seen.push(done) === 2) controller.abort(new RangeError("stop was pressed"));
        },
      }),
    RangeError,
    "stop was pressed",
  );
  assertEquals(seen, [1024, 2048]);
  seen.length = 0;
  await prepareDlog(of, bound, { onProgress: (done) => seen.push(done) });
  assertEquals(seen, [1024, 2048, 3072, 4096]);
  await prepareDlog(of, bound, { onProgress: () => assert(false, "built twice") });
  assertEquals(solve(of, power(of, -4999), bound), -4999);
});
