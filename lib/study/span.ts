/** What MITIG1's server makes of ciphertexts that any key opens, and what a master key for each batch changes and costs.
 *
 * Everything comes from the real parties' bytes where `runCurious` is given the images; `runClear` gives the same
 * integers without encryption, which `sameOpened` checks.
 * @module */
import { classMeans, fromLabels, meanMse } from "../attack/training/leakage.ts";
import { type PixelColumn, pixelColumns } from "../attack/training/rays.ts";
import type { LabelledImages } from "../attack/training/recovery.ts";
import { fromSpan } from "../attack/training/span.ts";
import { alignSpan } from "../attack/training/span_align.ts";
import { orthonormal, spanOf, type SpanView, spanView } from "../attack/training/span_view.ts";
import { type TrainingView, visitsOf, z1Of } from "../attack/training/view.ts";
import type { Dataset } from "../data/dataset.ts";
import * as fhipe from "../fe/fhipe.ts";
import { DlogNotFoundError } from "../fe/params.ts";
import { startPairing } from "../math/pairing/group.ts";
import { seededRng } from "../math/rng.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { lineFigure } from "../plot/line.ts";
import { durationText } from "../plot/theme.ts";
import { DEFAULT_SCALES } from "../protocol/fixed_net.ts";
import { trainFixed } from "../protocol/fixed_train.ts";
import { crossOpen } from "../protocol/mitig1/cross_open.ts";
import { type KeysPer, MasterKeys } from "../protocol/mitig1/master_keys.ts";
import type { Seen } from "../protocol/mitig1/server.ts";
import { paramsOf } from "../protocol/mitig1/terms.ts";
import { mitig1View } from "../protocol/training_views.ts";
import { drawNet, type Mitig1Run, runEncrypted, type Training } from "./mitig1.ts";
import { bytesText } from "./transcripts.ts";

/** A training with a server that keeps what it gets. */
export interface CuriousRun {
  readonly run: Mitig1Run;
  readonly keysPer: KeysPer;
  readonly seen: readonly Seen[];
  readonly ciphertexts: readonly Uint8Array[];
  readonly view: TrainingView;
}

/** Trains both parties over ciphertexts; the server keeps keys and ciphertexts. @throws as `runEncrypted`. */
export async function runCurious(
  images: Dataset,
  training: Training & { readonly keysPer: KeysPer; readonly workers?: number },
): Promise<CuriousRun> {
  const [seen, ciphertexts]: [Seen[], Uint8Array[]] = [[], []];
  const run = await runEncrypted(images, {
    ...{
      ...training,
      fresh: { ...images, x: images.x.slice(0, images.n), y: images.y.slice(0, 1) },
    },
    observe: (step) => seen.push(step),
    observeSamples: (more) => ciphertexts.push(...more),
  });
  const { scales = DEFAULT_SCALES, learningRate, keysPer } = training;
  return {
    run,
    keysPer,
    seen,
    ciphertexts,
    view: mitig1View(seen, images, { scales, learningRate }),
  };
}

/** All that the keys of a curious run open: its view with `opened`. @throws as `crossOpen`. */
export async function openAll(
  { seen, ciphertexts, view }: CuriousRun,
  images: Dataset,
  options: Partial<On> & { readonly workers?: number } = {},
): Promise<SpanView> {
  const { workers = navigator.hardwareConcurrency, ...on } = options;
  const keys = seen.map((step) => step.keys);
  const terms = { n: images.n, scales: DEFAULT_SCALES };
  return spanView(view, await crossOpen(terms, { ...{ ciphertexts, keys, workers }, ...on }));
}

