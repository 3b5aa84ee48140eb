import { assertEquals, assertThrows } from "@std/assert";
import { DataError, interleave } from "lib/data/dataset.ts";

const parts = { name: "d", shape: [1, 2, 1] as const, classes: ["a", "b"] };

Deno.test("interleave() takes the classes in turn and skips one that has run out", () => {
  const { x, y } = interleave(parts, [
    Uint8Array.from([1, 2, 3, 4, 5, 6]),
    Uint8Array.from([7, 8]),
  ]);
  assertEquals(y, Uint8Array.from([0, 1, 0, 0]));
  assertEquals(x, Uint8Array.from([1, 2, 7, 8, 3, 4, 5, 6]));
});

Deno.test("interleave() refuses half an image and no images", () => {
  assertThrows(() => interleave(parts, [new Uint8Array(3)]), DataError, "expected 4 pixels");
  assertThrows(() => interleave(parts, [new Uint8Array()]), DataError, "no images");
});
