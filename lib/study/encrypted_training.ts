/** Notebook 01b: training on ciphertexts as CryptoNN does it, against the same steps in the clear; and the same
 * network trained in float32 on all of the data.
 * @module */
import type { Dataset, SplitDataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import type { Transcript } from "../net/transcript.ts";
import { accuracy, initialMlp } from "../nn/mlp.ts";
import { AUTHORS, MODERN } from "../nn/optimizer.ts";
import { trainMlp } from "../nn/train.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { sequenceFigure } from "../plot/sequence.ts";
import { trainEncrypted, type TrainOptions, trainPlain } from "../protocol/cryptonn/in_process.ts";
import { fixedAccuracy, type FixedNet } from "../protocol/fixed_net.ts";
import type { StepRecord } from "../protocol/fixed_train.ts";
import { sent, worked } from "./transcripts.ts";

/** Sizes, steps and seed of a run in fixed point. */
export type Run = Omit<TrainOptions, "signal" | "onProgress" | "onStep">;

/** A finished run in fixed point. */
export interface FixedRun {
  readonly net: FixedNet;
  readonly steps: number;
  /** What the server learned in the first step. */
  readonly first: StepRecord;
}

/** A finished run on ciphertexts. */
export class EncryptedRun implements FixedRun {
  constructor(
    readonly net: FixedNet,
    readonly steps: number,
    readonly first: StepRecord,
    readonly transcript: Transcript,
    readonly elapsedMs: number,
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
    const { transcript } = this;
    return sequenceFigure({
      ...{ name, title },
      alt:
        "The client encrypts each image, and each pixel over the batch, once. In every step the " +
        "server gets keys for the rows of W1 and of dz1 and decrypts z1 and dW1.",
      roles: ["authority", "client", "server"],
      steps: [
        worked(transcript, "authority", "setup", "set up: two master keys"),
        sent(transcript, ["authority", "client"], "public keys"),
        {
          kind: "group",
          label: "every batch, once",
          steps: [
            worked(transcript, "client", "encrypt a sample", "encrypt each image"),
            sent(transcript, ["client", "server"], "encrypted samples", "encrypted images, labels"),
            worked(transcript, "client", "encrypt a column", "encrypt each pixel over the batch"),
            sent(transcript, ["client", "server"], "encrypted columns"),
          ],
        },
        {
          kind: "group",
          label: "every step",
          steps: [
            sent(transcript, ["server", "authority"], "rows of W1"),
            sent(transcript, ["authority", "server"], "keys for W1"),
            worked(transcript, "server", "decrypt z1 of a batch", "decrypt z1 = W1·x"),
            sent(transcript, ["server", "authority"], "rows of dz1"),
            sent(transcript, ["authority", "server"], "keys for dz1"),
            worked(transcript, "server", "decrypt dW1 of a batch", "decrypt dW1 = dz1·X"),
          ],
        },
      ],
    });
  }
}

/** Keeps the first record that it is told. */
function firstRecord(): { onStep(record: StepRecord): void; first(): StepRecord } {
  let kept: StepRecord | undefined;
  return { onStep: (record) => void (kept ??= record), first: () => kept! };
}

/** Trains on ciphertexts. @param options.workers decrypt, one by default.   @throws as `trainEncrypted`. */
export async function runEncrypted(
  { images, ...options }: Run & Partial<On> & { images: Dataset; workers?: number },
): Promise<EncryptedRun> {
  const { onStep, first } = firstRecord();
  const start = performance.now();
  const { net, transcript } = await trainEncrypted(images, { ...options, onStep });
  return new EncryptedRun(net, options.steps, first(), transcript, performance.now() - start);
}

/** Takes the same steps in the clear, in the same integers.   @throws as `trainPlain`. */
export async function runClear(
  { images, ...options }: Run & Partial<On> & { images: Dataset },
): Promise<FixedRun> {
  const { onStep, first } = firstRecord();
  const { net } = await trainPlain(images, { ...options, onStep });
  return { net, steps: options.steps, first: first() };
}

/** The test accuracies of runs in fixed point, by label, and their table. */
export function accuracies<L extends string>(
  runs: Readonly<Record<L, FixedRun>>,
  test: Dataset,
): { of(label: L): number; table(title: string): Table } {
  const rows = new Map<string, [steps: number, accuracy: number]>();
  for (const [label, { net, steps }] of Object.entries<FixedRun>(runs)) {
    rows.set(label, [steps, fixedAccuracy(net, test)]);
  }
  return {
    of: (label) => rows.get(label)![1],
    table: (title) =>
      table({
        ...{ title, columns: ["run", "steps", "test accuracy"] },
        rows: [...rows].map(([label, [steps, share]]) => [label, steps, percent(share)]),
      }),
  };
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

/** The two settings that the network is trained in, by name. */
export const SETTINGS = { "authors'": AUTHORS, modern: MODERN } as const;

/** One float32 training. */
export interface Learned {
  readonly name: keyof typeof SETTINGS;
  readonly epochs: number;
  readonly accuracy: number;
  readonly elapsedMs: number;
}

/** Trains 784-hidden-10 in the clear in one of the settings. @throws the signal's reason when aborted. */
export async function learnInClear(
  { data, name, hidden, insecureSeed, workers, signal, onProgress }: Partial<On> & {
    data: SplitDataset;
    name: keyof typeof SETTINGS;
    hidden: number;
    insecureSeed: number;
    workers: number;
  },
): Promise<Learned> {
  const setting = SETTINGS[name];
  const { n, classes } = data.train;
  const sizes = { n, hidden, classes: classes.length };
  const start = performance.now();
  const untrained = initialMlp(sizes, setting.initial, seededRng(insecureSeed));
  const net = await trainMlp(untrained, data.train, {
    ...{ ...setting, workers, rng: seededRng(insecureSeed), signal },
    onEpoch: (epoch) => onProgress?.(epoch, setting.epochs),
  });
  const elapsedMs = performance.now() - start;
  return { name, epochs: setting.epochs, accuracy: accuracy(net, data.test), elapsedMs };
}

/** The float32 trainings beside each other. */
export function learnedTable(title: string, learned: readonly Learned[]): Table {
  return table({
    ...{ title, columns: ["setting", "epochs", "test accuracy", "seconds"] },
    rows: learned.map(({ name, epochs, accuracy, elapsedMs }) => [
      ...[name, epochs, percent(accuracy), (elapsedMs / 1000).toFixed(1)],
    ]),
  });
}
