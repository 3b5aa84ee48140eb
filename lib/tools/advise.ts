/** `deno task advise`: which scheme and parameters to train with, given how accurate, fast and private it must
 * be; keeps every row in the store of the sweeps.
 * @module */
import { startProgress } from "../notebook/progress.ts";
import { advise } from "../sweep/advise.ts";
import { doneTrials, type Limits } from "../sweep/advise_search.ts";
import { adviceReport, adviceText } from "../sweep/advise_text.ts";
import { sweep as costs } from "../sweep/advise_cost.ts";
import { sweep as leakages } from "../sweep/advise_leakage.ts";
import { SweepStore } from "../sweep/store.ts";
import { sweep as trainings, TRAINING_DATASETS } from "../sweep/training.ts";
import { runCommand, stopSignal, UsageError } from "./args.ts";

const command = {
  name: "advise",
  summary: "Searches scheme and parameters for limits on test accuracy, seconds and leakage.",
  flags: {
    accuracy: { type: "text", placeholder: "A", help: "at least, between 0 and 1" },
    seconds: { type: "text", placeholder: "S", help: "a training run may take at most" },
    leakage: {
      type: "text",
      placeholder: "L",
      default: "1",
      help:
        "share of the way from the mean image of the class to the exact one that the best attack of an " +
        "honest but curious server may come, at most, in [0, 1]",
    },
    dataset: {
      type: "choice",
      choices: TRAINING_DATASETS,
      default: "mnist",
      help: "all but mnist are fetched when first asked for",
    },
    store: {
      type: "path",
      placeholder: "FILE",
      default: "data/sweeps.sqlite",
      help: "where the rows are kept: the same command goes on after a stop",
    },
    json: { type: "switch", help: "print the advice as JSON and nothing else" },
  },
} as const;

/** Printed where an accuracy is out of reach on the small MNIST. */
const HINT = "mnist is 9 000 of MNIST's 60 000 training images; --dataset mnist-full has them all.";

/** A flag as a number. */
function limit(name: string, text: string | undefined, what: string, fits: (v: number) => boolean) {
  if (text === undefined) throw new UsageError(`--${name} is needed`);
  const value = text.trim() === "" ? NaN : Number(text);
  if (!Number.isFinite(value) || !fits(value)) {
    throw new UsageError(`--${name} must be ${what}: got "${text}"`);
  }
  return value;
}

await runCommand(command, async ({ store: path, dataset, json, ...flags }) => {
  const limits: Limits = {
    accuracy: limit("accuracy", flags.accuracy, "between 0 and 1", (v) => v > 0 && v < 1),
    seconds: limit("seconds", flags.seconds, "over 0", (v) => v > 0),
    leakage: limit("leakage", flags.leakage, "in [0, 1]", (v) => v >= 0 && v <= 1),
  };
  using store = new SweepStore(path);
  for (const sweep of [trainings, leakages, costs]) {
    for (const line of store.dropDamaged(sweep)) console.error(`${line}; it is computed again`);
  }
  const { signal } = stopSignal();
  let bar: ReturnType<typeof startProgress> | undefined;
  let first = 0; // what the store had counts for nothing in the time that is left
  const onProgress = (done: number, total: number) => {
    if (bar === undefined) {
      first = done;
      bar = startProgress("steps", Math.max(1, Math.round(total - first)));
    }
    bar.update(Math.round(done - first));
  };
  try {
    const advice = await advise(dataset, { store, limits, signal, onProgress });
    await bar?.done();
    if (json) console.log(JSON.stringify({ dataset, ...adviceReport(advice, limits) }, null, 2));
    else console.log(adviceText(advice, limits));
    const best = Math.max(...doneTrials(advice.trials).map(({ result }) => result.accuracy));
    if (dataset === "mnist" && best < limits.accuracy) console.error(HINT);
    return 0;
  } catch (error) {
    await bar?.stopped();
    if (!signal.aborted) throw error;
    console.error("advise: stopped; the same command goes on");
    return 130;
  }
});
