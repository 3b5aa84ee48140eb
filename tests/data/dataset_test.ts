import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DataError, dataset, firstImages, image, verifyChecksum } from "lib/data/dataset.ts";

const two = {
  name: "two",
  x: Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]),
  y: Uint8Array.from([0, 1]),
  shape: [2, 2, 1] as const,
  classes: ["a", "b"],
};

Deno.test("dataset() derives count and n, image() is a view of one image", () => {
  const data = dataset(two);
  assertEquals([data.count, data.n], [2, 4]);
  assertEquals(image(data, 1), Uint8Array.from([5, 6, 7, 8]));
});

Deno.test("dataset() refuses a missing pixel, a label out of range and no images", () => {
  assertThrows(() => dataset({ ...two, x: two.x.slice(1) }), DataError, "expected 8 pixels");
  assertThrows(() => dataset({ ...two, y: Uint8Array.from([0, 2]) }), DataError, "label 2");
  const none = new Uint8Array();
  assertThrows(() => dataset({ ...two, x: none, y: none }), DataError, "no images");
});

Deno.test("image() refuses an index outside the dataset", () => {
  for (const index of [-1, 2, 0.5, NaN]) {
    assertThrows(() => image(dataset(two), index), RangeError, "it has images 0 to 1");
  }
});

Deno.test("firstImages() cuts a dataset and refuses more images than there are", () => {
  const one = firstImages(dataset(two), 1);
  assertEquals([one.count, one.x, one.y], [1, two.x.subarray(0, 4), two.y.subarray(0, 1)]);
  for (const count of [0, 3, 0.5]) {
    assertThrows(() => firstImages(dataset(two), count), RangeError, "it has 2");
  }
});

Deno.test("verifyChecksum() accepts the pinned digest and names a file with another", async () => {
  const abc = new TextEncoder().encode("abc"); // FIPS 180-4, appendix B.1
  const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  await verifyChecksum("abc", abc, digest);
  await assertRejects(() => verifyChecksum("abc", abc.slice(1), digest), DataError, "use abc");
});
