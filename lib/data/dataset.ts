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

/** A function that refuses data: what cannot be done, then why. */
export const refusal = (action: string) => (why: string): never => {
  throw new DataError(`${action}: ${why}`);
};

/** Builds a dataset and checks that its parts agree.
 * @throws {DataError} a length that does not match, or a label outside the classes. */
export function dataset(parts: Omit<Dataset, "count" | "n">): Dataset {
  const { x, y, classes, shape: [height, width, channels] } = parts;
  const [n, count] = [height * width * channels, y.length];
  const fail = refusal(`Cannot build dataset ${parts.name}`);
  if (count === 0) fail("no images");
  if (x.length !== count * n) {
    const images = `${count} images of ${height}×${width}×${channels}`;
    fail(`expected ${count * n} pixels for ${images}, got ${x.length}`);
  }
  const wrong = y.findIndex((label) => label >= classes.length);
  if (wrong >= 0) fail(`label ${y[wrong]} of image ${wrong} is not below ${classes.length}`);
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
  const [x, y] = [data.x.subarray(0, count * data.n), data.y.subarray(0, count)];
  return { ...data, x, y, count };
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
  if (digest === sha256) return;
  refusal(`Cannot use ${name}`)(
    `corrupt or another version (SHA-256 ${digest}, expected ${sha256})`,
  );
}

/** Puts the classes in turn (0, 1, …, 0, 1, …), so that any run of images holds all of them.
 * @param images a class each, `[count, n]`; where one has fewer images, its turns are skipped.
 * @throws {DataError} no images, or not whole ones. */
export function interleave(
  parts: Pick<Dataset, "name" | "shape" | "classes">,
  images: readonly Uint8Array[],
): Dataset {
  const n = parts.shape[0] * parts.shape[1] * parts.shape[2];
  const x = new Uint8Array(images.reduce((sum, pixels) => sum + pixels.length, 0));
  const y: number[] = [];
  const rounds = Math.max(...images.map((pixels) => pixels.length / n));
  for (let round = 0; round < rounds; round++) {
    images.forEach((pixels, label) => {
      const next = pixels.subarray(round * n, (round + 1) * n);
      if (next.length === 0) return;
      x.set(next, y.length * n);
      y.push(label);
    });
  }
  return dataset({ ...parts, x, y: Uint8Array.from(y) });
}

/** Averages blocks of factor × factor pixels, each channel apart, rounded to a byte (halves up).
 * @throws {RangeError} factor is no positive integer.   @throws {DataError} it does not divide the sides. */
export function poolImages(images: Dataset, factor: number): Dataset {
  if (!Number.isInteger(factor) || factor < 1) {
    throw new RangeError(`Cannot pool ${images.name}: factor ${factor} is not a positive integer`);
  }
  const [height, width, channels] = images.shape;
  if (height % factor !== 0 || width % factor !== 0) {
    throw new DataError(
      `Cannot pool ${images.name}: ${height}×${width} is not whole blocks of ${factor}×${factor}`,
    );
  }
  const [rows, columns] = [height / factor, width / factor];
  const x = new Uint8Array(images.count * rows * columns * channels);
  for (let at = 0; at < x.length; at++) {
    const channel = at % channels;
    const column = Math.floor(at / channels) % columns;
    const row = Math.floor(at / (channels * columns)); // over all images: blocks never cross one
    let sum = 0;
    for (let i = row * factor; i < (row + 1) * factor; i++) {
      for (let j = column * factor; j < (column + 1) * factor; j++) {
        sum += images.x[(i * width + j) * channels + channel];
      }
    }
    x[at] = Math.round(sum / factor ** 2);
  }
  const name = `${images.name} pooled to ${rows}×${columns}`;
  return dataset({ ...images, name, x, shape: [rows, columns, channels] });
}
