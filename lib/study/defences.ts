/** Defences of split training on the same axes: rows of the sweep `leakage`, three trainings each, and one row computed
 * again; and what decoders draw of MITIG2's own z1 from 100, 1,000 and 10,000 known images.
 * @module */
import { meanMse } from "../attack/training/leakage.ts";
import { type Dataset, firstImages, image, type SplitDataset } from "../data/dataset.ts";
import { DEFENCE_NAMES, type DefenceName, labelOf, type NarrowName } from "../defences/defences.ts";
import { trainUnder } from "../defences/train.ts";
import { type Cast, castOf, type Leakage, measureLeakage } from "../defences/measure.ts";
import { watchMitig2 } from "../defences/mitig2.ts";
import { DESCENT } from "../nn/optimizer.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { labelledFigure, type LabelledPoint } from "../plot/labelled.ts";
import { lineFigure } from "../plot/line.ts";
import { archivedRecords, differences, readArchive, writeArchive } from "../sweep/archive.ts";
import { parseOnly, pointsOf } from "../sweep/grid.ts";
import { sweep } from "../sweep/leakage.ts";
import { runSweep } from "../sweep/runner.ts";
import { SweepStore } from "../sweep/store.ts";
import { percent } from "../sweep/summary.ts";
import { median, serverSeed } from "./mitig2.ts";
import { errorText, type Rec } from "./rates.ts";

/** What a figure's and a table's row says of a defence that is not in the sweep, such as mitig3. */
export interface OtherRow {
  readonly label: string;
  /** Trainings that the numbers are the mean of. */
  readonly runs?: number;
  readonly accuracy: number;
  readonly bytesPerVisit: number;
  readonly secondsPerEpoch: number | null;
  readonly k100: number;
  readonly k1000: number;
  readonly k10000: number;
  readonly floor: number;
  readonly part: number;
  readonly relinked: number;
}

const NUMBERS = [
  ...["accuracy", "bytesPerVisit", "secondsPerEpoch", "k100", "k1000", "k10000"] as const,
  ...["floor", "part", "relinked"] as const,
];

/** One defence: means over its trainings. */
export interface DefenceRow extends OtherRow {
  readonly runs: number;
  /** Of each training. */
  readonly accuracies: readonly number[];
}

/** Means over rows of the sweep, or over trainings of another scheme.
 * @throws {RangeError} no row. */
export function defenceRow(label: string, rows: readonly Rec[]): DefenceRow {
  if (rows.length === 0) throw new RangeError(`Cannot compare "${label}": no rows`);
  const mean = (name: string) =>
    rows.reduce((sum, row) => sum + Number(row[name]), 0) / rows.length;
  const means = Object.fromEntries(NUMBERS.map((name) => [name, mean(name)]));
  const accuracies = rows.map(({ accuracy }) => Number(accuracy));
  return { label, runs: rows.length, accuracies, ...means as unknown as Omit<OtherRow, "label"> };
}

/** The defences side by side. */
export class Defences {
  /** @param rows of the sweep.   @param others below them, such as mitig3's. */
  constructor(readonly rows: readonly DefenceRow[], readonly others: readonly OtherRow[] = []) {}

  /** One of them. @throws {RangeError} the sweep has no row of it. */
  of(name: DefenceName | NarrowName): DefenceRow {
    const found = this.rows.find(({ label }) => label === labelOf(name));
    if (found === undefined) throw new RangeError(`Cannot compare "${name}": no rows`);
    return found;
  }

  /** The same with rows of other origin. */
  with(...others: OtherRow[]): Defences {
    return new Defences(this.rows, [...this.others, ...others]);
  }

  /** The same with other times, by label; the archived ones are of machines under load. */
  timed(times: ReadonlyMap<string, number>): Defences {
    const own = <R extends OtherRow>(row: R): R => ({
      ...row,
      secondsPerEpoch: times.get(row.label) ?? null,
    });
    return new Defences(this.rows.map(own), this.others.map(own));
  }

  /** What the labels alone give, mean of all rows. */
  get floor(): number {
    return this.rows.reduce((sum, { floor }) => sum + floor, 0) / this.rows.length;
  }

  /** A row a defence, the numbers on which they are compared. */
  table(title: string): Table {
    return table({
      title,
      columns: [
        ...["defence", "trainings", "accuracy", "bytes a visit", "s an epoch"],
        ...["100 known", "1 000 known", "10 000 known", "floor", "part", "joined again"],
      ],
      rows: [...this.rows, ...this.others].map((row) => [
        ...[row.label, row.runs ?? null, percent(row.accuracy), row.bytesPerVisit],
        row.secondsPerEpoch === null ? null : row.secondsPerEpoch.toFixed(1),
        ...[row.k100, row.k1000, row.k10000, row.floor].map((mse) => errorText(mse, 4)),
        ...[row.part.toFixed(2), percent(row.relinked, 1)],
      ]),
    });
  }

