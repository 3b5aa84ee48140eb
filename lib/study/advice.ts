/** The search for scheme and parameters, `deno task advise` as a study: what was tried, what is Pareto-optimal, what
 * is recommended.
 * @module */
import type { On } from "../notebook/run.ts";
import type { Profile } from "../notebook/notebook.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { scatterFigure } from "../plot/line.ts";
import { durationText } from "../plot/theme.ts";
import { type Advice, advise, type Candidate, isTimed } from "../sweep/advise.ts";
import { type Done, doneTrials, type Limits, paretoSet } from "../sweep/advise_search.ts";
import { sweep as predictions } from "../sweep/advise_cost.ts";
import { adviceReport } from "../sweep/advise_text.ts";
import { sweep as leakages } from "../sweep/advise_leakage.ts";
import { percent } from "../sweep/summary.ts";
import { sweep as training } from "../sweep/training.ts";
import { openStore } from "./sweeps.ts";

const SCHEME_NAMES = {
  ...{ cryptonn: "CryptoNN", mitig1: "MITIG1", mitig2: "MITIG2", mitig3: "mitig3" },
} as const;

/** Accuracies below are left out of the figure. */
const LEAST_SHOWN = 0.8;

/** Rows of the table. */
const MOST_ROWS = 20;

/** What the paper reports for MITIG2 on all of MNIST: 96.8 % in 7 minutes. */
const PAPER = { name: "paper: MITIG2, all of MNIST", x: [420], y: [96.8], published: true };

const leakageText = (leakage: number) => leakage.toFixed(2);

/** From the least to the most leakage of some runs. */
function rangeText(trials: readonly Done<Candidate>[]): string {
  const leakages = trials.map(({ result }) => result.leakage);
  const [low, high] = [Math.min(...leakages), Math.max(...leakages)].map(leakageText);
  return low === high ? low : `${low} to ${high}`;
}

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

  /** The least leakage among the runs of some schemes. */
  leastLeakage(...schemes: Candidate["scheme"][]): number {
    return Math.min(...this.#leakages(schemes));
  }

  /** The most leakage among the runs of some schemes. */
  mostLeakage(...schemes: Candidate["scheme"][]): number {
    return Math.max(...this.#leakages(schemes));
  }

  #leakages(schemes: readonly Candidate["scheme"][]): number[] {
    const own = this.#trials.filter(({ candidate }) => schemes.includes(candidate.scheme));
    return own.map(({ result }) => result.leakage);
  }

  /** Accuracy against time; outlines where the time is predicted. */
  figure(name: string): Figure {
    const shown = (trials: readonly Done<Candidate>[]) =>
      trials.filter(({ result }) => result.accuracy >= LEAST_SHOWN);
    const place = (trials: readonly Done<Candidate>[]) => ({
      x: trials.map(({ result }) => result.seconds),
      y: trials.map(({ result }) => 100 * result.accuracy),
    });
    const groups = Map.groupBy(shown(this.#trials), ({ candidate: { scheme } }) => scheme);
    const kept = this.#trials.filter(({ result }) => result.leakage <= this.limits.leakage)
      .map((trial) => ({ ...trial, result: { ...trial.result, leakage: 0 } })); // two axes are left
    return scatterFigure({
      name,
      title: "Runs of the search from 80 % on: time measured (filled) or predicted (outlines)",
      alt:
        "MITIG2 and mitig3 reach every accuracy in seconds, mitig3 with next to no leakage; both " +
        "encrypted schemes take minutes to weeks, by prediction.",
      xAxis: { title: "time of the whole training", unit: "s", log: true },
      yAxis: { title: "test accuracy", unit: "%" },
      series: [
        ...[...groups].map(([scheme, trials]) => ({
          name: `${SCHEME_NAMES[scheme]}: leakage ${rangeText(trials)}`,
          ...{ ...place(trials), hollow: !isTimed({ scheme }) },
        })),
        PAPER,
      ],
      front: {
        name: `Pareto set of leakage ≤ ${this.limits.leakage}`,
        ...place(shown(paretoSet(kept))),
      },
    });
  }

  /** The Pareto set, most accurate first, no more than {@linkcode MOST_ROWS}. */
  table(): Table {
    const all = this.pareto.length;
    return table({
      title: `Pareto set of ${this.#trials.length} runs` +
        (all > MOST_ROWS ? `: the ${MOST_ROWS} most accurate of ${all}` : ""),
      columns: [
        ...["scheme", "hidden units", "batch", "learning rate", "bits of W1's steps", "noise σ"],
        "epochs",
        ...["images", "accuracy", "time", "leakage"],
      ],
      rows: this.pareto.slice(0, MOST_ROWS).map((run) => [
        ...[SCHEME_NAMES[run.scheme], run.hidden, run.batch, run.learningRate],
        ...[
          run.scaleBits || null,
          run.sigma || null,
          run.epochs,
          percent(run.share, 0),
          percent(run.accuracy, 1),
        ],
        ...[`${durationText(run.seconds, 3)}, ${run.secondsAre}`, leakageText(run.leakage)],
      ]),
    });
  }

  /** The recommendation and why, and what no run of a scheme reaches, in Markdown. */
  text(): string {
    const { scheme, hidden, batch, learningRate, epochs, reason, leakageNote, ...run } =
      this.recommendation;
    return [
      `**Recommended: ${SCHEME_NAMES[scheme]} with ${hidden} hidden units**, batch ${batch}, ` +
      `learning rate ${learningRate}, ${epochs} epochs${
        run.sigma > 0 ? `, noise ${run.sigma}` : ""
      }. ${reason}. ` +
      `Leakage ${leakageText(run.leakage)}, measured ${leakageNote}.`,
      ...this.#report.notReached.map((line) => `- ${line}`),
    ].join("\n\n");
  }

  /** The recommendation in one line: "mitig2, 300 units: 96.0 % in 13.1 s, leakage 0.97". */
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
  using store = await openStore([leakages, training, predictions], profile);
  return new SearchResult(await advise("mnist", { store, limits, signal, onProgress }), limits);
}
