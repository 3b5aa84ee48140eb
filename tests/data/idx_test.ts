import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "lib/data/dataset.ts";
import { parseIdx } from "lib/data/mnist.ts";

/** Two 1×3 images. */
const file = Uint8Array.from([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]);

Deno.test("parseIdx() returns sizes and payload", () => {
  const { sizes, values } = parseIdx("f", file, [-1, 1, 3]);
  assertEquals(sizes, [2, 1, 3]);
  assertEquals(values, Uint8Array.from([1, 2, 3, 4, 5, 6]));
});

Deno.test("parseIdx() refuses truncated, longer, foreign and wrongly sized files", () => {
  const refused = (bytes: Uint8Array, why: string, dimensions = [-1, 1, 3]) =>
    assertThrows(() => parseIdx("f", bytes, dimensions), DataError, why);
  refused(file.slice(0, 9), "truncated");
  refused(file.slice(0, -1), "truncated");
  refused(Uint8Array.from([...file, 0]), "trailing bytes");
  refused(Uint8Array.from([1, ...file.slice(1)]), "not an IDX file");
  refused(file, "not an IDX file", [-1, 3]);
  refused(file, "expected sizes any×28×28, got 2×1×3", [-1, 28, 28]);
});
