import { assertEquals, assertThrows } from "@std/assert";
import { pairGridPng, pairPng, samplePng } from "lib/plot/pair_png.ts";
import { decodePng } from "./png_decode.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

Deno.test("samplePng() draws each pixel as a square block, grey and colour", () => {
  assertEquals(decodePng(samplePng(bytes(1, 2, 3, 4), [2, 2, 1], 2)), {
    ...{ width: 4, height: 4 },
    pixels: [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4],
  });
  const colour = bytes(1, 2, 3, 4, 5, 6);
  const drawn = decodePng(samplePng(colour, [2, 1, 3], 1));
  assertEquals(drawn, { width: 1, height: 2, pixels: [...colour] });
});

Deno.test("pairPng() puts the two side by side with a line between, and a blank for what is missing", () => {
  const [truth, found] = [bytes(1, 2, 3, 4), bytes(5, 6, 7, 8)];
  const pair = decodePng(pairPng(truth, found, [2, 2, 1], 1));
  assertEquals(pair, { width: 5, height: 2, pixels: [1, 2, 159, 5, 6, 3, 4, 159, 7, 8] });
  const none = decodePng(pairPng(null, found, [2, 2, 1], 1));
  assertEquals(none.pixels, [242, 242, 159, 5, 6, 242, 242, 159, 7, 8]);
  const colour = decodePng(
    pairPng(bytes(1, 2, 3, 4, 5, 6), bytes(7, 8, 9, 10, 11, 12), [2, 1, 3], 1),
  );
  const line = [159, 159, 159];
  assertEquals(colour.pixels, [1, 2, 3, ...line, 7, 8, 9, 4, 5, 6, ...line, 10, 11, 12]);
  assertEquals(decodePng(pairPng(truth, found, [2, 2, 1], 3)).width, 15);
});

Deno.test("samplePng() and pairPng() draw a row of a table as bars, two rows one above the other", () => {
  const [ink, paper] = [34, 255];
  const { width, height, pixels } = decodePng(samplePng(bytes(0, 128, 255), [1, 3, 1], 1));
  assertEquals([width, height], [3, 32]);
  const inkOf = (column: number) =>
    pixels.filter((value, at) => at % 3 === column && value === ink).length;
  assertEquals([0, 1, 2].map(inkOf), [0, 16, 32]);
  assertEquals(pixels.slice(0, 3), [paper, paper, ink]); // bars stand on the ground
  const pair = decodePng(pairPng(bytes(0, 128, 255), bytes(0, 128, 255), [1, 3, 1], 1));
  assertEquals([pair.width, pair.height], [3, 65]);
  assertEquals(pair.pixels, [...pixels, 159, 159, 159, ...pixels]);
  assertEquals(decodePng(pairPng(null, null, [1, 3, 1], 1)).pixels.slice(0, 3), [242, 242, 242]);
});

Deno.test("pairGridPng() sets five pairs in a line on white, and rows of a table below each other", () => {
  const pair = (value: number) => ({ truth: bytes(value), recovered: bytes(value + 100) });
  const { width, height, pixels } = decodePng(
    pairGridPng([1, 2, 3, 4, 5, 6].map(pair), [1, 1, 1], 1),
  );
  assertEquals([width, height], [1, 6 * 65 + 5 * 4]); // a row of one column
  const images = [1, 2, 3, 4, 5, 6].map((v) => ({ truth: bytes(v, v), recovered: null }));
  const grid = decodePng(pairGridPng(images, [2, 1, 1], 1));
  assertEquals([grid.width, grid.height], [5 * 3 + 4 * 4, 2 * 2 + 4]);
  assertEquals(grid.pixels.slice(0, 10), [1, 159, 242, 255, 255, 255, 255, 2, 159, 242]);
  assertEquals(grid.pixels.slice(6 * 31, 6 * 31 + 4), [6, 159, 242, 255]); // the sixth begins a line
  assertEquals(pixels[0], 255);
  assertThrows(() => pairGridPng([], [2, 1, 1], 1), RangeError, "there is none");
});

Deno.test("samplePng() and pairPng() refuse lengths, channels and zooms that do not fit", () => {
  assertThrows(() => samplePng(bytes(1, 2, 3), [2, 2, 1], 1), TypeError, "3 values, not 4");
  assertThrows(() => pairPng(null, bytes(1), [2, 2, 1], 1), TypeError, "1 values, not 4");
  assertThrows(() => samplePng(bytes(1, 2), [1, 1, 2], 1), TypeError, "2 channels");
  assertThrows(() => samplePng(bytes(1), [1, 1, 1], 1.5), RangeError, "Cannot enlarge by 1.5");
  assertThrows(() => samplePng(bytes(1), [1, 1, 1], 0), RangeError, "Cannot enlarge by 0");
});
