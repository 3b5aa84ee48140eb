/** What a server of MITIG2, or of mitig3, draws without W1 and without one known image, and whose visits it links.
 *
 * Private are the training images, public the test images: no image is both.
 * @module */
import { ssim } from "../attack/metrics.ts";
import { align } from "../attack/training/align.ts";
import {
  classMeans,
  fromLabels,
  gramCorrelation,
  gramOf,
  meanMse,
  part,
} from "../attack/training/leakage.ts";
import { relink } from "../attack/training/relink.ts";
import type { TrainingView } from "../attack/training/view.ts";
import { type Dataset, firstImages, image, type SplitDataset } from "../data/dataset.ts";
import type { Setting } from "../nn/optimizer.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { lineFigure } from "../plot/line.ts";
import { percent, type Rate, rateText, wilson } from "../sweep/summary.ts";
import { median } from "./mitig2.ts";
import { recordNarrowVisits, recordVisits, withNoise } from "./visits.ts";

/** A training to attack. */
export interface Victim {
  /** What tables and figures say. */
  readonly name: string;
  readonly setting: Setting;
  readonly hidden: number;
  /** Epochs to attack, each by itself, counted from 1, rising. */
  readonly visits: readonly number[];
  /** Trains by mitig3 with this noise, at the setting's rate and epochs, in the place of MITIG2. */
  readonly sigma?: number;
  /** Deviations of noise on z1; none by default. */
  readonly noises?: readonly number[];
  /** Of the client; the server's are `serverSeed` of them. */
  readonly seeds: readonly number[];
}

/** A recovery in numbers, means over the images drawn. */
export interface Quality {
  readonly mse: number;
  readonly ssim: number;
  /** Correlation of inner products. */
  readonly gram: number;
  /** The same within pairs of classes. */
  readonly part: number;
}

/** What was drawn at one visit. */
export interface Drawn extends Quality {
  readonly name: string;
  readonly hidden: number;
  readonly visit: number;
  readonly noise: number;
  /** The same of the mean image of each one's class, which the labels alone give. */
  readonly floor: Quality;
  /** The first images: private, drawn, and class mean. */
  readonly shown: readonly (readonly [ArrayLike<number>, ArrayLike<number>, ArrayLike<number>])[];
  /** The private images that were drawn, by their places in the training set, and what was drawn, to the nearest byte. */
  readonly places: Uint32Array;
  readonly pixels: Uint8ClampedArray;
  readonly elapsedMs: number;
}

/** All that was drawn; of several seeds, the medians of their numbers and the images of the first. */
export class Alignments {
  constructor(readonly rows: readonly Drawn[], private readonly shape: Dataset["shape"]) {}

  /** @throws {RangeError} there is no such row. */
  of(name: string, { visit = 1, noise = 0 }: { visit?: number; noise?: number } = {}): Drawn {
    const found = this.rows.find((row) =>
      row.name === name && row.visit === visit && row.noise === noise
    );
    if (found) return found;
    throw new RangeError(`Cannot read alignments: no visit ${visit} of ${name} at noise ${noise}`);
  }

  /** A row per visit, and the floor. */
  table(title: string): Table {
    const numbers = ({ mse, ssim, gram, part }: Quality) => [
      ...[mse.toFixed(4), ssim.toFixed(2), gram.toFixed(2), part.toFixed(2)],
    ];
    return table({
      title,
      columns: ["server of", "units", "visit", "noise", "MSE", "SSIM", "Gram", "part", "seconds"],
      rows: [
        ...this.rows.map((row) => [
          ...[row.name, row.hidden, row.visit, row.noise, ...numbers(row)],
          (row.elapsedMs / 1000).toFixed(1),
        ]),
        ["labels alone: class means", null, null, null, ...numbers(this.rows[0].floor), null],
      ],
    });
  }

  /** MSE by visit, a line per training without noise that was attacked more than once, and the floor. */
  figure(name: string): Figure {
    const lines = Map.groupBy(this.rows.filter(({ noise }) => noise === 0), ({ name }) => name);
    const drawn = [...lines].filter(([, rows]) => rows.length > 1);
    const visits = [...new Set(this.rows.map(({ visit }) => visit))].toSorted((a, b) => a - b);
    const { floor } = this.rows[0];
    return lineFigure({
      name,
      title: "Error of what the server draws, by the visit that it draws from",
      alt: "The error of each line lies below that of the class means and falls with the visits.",
      xAxis: { title: "visit (epoch)", unit: "count" },
      yAxis: { title: "mean squared error", unit: "1" },
      series: [
        ...drawn.map(([name, rows]) => ({
          name,
          x: rows.map(({ visit }) => visit),
          y: rows.map(({ mse }) => mse),
        })),
        {
          ...{ name: "class means", muted: true, markers: false, dash: "dot" as const },
          ...{ x: [visits[0], visits.at(-1)!], y: [floor.mse, floor.mse] },
        },
      ],
    });
  }

