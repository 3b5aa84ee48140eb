/** How well a server of MITIG1 or MITIG2, which has no W1, knows the inner products of the private images, and what
 * becomes of them once it knows some of the images.
 *
 * MITIG2's numbers are those of its real client and server, float32 as on the wire; "float64" is the twin of
 * `gram_views.ts`. The images keep their order, so that the server knows which sample is which.
 * @module */
import { gramByBayes } from "../attack/training/gram_bayes.ts";
import { gramByLeastSquares, gramOfOneVisit } from "../attack/training/gram.ts";
import { fromKnown } from "../attack/training/known.ts";
import {
  classMeans,
  fromLabels,
  gramCorrelation,
  gramOf,
  part,
} from "../attack/training/leakage.ts";
import { psnr } from "../attack/metrics.ts";
import type { TrainingRecovery } from "../attack/training/recovery.ts";
import { type Dataset, image } from "../data/dataset.ts";
import { gaussian, seededRng } from "../math/rng.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { lineFigure } from "../plot/line.ts";
import { enlarge } from "../plot/png.ts";
import { doubleView, followable, splitView } from "./gram_views.ts";
import { median } from "./mitig2.ts";

/** `count` images from `seed`·`count` on: each seed has private images of its own.
 * @throws {RangeError} there are not so many. */
export function privateImages(data: Dataset, count: number, seed: number): Dataset {
  const [from, to] = [seed * count, (seed + 1) * count];
  if (to > data.count) {
    throw new RangeError(`Cannot take images ${from} to ${to}: ${data.name} has ${data.count}`);
  }
  const x = data.x.subarray(from * data.n, to * data.n);
  return { ...data, x, y: data.y.subarray(from, to), count };
}

/** Inner products of the network's inputs, pixels in [0, 1]. */
export const trueGram = ({ x, count }: Dataset): Float64Array =>
  gramOf(Float64Array.from(x, (v) => v / 255), count);

/** ‖A − B‖ / ‖B‖. */
export function relativeError(A: Float64Array, B: Float64Array): number {
  let [apart, size] = [0, 0];
  A.forEach((value, at) => {
    apart += (value - B[at]) ** 2;
    size += B[at] ** 2;
  });
  return Math.sqrt(apart / size);
}

/** A way to find G, and in which precision z1 came. */
export type Way = "least squares, float64" | "least squares, float32" | "Bayes, float32";

/** Every {@linkcode Way}. */
export const WAYS: readonly Way[] = [
  ...["least squares, float64", "least squares, float32", "Bayes, float32"] as const,
];

/** An error of G. */
export interface GramError {
  readonly hidden: number;
  readonly visits: number;
  readonly way: Way;
  readonly error: number;
}

/** Errors of G by width, visits and way. */
export class GramErrors {
  constructor(readonly count: number, readonly errors: readonly GramError[]) {}

  /** One of them. @throws {RangeError} it was not computed. */
  at(hidden: number, visits: number, way: Way): number {
    const found = this.errors.find((e) =>
      e.hidden === hidden && e.visits === visits && e.way === way
    );
    if (!found) throw new RangeError(`Cannot find ${way} at ${hidden} units, ${visits} visits`);
    return found.error;
  }

  /** The visits from which least squares leaves nothing open. */
  enough(hidden: number): number {
    return Math.ceil(this.count / hidden) + 1;
  }

  /** Error against visits. */
  figure(name: string): Figure {
    const lines = Map.groupBy(this.errors, ({ hidden, way }) => `${hidden} units, ${way}`);
    const dashes = { [WAYS[0]]: "solid", [WAYS[1]]: "dot", [WAYS[2]]: "dash" } as const;
    return lineFigure({
      name,
      title: `Error of the inner products of ${this.count} private images, W1 unknown`,
      alt:
        "In float64, least squares falls to zero at the visit where equations reach the unknowns; " +
        "Bayes is at a few hundredths from the second visit on.",
      xAxis: { title: "visits of each sample", unit: "count" },
      yAxis: { title: "relative error of G", unit: "1", log: true },
      series: [...lines].map(([name, points]) => {
        const first = `${points[0].hidden} units, ${WAYS[0]}`;
        return {
          ...{ name, dash: dashes[points[0].way], ...(name === first ? {} : { like: first }) },
          x: points.map(({ visits }) => visits),
          y: points.map(({ error }) => error),
        };
      }),
    });
  }

