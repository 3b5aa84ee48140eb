/** What MITIG1's server makes of the space that its keys open (`mitig1_keys.ts`), and what a master key for each batch
 * leaves it.
 * @module */
import { classMeans, fromLabels, meanMse } from "../attack/training/leakage.ts";
import { type PixelColumn, pixelColumns } from "../attack/training/rays.ts";
import type { LabelledImages } from "../attack/training/recovery.ts";
import { fromSpan } from "../attack/training/span.ts";
import { alignSpan } from "../attack/training/span_align.ts";
import { orthonormal, spanOf, type SpanView } from "../attack/training/span_view.ts";
import { type TrainingView, visitsOf, z1Of } from "../attack/training/view.ts";
import type { Dataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { lineFigure } from "../plot/line.ts";

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

/** What setting aside images of rare pixels does: columns found, and how many of them are a pixel's. */
export async function filterTable(
  images: Dataset,
  view: SpanView,
  { tries, seed, signal }: Partial<On> & { readonly tries: number; readonly seed: number },
): Promise<Table> {
  const span = spanOf(view);
  if (typeof span === "string") throw new RangeError(`Cannot attack the span: ${span}`);
  const rows = [];
  for (const rare of [0, 3]) {
    const columns = await pixelColumns(span, { rng: seededRng(seed), tries, rare, signal });
    const right = columns.filter((column) => isPixel(column, images) >= 0).length;
    const fewest = Math.min(images.count, ...columns.map(({ vouched }) => vouched.length));
    rows.push([rare, columns.length, right, columns.length - right, fewest]);
  }
  return table({
    title: `Rays of bytes over ${images.count} images`,
    columns: ["a pixel is rare up to", "columns found", "a pixel's", "wrong", "images at least"],
    rows,
  });
}
