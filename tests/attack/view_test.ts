import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, narrowView, serverView, serverViews } from "lib/attack/view.ts";
import { plantedView, SQUARE } from "./fixtures.ts";

const good = () => ({
  W1: [1, -2, 3, 4],
  z1: [10, 20],
  shape: [1, 2, 1] as [number, number, number],
  scaleBits: 8,
});

Deno.test("serverView() derives hidden and n and copies its input", () => {
  const input = { ...good(), W1: Int32Array.from([1, -2, 3, 4]) };
  const view = serverView(input);
  input.W1[0] = 99;
  assertEquals([view.hidden, view.n, view.W1[0], view.pixelRange], [2, 2, 1, [0, 255]]);
});

Deno.test("serverView() refuses shapes and lengths that do not fit", () => {
  assertThrows(() => serverView({ ...good(), W1: [1, 2, 3] }), TypeError, "3 entries");
  assertThrows(() => serverView({ ...good(), z1: [] }), TypeError, "z1 is empty");
  assertThrows(() => serverView({ ...good(), shape: [0, 2, 1] }), TypeError, "shape [0,2,1]");
  assertThrows(() => serverView({ ...good(), shape: [1.5, 2, 1] }), TypeError, "shape");
});

Deno.test("serverView() refuses values that are not finite integers", () => {
  for (const bad of [NaN, Infinity, 0.5, 2 ** 53]) {
    assertThrows(() => serverView({ ...good(), z1: [1, bad] }), RangeError, "z1[1]");
    assertThrows(() => serverView({ ...good(), W1: [1, 2, bad, 4] }), RangeError, "W1[2]");
  }
  assertEquals(serverView({ ...good(), scaleBits: -12 }).scaleBits, -12); // of weights near 10^6
  assertThrows(() => serverView({ ...good(), scaleBits: 8.5 }), RangeError, "scaleBits");
});

Deno.test("describe() says what the server knows and what it does not, with the view's numbers", () => {
  const rows = describe(serverView(good()));
  const find = (quantity: string) => rows.find((row) => row.quantity === quantity);
  assertEquals(find("W1")?.value, "2 × 2 integers in [-2, 4], scale 2^8");
  assertEquals(find("z1 = W1·x")?.serverKnows, true);
  assertEquals(rows.filter((row) => !row.serverKnows).map((row) => row.quantity), ["x", "msk"]);
});

Deno.test("describe() handles a view of realistic size", () => {
  assertEquals(describe(plantedView(SQUARE, { hidden: 60 }))[4].value, "60 for 64 unknown pixels");
});

Deno.test("serverViews() equals serverView() for each sample and shares one W1", () => {
  const { z1: _, ...layer } = good();
  const views = serverViews({ ...layer, z1s: [[10, 20], [-3, 4]] });
  assertEquals(views, [[10, 20], [-3, 4]].map((z1) => serverView({ ...layer, z1 })));
  assertStrictEquals(views[0].W1, views[1].W1);
  assertEquals(serverViews({ ...layer, z1s: [] }), []);
  const short = [[10, 20], [1]];
  assertThrows(() => serverViews({ ...layer, z1s: short }), TypeError, "z1 has 1 entries");
  const broken = [[10, 20], [1, NaN]];
  assertThrows(() => serverViews({ ...layer, z1s: broken }), RangeError, "z1[1]");
});

Deno.test("narrowView() keeps the first equations and refuses a width it does not have", () => {
  const view = serverView(good());
  const narrow = narrowView(view, 1);
  assertEquals([narrow.hidden, narrow.n], [1, 2]);
  assertEquals([[...narrow.W1], [...narrow.z1]], [[1, -2], [10]]);
  assertEquals(narrowView(view, 2), view);
  for (const width of [0, 3, 1.5]) assertThrows(() => narrowView(view, width), RangeError, "width");
});
