/** PNG for images of flat areas: figures, and small images enlarged by a whole factor so that no
 * viewer blurs them. A palette makes figures half as large.
 * @module */
import { encode } from "fast-png";

/** Sizes of an image. */
export type Shape = readonly [height: number, width: number, channels: number];

/** Enlarges bytes [height, width, channels] by a whole factor: each pixel becomes a square block. */
export function enlarge(
  pixels: Uint8Array,
  [height, width, channels]: Shape,
  zoom: number,
): Uint8Array {
  const stride = width * zoom * channels;
  const out = new Uint8Array(height * zoom * stride);
  for (let row = 0; row < height; row++) {
    const line = out.subarray(row * zoom * stride, (row * zoom + 1) * stride);
    for (let column = 0; column < width * zoom; column++) {
      const from = (row * width + Math.floor(column / zoom)) * channels;
      line.set(pixels.subarray(from, from + channels), column * channels);
    }
    for (let repeat = 1; repeat < zoom; repeat++) out.set(line, (row * zoom + repeat) * stride);
  }
  return out;
}

/** Whether two colours differ by at most `near` in each channel. */
function alike(a: number, b: number, near: number): boolean {
  return Math.abs((a >> 16) - (b >> 16)) <= near && Math.abs((a & 255) - (b & 255)) <= near &&
    Math.abs((a >> 8 & 255) - (b >> 8 & 255)) <= near;
}

/** At most 256 colours and one of them for every pixel. Drawn figures have few colours and many shades at
 * the edges of letters and lines: from the most frequent on, a colour is kept unless one kept before is as
 * near as `tolerance`. Null where more than 256 are left. */
function indexed(colours: Uint32Array, tolerance: number) {
  const counts = new Map<number, number>();
  for (const value of colours) counts.set(value, (counts.get(value) ?? 0) + 1);
  const frequent = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([value]) => value);
  for (let near = 0; near <= tolerance; near += 4) {
    const palette: number[] = [], index = new Map<number, number>();
    for (const value of frequent) {
      let at = near === 0 ? -1 : palette.findIndex((kept) => alike(kept, value, near));
      if (at < 0) at = palette.push(value) - 1;
      index.set(value, at);
      if (at === 256) break;
    }
    if (palette.length > 256) continue;
    const data = new Uint8Array(colours.length);
    for (let i = 0; i < data.length; i++) data[i] = index.get(colours[i])!;
    return { palette, data };
  }
  return null;
}

/** Encodes bytes [height, width, channels], 1 = grey, 3 = RGB, 4 = opaque RGBA; colours as a palette where
 * 256 of them do.
 * @param tolerance by which a colour may then differ in a channel; 0 keeps all bytes. */
export function encodePng(
  data: Uint8Array,
  [height, width, channels]: Shape,
  tolerance = 0,
): Uint8Array {
  const size = { width, height, depth: 8 as const };
  const zlib = { level: 9 as const };
  const colours = new Uint32Array(channels === 1 ? 0 : width * height);
  for (let i = 0, at = 0; i < colours.length; i++, at += channels) {
    colours[i] = data[at] << 16 | data[at + 1] << 8 | data[at + 2];
  }
  const few = channels === 1 ? null : indexed(colours, tolerance);
  if (few === null) return encode({ ...size, data, channels }, { zlib });
  const palette = few.palette.map((value) => [value >> 16, value >> 8 & 255, value & 255]);
  return encode({ ...size, data: few.data, channels: 1, palette }, { zlib });
}
