import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadIris, rowsOf } from "lib/data/tables.ts";
import { columnProducts } from "lib/nn/linear_gram.ts";
import { firstSamples, gramHybrid, openGram, withProducts } from "lib/study/gram_once.ts";
import { patientSamples } from "lib/study/patients.ts";

Deno.test("openGram() opens each inner product of the first samples, exactly", async () => {
  const { train } = await patientSamples();
  // Three features, the ones, the labels.
  const u = Int32Array.from({ length: 9 * 5 }, (_, at) => {
    const [i, k] = [Math.floor(at / 5), at % 5];
    return train.u[i * 32 + (k < 3 ? k : k + 27)];
  });
  const samples = firstSamples({ ...train, n: 3, count: 9, u }, 5);
  const opened = await openGram(samples, { workers: 0 });
  assertEquals(opened.products, columnProducts(samples));
  assertEquals([opened.equal, opened.keys, opened.pairings], [true, 14, 14 * 11]);
  assertEquals(opened.table("t").rows[0].slice(0, 3), [5, 3, 14]);
  opened.products[1]++;
  assert(!opened.equal);
  const few = firstSamples(samples, 4);
  await assertRejects(() => openGram(few, { workers: 0 }), RangeError, "take 5 samples or more");
});

Deno.test("withProducts() adds squares and products of standardised features; gramHybrid() fits them", async () => {
  const { train, test } = await loadIris();
  const two = (rows: typeof train, count: number) => {
    const own = rowsOf(rows, Array.from({ length: count }, (_, i) => i));
    const x = Float64Array.from(
      { length: 2 * count },
      (_, at) => own.x[Math.floor(at / 2) * 4 + 2 + at % 2],
    );
    return { ...own, n: 2, x, features: own.features.slice(2) };
  };
  const flowers = { train: two(train, 21), test: two(test, 30) };
  const wide = withProducts(flowers).train;
  assertEquals([wide.n, wide.features.length, wide.x.length], [5, 5, 105]);
  assertEquals([wide.x[2], wide.x[3]], [wide.x[0] ** 2, wide.x[0] * wide.x[1]]);
  const found = await gramHybrid({ workers: 0 }, flowers);
  assert(found.opened.equal && found.mapped.rate > found.plain.rate + 0.1);
  assertEquals(found.table("t").rows.length, 2);
});
