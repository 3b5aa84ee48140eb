import { assertEquals, assertThrows } from "@std/assert";
import { encode } from "fast-png";
import { batchFromPng, GRAY, parseBatch, RGB } from "lib/data/cifar10.ts";
import { DataError } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";

const pixels = seededRng(1).bytes(2 * 3072); // two images, channels last
const picture = (data = pixels, width = 1024) =>
  encode({ width, height: data.length / width / 3, data, channels: 3, depth: 8 });
const png = picture();

Deno.test("batchFromPng() makes records of a label and three planes", () => {
  const records = batchFromPng("b", png, [3, 9]);
  assertEquals(records.length, 2 * 3073);
  const second = records.subarray(3073);
  assertEquals([records[0], second[0]], [3, 9]);
  for (const p of [0, 1, 500, 1023]) {
    const planes = [second[1 + p], second[1025 + p], second[2049 + p]];
    assertEquals(planes, Array.from(pixels.subarray(3072 + 3 * p, 3075 + 3 * p)));
  }
});

Deno.test("parseBatch() puts the channels last again", () => {
  const { x, y } = parseBatch("b", batchFromPng("b", png, [3, 9]), RGB);
  assertEquals([x, y], [pixels, Uint8Array.from([3, 9])]);
});

Deno.test("parseBatch() truncates to grey as the authors do", () => {
  const { x } = parseBatch("b", batchFromPng("b", png, [0, 0]), GRAY);
  const expected = Array.from({ length: 2048 }, (_, p) => {
    const [r, g, b] = pixels.subarray(3 * p, 3 * p + 3);
    return (299 * r + 587 * g + 114 * b) / 1000;
  });
  // Where the exact sum is an integer, float64 may fall just short of it.
  x.forEach((v, p) => assertEquals(v, Math.floor(expected[p] - (v < expected[p] ? 1e-9 : 0))));
  // Python 3: int(0.299*v + 0.587*v + 0.114*v) for v = 0, 1, 3, 77, 128, 255
  const greys = [0, 1, 3, 77, 128, 255];
  const record = new Uint8Array(3073);
  greys.forEach((v, p) => [0, 1, 2].forEach((plane) => record[1 + plane * 1024 + p] = v));
  assertEquals(Array.from(parseBatch("b", record, GRAY).x.subarray(0, 6)), [0, 0, 3, 77, 127, 255]);
});

Deno.test("parseBatch() refuses truncated and longer files and a wrong label", () => {
  const records = batchFromPng("b", png, [3, 9]);
  const refused = (bytes: Uint8Array, why: string) =>
    assertThrows(() => parseBatch("b.bin", bytes, RGB), DataError, `Cannot read b.bin: ${why}`);
  refused(records.slice(0, -1), "6145 bytes are not whole records");
  refused(Uint8Array.from([...records, 0]), "6147 bytes are not whole records");
  refused(new Uint8Array(), "0 bytes");
  records[3073] = 10;
  refused(records, "label 10 of image 1");
});

Deno.test("batchFromPng() refuses, one fault at a time, what is no batch", () => {
  const refused = (file: Uint8Array, labels: number[], why: string) =>
    assertThrows(() => batchFromPng("b.png", file, labels), DataError, `Cannot read b.png: ${why}`);
  refused(png.slice(0, 3000), [3, 9], "not a whole PNG");
  refused(png.with(3000, png[3000] ^ 1), [3, 9], "not a whole PNG");
  refused(new Uint8Array(100), [3, 9], "not a whole PNG");
  refused(picture(pixels, 512), [3, 9], "expected 1024 RGB pixels a row, got 512");
  refused(png, [3], "1 labels for 2 images");
  for (const label of [10, -1, 1.5, NaN]) refused(png, [3, label], `label ${label} of image 1`);
});
