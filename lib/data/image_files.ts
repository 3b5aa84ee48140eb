/** Images of the user's own: folders, files, or an array of NumPy.
 *
 * All of one size, 1 channel where every pixel is grey, else 3. Nothing is resized unless asked; what was done to the
 * images stands in `notes`.
 * @module */
import { dataset, refusal } from "./dataset.ts";
import {
  decodeImage,
  MAX_VALUES,
  type Picture,
  type Resize,
  resizePixels,
  sizeText,
} from "./decode_image.ts";
import { listImages } from "./image_paths.ts";
import { checkTotal, labelBytes, type OwnSamples } from "./own_samples.ts";
import { readBytes } from "./read_bytes.ts";
import {
  arraysOf,
  bytesOf,
  chooseArray,
  isArrayFile,
  labelsBeside,
  numbersOf,
} from "./sample_array.ts";
import { shapeText, shown, type Tensor } from "./tensor.ts";

/** What is asked of images. */
export interface ImageOptions {
  /** [height, width] to give them; proportions are not kept. */
  readonly resize?: Resize;
  /** Colour as its luma 0.299·R + 0.587·G + 0.114·B (ITU-R BT.601), rounded. */
  readonly grey?: boolean;
  /** Which array of a .npz, where several could be the images. */
  readonly tensor?: string;
  /** Which array of a .npz has the labels, or a .npy that has. */
  readonly labels?: string;
  /** At most so many, the first. */
  readonly limit?: number;
}

/** Files opened at once. */
const AT_ONCE = 16;

const luma = (r: number, g: number, b: number) => Math.round(0.299 * r + 0.587 * g + 0.114 * b);

/** Three channels as one, where all pixels are grey or it is asked for. */
function withoutColour(x: Uint8Array, grey: boolean): Uint8Array | null {
  if (!grey && !x.every((value, at) => value === x[at - at % 3])) return null;
  return Uint8Array.from({ length: x.length / 3 }, (_, p) =>
    // of a grey pixel, its value
    luma(x[3 * p], x[3 * p + 1], x[3 * p + 2]));
}

/** Puts the parts together: grey, sizes and labels are the same for files and arrays. */
function imageSamples(
  { x, size: [height, width], channels, name, names, labels, notes }: {
    x: Uint8Array;
    size: Resize;
    channels: number;
    name: string;
    names: string[];
    labels: string[] | null;
    notes: string[];
  },
  grey: boolean,
): OwnSamples {
  const flat = channels === 3 ? withoutColour(x, grey) : null;
  const shape = [height, width, flat === null ? channels : 1] as const;
  const n = height * width * shape[2];
  if (n > MAX_VALUES) {
    const size = `${sizeText([height, width])} in ${shape[2] === 3 ? "colour" : "grey"}`;
    refusal(`Cannot use ${name}`)(
      `${size} are ${n} values an image, at most ${MAX_VALUES}: --resize HxW, such as 32x32`,
    );
  }
  const { y, classes, labelled } = labelBytes(name, labels, names.length);
  const images = dataset({ name, x: flat ?? x, y, shape, classes });
  const colour = flat === null ? shape[2] === 3 ? "in colour" : "in grey" : "in grey (1 channel)";
  const taken = `${name}: ${imageCount(names.length)} of ${sizeText(shape.slice(0, 2))} ${colour}`;
  return { ...images, names, labelled, kind: "image", notes: [taken, ...notes] };
}

const imageCount = (count: number) => `${count} image${count === 1 ? "" : "s"}`;

/** Notes on what was done to how many of the pictures. */
function changeNotes(name: string, pictures: readonly Picture[]): string[] {
  const counts = new Map<string, number>();
  for (const change of pictures.flatMap(({ changes }) => changes)) {
    counts.set(change, (counts.get(change) ?? 0) + 1);
  }
  return [...counts].map(([change, count]) => `${name}: ${imageCount(count)} ${change}`);
}