/** The same view from the training in the clear: W1(t)·x of every step and sample, in the same integers. */
export async function clearSpan(images: Dataset, training: Training): Promise<SpanView> {
  const { batch, epochs, hidden, learningRate, scales = DEFAULT_SCALES } = training;
  const { n, count, x, y } = images;
  const seen: Omit<Seen, "keys" | "head">[] = [];
  const opened: number[] = [];
  const steps = epochs * count / batch;
  await trainFixed(drawNet(images, training), images, {
    ...{ ...training, steps },
    onStep: ({ W1, z1, dz1 }) => {
      const from = seen.length * batch % count;
      seen.push({ step: seen.length, from, z1, dz1, labels: y.slice(from, from + batch) });
      for (let unit = 0; unit < hidden; unit++) {
        for (let i = 0; i < count; i++) {
          let sum = 0;
          for (let p = 0; p < n; p++) sum += W1[unit * n + p] * x[i * n + p];
          opened.push(sum);
        }
      }
    },
  });
  const view = mitig1View(seen as Seen[], images, { scales, learningRate });
  return spanView(view, Float64Array.from(opened));
}

/** Whether what was opened is W1(t)·x of the training in the clear, integer by integer, as far as it was opened. */
export const sameOpened = (real: SpanView, clear: SpanView): boolean =>
  real.opened.length > 0 && real.opened.every((value, at) => value === clear.opened[at]);

/** Of pairs of a key and a sample outside the key's batch: how many open. @param pairs how many to try. */
export async function opensOutside(
  { seen, ciphertexts }: Pick<CuriousRun, "seen" | "ciphertexts">,
  pairs: number,
): Promise<number> {
  const group = await startPairing();
  let opened = 0;
  for (let k = 0; k < pairs; k++) {
    const { from, labels, keys } = seen[k % seen.length];
    const sample = (from + labels.length + k) % ciphertexts.length;
    const outside = sample < from || sample >= from + labels.length;
    if (!outside) throw new RangeError(`Cannot try pairs: one batch is all of the training`);
    try {
      fhipe.decrypt(
        fhipe.decodeFunctionalKey(group, keys[k % keys.length]),
        fhipe.decodeCiphertext(group, ciphertexts[sample]),
      );
      opened++;
    } catch (error) {
      if (!(error instanceof DlogNotFoundError)) throw error;
    }
  }
  return opened;
}

/** A column against the truth: whether it is a pixel's on all images that it speaks of. */
const isPixel = ({ values, vouched }: PixelColumn, { x, n }: Dataset): number =>
  Array.from({ length: n }, (_, p) => p)
    .findIndex((p) => vouched.every((image) => x[image * n + p] === values[image]));

/** What the space of the pixels gives away. */
export class SpanAttack {
  /** @param columns found with nothing known.   @param rank of the space, 0 where it does not follow.
   * @param aligned `[N, n]`, by labels and public images.   @param byKnown `[N, n]`, by `known` images.
   * @param mended `[N, n]`, what the same alignment makes of z1 of each sample's first visit alone.
   * @param columnsBySteps steps, and how many columns are exact after them. */
  constructor(
    private readonly images: Dataset,
    private readonly publicImages: LabelledImages,
    readonly rank: number,
    readonly columns: readonly PixelColumn[],
    readonly aligned: Float64Array,
    private readonly byKnown: { readonly X: Float64Array; readonly samples: Uint32Array },
    private readonly mended: Float64Array,
    private readonly columnsBySteps: readonly (readonly [steps: number, exact: number])[],
  ) {}

  /** Pixels that are not black in all images. */
  get live(): number {
    const { x, n } = this.images;
    return Array.from({ length: n }, (_, p) => p)
      .filter((p) => x.some((value, at) => value > 0 && at % n === p)).length;
  }

  /** Columns that are a pixel's on every image that they speak of, and those that are not. */
  get exact(): number {
    return this.columns.filter((column) => isPixel(column, this.images) >= 0).length;
  }
  get wrong(): number {
    return this.columns.length - this.exact;
  }

  /** The fewest images that a column speaks of. */
  get vouched(): number {
    return Math.min(this.images.count, ...this.columns.map((column) => column.vouched.length));
  }

