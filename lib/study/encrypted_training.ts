/** Notebook 01b: training on ciphertexts as CryptoNN does it, against the same steps in the clear; the same network
 * trained in float32 on all of the data; and what the gradient that the server decrypts says of the batch behind it.
 * @module */
import { solveGradient } from "../attack/training/gradient.ts";
import { type Dataset, dataset, image, type SplitDataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import type { Transcript } from "../net/transcript.ts";
import { accuracy, initialMlp } from "../nn/mlp.ts";
import { AUTHORS, MODERN } from "../nn/optimizer.ts";
import { trainMlp } from "../nn/train.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { trainEncrypted, type TrainOptions, trainPlain } from "../protocol/cryptonn/in_process.ts";
import type { FixedNet } from "../protocol/fixed_net.ts";
import type { StepRecord } from "../protocol/fixed_train.ts";
import { percent, type Rate, wilson } from "../sweep/summary.ts";
import { breather } from "../workers/pool.ts";
import { sequenceOf } from "./transcripts.ts";

/** Sizes, steps and seed of a run in fixed point. */
export type Run =
  & Omit<TrainOptions, "signal" | "onProgress" | "onStep">
  & Partial<On>
  & { images: Dataset };

/** A finished run in fixed point. */
export interface FixedRun {
  readonly net: FixedNet;
  readonly steps: number;
  /** What the server learned in the first step. */
  readonly first: StepRecord;
}

/** A finished run on ciphertexts. */
export class CryptonnRun implements FixedRun {
  constructor(
    readonly net: FixedNet,
    readonly steps: number,
    readonly first: StepRecord,
    readonly transcript: Transcript,
    readonly seconds: number,
  ) {}

  /** Whether another run ended in the same weights, bit for bit. */
  sameWeights({ net }: FixedRun): boolean {
    const parts = ({ W1, head: { b1, W2, b2 } }: FixedNet) => [W1, b1, W2, b2];
    const theirs = parts(net);
    return parts(this.net).every((part, k) =>
      part.length === theirs[k].length && part.every((value, i) => value === theirs[k][i])
    );
  }

  /** Bytes of all messages. */
  get sizeBytes(): number {
    return this.transcript.traffic.reduce((sum, t) => sum + t.sizeBytes, 0);
  }

  /** The run as a sequence diagram. */
  sequence(name: string, title: string): Figure {
    return sequenceOf(this.transcript, {
      ...{ name, title, roles: ["authority", "client", "server"] },
      alt:
        "The client encrypts each image, and each pixel over the batch, once. In every step the " +
        "server gets keys for the rows of W1 and of dz1 and decrypts z1 and dW1.",
      steps: [
        ["authority", "setup", "set up: two master keys"],
        ["authority → client", "public keys"],
        {
          each: "every batch, once",
          steps: [
            ["client", "encrypt a sample", "encrypt each image"],
            ["client → server", "encrypted samples", "encrypted images, labels"],
            ["client", "encrypt a column", "encrypt each pixel over the batch"],
            ["client → server", "encrypted columns"],
          ],
        },
        {
          each: "every step",
          steps: [
            ["server → authority", "rows of W1"],
            ["authority → server", "keys for W1"],
            ["server", "decrypt z1 of a batch", "decrypt z1 = W1·x"],
            ["server → authority", "rows of dz1"],
            ["authority → server", "keys for dz1"],
            ["server", "decrypt dW1 of a batch", "decrypt dW1 = dz1·X"],
          ],
        },
      ],
    });
  }
}

/** Trains on ciphertexts. @param options.workers decrypt, one by default.   @throws as `trainEncrypted`. */
export async function runEncrypted(
  { images, ...options }: Run & { workers?: number },
): Promise<CryptonnRun> {
  const records: StepRecord[] = [];
  const start = performance.now();
  const onStep = (record: StepRecord) => void (records[0] ??= record);
  const { net, transcript } = await trainEncrypted(images, { ...options, onStep });
  const seconds = (performance.now() - start) / 1000;
  return new CryptonnRun(net, options.steps, records[0], transcript, seconds);
}

/** Takes the same steps in the clear, in the same integers.   @throws as `trainPlain`. */
export async function runClear({ images, ...options }: Run): Promise<FixedRun> {
  const records: StepRecord[] = [];
  const onStep = (record: StepRecord) => void (records[0] ??= record);
  const { net } = await trainPlain(images, { ...options, onStep });
  return { net, steps: options.steps, first: records[0] };
}

/** Trains 784-hidden-10 in the clear, in float32, in the authors' setting and in the modern one.
 * @throws the signal's reason when aborted. */
export async function compareSettings(
  { data: { train, test }, hidden, insecureSeed, workers, signal, onProgress }: Partial<On> & {
    data: SplitDataset;
    hidden: number;
    insecureSeed: number;
    workers: number;
  },
): Promise<{ authors: number; modern: number; table(title: string): Table }> {
  const sizes = { n: train.n, hidden, classes: train.classes.length };
  let before = 0;
  const learn = async (setting: typeof AUTHORS) => {
    const start = performance.now();
    const untrained = initialMlp(sizes, setting.initial, seededRng(insecureSeed));
    const net = await trainMlp(untrained, train, {
      ...{ ...setting, workers, rng: seededRng(insecureSeed), signal },
      onEpoch: (epoch) => onProgress?.(before + epoch, AUTHORS.epochs + MODERN.epochs),
    });
    before += setting.epochs;
    return { share: accuracy(net, test), seconds: (performance.now() - start) / 1000 };
  };
  const [authors, modern] = [await learn(AUTHORS), await learn(MODERN)];
  return {
    ...{ authors: authors.share, modern: modern.share },
    table: (title) =>
      table({
        ...{ title, columns: ["setting", "epochs", "test accuracy", "seconds"] },
        rows: [
          ["authors'", AUTHORS.epochs, percent(authors.share), authors.seconds.toFixed(1)],
          ["modern", MODERN.epochs, percent(modern.share), modern.seconds.toFixed(1)],
        ],
      }),
  };
}

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
export class SolvedBatches {
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

  /** The first ten images of the first batch, and what dW1 gave of them. */
  grid(name: string, title: string): Figure {
    const [{ batch, X }] = this.steps;
    const { n, count, shape } = batch;
    const shown = Array.from({ length: Math.min(10, count) }, (_, i) => i);
    const part = (i: number) => Array.from({ length: n }, (_, p) => X![i * n + p]);
    return imageGrid({
      ...{ name, title, shape },
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
): Promise<SolvedBatches> {
  const { n } = images;
  const breathe = breather(signal); // the elimination does not wait by itself
  const steps: Solved[] = [];
  for (const [k, seed] of seeds.entries()) {
    await breathe();
    const [from, to] = [k * m, (k + 1) * m];
    const x = images.x.subarray(from * n, to * n), y = images.y.subarray(from, to);
    const batch = dataset({ ...images, x, y });
    const run = { hidden, batch: m, steps: 1, learningRate: 1, insecureSeed: seed };
    const { first: { dz1, dW1 } } = await runClear({ images: batch, ...run });
    const { X, rank, solves } = solveGradient(dz1, dW1, { hidden, batch: m, n });
    const right = (i: number) =>
      X !== null && image(batch, i).every((v, pixel) => v === X[i * n + pixel]);
    const exact = Array.from({ length: m }, (_, i) => i).filter(right).length;
    steps.push({ seed, batch, rank, solves, X, exact });
    onProgress?.(k + 1, seeds.length);
  }
  return new SolvedBatches(steps);
}