async function fromFiles(paths: readonly string[], options: ImageOptions): Promise<OwnSamples> {
  const { resize, grey = false, limit = Infinity } = options;
  const name = paths.length === 1 ? paths[0] : `${paths[0]} and ${paths.length - 1} more`;
  const fail = refusal(`Cannot read ${name}`);
  const { files: all, notes } = await listImages(paths);
  const files = all.slice(0, limit);
  const pictures: Picture[] = [];
  const read = async ({ path }: (typeof files)[number]) =>
    await decodeImage(path, await readBytes(path), resize);
  for (let at = 0; at < files.length; at += AT_ONCE) {
    const settled = await Promise.allSettled(files.slice(at, at + AT_ONCE).map(read));
    for (const outcome of settled) { // the first failure by name, whichever came first in time
      if (outcome.status === "rejected") throw outcome.reason;
      const picture = outcome.value, first = pictures[0] ?? picture;
      if (picture.height !== first.height || picture.width !== first.width) {
        const [one, other] = [files[0].path, files[pictures.length].path];
        fail(
          `two sizes, ${one} has ${sizeText([first.height, first.width])} and ${other} ` +
            `${sizeText([picture.height, picture.width])}: --resize HxW makes them one`,
        );
      }
      if (pictures.length === 0) checkTotal(name, files.length, picture.pixels.length);
      pictures.push(picture);
    }
  }
  const [{ height, width }] = pictures;
  const x = new Uint8Array(pictures.length * height * width * 3);
  pictures.forEach(({ pixels }, k) => x.set(pixels, k * pixels.length));
  const labels = files.every(({ label }) => label !== null) ? files.map((f) => f.label!) : null;
  return imageSamples({
    ...{ x, size: [height, width], channels: 3, name, labels },
    names: files.map((file) => file.name),
    notes: [...notes, ...changeNotes(name, pictures)],
  }, grey);
}

/** Images as an array has them, and where its pixels are: [count, height, width, channels], "first": channels before
 * height and width. */
interface ArrayLayout {
  readonly size: Resize;
  readonly channels: number;
  readonly order: "last" | "first";
  readonly note: string;
}

/** The layout of an array of images, by its shape; null: it is none. */
export function imageLayout({ shape }: Pick<Tensor, "shape">): ArrayLayout | null {
  const [, a, b, c] = shape;
  const layout = (size: Resize, channels: number, order: "last" | "first", as: string) => ({
    ...{ size, channels, order },
    note: `${shapeText(shape)} is taken as ${as}`,
  });
  if (shape.length === 4) {
    if (c === 1 || c === 3) return layout([a, b], c, "last", "[count, height, width, channels]");
    if (a === 1 || a === 3) return layout([b, c], a, "first", "[count, channels, height, width]");
    return null;
  }
  if (shape.length === 3 && b > 4) return layout([a, b], 1, "last", "[count, height, width]");
  if (shape.length !== 2 || a < 2) return null;
  const [grey, colour] = [Math.sqrt(a), Math.sqrt(a / 3)];
  if (Number.isInteger(grey)) return layout([grey, grey], 1, "last", `[count, ${grey}·${grey}]`);
  if (!Number.isInteger(colour)) return null;
  const pixels = `[count, ${colour}·${colour}·3], red, green and blue of a pixel side by side`;
  return layout([colour, colour], 3, "last", pixels);
}

