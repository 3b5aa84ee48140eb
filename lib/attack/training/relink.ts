/** Whose visit is whose, where a client names no sample and shuffles each epoch: the nearest z1 of the epoch before.
 *
 * Between two epochs z1 of a sample moves less than it differs from that of others. So within each class the pairs
 * that are each other's nearest are taken as one sample, then the pairs that are so among the rest, until none is
 * left; the closest pair of all is one, so each round ends some. Distances are taken from the mean of the class and
 * epoch, since all move together.
 * @module */
import { sgemmAsync } from "../../math/blas.ts";
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

/** For each row of A the row of B that it belongs to, one to one. After a round only those whose nearest is gone look
 * for another. */
async function match(
  A: Float32Array,
  B: Float32Array,
  units: number,
  breathe: () => Promise<void>,
): Promise<Uint32Array> {
  const count = A.length / units;
  const found = new Uint32Array(count);
  const sides = [sideOf(A, units), sideOf(B, units)];
  const [left, right] = sides;
  let open = [left, right].map(() => Uint32Array.from(found.keys()));
  while (open[0].length > 0) {
    for (const [at, side] of sides.entries()) {
      const stale = open[at].filter((row) => side.nearest[row] === NOBODY);
      await search(side, stale, sides[1 - at], open[1 - at], breathe);
    }
    let mutual = open[0].filter((row) => right.nearest[left.nearest[row]] === row);
    if (mutual.length === 0) mutual = open[0].slice(0, 1); // distances equal but for rounding
    for (const row of mutual) found[row] = left.nearest[row];
    const gone = [new Uint8Array(count), new Uint8Array(count)];
    for (const row of mutual) gone[0][row] = gone[1][found[row]] = 1;
    open = open.map((rows, at) => rows.filter((row) => gone[at][row] === 0));
    for (const [at, { nearest }] of sides.entries()) {
      for (const row of open[at]) if (gone[1 - at][nearest[row]] === 1) nearest[row] = NOBODY;
    }
  }
  return found;
}

/** Of a row whose nearest is to be found. */
const NOBODY = 2 ** 32 - 1;

/** A or B. */
interface Side {
  readonly units: number;
  readonly rows: Float32Array;
  /** Squared lengths of the rows. */
  readonly lengths: Float64Array;
  /** The nearest row of the other side that is open, of each. */
  readonly nearest: Uint32Array;
}

function sideOf(rows: Float32Array, units: number): Side {
  const lengths = squares(rows, units);
  return { units, rows, lengths, nearest: new Uint32Array(lengths.length).fill(NOBODY) };
}

function take(A: Float32Array, rows: Uint32Array, units: number): Float32Array {
  const out = new Float32Array(rows.length * units);
  rows.forEach((row, k) => out.set(A.subarray(row * units, (row + 1) * units), k * units));
  return out;
}

/** Finds the nearest of some rows of one side among those of the other that are open. Of equal distances the first row
 * counts, so that the closest pair of all is mutual. */
async function search(
  side: Side,
  rows: Uint32Array,
  other: Side,
  open: Uint32Array,
  breathe: () => Promise<void>,
): Promise<void> {
  const { units } = side;
  const B = take(other.rows, open, units);
  for (let from = 0; from < rows.length; from += BLOCK) {
    const block = rows.subarray(from, from + BLOCK);
    const products = new Float32Array(block.length * open.length);
    await sgemmAsync({
      ...{ m: block.length, n: open.length, k: units, C: products },
      ...{ A: take(side.rows, block, units), B, transposeB: true },
    });
    scan(products, { side, block, other, open });
    await breathe();
  }
}

/** Not part of the loop that awaits: there it runs unoptimised. */
function scan(
  products: Float32Array,
  { side, block, other, open }: { side: Side; block: Uint32Array; other: Side; open: Uint32Array },
): void {
  const lengths = Float64Array.from(open, (row) => other.lengths[row]);
  for (let i = 0, at = 0; i < block.length; i++) {
    const own = side.lengths[block[i]];
    let [least, best] = [Infinity, 0];
    for (let j = 0; j < lengths.length; j++, at++) {
      const distance = Math.fround(own + lengths[j] - 2 * products[at]);
      if (distance < least) [least, best] = [distance, j];
    }
    side.nearest[block[i]] = open[best];
  }
}

function squares(A: Float32Array, units: number): Float64Array {
  const out = new Float64Array(A.length / units);
  A.forEach((value, at) => out[Math.floor(at / units)] += value * value);
  return out;
}
