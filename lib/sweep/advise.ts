/** Which scheme and parameters to train with, given how accurate, fast and private it must be: the paper's future
 * work "automated parameter optimisation", as a search over trainings of our own (advise_search.ts).
 *
 * - **Accuracy** is measured, on the test images: the encrypted schemes train in fixed point as `trainFixed` does,
 *   bit for bit, split training as `trainMlp` does, so neither needs encryption to be scored. The search chooses by
 *   the same images, so the best of many runs looks a little better than it is: ± 0.6 points at 1 000 images.
 * - **Seconds** are measured for MITIG2 (its training in one process, without a network), predicted by the fitted
 *   cost models for the encrypted schemes (advise_cost.ts).
 * - **Leakage** is what one attack recovers, the linear program with min TV + ½·Σx on a single z1: the mean over
 *   some test images of 1 − MSE / variance of the image, clipped to [0, 1]. That is the share of the image
 *   explained: 1 for every pixel right, 0 for a guess no better than one shade of gray, or for no recovery.
 *   Where the server has W1 (CryptoNN) it is measured at that width, and is a lower bound: the server also
 *   decrypts dW1 = dz1·X, and a batch no larger than the layer then follows from linear algebra. Under MITIG1 and
 *   MITIG2 the attack that was tried needs a W1 that the server lacks: their leakage is not measured, null. It is
 *   not 0: z1 of every visit, the labels and dz1 are the server's, and attacks that need nothing more are known
 *   ({@linkcode LEAKAGE_NOTES}). So a limit on leakage only rules out what the attack breaks.
 *
 * Rows are kept in a sweep store, so a second search trains nothing again.
 * @module */
import { image } from "../data/dataset.ts";
import type { Limits, Outcome, Trial } from "./advise_search.ts";
import { plannedEpochs, successiveHalving } from "./advise_search.ts";
import { sweep as costs } from "./advise_cost.ts";
import { sweep as attacks } from "./attack.ts";
import { type Point, pointKey, type Sweep } from "./grid.ts";
import { runSweep } from "./runner.ts";
import type { StoredRow, SweepStore } from "./store.ts";
import { loadTraining, sweep as trainings, TRAINING_DATASETS } from "./training.ts";

/** The datasets that advice can be asked for. */
export type AdviseDataset = (typeof TRAINING_DATASETS)[number];

/** The schemes: the one under attack, and the two mitigations. */
export const SCHEMES = ["cryptonn", "mitig1", "mitig2"] as const;

/** What the leakage of each scheme says, and what it does not. */
export const LEAKAGE_NOTES: Readonly<Record<(typeof SCHEMES)[number], string>> = {
  cryptonn:
    "at least this: from one z1. The server also decrypts dW1 = dz1·X, from which a batch no " +
    "larger than the layer follows without any program",
  mitig1:
    "not measured: the tried attack needs W1. Not 0: the server has z1 of every visit, the labels and " +
    "dz1, and every step's keys open every stored ciphertext",
  mitig2:
    "not measured: the tried attack needs W1. Not 0: the server has z1 of every visit, the labels and dz1",
};

/** One configuration. */
export interface Candidate {
  readonly scheme: (typeof SCHEMES)[number];
  readonly hidden: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Of W1 in fixed point; 0 under MITIG2, which has none. */
  readonly scaleBits: number;
}

/** What is searched. */
const WIDTHS = [30, 100, 300];
const FIXED = { batch: [25, 50], learningRate: [0.5, 1, 2, 4], scaleBits: [6, 10] };
const FLOAT = { batch: [50, 250], learningRate: [0.003, 0.01, 0.03, 0.1], scaleBits: [0] };

/** The trainings of a round, a quarter of the images first; together they count as ¾, 3 and 12 epochs. */
export const RUNGS = [
  { epochs: 3, share: 0.25 },
  { epochs: 3, share: 1 },
  { epochs: 12, share: 1 },
] as const;
const budgets = RUNGS.map(({ epochs, share }) => epochs * share);

/** Test images that are attacked at each width. */
const IMAGES = [0, 1, 2];

/** Every configuration of the grid. */
export const CANDIDATES: readonly Candidate[] = SCHEMES.flatMap((scheme) => {
  const grid = scheme === "mitig2" ? FLOAT : FIXED;
  return WIDTHS.flatMap((hidden) =>
    grid.batch.flatMap((batch) =>
      grid.learningRate.flatMap((learningRate) =>
        grid.scaleBits.map((scaleBits) => ({ scheme, hidden, batch, learningRate, scaleBits }))
      )
    )
  );
});

/** Leakage depends on nothing else, so a group's best is its most accurate. */
const groupOf = ({ scheme, hidden }: Candidate) => `${scheme} ${hidden}`;

/** The training that scores a candidate; CryptoNN's and MITIG1's are one. */
export function trainingPoint(dataset: AdviseDataset, candidate: Candidate, rung: number): Point {
  const scheme = candidate.scheme === "mitig2" ? "mitig2" : "mitig1";
  return { ...candidate, ...RUNGS[rung], dataset, scheme, run: 0 };
}

/** The prediction for a candidate, null for MITIG2. */
export function costPoint(
  dataset: AdviseDataset,
  { learningRate: _, ...candidate }: Candidate,
  rung: number,
): Point | null {
  return candidate.scheme === "mitig2" ? null : { ...candidate, ...RUNGS[rung], dataset };
}

/** The dataset whose test images are attacked: digits either way. */
const attackedOf = (dataset: AdviseDataset) => dataset === "mnist-full" ? "mnist" : dataset;

/** The attacks on a width, with a W1 of its own each. */
export function attackPoints(dataset: AdviseDataset, hidden: number): Point[] {
  const shared = { dataset: attackedOf(dataset), hidden, objective: "tv-sum", period: "none" };
  return IMAGES.map((image) => ({ ...shared, image, solver: "fast" }));
}

