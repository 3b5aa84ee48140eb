import { assertEquals } from "@std/assert";
import { Memory32 } from "lib/math/memory32.ts";
import { pixels32 } from "lib/nn/pixel_kernel.ts";

Deno.test("pixels32() gives byte · scale of all bytes, to the bits of JavaScript, for images of any size", () => {
  const images = Uint8Array.from({ length: 3 * 256 }, (_, i) => 7 * i);
  for (const scale of [1 / 255, 1, 0.3]) {
    for (const n of [1, 3, 8, 84, 256]) {
      for (const indices of [[], [1], [2, 0, 2]]) {
        using memory = Memory32.open();
        const X = pixels32(memory, { images, n, scale }, Uint32Array.from(indices));
        const expected = indices.flatMap((image) => [...images.subarray(image * n, image * n + n)]);
        assertEquals(X, Float32Array.from(expected, (byte) => byte * scale));
      }
    }
  }
});
