/** The record format of the official CIFAR-10 binary archive, and the way from a PNG into it.
 *
 * A batch is 10 000 records of 3073 bytes: the label, then 1024 red, 1024 green and 1024 blue bytes,
 * each plane row by row. Ours is channels last, `[32, 32, 3]`, or grey, `[32, 32, 1]`.
 * @see A. Krizhevsky, "The CIFAR-10 dataset", section "Binary version".
 * @module */
import { decode } from "fast-png";
import { DataError } from "./dataset.ts";

const PLANE = 1024;
const RECORD = 1 + 3 * PLANE;
const CLASSES = 10;

/** Rearranges one record's planes into an image. */
export type Layout = {
  readonly channels: number;
  /** @param planes 1024 red, green, blue bytes.   @param image where the pixels go. */
  write(planes: Uint8Array, image: Uint8Array): void;
};

/** Red, green and blue of a pixel side by side. */
export const RGB: Layout = {
  channels: 3,
  write(planes, image) {
    for (let p = 0; p < PLANE; p++) {
      image[3 * p] = planes[p];
      image[3 * p + 1] = planes[PLANE + p];
      image[3 * p + 2] = planes[2 * PLANE + p];
    }
  },
};

/** The authors' grey, truncated: int(0.299·R + 0.587·G + 0.114·B) in float64, in this order. A white
 * pixel stays 255, but some other greys (R = G = B) come out one lower.
 * @see Juve45/cryptonn, src/linprog.py. */
export const GRAY: Layout = {
  channels: 1,
  write(planes, image) {
    for (let p = 0; p < PLANE; p++) {
      image[p] = Math.trunc(
        0.299 * planes[p] + 0.587 * planes[PLANE + p] + 0.114 * planes[2 * PLANE + p],
      );
    }
  },
};

/** Reads a batch of records.
 * @returns pixels `[count, 32·32·channels]` and labels `[count]`.
 * @throws {DataError} truncated, trailing bytes, or a label that is not in [0, 10). */
export function parseBatch(
  name: string,
  bytes: Uint8Array,
  { channels, write }: Layout,
): { x: Uint8Array; y: Uint8Array } {
  const count = Math.floor(bytes.length / RECORD);
  if (count === 0 || bytes.length !== count * RECORD) {
    throw new DataError(
      `Cannot read ${name}: ${bytes.length} bytes are not whole records of ${RECORD}`,
    );
  }
  const x = new Uint8Array(count * PLANE * channels);
  const y = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const record = bytes.subarray(i * RECORD, (i + 1) * RECORD);
    if (record[0] >= CLASSES) {
      throw new DataError(`Cannot read ${name}: label ${record[0]} of image ${i} is not below 10`);
    }
    y[i] = record[0];
    write(record.subarray(1), x.subarray(i * PLANE * channels, (i + 1) * PLANE * channels));
  }
  return { x, y };
}

/** Turns a PNG of 1024 RGB pixels a row, a row an image, into official records.
 * @param labels one a row.   @returns `[rows, 3073]`.
 * @throws {DataError} not such a PNG, truncated or altered, or labels that do not fit. */
export function batchFromPng(
  name: string,
  png: Uint8Array,
  labels: readonly number[],
): Uint8Array<ArrayBuffer> {
  const fail = (why: string): never => {
    throw new DataError(`Cannot read ${name}: ${why}`);
  };
  let decoded;
  try {
    decoded = decode(png, { checkCrc: true });
  } catch (error) {
    return fail(`not a whole PNG (${(error as Error).message})`);
  }
  const { width, height, channels, depth, data } = decoded;
  if (width !== PLANE || channels !== 3 || depth !== 8) {
    fail(`expected 1024 RGB pixels a row, got ${width} of ${channels} channels, ${depth} bits`);
  }
  if (labels.length !== height) fail(`${labels.length} labels for ${height} images`);
  const records = new Uint8Array(height * RECORD);
  labels.forEach((label, i) => {
    if (!Number.isInteger(label) || label < 0 || label >= CLASSES) {
      fail(`label ${label} of image ${i} is not an integer in [0, 10)`);
    }
    const record = i * RECORD;
    records[record] = label;
    for (let p = 0; p < PLANE; p++) {
      const pixel = (i * PLANE + p) * 3;
      records[record + 1 + p] = data[pixel];
      records[record + 1 + PLANE + p] = data[pixel + 1];
      records[record + 1 + 2 * PLANE + p] = data[pixel + 2];
    }
  });
  return records;
}