  /** Private images, below them what the server drew, and the class means.
   * @param which the row, as `of`. */
  grid(name: string, title: string, which: Drawn): Figure {
    const labels = ["private", "drawn by\nthe server", "class mean"];
    return imageGrid({
      ...{ name, title, shape: [...this.shape] as [number, number, number] },
      alt: "Above private digits, in the middle the server's drawings of them, close to them, " +
        "below the mean of each digit's class, blurred.",
      rows: labels.map((label, k) => ({ label, images: which.shown.map((images) => images[k]) })),
    });
  }
}

/** One picture of several servers: private images, what each drew of them by alignment, and the class means.
 * @param data its training images are private, its test images public.
 * @param drawn by what their rows are called; at least eight images were drawn by all of them.
 * @throws {RangeError} they have fewer images in common. */
export function picture(
  name: string,
  title: string,
  { train, test }: SplitDataset,
  drawn: Readonly<Record<string, Drawn>>,
): Figure {
  const { n, shape } = train;
  const each = Object.values(drawn);
  const common = [...each[0].places].filter((place) =>
    each.every(({ places }) => places.includes(place))
  ).slice(0, SHOWN);
  if (common.length < SHOWN) {
    throw new RangeError(`Cannot draw ${name}: ${common.length} images in common`);
  }
  const means = classMeans(test, test.classes.length);
  const floor = fromLabels(Uint8Array.from(common, (place) => train.y[place]), means, n);
  const rowOf = ({ places, pixels }: Drawn) =>
    common.map((place) => {
      const at = places.indexOf(place) * n;
      return pixels.subarray(at, at + n);
    });
  return imageGrid({
    ...{ name, title, shape: [...shape] as [number, number, number] },
    alt:
      "Private digits; below them what the server of MITIG2 drew, close to them; what the server " +
      "of mitig3 drew, which is as blurred as the class means in the last row.",
    rows: [
      { label: "private", images: common.map((place) => image(train, place)) },
      ...Object.entries(drawn).map(([label, one]) => ({ label, images: rowOf(one) })),
      { label: "class mean", images: common.map((_, i) => floor.subarray(i * n, (i + 1) * n)) },
    ],
  });
}

/** Images in the pictures. */
const SHOWN = 8;

/** Records each training and attacks its visits.
 * @param data its training images are private, its test images public.
 * @param options.count private images, the first.   @param options.draw of them to draw and judge. */
export async function alignVictims(
  data: SplitDataset,
  victims: readonly Victim[],
  { count, draw = 1000, ...on }: Partial<On> & { count: number; draw?: number },
): Promise<Alignments> {
  const images = firstImages(data.train, count);
  const publicImages = { x: data.test.x, y: data.test.y };
  const means = classMeans(publicImages, data.test.classes.length);
  const total = victims.reduce((sum, { seeds, setting }) => sum + seeds.length * setting.epochs, 0);
  let done = 0;
  const rows: Drawn[] = [];
  for (const { name, setting, hidden, sigma, visits, noises = [0], seeds } of victims) {
    const found: Drawn[][] = [];
    for (const seed of seeds) {
      const recorded = await recordOf(images, {
        ...{ setting, hidden, sigma, seed, visits, signal: on.signal },
        onEpoch: () => on.onProgress?.(++done, total),
      });
      const own: Drawn[] = [];
      for (const { visit, view, order } of recorded) {
        for (const noise of noises) {
          const noisy = withNoise(view, noise, seed);
          const drawn = await align(noisy, { publicImages, draw, signal: on.signal });
          if (drawn.X === null) throw new Error(`Cannot judge ${name}: ${drawn.message}`);
          const places = order.slice(0, drawn.samples.length);
          const truth = pick(images, places);
          own.push({
            ...{ name, hidden, visit, noise, elapsedMs: drawn.elapsedMs },
            ...{ places, pixels: Uint8ClampedArray.from(drawn.X) },
            ...judged(drawn.X, truth, means),
          });
        }
      }
      found.push(own);
    }
    rows.push(...found[0].map((row, k) => ({ ...row, ...medians(found.map((own) => own[k])) })));
  }
  return new Alignments(rows, data.train.shape);
}

/** By mitig3 where it has a noise, else by MITIG2. */
function recordOf(
  images: Dataset,
  { sigma, ...options }: Parameters<typeof recordVisits>[1] & { sigma?: number },
) {
  return sigma === undefined
    ? recordVisits(images, options)
    : recordNarrowVisits(images, { ...options, sigma });
}

