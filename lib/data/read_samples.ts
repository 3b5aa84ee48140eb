/** Samples of the user's own, images or a table: their content says which.
 * @module */
import { isTableFile } from "./csv.ts";
import { refusal } from "./dataset.ts";
import { imageLayout, type ImageOptions, readImages } from "./image_files.ts";
import type { OwnSamples, Scaling } from "./own_samples.ts";
import { readBytes } from "./read_bytes.ts";
import { arraysOf, isArrayFile } from "./sample_array.ts";
import { LEAST_PIXELS, readTable } from "./table_file.ts";
import { shown } from "./tensor.ts";

/** What is asked of samples: of images as of a table. */
export interface SampleOptions extends ImageOptions {
  /** Of a table: see `readTable`. */
  readonly scaling?: Scaling;
}

/** Whether a flat array [count, n] is images: a square of pixels, in a range that images have. */
function isFlatImages(path: string, bytes: Uint8Array, tensor?: string): boolean {
  const arrays = arraysOf(path, bytes);
  const array = arrays.find(({ name }) => name === tensor) ??
    (arrays.some(({ shape }) => shape.length > 2) ? undefined : arrays.find((a) => a.shape[1] > 1));
  if (array === undefined || array.shape.length !== 2) return true; // readImages knows, or says why not
  if (array.shape[1] < LEAST_PIXELS || imageLayout(array) === null) return false;
  return array.values().every((value) => value >= 0 && value <= 255);
}

const isFile = async (path: string) => (await Deno.stat(path).catch(() => null))?.isFile === true;

/** Reads images or a table. A table is a file of text, or an array [count, n] whose n is below 64, neither a square nor
 * three times one, or whose values lie outside 0..255; else images.
 * @param paths folders and files; of a .npz with several arrays the one meant stands after a colon: "mnist.npz:x_test".
 * @param options.labels of a table its column; of images see `readImages`.
 * @throws as `readImages` and `readTable`. {DataError} an option that is for the other of the two. */
export async function readSamples(
  paths: readonly string[],
  options: SampleOptions = {},
): Promise<OwnSamples> {
  if (paths.length !== 1) return await readImages(paths, options);
  const [given] = paths;
  const [, archive, array] = await isFile(given) ? [] : /^(.+\.npz):(.+)$/i.exec(given) ?? [];
  const path = archive ?? given;
  if (!await isFile(path)) return await readImages([path], options);
  const tensor = options.tensor ?? array;
  const bytes = await readBytes(path);
  const isTable = isArrayFile(bytes) ? !isFlatImages(path, bytes, tensor) : isTableFile(bytes);
  if (!isTable) return await readImages([path], { ...options, tensor });
  const { resize, grey, labels: label, limit, scaling } = options;
  if (resize !== undefined || grey === true) {
    const flag = resize !== undefined ? "--resize" : "--grey";
    refusal(`Cannot use ${shown(path)}`)(`it is a table, ${flag} is for images`);
  }
  return await readTable(path, { label, tensor, limit, scaling });
}
