import { assert, assertAlmostEquals, assertRejects } from "@std/assert";
import { minimise } from "lib/math/lbfgs.ts";

Deno.test("minimise() finds the bottom of Rosenbrock's valley", async () => {
  const f = ([x, y]: Float64Array) => ({
    value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
    gradient: Float64Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
  });
  const { x, value } = await minimise(f, Float64Array.of(-1.2, 1), { iterations: 100 });
  assertAlmostEquals(x[0], 1, 1e-6);
  assertAlmostEquals(x[1], 1, 1e-6);
  assert(value < 1e-12);
});

Deno.test("minimise() keeps within where the function is finite, and refuses to start elsewhere", async () => {
  const f = ([x]: Float64Array) => ({
    value: x - Math.log(x),
    gradient: Float64Array.of(1 - 1 / x),
  });
  const { x } = await minimise(f, Float64Array.of(0.01), { iterations: 50 });
  assertAlmostEquals(x[0], 1, 1e-6);
  await assertRejects(
    () => minimise(f, Float64Array.of(-1), { iterations: 5 }),
    RangeError,
    "NaN where it starts",
  );
});
