import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import {
  canonicalJson,
  checkPoint,
  checkRow,
  defineSweep,
  loadSweep,
  parseOnly,
  pointKey,
  pointsOf,
  seedOf,
  type Sweep,
  SWEEPS,
} from "lib/sweep/grid.ts";
import { sweep as probe } from "./probe.ts";

const permitted = (await Deno.permissions.query({ name: "read" })).state === "granted";

const parts = {
  url: "test:",
  name: "pair",
  version: 1,
  fields: {
    scheme: { type: "choice", choices: ["a", "b"] },
    n: { type: "integer", min: 1, max: 100 },
  },
  columns: ["seconds"],
  grids: [
    { scheme: ["a", "b"], n: [1, 2] },
    { scheme: ["b"], n: [2, 3] },
  ],
  run: () => ({ seconds: 1 }),
} as const;
const pair = defineSweep(parts);

Deno.test("pointsOf() is the union of the grids' products, each point once, in their order", () => {
  const points = pointsOf(pair).map(({ scheme, n }) => `${scheme}${n}`);
  assertEquals(points, ["a1", "a2", "b1", "b2", "b3"]);
});

Deno.test("pointsOf() lets words choose among a grid's and numbers take the place of its own", () => {
  const points = (text: string) =>
    pointsOf(pair, parseOnly(pair, text)).map(({ scheme, n }) => `${scheme}${n}`);
  assertEquals(points("scheme=b"), ["b1", "b2", "b3"]);
  assertEquals(points("n=7"), ["a7", "b7"]);
  assertEquals(points("n=7, n=8,scheme=a"), ["a7", "a8"]);
  const none = defineSweep({ ...parts, grids: [{ scheme: ["a"], n: [1] }] });
  assertThrows(() => pointsOf(none, { scheme: ["b"] }), RangeError, "no point is left");
});

Deno.test("parseOnly() and checkPoint() refuse what the sweep does not have or may not take", () => {
  const only: [string, typeof TypeError | typeof RangeError, string][] = [
    ["n", TypeError, '"n" is not field=value'],
    ["n=1,", TypeError, '"" is not field=value'],
    ["width=3", TypeError, 'no field "width", expected scheme, n'],
    ["toString=3", TypeError, 'no field "toString"'],
    ["n=0", RangeError, "n = 0 is not an integer in [1, 100]"],
    ["n=1.5", RangeError, "n = 1.5 is not an integer"],
    ["n=many", RangeError, 'n = "many" is not an integer'],
    ["scheme=c", RangeError, 'scheme = "c" is not one of a, b'],
  ];
  for (const [text, kind, message] of only) {
    assertThrows(() => parseOnly(pair, text), kind as typeof Error, message);
  }
  const points: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [null, TypeError, "null is no point"],
    [{ scheme: "a" }, TypeError, "has no n"],
    [{ scheme: "a", n: 1, m: 2 }, TypeError, 'no field "m"'],
    [{ scheme: "a", n: "1" }, RangeError, 'n = "1"'],
    [{ scheme: "a", n: 101 }, RangeError, "n = 101"],
  ];
  for (const [point, kind, message] of points) {
    assertThrows(() => checkPoint(pair, point), kind as typeof Error, message);
  }
  assertEquals(Object.keys(checkPoint(pair, { n: 1, scheme: "a" })), ["scheme", "n"]);
});

Deno.test("checkRow() refuses other columns and what JSON cannot hold", () => {
  assertEquals(checkRow(pair, { seconds: null }), { seconds: null });
  for (const row of [null, {}, { seconds: 1, bytes: 2 }]) {
    assertThrows(() => checkRow(pair, row), TypeError, "is missing or unknown");
  }
  for (const seconds of [NaN, Infinity, undefined, {}, 1n]) {
    assertThrows(() => checkRow(pair, { seconds }), TypeError, "seconds = ");
  }
});

Deno.test("defineSweep() refuses a name twice or reserved, and a grid beside its range", () => {
  const faults: [object, string][] = [
    [{ columns: ["n"] }, '"n" is taken'],
    [{ columns: ["status"] }, '"status" is taken'],
    [{ columns: ["a b"] }, '"a b" is taken or no word'],
    [{ grids: [{ scheme: ["a"], n: [0] }] }, "n = 0 is not"],
  ];
  for (const [fault, message] of faults) {
    assertThrows(() => defineSweep({ ...parts, ...fault }), Error, message);
  }
});

Deno.test("pointKey() and seedOf() depend on the point alone, not on the order of its fields", () => {
  const [point, turned] = [{ scheme: "a", n: 1 }, { n: 1, scheme: "a" }];
  assertEquals(canonicalJson(turned), '{"n":1,"scheme":"a"}');
  assertEquals(pointKey(pair, turned), pointKey(pair, point));
  assertEquals(seedOf(pair, turned), seedOf(pair, point));
  // Python: sha256(b'fe-leakage/point/pair/{"n":1,"scheme":"a"}'), its first 16 bytes; and the seed's.
  assertEquals(pointKey(pair, point), "5076e066ec671f416542062d69b27c52");
  assertEquals(seedOf(pair, point), 6487047050845731);
  const points = pointsOf(probe);
  assertEquals(new Set(points.map((point) => pointKey(probe, point))).size, 300);
  const seeds = points.map((point) => seedOf(probe, point));
  assertEquals(new Set(seeds).size, 300);
  assert(seeds.every(Number.isSafeInteger));
});

Deno.test("seedOf() is shared by points that differ only beside the seed's fields", () => {
  const paired: Sweep = defineSweep({ ...parts, seedFields: ["n"] });
  const seed = (scheme: string, n: number) => seedOf(paired, { scheme, n });
  assertEquals(seed("a", 1), seed("b", 1));
  assertNotEquals(seed("a", 1), seed("a", 2));
  assertNotEquals(pointKey(paired, { scheme: "a", n: 1 }), pointKey(paired, { scheme: "b", n: 1 }));
});

Deno.test({
  name: "loadSweep() loads every sweep by name and one's own by path, and refuses the rest",
  ignore: !permitted,
  async fn() {
    for (const name of SWEEPS) {
      const sweep = await loadSweep(name);
      assertEquals(sweep.name, name);
      assert(pointsOf(sweep).length > 0);
    }
    const own = await loadSweep(`${import.meta.dirname}/probe.ts`);
    assertEquals(own.name, "probe");
    const faults: [string, string][] = [
      [
        "frobnicate",
        'Cannot sweep "frobnicate": expected attack, rates, training, cost, qfe_cost, leakage, frontier, private or the path',
      ],
      ["no-such-module.ts", "Cannot load sweep no-such-module.ts"],
      [`${import.meta.dirname}/../assert.ts`, "the module exports no sweep"],
    ];
    for (const [name, message] of faults) {
      await assertRejects(() => loadSweep(name), TypeError, message);
    }
  },
});
