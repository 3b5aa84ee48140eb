/** Private images from their inner products with known ones, as the servers of the mitigations have them.
 * @module */
import { gramByBayes } from "../attack/training/gram_bayes.ts";
import { gramByLeastSquares } from "../attack/training/gram.ts";
import { fromKnown } from "../attack/training/known.ts";
import { psnr } from "../attack/metrics.ts";
import { type Dataset, image } from "../data/dataset.ts";
import { gaussian, seededRng } from "../math/rng.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { lineFigure } from "../plot/line.ts";
import { doubleView, followable, privateImages, splitView } from "./gram_views.ts";
import { median } from "./mitig2.ts";

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
