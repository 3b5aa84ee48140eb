import { assertEquals } from "@std/assert";
import { crc32, inflateSync } from "node:zlib";

/** A second implementation, of the decoder: chunks with their checksums, filters 0 and 2 undone, colours
 * of a palette looked up. */
export function decodePng(png: Uint8Array): { width: number; height: number; pixels: number[] } {
  const view = new DataView(png.buffer, png.byteOffset, png.length);
  assertEquals([...png.subarray(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = new Map<string, Uint8Array>();
  for (let at = 8; at < png.length;) {
    const length = view.getUint32(at);
    const body = png.subarray(at + 4, at + 8 + length);
    assertEquals(view.getUint32(at + 8 + length), crc32(body), "chunk checksum");
    chunks.set(new TextDecoder().decode(body.subarray(0, 4)), body.subarray(4));
    at += length + 12;
  }
  const header = chunks.get("IHDR")!;
  const size = new DataView(header.buffer, header.byteOffset);
  const width = size.getUint32(0), height = size.getUint32(4);
  const indexed = header[9] === 3, channels = header[9] === 2 ? 3 : 1;
  const raw = new Uint8Array(inflateSync(chunks.get("IDAT")!));
  const stride = width * channels;
  const pixels: number[] = [];
  for (let row = 0; row < height; row++) {
    const line = raw.subarray(row * (stride + 1), (row + 1) * (stride + 1));
    for (let i = 0; i < stride; i++) {
      const above = row === 0 ? 0 : pixels[(row - 1) * stride + i];
      pixels.push((line[i + 1] + [0, NaN, above][line[0]]) & 255);
    }
  }
  if (!indexed) return { width, height, pixels };
  const palette = chunks.get("PLTE")!;
  const rgb = pixels.flatMap((index) => [...palette.subarray(3 * index, 3 * index + 3)]);
  return { width, height, pixels: rgb };
}
