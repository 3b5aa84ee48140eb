/** Encodes small images as PNG, enlarged by a whole factor: each pixel becomes a square block, so
 * that no viewer blurs it. Repeated rows and columns cost almost nothing after compression.
 * @module */
import { crc32, deflateSync } from "node:zlib";

function chunk(type: string, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(body.length + 12);
  const view = new DataView(out.buffer);
  view.setUint32(0, body.length);
  out.set(new TextEncoder().encode(type), 4);
  out.set(body, 8);
  view.setUint32(body.length + 8, crc32(out.subarray(4, body.length + 8)));
  return out;
}

/** Encodes bytes [height, width, channels] (1 = grey, 3 = RGB), `zoom` PNG pixels for each pixel. */
export function encodePng(
  pixels: Uint8Array,
  shape: readonly [height: number, width: number, channels: number],
  zoom: number,
): Uint8Array {
  const [height, width, channels] = shape;
  const stride = width * zoom * channels;
  const raw = new Uint8Array(height * zoom * (stride + 1));
  for (let row = 0; row < height; row++) {
    const line = raw.subarray(row * zoom * (stride + 1), (row * zoom + 1) * (stride + 1));
    for (let column = 0; column < width * zoom; column++) {
      const from = (row * width + Math.floor(column / zoom)) * channels;
      line.set(pixels.subarray(from, from + channels), 1 + column * channels);
    }
    // Filter 1 on the first line of a block, filter 2 ("as above", all zeros) on its repeats.
    for (let i = stride; i > channels; i--) line[i] = (line[i] - line[i - channels]) & 255;
    line[0] = 1;
    for (let repeat = 1; repeat < zoom; repeat++) {
      raw[(row * zoom + repeat) * (stride + 1)] = 2;
    }
  }
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width * zoom);
  new DataView(header.buffer).setUint32(4, height * zoom);
  header.set([8, channels === 1 ? 0 : 2, 0, 0, 0], 8);
  const parts = [
    new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", header),
    chunk("IDAT", new Uint8Array(deflateSync(raw, { level: 9 }))),
    chunk("IEND", new Uint8Array(0)),
  ];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
