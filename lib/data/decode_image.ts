/** One PNG, JPEG or WebP as pixels, by sharp (libvips). Its header is read before its pixels: nothing large, animated or
 * of another format is decoded.
 *
 * Turned as EXIF says, laid on white where it is transparent, in sRGB and 8 bits. sharp is imported at the first image:
 * it needs read, env, sys and ffi.
 * @module */
import { refusal } from "./dataset.ts";

/** Pixels of one image, in any case. */
const MAX_PIXELS = 64_000_000;
/** Values a sample: 64 × 64 in colour. What attacks make of more does not fit in memory. */
export const MAX_VALUES = 12_288;

/** [height, width] to which images are resized. */
export type Resize = readonly [height: number, width: number];

/** A decoded image. */
export interface Picture {
  /** [height, width, 3] */
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
  /** What was done to it, such as "laid on white". */
  readonly changes: readonly string[];
}

const HEIC = /^.{8}66747970(68656963|68656978|6d696631|6d736631|68657663|61766966)/;

/** What is no image here, by its first bytes in hexadecimal or its first characters, and the way out. */
const OTHERS: readonly [begins: RegExp, what: string, way: string][] = [
  [/^474946383/, "a GIF", "save a frame as PNG"],
  [/^424d/, "a BMP", "save it as PNG"],
  [/^(49492a00|4d4d002a)/, "a TIFF", "save it as PNG"],
  [HEIC, "a HEIC or AVIF", "save it as PNG or JPEG"],
  [/^25504446/, "a PDF", "save its pages as PNG"],
  [/^(93|504b0304)/, "an array of NumPy or an archive", "give it alone, not among images"],
  [/^(1f8b|425a68|fd377a58|377abcaf|52617221|28b52ffd)/, "compressed", "unpack it first"],
];
const TEXTS: readonly [begins: RegExp, what: string, way: string][] = [
  [/^version https:\/\/git-lfs/, "a pointer of Git LFS", "git lfs pull fetches the image itself"],
  [
    /^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!doctype svg[^>]*>\s*)?<svg/is,
    "an SVG",
    "draw it as PNG",
  ],
  [/^\s*<(!doctype|html|\?xml)/i, "a web page", "download the image itself"],
];

/** Refuses what is no PNG, JPEG or WebP, by name where it is known. */
function checkFormat(file: string, bytes: Uint8Array): void {
  const head = bytes.subarray(0, 512);
  const [hex, text] = [head.toHex(), new TextDecoder("latin1").decode(head)];
  if (/^(89504e470d0a1a0a|ffd8ff|52494646.{8}57454250)/.test(hex)) return;
  const [, what, way] = OTHERS.find(([begins]) => begins.test(hex)) ??
    TEXTS.find(([begins]) => begins.test(text)) ?? [, "no image", "PNG, JPEG and WebP are"];
  refusal(`Cannot read ${file}`)(`it is ${what}: ${way}`);
}

type Sharp = typeof import("sharp").default;
let opened: Promise<Sharp> | undefined;

function openSharp(): Promise<Sharp> {
  return opened ??= import("sharp").then(({ default: sharp }) => sharp, (cause) => {
    throw new Error("Cannot read images: the decoder (sharp) could not start", { cause });
  });
}

/** Libvips' reasons have a line a layer; the first says it. */
const reasonOf = (error: unknown) =>
  (error as Error).message.replace(/^Input buffer has corrupt header:\s*/, "").split("\n")[0] ||
  "its header";

/** "480×640", height first. */
export const sizeText = ([height, width]: readonly number[]): string => `${height}×${width}`;

/** Decodes an image.
 * @param file for messages.   @param resize the size to give it, by averages under a triangle as wide as two new pixels:
 * about a level from Pillow's bilinear filter, which is torchvision's. Proportions are not kept.
 * @throws {DataError} another format, truncated or damaged, animated, over 64 megapixels, or over 12 288 pixels and not
 * resized. */
export async function decodeImage(
  file: string,
  bytes: Uint8Array,
  resize?: Resize,
): Promise<Picture> {
  const fail = refusal(`Cannot read ${file}`);
  checkFormat(file, bytes);
  const sharp = await openSharp();
  // damage is refused, what a careless program left between the parts of a JPEG is not
  const open = () => sharp(bytes, { failOn: "error", limitInputPixels: false });
  const refuse = (error: unknown): never => fail(`it is damaged or truncated (${reasonOf(error)})`);
  const header = await open().metadata().catch(refuse);
  const { width, height } = header.autoOrient;
  if ((header.pages ?? 1) > 1) fail(`it is animated, ${header.pages} frames: save one of them`);
  if (height * width > MAX_PIXELS) {
    const size = `${sizeText([height, width])} are ${Math.round(height * width / 1e6)} megapixels`;
    fail(`${size}, at most 64: make it smaller by another program first`);
  }
  if (resize === undefined && height * width > MAX_VALUES) {
    fail(`${sizeText([height, width])} is too large to attack: --resize HxW, such as 64x64`);
  }
  const turned = open().autoOrient();
  if (resize !== undefined) {
    turned.resize({ height: resize[0], width: resize[1], fit: "fill", kernel: "linear" });
  }
  const { data, info } = await turned.flatten({ background: "#ffffff" }).toColourspace("srgb").raw()
    .toBuffer({ resolveWithObject: true }).catch(refuse);
  if (info.channels !== 3) fail(`${info.channels} channels, expected 3`);
  const stretched = resize !== undefined &&
    Math.abs(Math.log((height * resize[1]) / (width * resize[0]))) > 0.02;
  const changes = [
    ...(header.orientation ?? 1) > 1 ? ["turned as EXIF says"] : [],
    ...header.hasAlpha ? ["with an alpha channel laid on white"] : [],
    ...header.depth === "ushort" ? ["of 16 bits reduced to 8"] : [],
    ...header.space === "cmyk" ? ["of CMYK taken to RGB"] : [],
    ...header.hasProfile ? ["with a colour profile taken to sRGB"] : [],
    ...resize !== undefined ? [`resized to ${sizeText(resize)}`] : [],
    ...stretched ? ["stretched by that"] : [],
  ];
  return { pixels: new Uint8Array(data), height: info.height, width: info.width, changes };
}

/** Resizes pixels [height, width, channels] as {@linkcode decodeImage} does. */
export async function resizePixels(
  pixels: Uint8Array,
  [height, width, channels]: readonly [number, number, number],
  [rows, columns]: Resize,
): Promise<Uint8Array> {
  const sharp = await openSharp();
  const raw = { height, width, channels: channels as 1 | 3 };
  const small = sharp(pixels, { raw })
    .resize({ height: rows, width: columns, fit: "fill", kernel: "linear" });
  return new Uint8Array(
    await small.toColourspace(channels === 1 ? "b-w" : "srgb").raw().toBuffer(),
  );
}
