/** What an encrypted training costs: a model fitted to this machine, held against real runs, and asked about runs too
 * long to make. CryptoNN for notebook 01b, MITIG1 for 02.
 * @module */
import { type Dataset, firstImages, poolImages } from "../data/dataset.ts";
import type { On } from "../notebook/run.ts";
import { type Cell, type Table, table } from "../notebook/table.ts";
import { durationText, thousands } from "../plot/theme.ts";
import {
  type CostModel,
  fitCost,
  predictCost,
  type Prediction,
  type RunSize,
} from "../protocol/cost.ts";
import { percent } from "../sweep/summary.ts";
import type { EncryptedRun } from "./encrypted_training.ts";
import { runClear, runEncrypted, type Seeds } from "./mitig1.ts";
import { bytesText } from "./transcripts.ts";

/** What the parts of a prediction are called. */
const PARTS = {
  cryptonn: {
    setup: "keys of the authority, tables",
    encryptSamples: "client encrypts images",
    encryptColumns: "client encrypts pixels over batches",
    keys: "authority derives keys",
    forward: "server decrypts z1",
    backward: "server decrypts dW1",
  },
  mitig1: {
    setup: "set up",
    encrypt: "encrypt samples",
    keys: "derive and check keys",
    receive: "check and prepare samples",
    pair: "pairings",
    search: "discrete logarithms",
  },
} as const;

/** The parts of predictions and their sums, a row each. */
function timeRows(
  scheme: keyof typeof PARTS,
  text: (seconds: (of: Prediction) => number, sum: boolean) => readonly Cell[],
): Cell[][] {
  const parts = Object.entries(PARTS[scheme])
    .map(([part, name]) => [name, ...text(({ parts }) => parts[part], false)]);
  return [...parts, ["time in all", ...text(({ seconds }) => seconds, true)]];
}

const bytesOf = ({ bytes }: Prediction) =>
  Object.values(bytes).reduce((sum, part) => sum + part, 0);

/** A prediction held against its run, and one beyond any run. */
export class CheckedRun {
  constructor(
    readonly run: EncryptedRun,
    readonly ofRun: Prediction,
    readonly ofPaper: Prediction,
  ) {}

  /** Predicted over measured time. */
  get timeRatio(): number {
    return this.ofRun.seconds / (this.run.elapsedMs / 1000);
  }

  /** Predicted over measured bytes. */
  get bytesRatio(): number {
    return bytesOf(this.ofRun) / this.run.sizeBytes;
  }

  /** Days of the paper's run. */
  get paperDays(): number {
    return this.ofPaper.seconds / 86400;
  }

  /** The parts of both predictions, their sums, and what was measured. */
  table(title: string): Table {
    const { run, ofRun, ofPaper } = this;
    const measured = durationText(run.elapsedMs / 1000);
    const sizes = [bytesOf(ofRun), run.sizeBytes, bytesOf(ofPaper)];
    return table({
      title,
      columns: ["part", "run above, predicted", "measured", "paper's run, predicted"],
      rows: [
        ...timeRows("cryptonn", (seconds, sum) => [
          ...[durationText(seconds(ofRun)), sum ? measured : null, durationText(seconds(ofPaper))],
        ]),
        ["bytes", ...sizes.map(bytesText)],
      ],
    });
  }
}

/** Fits CryptoNN's model to a few seconds of small runs, and predicts a run that is at hand and one that is not.
 * @param options.size of the run at hand.   @param options.paper size of the other.
 * @param options.model fitted before.
 * @throws as `fitCost` and `predictCost`. */
export async function checkRun(
  { run, size, paper, cores, model, ...on }: Partial<On> & {
    run: EncryptedRun;
    size: Omit<RunSize, "cores">;
    paper: Omit<RunSize, "cores">;
    cores: number;
    model?: CostModel;
  },
): Promise<CheckedRun> {
  const fitted = model ?? await fitCost("cryptonn", { ...on, cores });
  const ofRun = predictCost(fitted, { ...size, cores }, run.first);
  return new CheckedRun(run, ofRun, predictCost(fitted, { ...paper, cores }));
}

/** A run to hold MITIG1's model against: `samples` images of side × side, one epoch. */
export interface CheckSize {
  readonly side: number;
  readonly hidden: number;
  readonly samples: number;
  readonly batch: number;
}

