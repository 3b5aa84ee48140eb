import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { loadPatients } from "lib/data/tables.ts";
import { rightSides } from "lib/nn/linear.ts";
import { columnProducts, ridgeFromProducts } from "lib/nn/linear_gram.ts";
import { linearSamples, momentsOf } from "lib/nn/linear_samples.ts";

Deno.test("ridgeFromProducts() on patients is right for at least 98 % of the test's", async () => {
  const { train, test } = await loadPatients();
  const moments = momentsOf(train);
  const own = linearSamples(train, { moments, scaleBits: 5 });
  const products = columnProducts(own);
  assert(products.every(Number.isSafeInteger));
  const distinct = 31 * 32 / 2 + 31;
  assertEquals([products.length, distinct], [31 * 32, 527]);
  const weights = ridgeFromProducts(products, { n: 30, penalty: 0.05 });
  const right = rightSides(weights, linearSamples(test, { moments, scaleBits: 5 }));
  assert(right >= 0.98 * 114, `${right}`);
});

Deno.test("ridgeFromProducts() finds y = 2x + 1 without a penalty, and less of it with one", () => {
  const u = Int32Array.of(1, 1, 3, 2, 1, 5, -3, 1, -5);
  const products = columnProducts({ n: 1, count: 3, u, scaleBits: 0, bound: 5 });
  assertEquals([...products], [14, 0, 28, 0, 3, 3]);
  const [w, b] = ridgeFromProducts(products, { n: 1, penalty: 0 });
  assertAlmostEquals(w, 2);
  assertAlmostEquals(b, 1);
  const [less, same] = ridgeFromProducts(products, { n: 1, penalty: 14 / 3 });
  assertAlmostEquals(less, 1);
  assertAlmostEquals(same, 1);
});

Deno.test("columnProducts() and ridgeFromProducts() refuse what they cannot do exactly, or at all", () => {
  const u = Int32Array.of(1, 1, 1);
  assertThrows(
    () => columnProducts({ n: 1, count: 2 ** 20, u, scaleBits: 0, bound: 2 ** 20 }),
    RangeError,
    "not exact",
  );
  const products = Float64Array.of(1, 1, 1, 1, 1, 1);
  assertThrows(() => ridgeFromProducts(products, { n: 2, penalty: 0 }), TypeError, "expected 12");
  assertThrows(() => ridgeFromProducts(products, { n: 1, penalty: -1 }), RangeError, "negative");
  assertThrows(() => ridgeFromProducts(products, { n: 1, penalty: 0 }), RangeError, "depend");
});