  /** A row per width and number of visits. */
  table(): Table {
    const rows = Map.groupBy(this.errors, ({ hidden, visits }) => `${hidden} ${visits}`);
    return table({
      title: `Relative error of G, ${this.count} images`,
      columns: ["units", "visits", "enough", ...WAYS],
      rows: [...rows.values()].map((row) => [
        ...[row[0].hidden, row[0].visits],
        row[0].visits >= this.enough(row[0].hidden) ? "yes" : "no",
        ...WAYS.map((way) => row.find((e) => e.way === way)!.error.toExponential(1)),
      ]),
    });
  }
}

/** Finds G by each way, for each width and number of visits of one training each.
 * @param options.visits by width.   @throws the signal's reason when aborted. */
export async function gramErrors(
  images: Dataset,
  { visits, seed, batch, ...on }: Partial<On> & {
    readonly visits: Readonly<Record<number, readonly number[]>>;
    readonly seed: number;
    readonly batch?: number;
  },
): Promise<GramErrors> {
  const truth = trueGram(images);
  const errors: GramError[] = [];
  const total = Object.values(visits).reduce((sum, list) => sum + list.length * WAYS.length, 0);
  for (const [width, list] of Object.entries(visits)) {
    const hidden = Number(width);
    const setting = followable(Math.max(...list), batch);
    const double = doubleView(images, { hidden, setting, seed });
    const single = await splitView(images, { hidden, setting, seed, signal: on.signal });
    for (const visits of list) {
      const options = { visits, signal: on.signal };
      const found = [
        await gramByLeastSquares(double, options),
        await gramByLeastSquares(single, options),
        await gramByBayes(single, options),
      ];
      found.forEach(({ G }, k) =>
        errors.push({ hidden, visits, way: WAYS[k], error: relativeError(G!, truth) })
      );
      on.onProgress?.(errors.length, total);
    }
  }
  return new GramErrors(images.count, errors);
}

/** What symmetry saves: the error of least squares without and with it, in float64, after `visits`.
 * @throws the signal's reason when aborted. */
export async function symmetryGain(
  images: Dataset,
  { hidden, visits, batch, seed, signal, onProgress }: Partial<On> & {
    readonly hidden: number;
    readonly visits: number;
    readonly batch: number;
    readonly seed: number;
  },
): Promise<{ readonly without: number; readonly with: number; readonly enough: number }> {
  const view = doubleView(images, { hidden, setting: followable(visits, batch), seed });
  const truth = trueGram(images);
  const error = async (symmetric: boolean) => {
    const { G } = await gramByLeastSquares(view, { symmetric, signal, onProgress });
    return relativeError(G!, truth);
  };
  return {
    ...{ without: await error(false), with: await error(true) },
    enough: Math.ceil(images.count / hidden) + 1,
  };
}

/** MITIG2's server after two visits, once per seed: G by Bayes, beside what one visit and what the labels give. */
export class TwoVisits {
  constructor(
    private readonly runs: readonly {
      readonly images: Dataset;
      readonly truth: Float64Array;
      readonly bayes: TrainingRecovery;
      readonly once: TrainingRecovery;
      readonly means: Float64Array;
    }[],
  ) {}

  /** Relative error of each seed. */
  get errors(): number[] {
    return this.runs.map(({ bayes, truth }) => relativeError(bayes.G!, truth));
  }

  /** Median of the seeds: correlation of the inner products of distinct samples. */
  correlation(of: "bayes" | "once" | "means"): number {
    return median(this.runs.map((run) => gramCorrelation(gramIn(run, of), run.truth)));
  }

  /** Median of the seeds: what of the correlation is left within pairs of classes. */
  part(of: "bayes" | "once" | "means"): number {
    return median(this.runs.map((run) => part(gramIn(run, of), run.truth, run.images.y)));
  }

  /** Longest time of Bayes, in seconds. */
  get seconds(): number {
    return Math.max(...this.runs.map(({ bayes }) => bayes.elapsedMs)) / 1000;
  }