async function fromArray(
  path: string,
  bytes: Uint8Array,
  { resize, grey = false, tensor, labels: wanted, limit = Infinity }: ImageOptions,
): Promise<OwnSamples> {
  const arrays = arraysOf(path, bytes);
  const what = "images [count, height, width]";
  const isDeep = ({ shape }: Tensor) => shape.length > 2;
  const anyDeep = arrays.some(isDeep); // a flat array beside is something else
  const fits = (array: Tensor) => imageLayout(array) !== null && (isDeep(array) || !anyDeep);
  const array = chooseArray(path, arrays, { name: tensor, fits, what });
  if (array.shape.length === 0) array.values(); // says why it cannot be read
  const fail = refusal(`Cannot use ${path} as images`);
  const called = arrays.length > 1 ? `${shown(array.name)} ` : "";
  const layout = imageLayout(array);
  if (layout === null) {
    const shapes =
      "[count, height, width], [count, height, width, 1 or 3] or [count, 1 or 3, height, width]";
    const one = array.shape.length === 3 ? "; one image alone is X[None]" : "";
    const state = `${called || "it "}is ${shapeText(array.shape)}`;
    return fail(`${state}, expected ${shapes}${one}`);
  }
  const { size: [height, width], channels, order } = layout;
  const count = Math.min(limit, array.shape[0]), n = height * width * channels;
  if (height * width > MAX_VALUES && resize === undefined) {
    fail(`${sizeText([height, width])} is too large to attack: --resize HxW, such as 64x64`);
  }
  checkTotal(path, count, n);
  const beside = await labelsBeside(path, { arrays, samples: array, wanted });
  const values = numbersOf(path, array).subarray(0, count * n);
  const { bytes: given, notes } = bytesOf(path, values);
  let x = order === "last" ? given : channelsLast(given, { n, channels });
  if (resize !== undefined) {
    const small: Uint8Array[] = [];
    for (let at = 0; at < x.length; at += n) {
      small.push(await resizePixels(x.subarray(at, at + n), [height, width, channels], resize));
    }
    x = await new Blob(small as Uint8Array<ArrayBuffer>[]).bytes();
    notes.push(`${path}: resized from ${sizeText([height, width])} to ${sizeText(resize)}`);
  }
  return imageSamples({
    ...{ x, size: resize ?? [height, width], channels, name: path },
    names: Array.from({ length: count }, (_, k) => `image ${k}`),
    labels: beside === null ? null : beside.labels.slice(0, count),
    notes: [`${path}: ${called}${layout.note}`, ...notes, ...beside === null ? [] : [beside.note]],
  }, grey);
}

/** [channels, height, width] of each image to [height, width, channels]. */
function channelsLast(x: Uint8Array, { n, channels }: { n: number; channels: number }): Uint8Array {
  const pixels = n / channels, out = new Uint8Array(x.length);
  for (let at = 0; at < x.length; at++) {
    const inside = at % n;
    out[at - inside + (inside % pixels) * channels + Math.floor(inside / pixels)] = x[at];
  }
  return out;
}

/** Reads images.
 * @param paths folders and files of PNG, JPEG and WebP (see `listImages`), or one .npy or .npz of images [count, height,
 * width], [count, height, width, 1 or 3], [count, 1 or 3, height, width] or [count, n], n square or three times so, of
 * values 0 to 1 or 0 to 255.
 * @throws {DataError} a file that cannot be read or is no image, two sizes, more than 12 288 values an image. {RangeError}
 * a limit or size that is no positive integer. */
export async function readImages(
  paths: readonly string[],
  options: ImageOptions = {},
): Promise<OwnSamples> {
  for (const value of [options.limit ?? 1, ...options.resize ?? []]) {
    if (!(Number.isInteger(value) && value > 0)) {
      throw new RangeError(`Cannot read images: ${value} is no positive integer`);
    }
  }
  if (paths.length === 1 && (await Deno.stat(paths[0]).catch(() => null))?.isFile) {
    const bytes = await readBytes(paths[0]);
    if (isArrayFile(bytes)) return await fromArray(paths[0], bytes, options);
  }
  const fail = refusal(`Cannot read ${paths[0] ?? "images"}`);
  if (options.tensor !== undefined) fail("only one .npz alone has arrays to name");
  if (options.labels !== undefined) {
    fail("--labels is for arrays; of files, folders are the classes");
  }
  return await fromFiles(paths, options);
}
