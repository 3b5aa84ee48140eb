import { assertEquals, assertLessOrEqual } from "@std/assert";
import type { Sharp } from "sharp";
import { decodeImage, resizePixels } from "lib/data/decode_image.ts";
import { permitted } from "../tools/fixtures.ts";
import { png, ramp, refusal, test } from "./sample_files.ts";

// it reads the environment when imported
const sharp = permitted ? (await import("sharp")).default : undefined!;

const raw = { width: 3, height: 2, channels: 3 } as const;
const rgb = ramp(18, 5);
const grey = (values: ArrayLike<number>) => Array.from(values).flatMap((v) => [v, v, v]);
const bytes = async (image: Sharp) => new Uint8Array(await image.toBuffer());
const decoded = async (file: Uint8Array, resize?: [number, number]) => {
  const { pixels, height, width, changes } = await decodeImage("f", file, resize);
  return { pixels: [...pixels], size: [height, width], changes };
};

test("decodeImage() reads PNG in grey and colour, of 8 bits and of 16", async () => {
  const plain = { size: [2, 3], changes: [] };
  assertEquals(await decoded(png(rgb, [2, 3, 3])), { pixels: [...rgb], ...plain });
  assertEquals(await decoded(png(ramp(6), [2, 3, 1])), { pixels: grey(ramp(6)), ...plain });
  const deep = [0, 255, 256, 32768, 65279, 65535];
  assertEquals(await decoded(png(deep, [2, 3, 1], 16)), {
    ...{ pixels: grey([0, 0, 1, 128, 254, 255]), size: [2, 3] },
    changes: ["of 16 bits reduced to 8"],
  });
});

test("decodeImage() lays what is transparent on white", async () => {
  const file = png([10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 51], [1, 3, 4]);
  assertEquals(await decoded(file), {
    ...{ pixels: [10, 20, 30, 255, 255, 255, 204, 204, 204], size: [1, 3] },
    changes: ["with an alpha channel laid on white"],
  });
  const pixels = (await decoded(png([0, 0, 0, 255], [1, 2, 2]))).pixels;
  assertEquals(pixels, grey([255, 0]));
});

test("decodeImage() reads a palette, lossless WebP, and a JPEG to a few levels", async () => {
  const flat = Array.from({ length: 64 }, () => [200, 40, 90]).flat();
  const from = sharp(Uint8Array.from(flat), { raw: { width: 8, height: 8, channels: 3 } });
  assertEquals((await decoded(await bytes(from.clone().png({ palette: true })))).pixels, flat);
  const lossless = sharp(rgb, { raw }).webp({ lossless: true });
  assertEquals((await decoded(await bytes(lossless))).pixels, [...rgb]);
  const { pixels } = await decoded(await bytes(from.clone().jpeg({ quality: 95 })));
  pixels.forEach((value, at) => assertLessOrEqual(Math.abs(value - flat[at]), 2));
  const cmyk = from.clone().toColourspace("cmyk").jpeg();
  assertEquals((await decoded(await bytes(cmyk))).changes[0], "of CMYK taken to RGB");
});

test("decodeImage() turns an image as EXIF says", async () => {
  // 6: what is stored as the left column is the top row, from right to left
  const stored = sharp(rgb, { raw }).withMetadata({ orientation: 6 });
  for (const file of [await bytes(stored.clone().webp({ lossless: true }))]) {
    const { pixels, size, changes } = await decoded(file);
    assertEquals([size, changes[0]], [[3, 2], "turned as EXIF says"]);
    const at = (i: number, j: number) => [...rgb.subarray((i * 3 + j) * 3, (i * 3 + j) * 3 + 3)];
    assertEquals(pixels, [at(1, 0), at(0, 0), at(1, 1), at(0, 1), at(1, 2), at(0, 2)].flat());
  }
  const jpeg = await decoded(await bytes(stored.clone().jpeg()));
  assertEquals(jpeg.size, [3, 2]);
});

test("decodeImage() resizes by averaging, and says when it stretches", async () => {
  const halves = Array.from({ length: 64 }, (_, p) => p % 8 < 4 ? 0 : 200);
  const { pixels, size, changes } = await decoded(png(halves, [8, 8, 1]), [1, 1]);
  assertEquals([pixels, size], [[100, 100, 100], [1, 1]]);
  assertEquals(changes, ["resized to 1×1"]);
  const wide = await decoded(png(halves, [8, 8, 1]), [4, 2]);
  assertEquals(wide.changes, ["resized to 4×2", "stretched by that"]);
  const raw = await resizePixels(Uint8Array.from(halves), [8, 8, 1], [1, 1]);
  assertEquals([...raw], [100]);
  assertEquals((await resizePixels(rgb, [2, 3, 3], [4, 6])).length, 72);
});

