/** One attack on one training, with its numbers: what `deno task attack --against` runs.
 * @module */
import { ssim } from "../attack/metrics.ts";
import { attackTraining, type TrainingAttack } from "../attack/training/attack.ts";
import {
  classMeans,
  fromLabels,
  gramCorrelation,
  gramOf,
  meanMse,
  part,
  share,
} from "../attack/training/leakage.ts";
import type { TrainingRecovery } from "../attack/training/recovery.ts";
import { type SpanView, spanView } from "../attack/training/span_view.ts";
import { type TrainingView, visitsOf } from "../attack/training/view.ts";
import { type FreshRun, freshTraining } from "../audit/training.ts";
import type { Dataset, SplitDataset } from "../data/dataset.ts";
import { transpose } from "../math/dense.ts";
import { seededRng } from "../math/rng.ts";
import type { On } from "../notebook/run.ts";
import { clearProducts } from "../protocol/fixed_net.ts";
import type { StepRecord } from "../protocol/fixed_train.ts";

/** Trains, and returns what the server has.
 * @param run.opened whether MITIG1's server opens all stored ciphertexts with the keys of each step.
 * @param train a multiple of 50 images for CryptoNN and MITIG1.
 * @throws as the trainings; the signal's reason when aborted. */
export async function freshView(
  { train, test }: SplitDataset,
  { opened, ...run }: FreshRun & { readonly opened?: boolean },
): Promise<TrainingView | SpanView> {
  const records: StepRecord[] = [];
  const onStep = opened ? (record: StepRecord) => records.push(record) : undefined;
  const { view } = await freshTraining({ train, test }, { ...run, onStep });
  return opened && run.scheme === "mitig1" ? spanView(view, openedBy(records, train)) : view;
}

/** W1(t)·x of all images at each step, `[steps·units, count]`: what MITIG1's keys of all steps open. */
function openedBy(records: readonly StepRecord[], { x, n, count }: Dataset): Float64Array {
  const products = clearProducts(x, n);
  const rows = records.map(({ W1 }) => transpose(products.forward(W1), count, W1.length / n));
  const all = new Float64Array(rows.reduce((sum, row) => sum + row.length, 0));
  rows.forEach((row, step) => all.set(row, step * row.length));
  return all;
}

/** An attack in numbers; null where there is nothing to measure. */
export interface AttackNumbers
  extends Pick<TrainingRecovery, "status" | "assumption" | "message" | "elapsedMs"> {
  /** Samples that the view has, and those that were recovered. */
  readonly samples: number;
  readonly recovered: number;
  /** Of pixels in [0, 1], over those recovered. */
  readonly mse: number | null;
  /** What the mean image of each one's class gives. */
  readonly floor: number | null;
  /** Share of the way from the floor to the exact image. */
  readonly leakage: number | null;
  /** null of images under 11 × 11 too. */
  readonly ssim: number | null;
  /** Images with each pixel right after rounding. */
  readonly exact: number | null;
  /** Correlation of inner products of the first 1000 recovered: of all pairs, and within pairs of classes. */
  readonly gramCorrelation: number | null;
  readonly part: number | null;
}

/** Recovered images whose inner products are correlated: the work grows with the square. */
const MOST_PAIRED = 1000;

/** Attacks a view, and measures the result against the truth where that is there.
 * @param truth.train the images by the view's names; null where nobody has them.
 * @param truth.public of the same kind, none of them private.   @param options.known how many images are known: the last.
 * @returns numbers, the recovery, and which of its rows are of images that were not known.
 * @throws as `attackTraining`. */
export async function attackAndMeasure(
  view: TrainingView,
  truth: { readonly train: Dataset | null; readonly public: Dataset },
  { attack, known: k = 0, seed, signal, onProgress }: Partial<On> & {
    readonly attack: TrainingAttack;
    readonly known?: number;
    readonly seed: number;
  },
): Promise<{ numbers: AttackNumbers; found: TrainingRecovery; rows: readonly number[] }> {
  const { train } = truth;
  const { n } = truth.public;
  const pick = (from: Dataset, names: Uint32Array) => {
    const x = new Uint8Array(names.length * n);
    names.forEach((name, i) => x.set(from.x.subarray(name * n, (name + 1) * n), i * n));
    return x;
  };
  const named = view.steps.every(({ samples }) => samples !== null);
  const names = named ? Uint32Array.from(visitsOf(view).keys()).sort() : new Uint32Array();
  if (k > 0 && (train === null || k >= names.length)) {
    throw new RangeError(
      `Cannot attack with ${k} known images: the training has ${names.length}` +
        (train === null ? ", and theirs are not there" : ""),
    );
  }
  const samples = k > 0 ? names.slice(-k) : new Uint32Array();
  const found = await attackTraining(view, {
    ...{ attack, signal, onProgress, rng: seededRng(seed), publicImages: truth.public },
    known: k > 0 ? { samples, x: pick(train!, samples) } : undefined,
  });
  const { status, assumption, message, elapsedMs, X, G } = found;
  const said = { status, assumption, message, elapsedMs };
  const known = new Set(samples);
  const rows = [...found.samples.keys()].filter((row) => !known.has(found.samples[row]));
  const counts = {
    samples: named
      ? names.length
      : view.steps.reduce((sum, s) => sum + s.z1.length / view.units, 0),
    recovered: status === "failed" ? 0 : rows.length,
  };
  const none = { mse: null, floor: null, leakage: null, ssim: null, exact: null };
  const noGram = { gramCorrelation: null, part: null };
  if (train === null || status === "failed" || !named || rows.length === 0) {
    return { numbers: { ...said, ...counts, ...none, ...noGram }, found, rows };
  }
  const wanted = Uint32Array.from(rows, (row) => found.samples[row]);
  const [x, y] = [pick(train, wanted), Uint8Array.from(wanted, (name) => train.y[name])];
  const drawn = X &&
    Float64Array.from({ length: x.length }, (_, at) => X[rows[Math.floor(at / n)] * n + at % n]);
  const some = rows.slice(0, MOST_PAIRED), m = some.length;
  const Gram = gramOf(Float64Array.from(x.subarray(0, m * n), (v) => v * view.inputScale), m);
  const ofGram = drawn ? gramOf(drawn.subarray(0, m * n), m) : Float64Array.from(
    { length: m ** 2 },
    (_, at) => G![some[Math.floor(at / m)] * found.samples.length + some[at % m]],
  );
  const inner = {
    gramCorrelation: gramCorrelation(ofGram, Gram),
    part: part(ofGram, Gram, y.subarray(0, m)),
  };
  if (drawn === null) return { numbers: { ...said, ...counts, ...none, ...inner }, found, rows };
  const mse = meanMse(drawn, x);
  const means = classMeans(truth.public, view.classes);
  const floor = meanMse(fromLabels(y, means, n), x);
  const at = (from: ArrayLike<number>, i: number) =>
    Array.prototype.slice.call(from, i * n, (i + 1) * n) as number[];
  const each = rows.map((_, i) => [at(drawn, i), at(x, i)]);
  const measured = {
    ...{ mse, floor, leakage: share(mse, floor) },
    ssim: Math.min(view.shape[0], view.shape[1]) < 11
      ? null
      : each.reduce((sum, [a, b]) => sum + ssim(a, b, view.shape), 0) / each.length,
    exact: each.filter(([a, b]) => a.every((v, p) => Math.round(v) === b[p])).length,
  };
  return { numbers: { ...said, ...counts, ...measured, ...inner }, found, rows };
}
