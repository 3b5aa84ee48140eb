/** Samples of the user's own: what every reader of images and tables gives, and how they are split.
 * @module */
import { type Dataset, dataset, image, refusal } from "./dataset.ts";

/** How a table's columns became bytes: value ≈ offset + step · byte, column by column, to half a step. */
export interface Scaling {
  /** [n] the smallest value of each column. */
  readonly offset: Float64Array;
  /** [n] of the largest value 1/255 of the way from the smallest; 0 where all values are the same. */
  readonly step: Float64Array;
}

/** Images or rows of a table, as bytes. */
export interface OwnSamples extends Dataset {
  /** One a sample: the file's name, or "image 3", "row 17", counted from 0. */
  readonly names: readonly string[];
  /** Whether the labels are the user's; else all are 0, and the one class is "?". */
  readonly labelled: boolean;
  /** A row of a table has the shape [1, columns, 1]. */
  readonly kind: "image" | "table";
  /** What was taken and how, a line each. */
  readonly notes: readonly string[];
  /** Of a table. */
  readonly scaling?: Scaling;
}

/** Of all samples together. */
const MAX_BYTES = 2 ** 28;

/** Refuses more samples than fit in memory, before they are read.
 * @throws {DataError} over 268 MB. */
export function checkTotal(what: string, count: number, n: number): void {
  if (count * n <= MAX_BYTES) return;
  const size = `${count} samples of ${n} bytes are ${Math.ceil(count * n / 1e6)} MB`;
  refusal(`Cannot read ${what}`)(`${size}, at most 268 MB: give fewer`);
}

/** Labels as bytes. Integers of 0 to 255 stay what they are, so that each keeps its place among a model's outputs; other
 * labels, such as names, are numbered in sorted order.
 * @param values one a sample; null: there are none, all become 0.   @param file for messages.
 * @throws {DataError} more than 256 different ones. */
export function labelBytes(
  file: string,
  values: readonly string[] | null,
  count: number,
): Pick<OwnSamples, "y" | "classes" | "labelled"> {
  if (values === null) return { y: new Uint8Array(count), classes: ["?"], labelled: false };
  const numbers = values.map((value) => value === "" ? NaN : Number(value));
  if (numbers.every((value) => Number.isInteger(value) && value >= 0 && value < 256)) {
    const classes = Array.from({ length: Math.max(...new Set(numbers)) + 1 }, (_, k) => String(k));
    return { y: Uint8Array.from(numbers), classes, labelled: true };
  }
  const classes = sortedClasses(file, values);
  return { y: Uint8Array.from(values, placesIn(classes)), classes, labelled: true };
}

/** Different names in sorted order, by size where they are numbers. */
function sortedClasses(file: string, names: readonly string[]): string[] {
  const numeric = names.every((name) => name !== "" && Number.isFinite(Number(name)));
  const classes = [...new Set(names)].sort(numeric ? (a, b) => Number(a) - Number(b) : undefined);
  if (classes.length > 256) {
    const state = `${classes.length} different labels, at most 256`;
    refusal(`Cannot use the labels of ${file}`)(`${state}: a label is a class, no measurement`);
  }
  return classes;
}

/** The place of a name among classes. */
function placesIn(classes: readonly string[]): (name: string) => number {
  const places = new Map(classes.map((name, label) => [name, label]));
  return (name) => places.get(name)!;
}

/** Two sets of samples under one list of classes, so that a label means the same in both. Few samples may lack a class:
 * where one list begins with the other, as 0 to 9 does with 0 to 7, the longer is taken; else all names of both, sorted.
 * Where one set has no labels both stay as they are.
 * @throws {DataError} no class in common, or more than 256 in all. */
export function withSharedClasses(one: OwnSamples, other: OwnSamples): [OwnSamples, OwnSamples] {
  if (!one.labelled || !other.labelled) return [one, other];
  const [few, many] = [one.classes, other.classes].sort((a, b) => a.length - b.length);
  const begins = few.every((name, label) => name === many[label]);
  if (!begins && !few.some((name) => many.includes(name))) {
    const some = (classes: readonly string[]) => classes.slice(0, 8).join(", ");
    refusal(`Cannot use ${one.name} and ${other.name} together`)(
      `no class in common, ${some(one.classes)} and ${some(other.classes)}`,
    );
  }
  const classes = begins ? many : sortedClasses(other.name, [...few, ...many]);
  const place = placesIn(classes);
  const renumbered = (samples: OwnSamples): OwnSamples => ({
    ...samples,
    ...{ classes, y: samples.y.map((label) => place(samples.classes[label])) },
  });
  return [renumbered(one), renumbered(other)];
}

/** Some of the samples, in the order given.
 * @throws {RangeError} no such sample. */
export function takeSamples(samples: OwnSamples, indices: readonly number[]): OwnSamples {
  const x = new Uint8Array(indices.length * samples.n);
  indices.forEach((index, at) => x.set(image(samples, index), at * samples.n));
  const y = Uint8Array.from(indices, (index) => samples.y[index]);
  const taken = dataset({ ...samples, x, y });
  return { ...samples, ...taken, names: indices.map((index) => samples.names[index]) };
}

/** Splits samples into private ones and public ones of the same kind, for attackers who need such. Of each class, in the
 * order read, the public ones stand evenly spaced: with share 1/3 every third of each.
 * @param share of the public ones, over 0 and below 1; of both halves at least one sample is kept.
 * @throws {RangeError} another share, or fewer than two samples. */
export function splitSamples(
  samples: OwnSamples,
  share: number,
): { privateSamples: OwnSamples; publicSamples: OwnSamples } {
  const here = `Cannot split ${samples.name}`;
  if (!(share > 0 && share < 1)) throw new RangeError(`${here}: share ${share} is not in (0, 1)`);
  if (samples.count < 2) throw new RangeError(`${here}: 1 sample, expected 2 or more`);
  const seen = new Array<number>(samples.classes.length).fill(0);
  const halves: [number[], number[]] = [[], []];
  samples.y.forEach((label, index) => {
    const k = ++seen[label];
    const isPublic = Math.floor(k * share) > Math.floor((k - 1) * share);
    halves[Number(isPublic)].push(index);
  });
  const empty = halves.findIndex((half) => half.length === 0);
  if (empty >= 0) halves[empty].push(halves[1 - empty].pop()!);
  const [privateSamples, publicSamples] = halves.map((half) => takeSamples(samples, half));
  return { privateSamples, publicSamples };
}