test("decodeImage() takes a large image only when it is resized", async (folder) => {
  const large = png(new Uint8Array(120 * 120).fill(9), [120, 120, 1]);
  assertEquals(
    await refusal(folder, () => decodeImage("f.png", large)),
    "Cannot read f.png: 120×120 is too large to attack: --resize HxW, such as 64x64",
  );
  assertEquals((await decoded(large, [1, 1])).pixels, [9, 9, 9]);
});

test("decodeImage() refuses a PNG of 20 000 × 20 000 by its header", async (folder) => {
  const file = png(ramp(6), [2, 3, 1]);
  const view = new DataView(file.buffer);
  [16, 20].forEach((at) => view.setUint32(at, 20_000));
  const { crc32 } = await import("node:zlib");
  view.setUint32(29, crc32(file.subarray(12, 29)));
  assertEquals(
    await refusal(folder, () => decodeImage("f.png", file, [8, 8])),
    "Cannot read f.png: 20000×20000 are 400 megapixels, at most 64: make it smaller by another program first",
  );
});

test("decodeImage() refuses truncated and damaged files", async (folder) => {
  const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, k) => (k * k * 31) >> 3);
  const from = sharp(noise, { raw: { width: 64, height: 64, channels: 3 } });
  const files = [from.clone().png(), from.clone().jpeg(), from.clone().webp()];
  for (const file of await Promise.all(files.map(bytes))) {
    for (const share of [0.02, 0.3, 0.9]) {
      const part = file.subarray(0, Math.max(20, share * file.length));
      const line = await refusal(folder, () => decodeImage("f", part));
      assertEquals(line.startsWith("Cannot read f: it is damaged or truncated ("), true, line);
    }
  }
  const broken = await bytes(from.clone().png());
  broken[broken.length >> 1] ^= 255;
  const line = await refusal(folder, () => decodeImage("f", broken));
  assertEquals(line.startsWith("Cannot read f: it is damaged or truncated ("), true, line);
});

test("decodeImage() names other formats and the way out", async (folder) => {
  const head = (hex: string) => Uint8Array.fromHex(hex.padEnd(64, "0"));
  const text = (words: string) => new TextEncoder().encode(words);
  const svg =
    '<?xml version="1.0"?>\n<!-- made by hand --><svg xmlns="http://www.w3.org/2000/svg"/>';
  const cases: [Uint8Array, string][] = [
    [head("474946383961"), "it is a GIF: save a frame as PNG"],
    [head("424d"), "it is a BMP: save it as PNG"],
    [head("49492a00"), "it is a TIFF: save it as PNG"],
    [head("4d4d002a"), "it is a TIFF: save it as PNG"],
    [head("000000186674797068656963"), "it is a HEIC or AVIF: save it as PNG or JPEG"],
    [head("0000001c6674797061766966"), "it is a HEIC or AVIF: save it as PNG or JPEG"],
    [head("255044462d"), "it is a PDF: save its pages as PNG"],
    [head("504b0304"), "it is an array of NumPy or an archive: give it alone, not among images"],
    [head("1f8b08"), "it is compressed: unpack it first"],
    [text(svg), "it is an SVG: draw it as PNG"],
    [text("<svg viewBox='0 0 1 1'/>"), "it is an SVG: draw it as PNG"],
    [text("<!DOCTYPE html>"), "it is a web page: download the image itself"],
    [
      text("version https://git-lfs.github.com/spec/v1"),
      "it is a pointer of Git LFS: git lfs pull fetches the image itself",
    ],
    [text("hello"), "it is no image: PNG, JPEG and WebP are"],
  ];
  for (const [file, why] of cases) {
    assertEquals(await refusal(folder, () => decodeImage("f", file)), `Cannot read f: ${why}`);
  }
  const frames = [rgb, rgb.map((v) => 255 - v)].map((input) => sharp(input, { raw }).png());
  const pages = await Promise.all(frames.map((frame) => frame.toBuffer()));
  const animated = await bytes(sharp(pages, { join: { animated: true } }).webp());
  assertEquals(
    await refusal(folder, () => decodeImage("f", animated)),
    "Cannot read f: it is animated, 2 frames: save one of them",
  );
});