  /** Mean squared errors: of all pixels by alignment, of the class means of the public images, under the mended
   * protocol. */
  get mse(): { aligned: number; classMean: number; mended: number } {
    const { x } = this.images;
    return {
      aligned: meanMse(this.aligned, x),
      classMean: meanMse(this.classMean, x),
      mended: meanMse(this.mended, x),
    };
  }

  /** Of the images that are not known: how many are exact, and how many there are. */
  get others(): { exact: number; count: number } {
    const { x, n, count } = this.images;
    const known = new Set(this.byKnown.samples);
    const others = Array.from({ length: count }, (_, i) => i).filter((i) => !known.has(i));
    const exact =
      others.filter((i) =>
        this.byKnown.X.slice(i * n, (i + 1) * n).every((v, p) => Math.round(v) === x[i * n + p])
      ).length;
    return { exact, count: others.length };
  }

  private get classMean(): Float64Array {
    const { n, y, classes } = this.images;
    return fromLabels(y, classMeans(this.publicImages, classes.length), n);
  }

  /** Private images, and what each way makes of them. @param show how many. */
  grid(name: string, show = 8): Figure {
    const { x, n, shape, count } = this.images;
    const known = new Set(this.byKnown.samples);
    const shown = Array.from({ length: count }, (_, i) => i).filter((i) => !known.has(i))
      .slice(0, show);
    const rows = (X: ArrayLike<number>) =>
      shown.map((i) => Array.from({ length: n }, (_, p) => X[i * n + p]));
    const found = new Float64Array(count * n);
    for (const column of this.columns) {
      const pixel = isPixel(column, this.images); // the server does not know where they belong
      if (pixel >= 0) column.vouched.forEach((i) => found[i * n + pixel] = column.values[i]);
    }
    const { exact, wrong, mse, others } = this;
    const error = (value: number) => `MSE ${value.toFixed(4)}`;
    return imageGrid({
      ...{ name, title: "What MITIG1's server draws without W1", shape },
      alt:
        `Rows of ${show} images: private; ${exact} of ${this.live} pixel columns with nothing known; ` +
        `${this.byKnown.samples.length} images known; labels and public digits, ${
          error(mse.aligned)
        }; ` +
        `the same under a master key for each batch, ${error(mse.mended)}; the class mean.`,
      rows: [
        { label: "private", images: rows(x) },
        {
          label: `nothing known:\n${exact} of ${this.live} pixels\nexact, ${wrong} wrong`,
          images: rows(found),
        },
        {
          label: `${this.byKnown.samples.length} known:\n${others.exact} of ${others.count}\nexact`,
          images: rows(this.byKnown.X),
        },
        { label: `labels and public:\n${error(mse.aligned)}`, images: rows(this.aligned) },
        { label: `a key per batch:\n${error(mse.mended)}`, images: rows(this.mended) },
        { label: `class mean:\n${error(mse.classMean)}`, images: rows(this.classMean) },
      ],
    });
  }

  /** Pixel columns that are exact against the steps whose keys were used. */
  figure(name: string): Figure {
    const steps = this.columnsBySteps.map(([step]) => step);
    return lineFigure({
      ...{ name, title: `Pixel columns exact, of ${this.live}, with nothing known` },
      alt:
        "None while the keys' rows are fewer than the rank of the images; from then on a constant.",
      xAxis: { title: "steps of which the keys are kept", unit: "count" },
      yAxis: { title: "pixel columns exact", unit: "count" },
      series: [
        {
          name: "one master key",
          x: steps,
          y: this.columnsBySteps.map(([, exact]) => exact),
        },
        { name: "a master key for each batch", x: steps, y: steps.map(() => 0), dash: "dot" },
      ],
    });
  }
}

/** Attacks the space in three ways, and z1 of one visit as the mended protocol leaves it.
 * @param options.known how many images the server knows: the first ones.   @param options.seed draws the linear
 * programs and the alignment's starts.
 * @throws {RangeError} the space does not follow from the view.   @throws as `fromSpan`. */