/** The images of these rows, with their labels. */
function pick(images: Dataset, order: Uint32Array): Dataset {
  const x = new Uint8Array(order.length * images.n);
  order.forEach((i, row) => x.set(image(images, i), row * images.n));
  return { ...images, x, y: Uint8Array.from(order, (i) => images.y[i]), count: order.length };
}

/** Quality of a recovery and of the floor, and the first images. */
function judged(
  X: Float64Array,
  truth: Dataset,
  means: Float64Array,
): Quality & Pick<Drawn, "floor" | "shown"> {
  const { x, y, n, count, shape } = truth;
  const G = gramOf(x, count);
  const row = (values: Float64Array, i: number) => values.subarray(i * n, (i + 1) * n);
  const quality = (values: Float64Array): Quality => {
    const own = gramOf(values, count);
    let similar = 0;
    for (let i = 0; i < count; i++) similar += ssim(row(values, i), image(truth, i), shape) / count;
    return {
      ...{ mse: meanMse(values, x), ssim: similar },
      ...{ gram: gramCorrelation(own, G), part: part(own, G, y) },
    };
  };
  const floor = fromLabels(y, means, n);
  const shown = Array.from(
    { length: Math.min(SHOWN, count) },
    (_, i) => [image(truth, i), row(X, i), row(floor, i)] as const,
  );
  return { ...quality(X), floor: quality(floor), shown };
}

function medians(rows: readonly Drawn[]): Quality & { elapsedMs: number } {
  const of = (key: keyof Quality | "elapsedMs") => median(rows.map((row) => row[key]));
  return {
    ...{ mse: of("mse"), ssim: of("ssim"), gram: of("gram"), part: of("part") },
    elapsedMs: of("elapsedMs"),
  };
}

/** Visits that were linked to the visit before. */
export interface Linked {
  readonly name: string;
  /** The later of the two, counted from 1. */
  readonly visit: number;
  /** Rows whose image is that of the row they were linked to. */
  readonly right: Rate;
  /** The same of a guess within the class. */
  readonly chance: number;
}

/** How many names of a linked epoch are right, given that those of the epoch before are as they are.
 * @param before and `after`: names that the server gave.   @param orders the images of their rows. */
export function linkAccuracy(
  [before, after]: readonly [Uint32Array, Uint32Array],
  orders: readonly [Uint32Array, Uint32Array],
): Rate {
  const imageOf = new Map(Array.from(before, (name, row) => [name, orders[0][row]]));
  const right = after.reduce(
    (sum, name, row) => sum + Number(imageOf.get(name) === orders[1][row]),
    0,
  );
  return wilson(right, after.length);
}

/** Links the visits of each training, and counts what is right.
 * @param options.count images of the training. */
export async function linkVictims(
  data: SplitDataset,
  victims: readonly Omit<Victim, "noises">[],
  { count, ...on }: Partial<On> & { count: number },
): Promise<{ readonly rows: readonly Linked[]; table(title: string): Table }> {
  const images = firstImages(data.train, count);
  const rows: Linked[] = [];
  for (const [k, victim] of victims.entries()) {
    const { name, setting, hidden, sigma, visits, seeds: [seed] } = victim;
    const { signal } = on;
    const recorded = await recordOf(images, { setting, hidden, sigma, seed, visits, signal });
    const view = { ...recorded[0].view, steps: recorded.flatMap(({ view }) => view.steps) };
    const linked = await relink(view, { count, signal });
    const names = namesByVisit(linked, count);
    for (let at = 1; at < recorded.length; at++) {
      rows.push({
        ...{ name, visit: recorded[at].visit },
        right: linkAccuracy([names[at - 1], names[at]], [
          recorded[at - 1].order,
          recorded[at].order,
        ]),
        chance: new Set(images.y).size / count,
      });
    }
    on.onProgress?.(k + 1, victims.length);
  }
  return {
    rows,
    table: (title) =>
      table({
        title,
        columns: ["server of", "visit", "linked to the right sample", "by chance"],
        rows: rows.map(({ name, visit, right, chance }) => [
          ...[name, `${visit - 1} to ${visit}`, rateText(right), percent(chance)],
        ]),
      }),
  };
}

/** The names of each epoch's rows. */
function namesByVisit({ steps }: TrainingView, count: number): Uint32Array[] {
  const all = Uint32Array.from(steps.flatMap(({ samples }) => [...samples!]));
  return Array.from(
    { length: all.length / count },
    (_, k) => all.subarray(k * count, (k + 1) * count),
  );
}
