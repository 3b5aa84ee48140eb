import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { preparedLayer, sameNumbers } from "lib/attack/layer.ts";
import { narrowView, serverView } from "lib/attack/view.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { plantedView, SQUARE } from "./fixtures.ts";

const view = plantedView(SQUARE, { hidden: 20 });

Deno.test("preparedLayer() makes each part once, for every view of a W1 and for copies of it", () => {
  const layer = preparedLayer(view);
  const parts = [layer.saddle(), layer.equations(), layer.leastSquares(), layer.evidence()];
  const other = {
    ...view,
    W1: view.W1.slice(),
    z1: plantedView(SQUARE, { hidden: 20, seed: 2 }).z1,
  };
  assertStrictEquals(preparedLayer(other), layer);
  assertStrictEquals(layer.saddle().A, layer.equations().A);
  [layer.saddle(), layer.equations(), layer.leastSquares(), layer.evidence()].forEach((part, k) =>
    assertStrictEquals(part, parts[k])
  );
});

Deno.test("preparedLayer() tells layers apart by one entry, by n and by channels, and forgets old ones", () => {
  const layer = preparedLayer(view);
  const W1 = view.W1.slice();
  W1[777]++;
  assert(preparedLayer({ ...view, W1 }) !== layer);
  assert(preparedLayer({ ...view, n: 32, shape: [4, 8, 1] }) !== layer);
  assert(preparedLayer({ ...view, shape: [4, 4, 4] }) !== layer);
  assert(preparedLayer(view) !== layer); // three others since
});

Deno.test("preparedLayer() measures by content, rows of zeros included", () => {
  const W1 = gaussian(seededRng(2), 20 * 30).map((w) => Math.round(50 * w));
  const of = (W1: Float64Array, n: number) => preparedLayer({ W1, n, shape: [1, n, 1] });
  const other = W1.slice();
  other.fill(0, 0, 30);
  assertEquals([of(other, 30), of(W1, 30), of(W1, 60)].map((l) => l.evidence().rank), [19, 20, 10]);
  assertEquals([...of(other, 30).independent()], Array.from({ length: 19 }, (_, k) => k + 1));
  assertEquals([of(W1, 30).sparse(), of(W1.map((w, k) => k % 3 ? 0 : w), 30).sparse()], [
    false,
    true,
  ]);
});

Deno.test("sameNumbers() is false for NaN, and for lengths that differ", () => {
  assertEquals(sameNumbers(Float64Array.of(1, 2), Float64Array.of(1, 2)), true);
  assertEquals(sameNumbers(Float64Array.of(1, 2), Float64Array.of(1, 2, 3)), false);
  assertEquals(sameNumbers(Float64Array.of(NaN), Float64Array.of(NaN)), false);
});

Deno.test("the clone of a narrow view takes its own rows along and nothing else", () => {
  const { W1, z1, shape, scaleBits } = view;
  const [first, second] = [z1, z1.map((z) => z + 1)].map((z1) =>
    narrowView({ ...view, z1: serverView({ W1, z1, shape, scaleBits }).z1 }, 5)
  );
  const clone = structuredClone(first);
  assertEquals([clone.W1.buffer.byteLength, clone.z1.buffer.byteLength], [8 * 5 * 64, 8 * 5]);
  assertStrictEquals(first.W1, second.W1);
  assert(preparedLayer(first) === preparedLayer(second));
});
