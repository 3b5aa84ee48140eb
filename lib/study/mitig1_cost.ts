/** What a training over function-hiding ciphertexts costs: the model held against runs that it was not fitted
 * on, and what it says of runs too long to make.
 * @module */
import { type Dataset, firstImages, poolImages } from "../data/dataset.ts";
import type { On } from "../notebook/run.ts";
import { type Cell, type Table, table } from "../notebook/table.ts";
import {
  type CostModel,
  fitCost,
  predictCost,
  type Prediction,
  type RunSize,
} from "../protocol/cost.ts";
import { thousands } from "../plot/theme.ts";
import { percent } from "../sweep/summary.ts";
import { runBoth, runInClear, type Seeds } from "./mitig1.ts";
import { secondsText } from "./transcripts.ts";

/** A run to hold the model against: `samples` images of side × side, one epoch. */
export interface CheckSize {
  readonly side: number;
  readonly hidden: number;
  readonly samples: number;
  readonly batch: number;
}

/** A model, and how it did on runs that it was not fitted on. */
export interface CheckedModel {
  readonly model: CostModel;
  readonly runs: readonly (CheckSize & { readonly predicted: number; readonly measured: number })[];
  /** The largest relative error of those runs. */
  readonly worst: number;
  table(): Table;
}

/** Fits the model on this machine and makes each run in one thread. The machine's speed drifts, so the model is
 * fitted again after each run, and predicts it as the mean of both fits.
 * @param options.fit for tests.
 * @param images square; their side is a multiple of each run's.   @throws as `runBoth` and `fitCost`. */
export async function checkCostModel(
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
    const { distances } = await runInClear(some, training);
    const seconds = () =>
      predictCost(model, { n: some.n, hidden, samples, batch, epochs: 1, cores: 1 }, { distances })
        .seconds;
    const before = seconds();
    const fresh = firstImages(some, 1);
    const { seconds: measured } = await runBoth(some, { ...training, fresh, workers: 0 });
    model = await fit("mitig1", { signal });
    runs.push({ ...size, measured, predicted: (before + seconds()) / 2 });
    onProgress?.(1 + runs.length, total);
  }
  const errors = runs.map(({ predicted, measured }) => predicted / measured - 1);
  return {
    ...{ model, runs, worst: Math.max(...errors.map(Math.abs)) },
    table: () =>
      table({
        title: "Runs that the model was not fitted on, one thread",
        columns: ["run", "predicted", "measured", "error"],
        rows: runs.map(({ side, hidden, samples, predicted, measured }, k) => [
          `${side}×${side}, ${hidden} units, ${samples} samples`,
          secondsText(predicted),
          secondsText(measured),
          percent(errors[k]),
        ]),
      }),
  };
}

const PARTS: Readonly<Record<string, string>> = {
  setup: "set up",
  encrypt: "encrypt samples",
  keys: "derive and check keys",
  receive: "check and prepare samples",
  pair: "pairings",
  search: "discrete logarithms",
};

const heading = (name: string, { batch, epochs, samples }: RunSize) =>
  `${name}: ${thousands(samples)} images, batch ${batch}, ${epochs} epochs`;

const gigabytes = (sizeBytes: number) => `${(sizeBytes / 1e9).toFixed(1)} GB`;

/** Predicted costs of runs, side by side.
 * @param runs by a word for each.
 * @param distances as in `predictCost`: those of a run in the clear. */
export function costOf<Name extends string>(
  model: CostModel,
  runs: Readonly<Record<Name, RunSize>>,
  distances: readonly number[],
): { days: Record<Name, number>; table(): Table } {
  const entries = (Object.entries(runs) as [Name, RunSize][])
    .map(([name, size]) => [name, predictCost(model, size, { distances })] as const);
  const row = (what: string, text: (prediction: Prediction) => Cell) =>
    [what, ...entries.map(([, prediction]) => text(prediction))] as const;
  return {
    days: Object.fromEntries(
      entries.map(([name, { seconds }]) => [name, seconds / 86400]),
    ) as Record<Name, number>,
    table: () =>
      table({
        title:
          "Encrypted runs at full size, predicted; decryption is taken to scale with the cores",
        columns: ["", ...entries.map(([name]) => heading(name, runs[name]))],
        rows: [
          ...Object.keys(PARTS)
            .map((part) => row(PARTS[part], ({ parts }) => secondsText(parts[part]))),
          row("all of it", ({ seconds }) => secondsText(seconds)),
          row("Miller loops", ({ millerLoops }) => `${(millerLoops / 1e9).toFixed(0)} billion`),
          row("ciphertexts, once", ({ bytes }) => gigabytes(bytes.ciphertexts)),
          row("keys, all steps", ({ bytes }) => gigabytes(bytes.keys)),
        ],
      }),
  };
}