  /** Accuracy against the error of the best decoder from 10,000 known images: to the upper right is better for the
   * client. */
  figure(name: string): Figure {
    const point = (row: OtherRow): LabelledPoint => ({
      ...{ label: row.label, x: row.k10000, y: 100 * row.accuracy },
    });
    return labelledFigure({
      ...{ name, title: "What a defence costs, and what the best decoder still draws" },
      alt: "MITIG2, NoPeek, mixup and a frozen first layer stand at the left, where a decoder " +
        "draws the private images; noise, dropout, one bit and augmentation further right and " +
        "lower; the class means are a dashed line at the right.",
      xAxis: {
        title: "MSE of the best decoder, 10 000 known images",
        unit: "pixels in [0, 1]",
        log: true,
      },
      yAxis: { title: "test accuracy", unit: "%" },
      points: [
        ...this.rows.map((row) => ({ ...point(row), marked: row.label.startsWith("mitig3") })),
        ...this.others.map((row) => ({ ...point(row), marked: true })),
      ],
      upright: { label: "label alone", x: this.floor },
    });
  }
}

/** Whether a row is of the comparison: the paper's network and all of MNIST. */
const compared = (row: Rec): boolean =>
  row.dataset === "mnist-full" && row.hidden === 300 && Number(row.images) === 60_000;

/** The archived rows of the defences, the most accurate first.
 * @throws {Error} no archive. */
export async function readDefences(directory?: string): Promise<Defences> {
  const rows = (await archivedRecords(sweep, directory)).filter(compared);
  const groups = [...Map.groupBy(rows, ({ defence }) => defence as DefenceName | NarrowName)];
  return new Defences(
    groups.map(([name, own]) => defenceRow(labelOf(name), own))
      .toSorted((a, b) => b.accuracy - a.accuracy),
  );
}

/** Measures what an epoch of 60,000 images takes under each defence, both parties in one thread, by label: the median
 * over passes in which the defences take turns.
 * @param options.images that are trained on at each turn, from which the rest is extrapolated.
 * @throws the signal's reason when aborted. */
export async function timeEpochs(
  data: SplitDataset,
  { images = 3000, passes = 3, hidden = 300, signal, onProgress }: Partial<On> & {
    readonly images?: number;
    readonly passes?: number;
    readonly hidden?: number;
  } = {},
): Promise<Map<string, number>> {
  const part = { train: firstImages(data.train, images), test: firstImages(data.test, 1) };
  const times = new Map<string, number[]>(DEFENCE_NAMES.map((name) => [labelOf(name), []]));
  const total = passes * DEFENCE_NAMES.length;
  for (let turn = 0; turn < total; turn++) {
    const name = DEFENCE_NAMES[turn % DEFENCE_NAMES.length];
    const { secondsPerEpoch } = await trainUnder(name, part, {
      ...{ hidden, epochs: 1, signal, watched: [0], seeds: { client: turn, server: total + turn } },
    });
    times.get(labelOf(name))!.push(secondsPerEpoch * 60_000 / images);
    onProgress?.(turn + 1, total);
  }
  return new Map([...times].map(([label, all]) => [label, median(all)]));
}

/** Computes archived rows once more. @param only in the words of `deno task sweep leakage --only`.
 * @returns a line for each difference, timings apart.   @throws the signal's reason when aborted. */
export async function recomputed(
  only: string,
  { signal, onProgress, directory }: Partial<On> & { readonly directory?: string } = {},
): Promise<string[]> {
  using store = new SweepStore(":memory:");
  const points = pointsOf(sweep, parseOnly(sweep, only));
  await runSweep(sweep, points, { store, signal, onProgress, workers: 1 });
  return differences(sweep, store.rows(sweep), await readArchive(sweep, directory));
}

/** Adds rows of stores to the archive: rows that are there stay as they are.
 * @param paths of stores.   @param directory `data/sweeps/` by default. */
export async function archiveDefences(paths: readonly string[], directory?: string): Promise<void> {
  const there = await readArchive(sweep, directory).catch(() => []);
  const rows = paths.flatMap((path) => {
    using store = new SweepStore(path, { readOnly: true });
    return store.rows(sweep);
  });
  const order = new Map(pointsOf(sweep).map((point, at) => [JSON.stringify(point), at]));
  const rank = ({ point }: (typeof rows)[number]) => order.get(JSON.stringify(point)) ?? Infinity;
  await writeArchive(sweep, [...rows, ...there].toSorted((a, b) => rank(a) - rank(b)), directory);
}

