/** The one shape of every dataset: images as bytes, labels as bytes, both flat.
 *
 * Bytes because they are what the schemes encrypt: a pixel is an integer in [0, 255], so an inner
 * product with integer weights is an exact integer and nothing is ever compared approximately.
 * @module */

/** Images and labels of one split of a dataset. */
export interface Dataset {
  /** Name of dataset and split, for messages and figures, e.g. `mnist test`. */
  readonly name: string;
  /** Pixels in [0, 255], `[count, n]` row-major; an image is row, column, channel. */
  readonly x: Uint8Array;
  /** Labels in [0, classes.length), `[count]`. */
  readonly y: Uint8Array;
  /** How many images. */
  readonly count: number;
  /** Pixels an image: height · width · channels. */
  readonly n: number;
  readonly shape: readonly [height: number, width: number, channels: number];
  /** What each label means. */
  readonly classes: readonly string[];
}

/** A dataset of two splits that share no image. */
export interface SplitDataset {
  readonly train: Dataset;
  readonly test: Dataset;
}

/** A data file that is missing, truncated, altered or not what its name says. */
export class DataError extends Error {
  override readonly name = "DataError";
}

/** Builds a dataset and checks that its parts agree.
 * @throws {DataError} a length that does not match, or a label outside the classes. */
export function dataset(parts: Omit<Dataset, "count" | "n">): Dataset {
  const [height, width, channels] = parts.shape;
  const n = height * width * channels;
  const count = parts.y.length;
  if (count === 0) throw new DataError(`Cannot build dataset ${parts.name}: no images`);
  if (parts.x.length !== count * n) {
    throw new DataError(
      `Cannot build dataset ${parts.name}: expected ${count * n} pixels for ${count} images of ` +
        `${height}×${width}×${channels}, got ${parts.x.length}`,
    );
  }
  const wrong = parts.y.findIndex((label) => label >= parts.classes.length);
  if (wrong >= 0) {
    throw new DataError(
      `Cannot build dataset ${parts.name}: label ${
        parts.y[wrong]
      } of image ${wrong} is not below ` +
        `${parts.classes.length}`,
    );
  }
  return { ...parts, count, n };
}

/** The pixels of image `index`, a view of `n` bytes (not a copy).
 * @throws {RangeError} no such image. */
export function image(data: Dataset, index: number): Uint8Array {
  if (!Number.isInteger(index) || index < 0 || index >= data.count) {
    throw new RangeError(
      `Cannot take image ${index} of ${data.name}: it has images 0 to ${data.count - 1}`,
    );
  }
  return data.x.subarray(index * data.n, (index + 1) * data.n);
}

/** The first `count` images, as a dataset of its own that shares their memory.
 * @throws {RangeError} there are not so many. */
export function firstImages(data: Dataset, count: number): Dataset {
  if (!Number.isInteger(count) || count < 1 || count > data.count) {
    throw new RangeError(`Cannot take ${count} images of ${data.name}: it has ${data.count}`);
  }
  const { name, shape, classes } = data;
  const [x, y] = [data.x.subarray(0, count * data.n), data.y.subarray(0, count)];
  return dataset({ name, x, y, shape, classes });
}

/** The share of predicted classes that are the label, in [0, 1]. @param labels as many as predictions. */
export function accuracyOf(predicted: Uint8Array, labels: Uint8Array): number {
  return predicted.reduce((right, c, i) => right + Number(c === labels[i]), 0) / labels.length;
}

/** Refuses bytes whose SHA-256 is not the pinned one: a corrupt download, another version, a swap.
 * @param sha256 lower-case hexadecimal.   @throws {DataError} the digest differs. */
export async function verifyChecksum(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
  sha256: string,
): Promise<void> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  if (digest !== sha256) {
    throw new DataError(
      `Cannot use ${name}: corrupt or another version (SHA-256 ${digest}, expected ${sha256})`,
    );
  }
}
