/** Which scheme and parameters to train with, given how accurate, fast and private it must be: the paper's future
 * work "automated parameter optimisation", as a search over trainings of our own (advise_search.ts).
 *
 * - **Accuracy** is measured, on the test images: the encrypted schemes train in fixed point as `trainFixed` does,
 *   bit for bit, split training as `trainMlp` and mitig3 as `trainNarrow` do, so none needs encryption or a second party
 *   to be scored. The search chooses by the same images, so the best of many runs looks a little better than it is: ± 0.6
 *   points at 1 000 images.
 * - **Seconds** are measured for MITIG2 and mitig3 (their training in one process, without a network), predicted by the
 *   fitted cost models for the encrypted schemes (advise_cost.ts).
 * - **Leakage** is what the best of our attacks on an honest but curious server makes of private images, measured at that
 *   width (advise_leakage.ts): the share of the way from what the labels alone give, the mean image of the class, to the
 *   exact image, 1 − MSE/floor, clipped to [0, 1]. 1 is every pixel right, 0 nothing beyond the labels. It holds for an
 *   attacker as strong as {@linkcode LEAKAGE_NOTES} says, and bounds nothing: an attack that nobody tried may do better.
 *
 * Rows are kept in a sweep store, so a second search trains nothing again.
 * @module */
import type { Limits, Outcome, Trial } from "./advise_search.ts";
import { plannedEpochs, successiveHalving } from "./advise_search.ts";
import { sweep as costs } from "./advise_cost.ts";
import { sweep as leakages } from "./advise_leakage.ts";
import { type Point, pointKey, type Sweep } from "./grid.ts";
import { runSweep } from "./runner.ts";
import type { StoredRow, SweepStore } from "./store.ts";
import { sweep as trainings, TRAINING_DATASETS } from "./training.ts";

/** The datasets that advice can be asked for. */
export type AdviseDataset = (typeof TRAINING_DATASETS)[number];

/** The schemes: the one under attack, the paper's two mitigations, and ours. */
export const SCHEMES = ["cryptonn", "mitig1", "mitig2", "mitig3"] as const;

const KNOWING =
  "by a decoder from z1 of all visits and the label, fitted to thousands of private images that " +
  "the server happens to know";

/** How the leakage of each scheme was measured, and what it does not say. */
export const LEAKAGE_NOTES: Readonly<Record<(typeof SCHEMES)[number], string>> = {
  cryptonn:
    "by linear algebra from dW1 = dz1ᵀ·X, which the server decrypts, with nothing known besides",
  mitig1: `${KNOWING}; its keys, which open every stored ciphertext, give more`,
  mitig2:
    `${KNOWING}; public images and the labels alone give less, and a server that steers gives more`,
  mitig3: `${KNOWING}; a server that steers was not tried here`,
};

/** One configuration. */
export interface Candidate {
  readonly scheme: (typeof SCHEMES)[number];
  readonly hidden: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Of W1 in fixed point; 0 under the split schemes, which have none. */
  readonly scaleBits: number;
  /** Of mitig3's noise; 0 under the others. */
  readonly sigma: number;
}

/** What is searched. */
const WIDTHS = [30, 100, 300];
const FIXED = { batch: [25, 50], learningRate: [0.5, 1, 2, 4], scaleBits: [6, 10], sigma: [0] };
const GRIDS = {
  cryptonn: FIXED,
  mitig1: FIXED,
  mitig2: { batch: [50, 250], learningRate: [0.003, 0.01, 0.03, 0.1], scaleBits: [0], sigma: [0] },
  mitig3: {
    ...{ batch: [50, 100], learningRate: [0.002, 0.004, 0.008, 0.016], scaleBits: [0] },
    sigma: [0.5, 0.7, 1],
  },
};

/** The trainings of a round, a quarter of the images first; together they count as ¾, 3 and 12 epochs. */
export const RUNGS = [
  { epochs: 3, share: 0.25 },
  { epochs: 3, share: 1 },
  { epochs: 12, share: 1 },
] as const;
const budgets = RUNGS.map(({ epochs, share }) => epochs * share);

/** Every configuration of the grid. */
export const CANDIDATES: readonly Candidate[] = SCHEMES.flatMap((scheme) => {
  const { sigma, batch, learningRate, scaleBits } = GRIDS[scheme];
  return WIDTHS.flatMap((hidden) =>
    sigma.flatMap((sigma) =>
      batch.flatMap((batch) =>
        learningRate.flatMap((learningRate) =>
          scaleBits.map((scaleBits) => ({ scheme, hidden, batch, learningRate, scaleBits, sigma }))
        )
      )
    )
  );
});

/** Leakage depends on nothing else, so a group's best is its most accurate. */
export const groupOf = ({ scheme, hidden, sigma }: Candidate): string =>
  `${scheme} ${hidden} ${sigma}`;

/** Whether both parties train in the clear, so that a clock can say how long it takes. */
export const isTimed = ({ scheme }: Pick<Candidate, "scheme">): boolean =>
  scheme === "mitig2" || scheme === "mitig3";

/** The training that scores a candidate; CryptoNN's and MITIG1's are one. */
export function trainingPoint(
  dataset: AdviseDataset,
  { sigma, ...candidate }: Candidate,
  rung: number,
): Point {
  const names = {
    cryptonn: "mitig1",
    mitig1: "mitig1",
    mitig2: "mitig2",
    mitig3: `mitig3-${sigma}`,
  };
  return { ...candidate, ...RUNGS[rung], dataset, scheme: names[candidate.scheme], run: 0 };
}

/** The prediction for a candidate, null where its training is timed. */
export function costPoint(
  dataset: AdviseDataset,
  { learningRate: _, sigma: __, ...candidate }: Candidate,
  rung: number,
): Point | null {
  return isTimed(candidate) ? null : { ...candidate, ...RUNGS[rung], dataset };
}

/** The attack on a candidate's scheme at its width and noise. */
export function leakagePoint(
  dataset: AdviseDataset,
  { scheme, hidden, sigma }: Candidate,
): Point {
  return { scheme, dataset, hidden, sigma };
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
  const attacksWanted = distinct(
    leakages,
    CANDIDATES.map((candidate) => leakagePoint(dataset, candidate)),
  );
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

  await compute(leakages, attacksWanted, attacksWanted.length);
  await compute(costs, costsWanted, costsWanted.length);
  function outcomeOf(candidate: Candidate, rung: number): Outcome {
    const training = trainingPoint(dataset, candidate, rung);
    const cost = costPoint(dataset, candidate, rung);
    try {
      const accuracy = valueOf(trainings, training, "accuracy")!;
      const seconds = cost === null
        ? valueOf(trainings, training, "seconds")!
        : valueOf(costs, cost, "seconds")!;
      const leakage = valueOf(leakages, leakagePoint(dataset, candidate), "leakage")!;
      return { status: "done", result: { accuracy, seconds, leakage } };
    } catch (error) {
      return { status: "failed", error: (error as Error).message };
    }
  }

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
