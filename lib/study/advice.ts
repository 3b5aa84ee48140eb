/** The search for scheme and parameters, `deno task advise` as a study: what was tried, what is Pareto-optimal, what
 * is recommended.
 * @module */
import type { On } from "../notebook/run.ts";
import type { Profile } from "../notebook/notebook.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { scatterFigure } from "../plot/line.ts";
import { durationText } from "../plot/theme.ts";
import { type Advice, advise, type Candidate } from "../sweep/advise.ts";
import { type Done, doneTrials, type Limits, paretoSet } from "../sweep/advise_search.ts";
import { sweep as predictions } from "../sweep/advise_cost.ts";
import { adviceReport } from "../sweep/advise_text.ts";
import { sweep as attack } from "../sweep/attack.ts";
import { percent } from "../sweep/summary.ts";
import { sweep as training } from "../sweep/training.ts";
import { openStore } from "./sweeps.ts";

const SCHEME_NAMES = { cryptonn: "CryptoNN", mitig1: "MITIG1", mitig2: "MITIG2" } as const;

/** Accuracies below are left out of the figure. */
const LEAST_SHOWN = 0.8;

/** What the paper reports for MITIG2 on all of MNIST: 96.8 % in 7 minutes. */
const PAPER = { name: "paper: MITIG2, all of MNIST", x: [420], y: [96.8], published: true };

const leakageText = (leakage: number | null) => leakage?.toFixed(2) ?? "not measured";

/** What a search found under some limits. */
export class SearchResult {
  readonly #report: ReturnType<typeof adviceReport>;
  readonly #trials: readonly Done<Candidate>[];

  constructor(readonly advice: Advice, readonly limits: Limits) {
    this.#report = adviceReport(advice, limits);
    this.#trials = doneTrials(advice.trials);
  }

  /** The run to take. @throws {RangeError} all runs failed. */
  get recommendation(): NonNullable<ReturnType<typeof adviceReport>["recommendation"]> {
    const { recommendation } = this.#report;
    if (recommendation === null) throw new RangeError("Cannot recommend: every run failed");
    return recommendation;
  }

  /** The runs that no other dominates. */
  get pareto(): ReturnType<typeof adviceReport>["pareto"] {
    return this.#report.pareto;
  }

  /** Epochs of the search over those of the full grid. */
  get spent(): number {
    return this.advice.epochs.search / this.advice.epochs.grid;
  }

  /** The fewest seconds of a run that keeps the limit on accuracy. */
  fastest(scheme: Candidate["scheme"]): number {
    return Math.min(
      ...this.#trials.filter(({ candidate, result }) =>
        candidate.scheme === scheme && result.accuracy >= this.limits.accuracy
      ).map(({ result }) => result.seconds),
    );
  }

  /** Accuracy against time; outlines where the time is predicted. */
  figure(name: string): Figure {
    const shown = (trials: readonly Done<Candidate>[]) =>
      trials.filter(({ result }) => result.accuracy >= LEAST_SHOWN);
    const place = (trials: readonly Done<Candidate>[]) => ({
      x: trials.map(({ result }) => result.seconds),
      y: trials.map(({ result }) => 100 * result.accuracy),
    });
    const groups = Map.groupBy(
      shown(this.#trials),
      ({ candidate: { scheme, hidden }, result }) =>
        SCHEME_NAMES[scheme] + (scheme === "cryptonn" ? `, ${hidden} units` : "") +
        `: leakage ${leakageText(result.leakage)}`,
    );
    const front = shown(paretoSet(this.advice.trials)).filter(({ result }) =>
      result.leakage === null
    );
    return scatterFigure({
      name,
      title: "Runs of the search from 80 % on: time measured (filled) or predicted (outlines)",
      alt:
        "Split learning reaches every accuracy in seconds; both encrypted schemes take hours to " +
        "days, by prediction.",
      xAxis: { title: "time of the whole training", unit: "s", log: true },
      yAxis: { title: "test accuracy", unit: "%" },
      series: [
        ...[...groups].map(([name, trials]) => ({
          ...{ name, ...place(trials), hollow: trials[0].candidate.scheme !== "mitig2" },
        })),
        PAPER,
      ],
      front: { name: "Pareto set, leakage not measured", ...place(front) },
    });
  }

  /** The Pareto set, most accurate first. */
  table(): Table {
    return table({
      title: `Pareto set of ${this.#trials.length} runs`,
      columns: [
        ...["scheme", "hidden units", "batch", "learning rate", "bits of W1's steps", "epochs"],
        ...["images", "accuracy", "time", "leakage"],
      ],
      rows: this.pareto.map((run) => [
        ...[SCHEME_NAMES[run.scheme], run.hidden, run.batch, run.learningRate],
        ...[run.scaleBits || null, run.epochs, percent(run.share, 0), percent(run.accuracy, 1)],
        ...[`${durationText(run.seconds, 3)}, ${run.secondsAre}`, leakageText(run.leakage)],
      ]),
    });
  }

  /** The recommendation and why, and what no run of a scheme reaches, in Markdown. */
  text(): string {
    const { scheme, hidden, batch, learningRate, epochs, reason, leakageNote } =
      this.recommendation;
    return [
      `**Recommended: ${SCHEME_NAMES[scheme]} with ${hidden} hidden units**, batch ${batch}, ` +
      `learning rate ${learningRate}, ${epochs} epochs. ${reason}. Leakage ${leakageNote}.`,
      ...this.#report.notReached.map((line) => `- ${line}`),
    ].join("\n\n");
  }

  /** The recommendation in one line: "mitig2, 300 units: 96.0 % in 13.1 s, leakage not measured". */
  summary(): string {
    const { scheme, hidden, accuracy, seconds, leakage } = this.recommendation;
    return `${scheme}, ${hidden} units: ${percent(accuracy, 1)} in ${seconds.toFixed(1)} s, ` +
      `leakage ${leakageText(leakage)}`;
  }
}

/** Searches by successive halving on MNIST's 9 000 digits; trainings that the rows lack are run, one at a time.
 * @throws {StoreError} a row cannot be written; the signal's reason when aborted. */
export async function searchParameters(
  limits: Limits,
  { profile, signal, onProgress }: Partial<On> & { profile: Profile },
): Promise<SearchResult> {
  using store = await openStore([attack, training, predictions], profile);
  return new SearchResult(await advise("mnist", { store, limits, signal, onProgress }), limits);
}