/** A model, and how it did on runs that it was not fitted on. */
export class CheckedModel {
  constructor(
    readonly model: CostModel,
    readonly runs: readonly (CheckSize & { predicted: number; measured: number })[],
  ) {}

  /** The largest relative error of the runs. */
  get worst(): number {
    return Math.max(...this.runs.map((run) => Math.abs(run.predicted / run.measured - 1)));
  }

  /** A row per run. */
  table(): Table {
    return table({
      title: "Runs that the model was not fitted on, one thread",
      columns: ["run", "predicted", "measured", "error"],
      rows: this.runs.map(({ side, hidden, samples, predicted, measured }) => [
        `${side}×${side}, ${hidden} units, ${samples} samples`,
        ...[predicted, measured].map((seconds) => durationText(seconds)),
        percent(predicted / measured - 1),
      ]),
    });
  }
}

/** Fits MITIG1's model on this machine and makes each run in one thread. The machine's speed drifts, so the model is
 * fitted again after each run, and predicts it as the mean of both fits.
 * @param options.fit for tests.
 * @param images square; their side is a multiple of each run's.   @throws as `runEncrypted` and `fitCost`. */
export async function checkModel(
  images: Dataset,
  sizes: readonly CheckSize[],
  { seeds, fit = fitCost, signal, onProgress }: Partial<On> & {
    seeds: Seeds;
    fit?: typeof fitCost;
  },
): Promise<CheckedModel> {
  const total = 1 + sizes.length;
  let model = await fit("mitig1", { signal });
  onProgress?.(1, total);
  const runs: CheckedModel["runs"][number][] = [];
  for (const size of sizes) {
    const { side, hidden, samples, batch } = size;
    const some = firstImages(poolImages(images, images.shape[0] / side), samples);
    const training = { hidden, batch, epochs: 1, learningRate: 1, seeds, signal };
    const { distances } = await runClear(some, training);
    const run = { n: some.n, hidden, samples, batch, epochs: 1, cores: 1 };
    const before = predictCost(model, run, { distances }).seconds;
    const fresh = firstImages(some, 1);
    const { seconds: measured } = await runEncrypted(some, { ...training, fresh, workers: 0 });
    model = await fit("mitig1", { signal });
    const after = predictCost(model, run, { distances }).seconds;
    runs.push({ ...size, measured, predicted: (before + after) / 2 });
    onProgress?.(1 + runs.length, total);
  }
  return new CheckedModel(model, runs);
}

const gigabytes = (sizeBytes: number) => `${(sizeBytes / 1e9).toFixed(1)} GB`;

/** Predicted costs of runs under MITIG1, side by side.
 * @param runs by a word for each.
 * @param distances as in `predictCost`: those of a run in the clear. */
export function costOf<Name extends string>(
  model: CostModel,
  runs: Readonly<Record<Name, RunSize>>,
  distances: readonly number[],
): { days: Record<Name, number>; table(): Table } {
  const entries = Object.entries<RunSize>(runs);
  const predicted = entries.map(([, size]) => predictCost(model, size, { distances }));
  const days = entries.map(([name], k) => [name, predicted[k].seconds / 86400] as const);
  const row = (what: string, text: (prediction: Prediction) => string) =>
    [what, ...predicted.map(text)] as const;
  return {
    days: Object.fromEntries(days) as Record<Name, number>,
    table: () =>
      table({
        title:
          "Encrypted runs at full size, predicted; decryption is taken to scale with the cores",
        columns: [
          "",
          ...entries.map(([name, { batch, epochs, samples }]) =>
            `${name}: ${thousands(samples)} images, batch ${batch}, ${epochs} epochs`
          ),
        ],
        rows: [
          ...timeRows("mitig1", (seconds) => predicted.map((of) => durationText(seconds(of)))),
          row("Miller loops", ({ millerLoops }) => `${(millerLoops / 1e9).toFixed(0)} billion`),
          row("ciphertexts, once", ({ bytes }) => gigabytes(bytes.ciphertexts)),
          row("keys, all steps", ({ bytes }) => gigabytes(bytes.keys)),
        ],
      }),
  };
}