export async function attackSpan(
  images: Dataset,
  view: SpanView,
  { publicImages, known, tries, starts, seed, signal, onProgress }: Partial<On> & {
    readonly publicImages: LabelledImages;
    readonly known: number;
    readonly tries: number;
    readonly starts: number;
    readonly seed: number;
  },
): Promise<SpanAttack> {
  const { n, count, x, y, classes } = images;
  const on = { signal };
  const span = spanOf(view);
  if (typeof span === "string") throw new RangeError(`Cannot attack the span: ${span}`);
  let done = 0;
  const parts = (total: number) => onProgress?.(++done, total);
  const columns = await pixelColumns(span, { rng: seededRng(seed), tries, ...on });
  parts(4);
  const aligned = await fromSpan(view, { publicImages, rng: seededRng(seed), starts, ...on });
  parts(4);
  const samples = Uint32Array.from({ length: known }, (_, i) => i);
  const byKnown = await fromSpan(view, { known: { samples, x: x.slice(0, known * n) }, ...on });
  parts(4);
  const mended = await alignSpan(firstVisits(view, count), y, publicImages, {
    ...{ n, classes: classes.length, rng: seededRng(seed), starts, ...on },
  });
  parts(4);
  const exact = columns.filter((column) => isPixel(column, images) >= 0).length;
  const steps = Array.from({ length: Math.min(view.steps.length, 10) }, (_, k) => k + 1);
  const bySteps = steps.map((step) => {
    const opened = view.opened.slice(0, step * view.units * count);
    const part = spanOf({ ...view, opened });
    return [step, typeof part !== "string" && part.rank === span.rank ? exact : 0] as const;
  });
  const nothing = new Float64Array(count * n);
  return new SpanAttack(
    images,
    publicImages,
    span.rank,
    columns,
    aligned.X ?? nothing,
    {
      samples,
      X: byKnown.X ?? nothing,
    },
    mended,
    bySteps,
  );
}

/** z1 of each sample's first visit as if one W1 had been in force: what the mended protocol leaves. */
function firstVisits(view: TrainingView, count: number) {
  const visits = visitsOf(view);
  const columns = Array.from({ length: view.units }, () => new Float64Array(count));
  for (let i = 0; i < count; i++) {
    z1Of(view, visits.get(i)![0]).forEach((value, u) => columns[u][i] = value);
  }
  const base = orthonormal(columns, 1e-9);
  return { count, rank: base.length / count, base };
}

/** What the two ways to share master keys cost, and what fresh ciphertexts at each step would. */
export async function costTable(
  runs: readonly CuriousRun[],
  { epochs, batch, large = 784 }: {
    readonly epochs: number;
    readonly batch: number;
    readonly large?: number;
  },
): Promise<Table> {
  const rows = runs.map(({ run, keysPer, seen }) => {
    const { steps, bytes } = run.cost;
    return [
      keysPer === "batch" ? "a master key for each batch" : "one master key (paper)",
      durationText(steps.setup / seen.length, 2),
      durationText(run.seconds / seen.length, 2),
      bytesText(bytes),
    ];
  });
  const { steps, bytes, sampleBytes } = runs[0].run.cost;
  const again = batch * (steps.encrypt + steps.store); // seconds a step
  const { seen, run } = runs[0];
  rows.push([
    "fresh ciphertexts each step (computed)",
    durationText(runs.at(-1)!.run.cost.steps.setup / seen.length, 2),
    durationText(run.seconds / seen.length + again * (1 - 1 / epochs), 2),
    bytesText(bytes + (epochs - 1) * sampleBytes),
  ]);
  const group = await startPairing();
  const keys = new MasterKeys(paramsOf({ n: large, scales: DEFAULT_SCALES }, group), "batch");
  const start = performance.now();
  keys.ofBatch(0);
  const setup = (performance.now() - start) / 1000;
  return table({
    title: `Master keys, measured; one set-up at ${large} pixels takes ${durationText(setup, 2)}`,
    columns: ["protocol", "set-up a step", "time a step", "bytes in all"],
    rows,
  });
}
