/** Notebook 01b: what the gradient that the server decrypts says of the batch behind it.
 * @module */
import { fromGradient } from "../attack/gradient.ts";
import { type Dataset, dataset, image } from "../data/dataset.ts";
import { type Table, table } from "../notebook/table.ts";
import type { On } from "../notebook/run.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { type Rate, wilson } from "../sweep/summary.ts";
import { runClear } from "./encrypted_training.ts";

/** One first step, and what its gradient gave. */
interface Solved {
  readonly seed: number;
  readonly batch: Dataset;
  readonly rank: number;
  /** Whether the rounded pixels satisfy all equations. */
  readonly solves: boolean;
  /** [batch, n] rounded pixels; null where dz1 has not full rank. */
  readonly X: ArrayLike<number> | null;
  /** How many of the batch are right in each pixel. */
  readonly exact: number;
}

/** First steps from several draws of W1. */
export class GradientStudy {
  constructor(readonly steps: readonly Solved[]) {}

  /** How many images are exact, of all. */
  get exact(): Rate {
    const sum = (of: (s: Solved) => number) => this.steps.reduce((total, s) => total + of(s), 0);
    return wilson(sum((s) => s.exact), sum((s) => s.batch.count));
  }

  /** Whether each batch whose rounded pixels satisfy all equations is the private one. */
  get solvedIsPrivate(): boolean {
    return this.steps.every(({ solves, exact, batch }) => !solves || exact === batch.count);
  }

  /** A row per draw of W1. */
  table(title: string): Table {
    return table({
      title,
      columns: ["draw of W1", "rank of dz1", "rounded X satisfies all equations", "images exact"],
      rows: this.steps.map(({ seed, rank, solves, exact }) => [
        ...[seed, rank, solves ? "yes" : "no", exact],
      ]),
    });
  }

  /** The first images of the first batch, and what dW1 gave of them. */
  grid(name: string, title: string, count = 10): Figure {
    const [{ batch, X }] = this.steps;
    const shown = Array.from({ length: Math.min(count, batch.count) }, (_, i) => i);
    const part = (i: number) => Array.from({ length: batch.n }, (_, p) => X![i * batch.n + p]);
    return imageGrid({
      ...{ name, title, shape: batch.shape },
      alt: `Two rows of ${shown.length} images: those of the batch, and those that dW1 gave.`,
      rows: [
        { label: "the batch", images: shown.map((i) => image(batch, i)) },
        { label: "from dW1", images: shown.map((i) => X === null ? null : part(i)) },
      ],
    });
  }
}

/** Takes the first step of training from each seed, on images of its own, and solves dz1·X = dW1 for the batch.
 * The integers are those that decryption yields.
 * @throws {DataError} fewer images than seeds · batch.   @throws the signal's reason when aborted. */
export async function attackGradients(
  { images, hidden, batch: m, seeds, signal, onProgress }: Partial<On> & {
    images: Dataset;
    hidden: number;
    batch: number;
    seeds: readonly number[];
  },
): Promise<GradientStudy> {
  const { n } = images;
  const steps: Solved[] = [];
  for (const [k, seed] of seeds.entries()) {
    signal?.throwIfAborted();
    const [from, to] = [k * m, (k + 1) * m];
    const x = images.x.subarray(from * n, to * n), y = images.y.subarray(from, to);
    const batch = dataset({ ...images, x, y });
    const run = { hidden, batch: m, steps: 1, learningRate: 1, insecureSeed: seed };
    const { first: { dz1, dW1 } } = await runClear({ images: batch, ...run });
    const { X, rank, solves } = fromGradient(dz1, dW1, { hidden, batch: m, n });
    const right = (i: number) =>
      X !== null && image(batch, i).every((v, pixel) => v === X[i * n + pixel]);
    const exact = Array.from({ length: m }, (_, i) => i).filter(right).length;
    steps.push({ seed, batch, rank, solves, X, exact });
    onProgress?.(k + 1, seeds.length);
    await new Promise((resolve) => setTimeout(resolve)); // let the stop button and the display in
  }
  return new GradientStudy(steps);
}
