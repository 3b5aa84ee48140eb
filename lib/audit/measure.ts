/** How far an attack came: held to the private samples, which the auditor has and the attacker has not.
 *
 * The measure is the share of the way from what the attacker had anyway, the mean sample of the class (the floor), to the
 * exact sample: 1 − MSE/floor, over all samples attacked; one that was not recovered is at the floor.
 * @module */
import { ssim } from "../attack/metrics.ts";
import { classMeans, fromLabels, gramOf, part } from "../attack/training/leakage.ts";
import type { Shape } from "../attack/priors.ts";
import type { OwnSamples } from "../data/own_samples.ts";
import { seededRng } from "../math/rng.ts";
import type { Outcome } from "./findings.ts";

/** A leakage from which an attack counts as one that found something, if its interval leaves 0 out. */
export const LEAKS_FROM = 0.1;

/** A `part` from which inner products count as found. */
export const PART_FROM = 0.2;

/** An attack in numbers. */
export interface Measured {
  /** Samples attacked, and those with each number right after rounding which the attacker did not have anyway. */
  readonly attacked: number;
  readonly exact: number;
  /** Of numbers scaled to [0, 1]. */
  readonly mse: number;
  readonly floor: number;
  /** Share of the way from the floor to the exact samples, in [0, 1], and the low end of its 95 % interval over the
   * samples. */
  readonly leakage: number;
  readonly low: number;
  /** Columns that vary and come out right in each of at least three samples: what images hide in an error, a table
   * shows. */
  readonly columns: number;
  /** Mean over the recovered; null where images are under 11 × 11, or a table, or nothing was recovered. */
  readonly ssim: number | null;
}

/** What the attacker has anyway of each sample, `[count, n]`: the mean public sample of its class; where there are none,
 * the mean of the other samples of its class, or of all others where labels or others are missing; of a single one its
 * own mean, evenly. */
export function floorOf(samples: OwnSamples, publicSamples: OwnSamples | null): Float64Array {
  const { n, count, x, y, classes } = samples;
  if (publicSamples !== null) {
    const { n: width, count: of } = publicSamples;
    const labelled = samples.labelled && publicSamples.labelled &&
      classes.every((_, c) => publicSamples.y.includes(c));
    const means = labelled
      ? classMeans(publicSamples, classes.length)
      : classMeans({ x: publicSamples.x, y: new Uint8Array(of) }, 1);
    return fromLabels(labelled ? y : new Uint8Array(count), means, width);
  }
  const sums = new Float64Array(classes.length * n), sizes = new Uint32Array(classes.length);
  y.forEach((label) => sizes[label]++);
  for (let at = 0; at < x.length; at++) sums[y[Math.floor(at / n)] * n + at % n] += x[at];
  const total = new Float64Array(n);
  sums.forEach((sum, at) => total[at % n] += sum);
  const level = total.reduce((sum, v) => sum + v, 0) / n;
  return Float64Array.from(x, (v, at) => {
    const label = y[Math.floor(at / n)];
    return sizes[label] > 1
      ? (sums[label * n + at % n] - v) / (sizes[label] - 1)
      : count > 1
      ? (total[at % n] - v) / (count - 1)
      : level;
  });
}

/** Measures what was recovered. @param X a row each, 0..255; null where there is none.
 * @throws {TypeError} as many rows as samples are needed. */
