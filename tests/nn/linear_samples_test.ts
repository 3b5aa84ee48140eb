import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { parseTable } from "lib/data/tables.ts";
import { linearSamples, momentsOf } from "lib/nn/linear_samples.ts";

const table = parseTable("t", "4,2,no,yes\n1,5,0\n3,5,1\n1,7,1\n3,7,0\n", ["a", "b"]);

Deno.test("linearSamples() holds standardised features, the 1 and ±2 in fixed point", () => {
  const moments = momentsOf(table);
  assertEquals([[...moments.mean], [...moments.deviation]], [[2, 6], [1, 1]]);
  const samples = linearSamples(table, { moments, scaleBits: 4 });
  assertEquals([...samples.u.subarray(0, 8)], [-16, -16, 16, -32, 16, -16, 16, 32]);
  assertEquals([samples.n, samples.count, samples.bound], [2, 4, 32]);
  const other = linearSamples(table, { moments, scaleBits: 4, positive: 0 });
  assertEquals([other.u[3], other.u[7]], [32, -32]);
});

Deno.test("momentsOf() and linearSamples() refuse what they cannot scale", () => {
  const flat = parseTable("flat", "2,1,no,yes\n1,0\n1,1\n", ["a"]);
  assertThrows(() => momentsOf(flat), RangeError, "Cannot standardise flat: a has one value only");
  const moments = momentsOf(table);
  assertThrows(
    () => linearSamples(flat, { moments, scaleBits: 4 }),
    TypeError,
    "2 moments for 1 features",
  );
  assertThrows(() => linearSamples(table, { moments, scaleBits: 31 }), RangeError, "does not fit");
  assertAlmostEquals(momentsOf({ ...flat, x: Float64Array.of(0, 4) }).deviation[0], 2);
});
