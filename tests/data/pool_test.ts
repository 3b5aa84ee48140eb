import { assertEquals, assertThrows } from "@std/assert";
import { DataError, dataset, poolImages } from "lib/data/dataset.ts";

const parts = { name: "small", y: Uint8Array.of(1, 0), classes: ["a", "b"] };

Deno.test("poolImages() averages blocks of each image and channel, halves up", () => {
  const grey = dataset({
    ...parts,
    x: Uint8Array.of(0, 1, 10, 20, 1, 0, 30, 40, 255, 255, 0, 0, 255, 255, 0, 3),
    shape: [2, 4, 1],
  });
  const pooled = poolImages(grey, 2);
  assertEquals(pooled.x, Uint8Array.of(1, 25, 255, 1));
  assertEquals([pooled.shape, pooled.n, pooled.count], [[1, 2, 1], 2, 2]);
  assertEquals(pooled.y, grey.y);

  const colour = dataset({
    ...parts,
    x: Uint8Array.of(0, 100, 2, 102, 4, 104, 6, 106, 8, 8, 8, 8, 8, 8, 8, 8),
    shape: [2, 2, 2],
  });
  assertEquals(poolImages(colour, 2).x, Uint8Array.of(3, 103, 8, 8));
  assertEquals(poolImages(colour, 1).x, colour.x);
});

Deno.test("poolImages() refuses blocks that do not fit and factors that are no integers", () => {
  const images = dataset({ ...parts, x: new Uint8Array(12), shape: [2, 3, 1] });
  assertThrows(() => poolImages(images, 2), DataError, "2×3 is not whole blocks of 2×2");
  for (const factor of [0, -1, 1.5, NaN]) {
    assertThrows(() => poolImages(images, factor), RangeError, `factor ${factor}`);
  }
});
