import { assert, assertEquals } from "@std/assert";
import { KeysForOneRow, keysForOneRow } from "lib/study/hiding.ts";
import { data } from "../protocol/mitig1/fixtures.ts";

Deno.test("keysForOneRow() holds the row in the plain key, and shares nothing between function-hiding ones", async () => {
  const keys = await keysForOneRow(data);
  assertEquals(keys.row, Int32Array.from(data.x.subarray(9, 18), (pixel) => 4 * pixel));
  assertEquals([keys.plainShows, keys.shared, keys.opens], [true, 0, true]);
  assertEquals(keys.hiding.elements.map((list) => list.length), [9, 9]);
  assertEquals(keys.hiding.count, 12); // N = n + 2 elements of k2, and k1
  assertEquals(keys.table().rows.map(([, holds]) => holds), ["yes", "no"]);
  const grid = keys.grid("hiding");
  assertEquals((grid.layout.images as unknown[]).length, 4);
  assert(!JSON.stringify(grid.layout).includes("ciphertext"));
});

Deno.test("KeysForOneRow counts shared elements, and sees a plain key that holds another row", async () => {
  const { row, shape, plain, hiding } = await keysForOneRow(data);
  const [one, other] = hiding.elements;
  const elements = [one, [one[0], ...other.slice(1)]] as [Uint8Array[], Uint8Array[]];
  const altered = { ...plain, y: plain.y.map((weight) => weight + 1) };
  const keys = new KeysForOneRow(row, shape, altered, { ...hiding, elements }, true);
  assertEquals([keys.plainShows, keys.shared], [false, 1]);
});
