import { assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { encodePng, enlarge } from "lib/plot/png.ts";
import { decodePng } from "./png_decode.ts";

for (const channels of [1, 3]) {
  Deno.test(`encodePng() of enlarge() turns every pixel into a square block, ${channels} channel(s)`, () => {
    const [height, width, zoom] = [3, 5, 4];
    const source = Uint8Array.from({ length: height * width * channels }, (_, i) => i * 37 % 256);
    const decoded = decodePng(
      encodePng(enlarge(source, [height, width, channels], zoom), [
        height * zoom,
        width * zoom,
        channels,
      ]),
    );
    assertEquals([decoded.width, decoded.height], [width * zoom, height * zoom]);
    const expected = Array.from({ length: decoded.pixels.length }, (_, i) => {
      const channel = i % channels, column = Math.floor(i / channels) % (width * zoom);
      const row = Math.floor(i / (channels * width * zoom));
      return source[
        (Math.floor(row / zoom) * width + Math.floor(column / zoom)) * channels + channel
      ];
    });
    assertEquals(decoded.pixels, expected);
  });
}

/** 300 × 300 pixels of so many colours, each a block of the same size. */
function colourful(count: number): Uint8Array {
  return Uint8Array.from({ length: 300 * 300 * 3 }, (_, i) => {
    const block = Math.floor(Math.floor(i / 3) / (90_000 / count));
    return (block * [7, 11, 13][i % 3] + [0, 80, 160][i % 3]) & 255;
  });
}

Deno.test("encodePng() keeps every byte, with a palette as without", () => {
  for (const count of [2, 200, 1000]) {
    const source = colourful(count);
    assertEquals(decodePng(encodePng(source, [300, 300, 3])).pixels, [...source]);
  }
});

Deno.test("encodePng() moves no colour by more than the tolerance, and the file shrinks", () => {
  // Shades between white and five colours, as at the edges of letters.
  const ends = [[0, 114, 178], [213, 94, 0], [0, 158, 115], [204, 121, 167], [34, 34, 34]];
  const source = Uint8Array.from({ length: 300 * 300 * 3 }, (_, i) => {
    const at = Math.floor(i / 3), share = (at * 48271 % 101) / 100;
    return Math.round(255 + share * share * (ends[at % 5][i % 3] - 255));
  });
  const exact = encodePng(source, [300, 300, 3]), near = encodePng(source, [300, 300, 3], 36);
  assertLess(near.length, 0.8 * exact.length);
  const { pixels } = decodePng(near);
  source.forEach((value, i) => assertLessOrEqual(Math.abs(value - pixels[i]), 36));
});