/** The share of an image that a recovery explains, in [0, 1]: 1 − MSE / variance, clipped.
 * @param mse of pixels scaled to [0, 1]; null where nothing was recovered. */
export function similarity(mse: number | null, pixels: Uint8Array): number {
  if (mse === null) return 0;
  const mean = pixels.reduce((sum, v) => sum + v / 255, 0) / pixels.length;
  const variance = pixels.reduce((sum, v) => sum + (v / 255 - mean) ** 2, 0) / pixels.length;
  if (variance === 0) return mse === 0 ? 1 : 0;
  return Math.min(1, Math.max(0, 1 - mse / variance));
}

/** What a search found. */
export interface Advice {
  /** All of them, failed ones too. */
  readonly trials: readonly Trial<Candidate>[];
  /** Epochs over all images: of the distinct trainings of this search, and of those of the full grid. */
  readonly epochs: { readonly search: number; readonly grid: number };
}

/** How a search runs. */
export interface AdviseOptions {
  readonly store: SweepStore;
  readonly limits: Limits;
  readonly signal?: AbortSignal;
  /** Steps: attacks, predictions, and epochs of training. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Each point once. */
function distinct(sweep: Sweep, points: readonly Point[]): Point[] {
  return [...new Map(points.map((point) => [pointKey(sweep, point), point])).values()];
}

/** Searches for a dataset. What is not in the store is computed; trainings that are timed run one at a time.
 * @throws {StoreError} a row cannot be written.   @throws the signal's reason when aborted. */
export async function advise(
  dataset: AdviseDataset,
  { store, limits, signal, onProgress }: AdviseOptions,
): Promise<Advice> {
  const costsWanted = distinct(
    costs,
    CANDIDATES.flatMap((candidate) => RUNGS.map((_, rung) => costPoint(dataset, candidate, rung)))
      .filter((point) => point !== null),
  );
  const attacksWanted = WIDTHS.flatMap((hidden) => attackPoints(dataset, hidden));
  const planned = plannedEpochs({ candidates: CANDIDATES, groupOf, budgets }).search;
  const total = costsWanted.length + attacksWanted.length + planned;
  const rows = new Map<string, StoredRow>();
  let before = 0;

  /** Makes sure of the rows of points; `weight` is what all of them count in the progress. */
  async function compute(sweep: Sweep, points: readonly Point[], weight: number, workers?: number) {
    const report = (done: number, of: number) => onProgress?.(before + weight * done / of, total);
    if (points.length > 0) {
      await runSweep(sweep, points, { store, signal, workers, onProgress: report });
    }
    signal?.throwIfAborted();
    before += weight;
    for (const row of store.rows(sweep, points)) rows.set(row.key, row);
  }

  /** A number of a point's row, or null where it says so. @throws {Error} what made the row fail. */
  function valueOf(sweep: Sweep, point: Point, column: string): number | null {
    const row = rows.get(pointKey(sweep, point));
    if (row?.status !== "done") throw new Error(row === undefined ? "not computed" : row.error);
    return row.row[column] as number | null;
  }

  await compute(attacks, attacksWanted, attacksWanted.length);
  await compute(costs, costsWanted, costsWanted.length);
  const { test } = await loadTraining(attackedOf(dataset));

  const leakageOf = ({ scheme, hidden }: Candidate) => {
    if (scheme !== "cryptonn") return null;
    const each = attackPoints(dataset, hidden).map((point) =>
      similarity(valueOf(attacks, point, "mse"), image(test, Number(point.image)))
    );
    return each.reduce((sum, value) => sum + value, 0) / each.length;
  };

  function outcomeOf(candidate: Candidate, rung: number): Outcome {
    const training = trainingPoint(dataset, candidate, rung);
    const cost = costPoint(dataset, candidate, rung);
    try {
      const accuracy = valueOf(trainings, training, "accuracy")!;
      const seconds = cost === null
        ? valueOf(trainings, training, "seconds")!
        : valueOf(costs, cost, "seconds")!;
      return { status: "done", result: { accuracy, seconds, leakage: leakageOf(candidate) } };
    } catch (error) {
      return { status: "failed", error: (error as Error).message };
    }
  }

  const isTimed = ({ scheme }: Candidate) => scheme === "mitig2";
  const trained = new Map<string, number>();
  const trials = await successiveHalving<Candidate>({
    ...{ candidates: CANDIDATES, groupOf, budgets, limits },
    async evaluate(candidates, rung) {
      for (const timed of [true, false]) {
        const part = candidates.filter((candidate) => isTimed(candidate) === timed);
        const points = part.map((candidate) => trainingPoint(dataset, candidate, rung));
        const workers = timed ? 1 : navigator.hardwareConcurrency;
        await compute(trainings, distinct(trainings, points), part.length * budgets[rung], workers);
        for (const point of points) trained.set(pointKey(trainings, point), budgets[rung]);
      }
      return candidates.map((candidate) => outcomeOf(candidate, rung));
    },
    secondsAt(candidate, rung, known, knownRung) {
      const point = costPoint(dataset, candidate, rung);
      if (point === null) return known.seconds * budgets[rung] / budgets[knownRung];
      const row = rows.get(pointKey(costs, point));
      return row?.status === "done" ? Number(row.row.seconds) : Infinity;
    },
  });
  const grid = distinct(trainings, CANDIDATES.map((c) => trainingPoint(dataset, c, 0))).length;
  const search = [...trained.values()].reduce((sum, budget) => sum + budget, 0);
  return { trials, epochs: { search, grid: grid * budgets.at(-1)! } };
}
