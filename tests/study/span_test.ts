import { assert, assertEquals, assertRejects } from "@std/assert";
import { pixelColumns } from "lib/attack/training/rays.ts";
import { type Span, spanOf } from "lib/attack/training/span_view.ts";
import { dataset } from "lib/data/dataset.ts";
import { seededRng, uniform } from "lib/math/rng.ts";
import { clearSpan } from "lib/study/mitig1_keys.ts";
import * as study from "lib/study/span.ts";

/** Images of 2×3 whose pixels are often black. */
function digits(count: number, seed: number) {
  const rng = seededRng(seed);
  const y = Uint8Array.from({ length: count }, (_, i) => i % 3);
  const x = Uint8Array.from({ length: count * 6 }, (_, at) => {
    const bright = 20 + 45 * ((8 * (at % 6) + 2 * y[Math.floor(at / 6)] ** 2) % 6);
    return uniform(rng) < 0.5 ? 0 : Math.floor(1 + bright * (0.6 + 0.4 * uniform(rng)));
  });
  return dataset({ name: "noise", x, y, shape: [2, 3, 1], classes: ["a", "b", "c"] });
}
const training = {
  ...{ hidden: 3, batch: 12, epochs: 1, learningRate: 1, seeds: { client: 2, server: 3 } },
};

Deno.test("attackSpan() counts columns, others and errors against the truth, and draws them", async () => {
  const images = digits(60, 1);
  const view = await clearSpan(images, training);
  const attacked = await study.attackSpan(images, view, {
    ...{ publicImages: digits(300, 2), known: 10, tries: 30, starts: 2, seed: 1 },
  });
  assertEquals([attacked.rank, attacked.live, attacked.wrong], [6, 6, 0]);
  assert(attacked.exact >= 3, `${attacked.exact}`);
  assertEquals(attacked.others, { exact: 50, count: 50 });
  assert(attacked.mse.aligned < attacked.mse.classMean);
  const { data: [line] } = attacked.figure("by-steps") as unknown as { data: { y: number[] }[] };
  assertEquals(line.y.slice(0, 2).includes(attacked.exact), false); // 6 rows of rank 6 do not tell
  assertEquals(line.y.at(-1), attacked.exact);
  assertEquals((attacked.grid("grid", 3).layout.images as unknown[]).length, 18);
  const early = { ...view, opened: view.opened.slice(0, 3 * 60) };
  const known = { publicImages: images, known: 10, tries: 1, starts: 1, seed: 1 };
  await assertRejects(() => study.attackSpan(images, early, known), RangeError, "too few steps");
});

Deno.test("filterTable() counts rays of bytes with and without images set aside", async () => {
  const images = digits(60, 1);
  const view = await clearSpan(images, training);
  const tested = await study.filterTable(images, view, { tries: 20, seed: 1 });
  assertEquals(tested.rows.map(([rare]) => rare), [0, 3]);
  const span = spanOf(view) as Span;
  const columns = await pixelColumns(span, { rng: seededRng(1), tries: 20, rare: 0 });
  assertEquals(tested.rows[0][1], columns.length);
});
