/** Samples out of NumPy's files: which array is meant, which are its labels, and what its numbers are as bytes.
 * @module */
import { refusal } from "./dataset.ts";
import { isNpy, isZip, parseNpy, parseNpz, zipEntries } from "./npy.ts";
import { readBytes } from "./read_bytes.ts";
import { countOf, shapeText, shown, type Tensor } from "./tensor.ts";

/** Numbers of an array, which are decoded all at once. */
const MAX_NUMBERS = 2 ** 27;

/** Whether a file begins as NumPy's do. */
export const isArrayFile = (bytes: Uint8Array): boolean => isNpy(bytes) || isZip(bytes);

/** The arrays of a .npy or .npz.
 * @throws {DataError} damaged, or none in it. */
export function arraysOf(path: string, bytes: Uint8Array): Tensor[] {
  if (isNpy(bytes)) return [parseNpy(path, bytes)];
  const entries = zipEntries(path, bytes);
  const arrays = parseNpz(path, bytes, entries);
  const fail = refusal(`Cannot read ${path}`);
  const isExcel = entries.some(({ name }) => name.startsWith("xl/"));
  if (isExcel) fail("it is an Excel workbook: save the sheet as CSV");
  if (arrays.length === 0) {
    fail(
      'it is an archive without .npy files: of images unpack it, of arrays numpy.savez("x.npz", x=X, y=y)',
    );
  }
  return arrays;
}

function list(arrays: readonly Tensor[]): string {
  const names = arrays.slice(0, 8).map(({ name, shape }) => `${shown(name)} ${shapeText(shape)}`);
  return names.join(", ") + (arrays.length > 8 ? ` and ${arrays.length - 8} more` : "");
}

/** The array that is meant: the one asked for, the only one, or the only one that fits.
 * @param fits whether an array could be the samples.   @param what they are, for messages.
 * @throws {DataError} none, or several. */
export function chooseArray(
  path: string,
  arrays: readonly Tensor[],
  { name, fits, what }: { name?: string; fits: (array: Tensor) => boolean; what: string },
): Tensor {
  const fail = refusal(`Cannot use ${path}`);
  if (name !== undefined) {
    return arrays.find((array) => array.name === name) ??
      fail(`it has no array "${shown(name)}" but ${list(arrays)}`);
  }
  if (arrays.length === 1) return arrays[0];
  const fitting = arrays.filter(fits);
  if (fitting.length === 1) return fitting[0];
  return fitting.length === 0 ? fail(`no array is ${what} among ${list(arrays)}`) : fail(
    `several arrays fit, name one, as in ${path}:${shown(fitting[0].name)}: ${list(fitting)}`,
  );
}

/** The numbers of an array.
 * @throws {DataError} too many for the memory, damaged, NaN or infinite. */
export function numbersOf(path: string, array: Tensor): Float64Array {
  const count = countOf(array.shape);
  if (count > MAX_NUMBERS) {
    refusal(`Cannot use ${path}`)(
      `${shapeText(array.shape)} are ${
        Math.round(count / 1e6)
      } million numbers, at most 134: save the first, X[:1000]`,
    );
  }
  return array.values();
}

/** What the labels beside an array are called: x_train has y_train, test_images has test_labels; else y or labels. */
const partners = (name: string): string[] => [
  ...[name.replace(/^[xX]/, "y"), name.replace(/images?|data/i, "labels")]
    .filter((partner) => partner !== name),
  ...["y", "labels"],
];

/** Reads labels: whole numbers [count].
 * @param wanted the name of an array in the file, or the path of a .npy; without it the array beside the samples that is
 * called as their labels would be is taken, if there is one.
 * @returns as text, with a note; null: none.   @throws {DataError} none so called, another count, no whole numbers. */
export async function labelsBeside(
  path: string,
  { arrays, samples, wanted }: { arrays: readonly Tensor[]; samples: Tensor; wanted?: string },
): Promise<{ labels: string[]; note: string } | null> {
  const count = samples.shape[0];
  const isColumn = ({ shape }: Tensor) => countOf(shape) === shape[0] && shape.length <= 2;
  let array = arrays.find(({ name }) => name === wanted);
  let where = `${shown(array?.name ?? "")} of ${path}`;
  if (wanted === undefined) {
    const names = partners(samples.name);
    array = arrays.filter((one) =>
      one !== samples && names.includes(one.name) && isColumn(one) && one.shape[0] === count
    ).sort((a, b) =>
      names.indexOf(a.name) - names.indexOf(b.name)
    )[0];
    if (array === undefined) return null;
    where = `${shown(array.name)} of ${path}`;
  } else if (array === undefined) {
    if (!wanted.endsWith(".npy")) {
      refusal(`Cannot use ${path}`)(
        `it has no array "${shown(wanted)}" for labels but ${list(arrays)}`,
      );
    }
    [array, where] = [parseNpy(wanted, await readBytes(wanted)), wanted];
  }
  const fail = refusal(`Cannot use ${where} as labels`);
  if (!isColumn(array)) fail(`it is ${shapeText(array.shape)}, expected [${count}]: y.argmax(1)?`);
  if (array.shape[0] !== count) fail(`${array.shape[0]} labels for ${count} samples`);
  const values = array.values();
  const broken = values.findIndex((value) => !Number.isInteger(value));
  if (broken >= 0) fail(`label ${broken} is ${values[broken]}, expected whole numbers`);
  return { labels: Array.from(values, String), note: `${where} are the labels` };
}

/** Numbers of 0 to 1, or of 0 to 255, as bytes, rounded.
 * @returns the bytes, with a note where something was done.   @throws {DataError} another range. */
export function bytesOf(
  path: string,
  values: Float64Array,
): { bytes: Uint8Array; notes: string[] } {
  let [least, most, whole] = [Infinity, -Infinity, true];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
    whole &&= Number.isInteger(value);
  }
  if (least < 0 || most > 255) {
    refusal(`Cannot use ${path} as images`)(
      `its values are ${+least.toPrecision(4)} to ${+most.toPrecision(
        4,
      )}, expected 0 to 1 or 0 to 255: ` +
        "undo the normalisation, X * std + mean",
    );
  }
  const unit = most <= 1;
  const bytes = Uint8Array.from(values, (value) => Math.round(unit ? 255 * value : value));
  if (unit) return { bytes, notes: [`${path}: values of 0 to 1 are taken times 255, rounded`] };
  if (!whole) return { bytes, notes: [`${path}: values are rounded to whole ones`] };
  const dark = `${path}: values reach ${most} only, and are taken as shades of 255`;
  return { bytes, notes: most < 64 ? [dark] : [] };
}
