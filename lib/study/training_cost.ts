/** What an encrypted training costs: a model fitted to this machine, held against real runs, and asked about runs too
 * long to make. CryptoNN for notebook 01b, MITIG1 for 02.
 * @module */
import { type Dataset, firstImages, poolImages } from "../data/dataset.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import { durationText, thousands } from "../plot/theme.ts";
import {
  type CostModel,
  type Entries,
  fitCost,
  predictCost,
  type Prediction,
  type RunSize,
} from "../protocol/cost.ts";
import { percent } from "../sweep/summary.ts";
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

const bytesOf = ({ bytes }: Prediction) =>
  Object.values(bytes).reduce((sum, part) => sum + part, 0);

/** Predicted costs of runs, side by side, each with the integers that occur in it as far as they are known.
 * @throws as `predictCost`. */
export class PredictedRuns<Name extends string> {
  readonly #predictions: [name: Name, run: RunSize, prediction: Prediction][];

  /** @param runs by a word for each. */
  constructor(
    private readonly model: CostModel,
    runs: Readonly<Record<Name, RunSize & Entries>>,
  ) {
    this.#predictions = (Object.entries(runs) as [Name, RunSize & Entries][])
      .map(([name, run]) => [name, run, predictCost(model, run, run)]);
  }

  #of(name: Name): Prediction {
    return this.#predictions.find(([other]) => other === name)![2];
  }

  /** Days of a run. */
  days(name: Name): number {
    return this.#of(name).seconds / 86400;
  }

  /** By how much a prediction is off what was measured; relative: 0.1 is ten percent too much. */
  errors(name: Name, { seconds, sizeBytes }: MeasuredRun): { seconds: number; bytes: number } {
    const of = this.#of(name);
    return { seconds: of.seconds / seconds - 1, bytes: bytesOf(of) / sizeBytes - 1 };
  }

  /** The parts of the predictions and their sums. @param measured what the first of the runs took, for a column. */
  table(title: string, measured?: MeasuredRun): Table {
    const headings = this.#predictions.map(([name, { samples, batch, epochs }]) =>
      `${name}: ${thousands(samples)} images, batch ${batch}, ${epochs} epochs`
    );
    const row = (what: string, text: (of: Prediction) => string, real: string | null = null) => [
      ...[what, ...this.#predictions.map(([, , prediction]) => text(prediction))],
      ...measured === undefined ? [] : [real],
    ];
    const { seconds, sizeBytes } = measured ?? { seconds: 0, sizeBytes: 0 };
    const parts = Object.entries(PARTS[this.model.scheme]);
    return table({
      title,
      columns: ["predicted", ...headings, ...measured === undefined ? [] : ["measured"]],
      rows: [
        ...parts.map(([part, name]) => row(name, (of) => durationText(of.parts[part], 3))),
        row("time in all", (of) => durationText(of.seconds, 3), durationText(seconds, 3)),
        ...this.model.scheme === "mitig1"
          ? [
            row("Miller loops", ({ millerLoops }) => `${(millerLoops / 1e9).toFixed(0)} billion`),
            row("ciphertexts, once", ({ bytes }) => bytesText(bytes.ciphertexts)),
            row("keys, all steps", ({ bytes }) => bytesText(bytes.keys)),
          ]
          : [],
        row("bytes in all", (of) => bytesText(bytesOf(of)), bytesText(sizeBytes)),
      ],
    });
  }
}

/** What a real run took. */
export interface MeasuredRun {
  readonly seconds: number;
  readonly sizeBytes: number;
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
