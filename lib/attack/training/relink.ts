/** Whose visit is whose, where a client names no sample and shuffles each epoch: the nearest z1 of the epoch before.
 *
 * Between two epochs z1 of a sample moves less than it differs from that of others. So within each class the pairs
 * that are each other's nearest are taken as one sample, then the pairs that are so among the rest, until none is
 * left; the closest pair of all is one, so each round ends some. Distances are taken from the mean of the class and
 * epoch, since all move together.
 * @module */
import * as tf from "@tensorflow/tfjs";
import { startBackend } from "../../nn/backend.ts";
import { breather } from "../../workers/pool.ts";
import { type StepView, type TrainingView, trainingView } from "./view.ts";

/** Rows of one block of distances. */
const BLOCK = 1000;

/** One epoch of a class, or of all where labels are at the client: rows of z1 and where they stand in the epoch. */
interface Group {
  /** `[count, units]`, less their mean. */
  readonly z1: Float32Array;
  readonly rows: Uint32Array;
}

/** Names the samples of a view: those of the first epoch by their place in it, those of a later one by the sample of
 * the epoch before that lies nearest in z1. Names that steps have already are not read.
 * @param options.count samples of an epoch, which the terms of a training tell the server.
 * @throws {RangeError} `count` rows do not end with a step, or an epoch holds other classes than the first. */
export async function relink(
  view: TrainingView,
  { count, signal, onProgress }: {
    count: number;
    signal?: AbortSignal;
    onProgress?: (done: number, total: number) => void;
  },
): Promise<TrainingView> {
  const epochs = epochsOf(view, count);
  await startBackend();
  const breathe = breather(signal);
  const names: Uint32Array[] = [Uint32Array.from({ length: count }, (_, row) => row)];
  let before = groupsOf(epochs[0], view);
  for (let epoch = 1; epoch < epochs.length; epoch++) {
    const groups = groupsOf(epochs[epoch], view);
    const own = new Uint32Array(count);
    for (const [label, group] of groups) {
      const last = before.get(label);
      if (last?.rows.length !== group.rows.length) {
        throw new RangeError(
          `Cannot relink: epoch ${epoch} has ${group.rows.length} samples of class ${label}, the one before ` +
            `${last?.rows.length ?? 0}`,
        );
      }
      const matched = await match(group.z1, last.z1, view.units, breathe);
      group.rows.forEach((row, k) => own[row] = names[epoch - 1][last.rows[matched[k]]]);
      signal?.throwIfAborted();
    }
    onProgress?.(epoch, epochs.length - 1);
    names.push(own);
    before = groups;
  }
  const steps = epochs.flatMap((steps, epoch) => {
    let at = 0;
    return steps.map((step): StepView => {
      const m = step.z1.length / view.units;
      at += m;
      return { ...step, samples: names[epoch].slice(at - m, at) };
    });
  });
  return trainingView({ ...view, steps });
}

/** The steps of each epoch. */
function epochsOf({ steps, units }: TrainingView, count: number): StepView[][] {
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`Cannot relink: count = ${count} is not a positive integer`);
  }
  const epochs: StepView[][] = [[]];
  let rows = 0;
  for (const [at, step] of steps.entries()) {
    if (rows === count) {
      epochs.push([]);
      rows = 0;
    }
    rows += step.z1.length / units;
    if (rows > count) {
      throw new RangeError(
        `Cannot relink: epochs of ${count} samples do not end with a step, step ${at} goes beyond`,
      );
    }
    epochs.at(-1)!.push(step);
  }
  if (rows < count) {
    throw new RangeError(`Cannot relink: the last epoch has ${rows} samples of ${count}`);
  }
  return epochs;
}