export function measure(
  X: readonly (ArrayLike<number> | null)[],
  samples: OwnSamples,
  floor: Float64Array,
): Measured {
  const { n, count, shape, kind } = samples;
  if (X.length !== count || floor.length !== count * n) {
    throw new TypeError(`Cannot measure: ${X.length} recoveries of ${count} samples`);
  }
  const errorOf = (row: ArrayLike<number>, i: number) => {
    let sum = 0;
    for (let p = 0; p < n; p++) sum += (row[p] - samples.x[i * n + p]) ** 2;
    return sum / n / 255 ** 2;
  };
  const floors = X.map((_, i) => errorOf(floor.subarray(i * n, (i + 1) * n), i));
  const errors = X.map((row, i) => row === null ? floors[i] : errorOf(row, i));
  const truth = (i: number) => samples.x.subarray(i * n, (i + 1) * n);
  const right = (row: ArrayLike<number>, i: number) =>
    Array.prototype.every.call(row, (v, p) => Math.round(v) === truth(i)[p]);
  const had = (i: number) => right(floor.subarray(i * n, (i + 1) * n), i); // nothing was recovered then
  const exact = X.filter((row, i) => row !== null && right(row, i) && !had(i)).length;
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [mse, level] = [mean(errors), mean(floors)];
  const gain = level > 0 ? 1 - mse / level : 0;
  const rest = mean(floors.map((value, i) => (value - errors[i] - gain * value) ** 2)); // of a ratio of means
  const spread = level > 0 ? Math.sqrt(rest / Math.max(1, count - 1)) / level : 0;
  const clip = (share: number) => Math.min(1, Math.max(0, share));
  const drawn = X.flatMap((row, i) => row === null ? [] : [[row, truth(i)]]);
  const similar = kind === "image" && Math.min(shape[0], shape[1]) >= 11 && drawn.length > 0
    ? mean(drawn.map(([row, own]) => ssim(row, own, shape)))
    : null;
  return {
    ...{ attacked: count, exact, mse, floor: level, ssim: similar, columns: columnsOf(X, samples) },
    leakage: clip(gain),
    low: count > 1 ? clip(gain - 1.96 * spread) : 0,
  };
}

/** Columns of a table that are right in all samples; 0 of images. */
function columnsOf(
  X: readonly (ArrayLike<number> | null)[],
  { n, count, kind, x }: OwnSamples,
): number {
  if (kind !== "table" || count < 3 || X.includes(null)) return 0;
  return Array.from({ length: n }, (_, p) => p).filter((p) =>
    X.every((row, i) => Math.round(row![p]) === x[i * n + p]) &&
    X.some((_, i) => x[i * n + p] !== x[p])
  ).length;
}

/** What a measured attack amounts to. */
export const outcomeOf = ({ exact, leakage, low, columns }: Measured): Outcome =>
  exact > 0
    ? "recovered"
    : columns > 0 || leakage >= LEAKS_FROM && low > 0
    ? "likeness"
    : "nothing";

/** Permutations by which chance is told. */
const DRAWS = 39;

/** `part` of inner products within classes (`attack/training/leakage.ts`), and whether it exceeds what chance gives: all
 * of 39 permutations of the samples within their classes, one case in 40.
 * @param G `[count, count]`, of what was recovered. */
export function partOf(
  G: Float64Array,
  samples: OwnSamples,
): { part: number; beyondChance: boolean } {
  const { count, x, y } = samples;
  const truth = gramOf(x, count);
  const found = part(G, truth, y);
  const rng = seededRng(1);
  let most = -1;
  for (let draw = 0; draw < DRAWS; draw++) {
    const order = shuffledWithin(y, rng);
    const moved = Float64Array.from(
      G,
      (_, at) => G[order[Math.floor(at / count)] * count + order[at % count]],
    );
    most = Math.max(most, part(moved, truth, y));
  }
  return { part: found, beyondChance: found > most };
}

/** Places, each class's among themselves in a random order. */
function shuffledWithin(y: Uint8Array, rng: ReturnType<typeof seededRng>): number[] {
  const order = [...y.keys()];
  for (const places of Map.groupBy(y.keys(), (i) => y[i]).values()) {
    const drawn = new Uint32Array(rng.bytes(4 * places.length).buffer);
    const moved = places.map((_, k) => k).sort((a, b) => drawn[a] - drawn[b]).map((k) => places[k]);
    places.forEach((place, k) => order[place] = moved[k]);
  }
  return order;
}

/** Rows of a matrix `[rows, n]` by their names; null for a name that it has not. */
export function rowsBy(
  X: ArrayLike<number> | null,
  names: ArrayLike<number>,
  wanted: readonly number[],
  n: number,
): (Float64Array | null)[] {
  const place = new Map(Array.from(names, (name, row) => [name, row]));
  return wanted.map((name) => {
    const row = place.get(name);
    return X === null || row === undefined
      ? null
      : Float64Array.from({ length: n }, (_, p) => X[row * n + p]);
  });
}

/** For pictures: whole numbers 0..255. */
export const bytesOf = (row: ArrayLike<number>): Uint8Array =>
  new Uint8Array(Uint8ClampedArray.from(row));

/** A shape as text: "28 × 28". */
export const shapeText = ([height, width, channels]: Shape): string =>
  `${height} × ${width}${channels === 1 ? "" : ` × ${channels}`}`;
