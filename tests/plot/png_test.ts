import { assertEquals } from "@std/assert";
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