function groupsOf(steps: readonly StepView[], { units }: TrainingView): Map<number, Group> {
  const labelled = steps.every(({ labels }) => labels !== null);
  const places = steps.flatMap((step) =>
    Array.from({ length: step.z1.length / units }, (_, row) => ({ step, row }))
  ).map((place, at) => ({ ...place, at }));
  const groups = Map.groupBy(places, ({ step, row }) => labelled ? step.labels![row] : -1);
  return new Map(
    [...groups].map(([label, members]) => {
      const z1 = new Float32Array(members.length * units);
      members.forEach(({ step, row }, k) =>
        z1.set(step.z1.subarray(row * units, (row + 1) * units), k * units)
      );
      const mean = new Float64Array(units);
      z1.forEach((value, at) => mean[at % units] += value / members.length);
      z1.forEach((_, at) => z1[at] -= mean[at % units]);
      return [label, { z1, rows: Uint32Array.from(members, ({ at }) => at) }];
    }),
  );
}

/** For each row of A the row of B that it belongs to, one to one. */
async function match(
  A: Float32Array,
  B: Float32Array,
  units: number,
  breathe: () => Promise<void>,
): Promise<Uint32Array> {
  const found = new Uint32Array(A.length / units);
  let [left, right] = [0, 1].map(() => Uint32Array.from(found.keys()));
  while (left.length > 0) {
    const { toB, toA } = await nearest(take(A, left, units), take(B, right, units), units, breathe);
    const mutual = (i: number) => toA[toB[i]] === i;
    const taken = new Uint8Array(right.length);
    for (let i = 0; i < left.length; i++) {
      if (!mutual(i)) continue;
      found[left[i]] = right[toB[i]];
      taken[toB[i]] = 1;
    }
    left = left.filter((_, i) => !mutual(i));
    right = right.filter((_, j) => taken[j] === 0);
  }
  return found;
}

function take(A: Float32Array, rows: Uint32Array, units: number): Float32Array {
  const out = new Float32Array(rows.length * units);
  rows.forEach((row, k) => out.set(A.subarray(row * units, (row + 1) * units), k * units));
  return out;
}

/** The nearest row of the other for each row of A and of B. Of equal distances the first row counts, so that the
 * closest pair of all is mutual. */
async function nearest(
  A: Float32Array,
  B: Float32Array,
  units: number,
  breathe: () => Promise<void>,
): Promise<{ toB: Uint32Array; toA: Uint32Array }> {
  const [a, b] = [A.length / units, B.length / units];
  const [toB, toA] = [new Uint32Array(a), new Uint32Array(b)];
  const closest = new Float32Array(b).fill(Infinity);
  const columns = tf.tidy(() => tf.tensor2d(B, [b, units]).transpose()) as tf.Tensor2D;
  const lengths = squares(B, units);
  const own = squares(A, units);
  try {
    for (let from = 0; from < a; from += BLOCK) {
      const m = Math.min(BLOCK, a - from);
      const rows = A.subarray(from * units, (from + m) * units);
      const products = tf.tidy(() =>
        tf.tensor2d(rows, [m, units]).matMul(columns).dataSync<"float32">()
      );
      scan(products, { from, own, lengths, toB, toA, closest });
      await breathe();
    }
  } finally {
    columns.dispose();
  }
  return { toB, toA };
}

/** Where a search stands, and what it needs: squared lengths of the rows of A and B. */
interface Search {
  readonly from: number;
  readonly own: Float64Array;
  readonly lengths: Float64Array;
  readonly toB: Uint32Array;
  readonly toA: Uint32Array;
  /** `[b]`, the least distance from each row of B so far. */
  readonly closest: Float32Array;
}

/** Goes on with a block of inner products, rows `from` on of A. Not part of the loop that awaits: there it runs
 * unoptimised. */
function scan(products: Float32Array, { from, own, lengths, toB, toA, closest }: Search): void {
  const b = lengths.length;
  for (let i = 0, at = 0; at < products.length; i++) {
    let least = Infinity;
    for (let j = 0; j < b; j++, at++) {
      const distance = Math.fround(own[from + i] + lengths[j] - 2 * products[at]);
      if (distance < least) {
        least = distance;
        toB[from + i] = j;
      }
      if (distance < closest[j]) {
        closest[j] = distance;
        toA[j] = from + i;
      }
    }
  }
}

function squares(A: Float32Array, units: number): Float64Array {
  const out = new Float64Array(A.length / units);
  A.forEach((value, at) => out[Math.floor(at / units)] += value * value);
  return out;
}
