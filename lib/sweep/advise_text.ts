/** An advice in words: a table of the Pareto set, the recommendation and why, and what no run reaches.
 * @module */
import { table, tableText } from "../notebook/table.ts";
import { durationText } from "../plot/theme.ts";
import { type Advice, type Candidate, isTimed, LEAKAGE_NOTES, RUNGS, SCHEMES } from "./advise.ts";
import type { Done, Limits } from "./advise_search.ts";
import { doneTrials, meets, paretoSet, recommend } from "./advise_search.ts";
import { percent as percentOf } from "./summary.ts";

const percent = (share: number) => percentOf(share, 1);
const duration = (seconds: number) => durationText(seconds, 3);

const sourceOf = (candidate: Candidate) => isTimed(candidate) ? "measured" : "predicted";

const leakageText = (leakage: number) => leakage.toFixed(2);

/** A trial as plain data: parameters, numbers, where the seconds come from, and what the leakage says. */
function flatTrial({ candidate, rung, result }: Done<Candidate>) {
  const leakageNote = LEAKAGE_NOTES[candidate.scheme];
  return { ...candidate, ...RUNGS[rung], ...result, secondsAre: sourceOf(candidate), leakageNote };
}

function describe({ candidate, rung }: Done<Candidate>): string {
  const { scheme, hidden, batch, learningRate, scaleBits, sigma } = candidate;
  const { epochs, share } = RUNGS[rung];
  return `${scheme} with ${hidden} hidden units, batch ${batch}, learning rate ${learningRate}, ` +
    (scaleBits === 0 ? "" : `scale 2^${scaleBits}, `) + (sigma === 0 ? "" : `noise ${sigma}, `) +
    `${epochs} epochs of ${share === 1 ? "all" : percent(share)} images`;
}

function numbers({ candidate, result: { accuracy, seconds, leakage } }: Done<Candidate>): string {
  return `accuracy ${percent(accuracy)}, ${duration(seconds)} (${sourceOf(candidate)}), ` +
    `leakage ${leakageText(leakage)}`;
}

const limitsText = ({ accuracy, seconds, leakage }: Limits) =>
  `accuracy at least ${percent(accuracy)}, ${duration(seconds)} at most, ` +
  `leakage at most ${leakage}`;

/** The table of the Pareto set. */
function paretoTable(trials: readonly Done<Candidate>[]): string {
  const rows = trials.map(({ candidate, rung, result }) => {
    const { scheme, hidden, batch, learningRate, scaleBits, sigma } = candidate;
    const { epochs, share } = RUNGS[rung];
    const time = `${duration(result.seconds)} ${sourceOf(candidate)}`;
    const measured = [percent(share), percent(result.accuracy), time, leakageText(result.leakage)];
    const own = [scaleBits || null, sigma || null];
    return [scheme, hidden, batch, learningRate, ...own, epochs, ...measured];
  });
  const parameters = ["scheme", "hidden", "batch", "rate", "scale", "noise", "epochs", "images"];
  return tableText(table({ columns: [...parameters, "accuracy", "seconds", "leakage"], rows }));
}

/** Why this one. */
function reason(limits: Limits, all: readonly Done<Candidate>[], best: Done<Candidate>): string {
  if (!meets(best.result, limits)) {
    return `no scheme reaches ${limitsText(limits)}: this run is the closest`;
  }
  const kept = all.filter(({ result }) => meets(result, limits));
  const schemes = SCHEMES.filter((s) => kept.some(({ candidate }) => candidate.scheme === s));
  return `${kept.length} of ${all.length} runs keep every limit (${
    schemes.join(", ")
  }); of these ` +
    "it is the most accurate, then the fastest";
}

/** For each scheme that keeps not all limits: which no run of it keeps, and the closest run. */
function notReached(trials: Advice["trials"], limits: Limits): string[] {
  const formats = { accuracy: percent, seconds: duration, leakage: leakageText };
  const names = ["accuracy", "seconds", "leakage"] as const;
  return SCHEMES.flatMap((scheme) => {
    const own = doneTrials(trials).filter(({ candidate }) => candidate.scheme === scheme);
    const closest = recommend(own, limits);
    if (closest === null) return [`${scheme}: every run failed`];
    if (closest.meets) return [];
    const never = names.flatMap((name) => {
      const values = own.map(({ result }) => result[name]);
      const best = name === "accuracy" ? Math.max(...values) : Math.min(...values);
      const kept = name === "accuracy" ? best >= limits[name] : best <= limits[name];
      return kept ? [] : [`${name} (best ${formats[name](best)})`];
    });
    const what = never.length === 0
      ? "no single run keeps all limits"
      : `no run keeps the limit on ${never.join(" or ")}`;
    return [`${scheme}: ${what}; the closest is ${numbers(closest.trial)}`];
  });
}

/** What an advice says, as data that JSON can hold. */
export function adviceReport({ trials, epochs }: Advice, limits: Limits) {
  const best = recommend(trials, limits);
  const done = doneTrials(trials);
  return {
    limits,
    pareto: paretoSet(trials).map(flatTrial),
    recommendation: best === null ? null : {
      ...flatTrial(best.trial),
      keepsLimits: best.meets,
      reason: reason(limits, done, best.trial),
    },
    notReached: notReached(trials, limits),
    failed: trials.flatMap((trial) =>
      trial.status === "failed"
        ? [{ ...trial.candidate, ...RUNGS[trial.rung], error: trial.error }]
        : []
    ),
    epochs,
  };
}

const CAVEAT =
  "Leakage is what the best attack of this workspace on an honest but curious server makes of private images,\n" +
  "as a share of the way from the mean image of the class to the exact image. It holds for that attacker, who\n" +
  "knows thousands of private images where the scheme hides W1, and bounds nothing: another may do better.\n" +
  "Accuracy is of the test images that the search also chose by: a little optimistic.";

/** What is not searched, and where it is measured. */
const LINEAR_MODELS =
  "These schemes train a network with a hidden layer. A linear model has other choices, quadratic functional\n" +
  "encryption (QFE) and homomorphic encryption (CKKS): notebook 07 holds them to the same questions.";

/** What an advice says, in words. */
export function adviceText(advice: Advice, limits: Limits): string {
  const { failed, notReached, epochs, recommendation } = adviceReport(advice, limits);
  const best = recommend(advice.trials, limits);
  const share = percent(epochs.search / epochs.grid);
  const advised = best === null
    ? "No recommendation: every run failed."
    : best.meets
    ? `Recommended: ${describe(best.trial)}:\n${numbers(best.trial)}.\n` +
      `Why: ${recommendation!.reason}.\nLeakage is measured ${recommendation!.leakageNote}.`
    : `No scheme reaches ${limitsText(limits)}: the closest is\n${describe(best.trial)}:\n` +
      `${numbers(best.trial)}.`;
  const errors = [...new Set(failed.map(({ error }) => error))];
  return [
    `Pareto set of ${doneTrials(advice.trials).length} runs:`,
    paretoTable(paretoSet(advice.trials)),
    "",
    advised,
    ...notReached,
    ...failed.length === 0 ? [] : [
      `${failed.length} of ${advice.trials.length} runs failed:`,
      ...errors.slice(0, 5).map((error) => `  ${error}`),
    ],
    "",
    `Trained ${epochs.search} epochs of the full grid's ${epochs.grid} (${share}).`,
    CAVEAT,
    LINEAR_MODELS,
  ].join("\n");
}