  /** A row per way, medians over the seeds. */
  table(): Table {
    const rows = [
      ["labels alone: class means", "means"],
      ["one visit: z1·z1ᵀ", "once"],
      ["two visits: Bayes", "bayes"],
    ] as const;
    return table({
      title: `Inner products of ${this.runs[0].images.count} private images, MITIG2, W1 unknown`,
      columns: ["what the server uses", "correlation", "part beyond labels"],
      rows: rows.map(([label, of]) => [
        ...[label, this.correlation(of).toFixed(4), this.part(of).toFixed(4)],
      ]),
    });
  }

  /** G of the first seed's first `count` samples, in the order of their classes, as pictures. */
  grid(name: string, count = 100): Figure {
    const [run] = this.runs;
    const { images: { y, count: all }, truth } = run;
    const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => y[a] - y[b] || a - b);
    const corner = (G: Float64Array) => order.flatMap((i) => order.map((j) => G[i * all + j]));
    const shown = [truth, gramIn(run, "bayes"), gramIn(run, "once"), gramIn(run, "means")]
      .map(corner);
    return imageGrid({
      ...{ name, shape: [2 * count, 2 * count, 1] },
      title: `Inner products of ${count} private images by class, dark 0`,
      alt: "The picture of two visits is that of the truth; one visit and class means are not.",
      columns: ["true", "two visits, Bayes", "one visit", "class means"],
      rows: [{
        label: "G",
        images: shown.map((values) => {
          const most = values.toSorted((a, b) => a - b)[Math.floor(0.995 * values.length)];
          const grey = values.map((v) => Math.min(255, Math.max(0, 255 * v / most)));
          return enlarge(Uint8Array.from(grey), [count, count, 1], 2);
        }),
      }],
    });
  }
}

function gramIn(
  { bayes, once, means }: { bayes: TrainingRecovery; once: TrainingRecovery; means: Float64Array },
  of: "bayes" | "once" | "means",
): Float64Array {
  return of === "means" ? means : (of === "bayes" ? bayes : once).G!;
}

/** Trains with two visits of each of `count` images, once per seed, and finds G.
 * @throws the signal's reason when aborted. */
export async function twoVisits(
  data: Dataset,
  { count, hidden, seeds, batch, ...on }: Partial<On> & {
    readonly count: number;
    readonly hidden: number;
    readonly seeds: readonly number[];
    readonly batch?: number;
  },
): Promise<TwoVisits> {
  const runs = [];
  for (const [at, seed] of seeds.entries()) {
    const images = privateImages(data, count, seed);
    const view = await splitView(images, { hidden, setting: followable(2, batch), seed });
    const bayes = await gramByBayes(view, {
      signal: on.signal,
      onProgress: (done, all) => on.onProgress?.(at + done / all, seeds.length),
    });
    const means = fromLabels(images.y, classMeans(images, images.classes.length), images.n);
    runs.push({
      ...{ images, bayes, truth: trueGram(images), once: await gramOfOneVisit(view) },
      means: gramOf(means.map((v) => v / 255), count),
    });
  }
  return new TwoVisits(runs);
}

/** What was made of some images, one seed and number of known ones. */
interface Guessed {
  readonly known: number;
  readonly from: string;
  readonly victims: readonly number[];
  readonly images: Dataset;
  /** Null where the solver came to no end. */
  readonly X: readonly (Float64Array | null)[];
}

/** Images from G and k known ones. */
export class FromKnown {
  constructor(private readonly guesses: readonly Guessed[]) {}

  /** Median PSNR over images and seeds, dB; an image that came to no end counts 0 dB. */
  psnr(known: number, from: string): number {
    const of = this.guesses.filter((guess) => guess.known === known && guess.from === from);
    return median(
      of.flatMap(({ X, victims, images }) =>
        X.map((x, k) => x === null ? 0 : Math.min(100, psnr(x, image(images, victims[k]))))
      ),
    );
  }

