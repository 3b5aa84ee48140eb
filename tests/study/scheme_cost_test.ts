import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { SchemeCost } from "lib/study/scheme_cost.ts";

/** 1 + 2·n + h·(3 + 4·n) bytes, a millionth of it seconds; function hiding fifty times as much, and at the largest
 * size twice what its model says. */
const rows = (["ipfe", "ipfe_full", "fhipe"] as const).flatMap((scheme) =>
  [300, 100, 10].flatMap((hidden) =>
    [8, 4, 2].map((n) => {
      const bytes = (1 + 2 * n + hidden * (3 + 4 * n)) * (scheme === "fhipe" ? 50 : 1);
      const odd = scheme === "fhipe" && n === 8 && hidden === 300;
      return { scheme, n, hidden, bytes, seconds: bytes / 1e6 * (odd ? 2 : 1) };
    })
  )
);
const costs = new SchemeCost(rows);

Deno.test("models are fitted to all sizes but the largest, which tests them", () => {
  assertEquals(costs.largest, { n: 8, hidden: 300 });
  assertAlmostEquals(costs.worst("bytes"), 0, 1e-6);
  assertAlmostEquals(costs.worst("seconds"), 1, 1e-6);
  assertAlmostEquals(costs.timeRatio("fhipe", "ipfe"), 100, 1e-9);
  assertThrows(() => new SchemeCost(rows.filter(({ n }) => n === 8)), RangeError, "Cannot fit");
});

Deno.test("figure() has measured points and the model's line of the same colour", () => {
  // deno-lint-ignore no-explicit-any
  const { data } = costs.figure("cost-seconds") as any;
  assertEquals(data.slice(0, 2).map((t: { mode: string }) => t.mode), ["markers", "lines"]);
  assertEquals(data[0].x, [2, 4, 8]);
  assertEquals(data[0].marker.color, data[1].line.color);
  assertEquals(data[1].name, "IPFE, model");
});

Deno.test("tables have a row a scheme", () => {
  const [ipfe, , hiding] = costs.table().rows;
  assertEquals(ipfe[0], "IPFE (2015/017)");
  assertEquals(hiding.slice(3), ["0.53", "1.05", "-50 %"]);
  assertEquals(costs.bytesTable().rows[2].slice(1), ["165", "285", "526", "0.000 %"]);
});