/** What decoders made of one training of MITIG2. */
export class DecodedTraining {
  constructor(
    readonly leakage: Leakage,
    readonly accuracy: number,
    private readonly victims: Dataset,
  ) {}

  /** Error from k known images. @throws {RangeError} k was not asked for. */
  mse(k: number): number {
    const found = this.leakage.decoded.find((one) => one.k === k);
    if (found === undefined) throw new RangeError(`Cannot tell the error from ${k} known images`);
    return found.mse;
  }

  /** Which decoder was the best, and its error, by k. */
  table(title: string): Table {
    return table({
      title,
      columns: ["known images", "best decoder", "MSE", "share of the way from the label alone"],
      rows: [
        [0, "label alone", errorText(this.leakage.floor, 4), percent(0, 0)],
        ...this.leakage.decoded.map(({ k, kind, visits, mse }) => [
          ...[k, `${kind}, ${visits}`, errorText(mse, 4), percent(1 - mse / this.leakage.floor, 0)],
        ]),
      ],
    });
  }

  /** Error against the number of known images, with the floor. */
  figure(name: string): Figure {
    const { decoded, floor } = this.leakage;
    const ks = decoded.map(({ k }) => k);
    return lineFigure({
      ...{ name, title: "MITIG2: what known images make of z1" },
      alt: `The error of the best decoder falls from ${errorText(decoded[0].mse, 4)} at ${ks[0]} ` +
        `known images to ${errorText(decoded.at(-1)!.mse, 4)} at ${
          ks.at(-1)
        }, far below the floor.`,
      xAxis: { title: "known images", unit: "count", log: true },
      yAxis: { title: "MSE on victims", unit: "pixels in [0, 1]", log: true },
      series: [
        { name: "best decoder", x: ks, y: decoded.map(({ mse }) => mse) },
        {
          ...{ name: "label alone", x: [ks[0], ks.at(-1)!], y: [floor, floor] },
          ...{ muted: true, markers: false, dash: "dash" as const },
        },
      ],
    });
  }

  /** Some victims, and what is drawn of them. */
  grid(name: string, count = 8): Figure {
    const { n, shape } = this.victims;
    const rows = (X: Float64Array) =>
      Array.from({ length: count }, (_, i) => X.subarray(i * n, (i + 1) * n));
    const captions = (X: Float64Array) =>
      rows(X).map((x, i) => `MSE ${errorText(meanMse(x, image(this.victims, i)))}`);
    const drawn = (label: string, X: Float64Array) => ({
      label,
      images: rows(X),
      captions: captions(X),
    });
    return imageGrid({
      ...{ name, shape, title: "What MITIG2's server draws from z1 and known images" },
      alt: "Rows of digits: private ones; what decoders make of them with more and more known " +
        "images, at last nearly the same; the mean of the class.",
      rows: [
        {
          label: "private",
          images: Array.from({ length: count }, (_, i) => image(this.victims, i)),
        },
        ...this.leakage.decoded.map(({ k, X }) =>
          drawn(`${k.toLocaleString("en").replace(",", " ")} known`, X)
        ),
        drawn("label alone", this.leakage.floorX),
      ],
    });
  }
}

/** Trains MITIG2 by its real parties and fits decoders to what its server had.
 * @param options.images of the training set, all by default.   @param options.cast whom decoders know and recover.
 * @throws the signal's reason when aborted. */
export async function decodeTraining(
  data: SplitDataset,
  { seed, ks, images = data.train.count, epochs = 5, hidden = 300, victims = 1000, ...on }:
    & Partial<On>
    & {
      readonly seed: number;
      readonly ks: readonly number[];
      readonly images?: number;
      readonly epochs?: number;
      readonly hidden?: number;
      readonly victims?: number;
    },
): Promise<DecodedTraining> {
  const train = firstImages(data.train, images);
  const cast: Cast = castOf({ victims, known: Math.max(...ks) });
  const total = epochs + ks.length;
  const run = await watchMitig2({ ...data, train }, {
    ...{ hidden, setting: { ...DESCENT, epochs }, signal: on.signal },
    ...{ seeds: { client: seed, server: serverSeed(seed) } },
    watched: [...cast.victims, ...cast.known],
    onProgress: (done) => on.onProgress?.(done, total),
  });
  const leakage = await measureLeakage(run.view, train, {
    ...{ ...cast, ks, signal: on.signal },
    onProgress: (done) => on.onProgress?.(epochs + done, total),
  });
  return new DecodedTraining(leakage, run.accuracy, firstImages(train, victims));
}