  get #cases(): { known: number; from: string }[] {
    const keys = new Map(this.guesses.map((g) => [`${g.known} ${g.from}`, g]));
    return [...keys.values()];
  }

  /** PSNR against the number of known images. */
  figure(name: string): Figure {
    return lineFigure({
      name,
      title: "Private images from their inner products with known ones",
      alt: "The error falls steeply with the number of known images.",
      xAxis: { title: "known images", unit: "count" },
      yAxis: { title: "median PSNR", unit: "dB" },
      series: [...Map.groupBy(this.#cases, ({ from }) => from)].map(([from, cases]) => ({
        name: from,
        x: cases.map(({ known }) => known),
        y: cases.map(({ known }) => this.psnr(known, from)),
      })),
    });
  }

  /** A row per number of known images. */
  table(): Table {
    return table({
      columns: ["inner products", "known images", "median PSNR, dB", "came to an end"],
      rows: this.#cases.map(({ known, from }) => {
        const of = this.guesses.filter((guess) => guess.known === known && guess.from === from);
        const all = of.flatMap(({ X }) => X);
        const ended = all.filter((x) => x !== null).length;
        return [from, known, this.psnr(known, from).toFixed(1), `${ended} of ${all.length}`];
      }),
    });
  }

  /** The first seed's images, and below them what each case made of them. */
  grid(name: string, count = 8): Figure {
    const [{ images, victims }] = this.guesses;
    const shown = victims.slice(0, count);
    const first = this.#cases.map((one) =>
      this.guesses.find(({ known, from }) => known === one.known && from === one.from)!
    );
    return imageGrid({
      ...{ name, shape: images.shape },
      title: "Private images, and what the server makes of their inner products with known ones",
      alt: `Rows of ${shown.length} digits: private; then as recovered with more known images.`,
      rows: [
        { label: "private", images: shown.map((i) => image(images, i)) },
        ...first.map(({ known, from, X }) => ({
          label: `${known} known\n${from}`,
          images: X.slice(0, count),
          captions: X.slice(0, count).map((x, k) =>
            x === null
              ? "no end"
              : `${Math.min(100, psnr(x, image(images, shown[k]))).toFixed(0)} dB`
          ),
        })),
      ],
    });
  }
}

/** Recovers `victims` images of each seed from G, exact (float64, as many visits as least squares needs) and by Bayes
 * (float32, two visits), with random known ones.
 * @param options.known for the exact G; for Bayes the last of them only.
 * @throws the signal's reason when aborted. */
export async function imagesFromGram(
  data: Dataset,
  { count, hidden, seeds, known, victims, batch, ...on }: Partial<On> & {
    readonly count: number;
    readonly hidden: number;
    readonly seeds: readonly number[];
    readonly known: readonly number[];
    readonly victims: number;
    readonly batch?: number;
  },
): Promise<FromKnown> {
  const guesses: Guessed[] = [];
  const total = seeds.length * (known.length + 1);
  const enough = Math.ceil(count / hidden) + 1;
  for (const seed of seeds) {
    const images = privateImages(data, count, seed);
    const keys = gaussian(seededRng(seed), count);
    const order = Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b]);
    const chosen = order.slice(0, victims);
    const exactly = doubleView(images, { hidden, setting: followable(enough, batch), seed });
    const twice = await splitView(images, { hidden, setting: followable(2, batch), seed });
    const { signal } = on;
    const exact = await gramByLeastSquares(exactly, { signal });
    const bayes = await gramByBayes(twice, { signal });
    const cases = [
      ...known.map((k) => ({ k, view: exactly, gram: exact, from: `float64, ${enough} visits` })),
      { k: known.at(-1)!, view: twice, gram: bayes, from: "float32, 2 visits" },
    ];
    for (const { k, view, gram, from } of cases) {
      const names = order.slice(-k);
      const x = Uint8Array.from(names.flatMap((name) => [...image(images, name)]));
      const { samples, X } = await fromKnown(view, {
        known: { samples: Uint32Array.from(names), x },
        ...{ gram, samples: chosen, signal },
      });
      const rows = new Map(Array.from(samples, (name, row) => [name, row]));
      guesses.push({
        ...{ known: k, from, victims: chosen, images },
        X: chosen.map((name) => {
          const row = rows.get(name);
          return row === undefined ? null : X!.slice(row * images.n, (row + 1) * images.n);
        }),
      });
      on.onProgress?.(guesses.length, total);
    }
  }
  return new FromKnown(guesses);
}
