/** What the attacker assumes about images, beyond the equations W1·x = z1.
 *
 * The published rule says that neighbours are close: for pixels (i, j) with (i + j) mod period = 0,
 * |x_p − mean of the 4-neighbours of p| ≤ 25. Paper: Ioniță & Ioniță, arXiv 2509.21497; code:
 * Juve45/cryptonn, `augment`. That code tests the *flat* index, so a pixel on the left edge takes the
 * end of the row above as its neighbour; here neighbours stay inside the image, and `wrapEdges` brings
 * the published form back. The stronger priors are objectives: few bright pixels (`sum`), few jumps
 * (total variation, `tv`), both (`tv-sum`).
 * @module */

/** What the linear program minimises: nothing, Σx, total variation, TV + ½·Σx, or that one reweighted. */
export type Objective = "published" | "sum" | "tv" | "tv-sum" | "reweighted";

/** Every {@linkcode Objective}, in the order of the figures. */
export const OBJECTIVES: readonly Objective[] = ["published", "sum", "tv", "tv-sum", "reweighted"];

/** The periods of the paper; `null` stands for its "none", which is 1000 in the authors' code: their program
 * then still has the rule at pixel (0, 0), ours has none. */
export const PUBLISHED_PERIODS: readonly number[] = [2, 4, 9, 16];

/** The published bound on |x_p − mean of its neighbours|, in pixel values. */
export const THRESHOLD = 25;

/** The published bound where a convolution sees little, on a sum over channels: 0.15 of the range. */
export const BORDER_THRESHOLD = 0.15 * 255;

/** An attacker's assumptions. Make one with {@linkcode checkedPriors}. */
export interface Priors {
  objective: Objective;
  /** The neighbour rule holds where (i + j) mod period = 0; null: nowhere. */
  period: number | null;
  threshold: 25;
  /** Neighbours by flat index, as in the authors' code. */
  wrapEdges?: boolean;
  /** The authors' rule for convolutions, see {@linkcode pixelRules}. */
  border?: boolean;
}

/** Height, width, channels; entries by row, channels last. */
export type Shape = readonly [height: number, width: number, channels: number];

/** Checks an attacker's choice of objective and period.
 * @throws {TypeError} an unknown objective. {RangeError} a period that is not a positive integer. */
export function checkedPriors(input: {
  objective: Objective;
  period?: number | null;
  wrapEdges?: boolean;
  border?: boolean;
}): Priors {
  const { objective, period = null, wrapEdges = false, border = false } = input;
  if (!OBJECTIVES.includes(objective)) {
    throw new TypeError(
      `Cannot use objective "${objective}": expected one of ${OBJECTIVES.join(", ")}`,
    );
  }
  if (period !== null && !(Number.isSafeInteger(period) && period > 0)) {
    throw new RangeError(`Cannot use period ${period}: expected null or a positive integer`);
  }
  return { objective, period, threshold: THRESHOLD, wrapEdges, border };
}

/** The 4-neighbours of entry p in its own channel: right, left, below, above, those that exist.
 * @param wrapEdges by flat index p ± 1, p ± width, as the authors' code has it. */
export function neighbours(p: number, shape: Shape, wrapEdges = false): number[] {
  const [height, width, channels] = shape;
  const pixel = Math.floor(p / channels);
  const [i, j] = [Math.floor(pixel / width), pixel % width];
  const steps = [[0, 1], [0, -1], [1, 0], [-1, 0]];
  return steps.flatMap(([di, dj]) => {
    const flat = pixel + di * width + dj;
    const exists = wrapEdges
      ? flat >= 0 && flat < height * width
      : i + di >= 0 && i + di < height && j + dj >= 0 && j + dj < width;
    return exists ? [flat * channels + p % channels] : [];
  });
}

/** A rule as an inequality: |Σ values[k]·x[indices[k]]| ≤ bound. */
export interface PixelRule {
  readonly indices: readonly number[];
  readonly values: readonly number[];
  readonly bound: number;
}

/** Every rule of the priors: the neighbour rule, entry by entry, where (i + j) mod period = 0; a pixel without
 * neighbours (a 1 × 1 image) has none. With `border`, the authors' rule for convolutions too (Juve45/cryptonn,
 * `ResNet56attack.py`): on the ring one pixel inside the border, where i + j is odd, the differences
 * x_p − mean of the neighbours of p, *summed over the channels*, stay within 0.15 of the range. */
export function pixelRules(
  shape: Shape,
  { period, threshold, wrapEdges, border }: Priors,
): PixelRule[] {
  const [height, width, channels] = shape;
  const rule = (centres: number[], bound: number, wrapEdges?: boolean): PixelRule => {
    const around = centres.map((p) => neighbours(p, shape, wrapEdges));
    return {
      indices: centres.flatMap((p, k) => [p, ...around[k]]),
      values: around.flatMap((list) => [1, ...list.map(() => -1 / list.length)]),
      bound,
    };
  };
  const rules: PixelRule[] = [];
  const ring: PixelRule[] = [];
  for (let pixel = 0; pixel < height * width; pixel++) {
    const [i, j] = [Math.floor(pixel / width), pixel % width];
    const entries = Array.from({ length: channels }, (_, k) => pixel * channels + k);
    if (period !== null && (i + j) % period === 0) {
      rules.push(...entries.map((p) => rule([p], threshold, wrapEdges)));
    }
    const onRing = i === 1 || j === 1 || i === height - 2 || j === width - 2;
    if (border && onRing && (i + j) % 2 === 1) ring.push(rule(entries, BORDER_THRESHOLD));
  }
  return [...rules.filter(({ indices }) => indices.length > 1), ...ring];
}

/** Halves, thirds and quarters of a rule, times this, are integers. */
export const RULE_SCALE = 12;

/** Whether an image of whole pixel values keeps to every rule, exactly. */
export function keepsRules(x: ArrayLike<number>, rules: readonly PixelRule[]): boolean {
  return rules.every(({ indices, values, bound }) => {
    const sum = indices.reduce(
      (total, p, k) => total + Math.round(RULE_SCALE * values[k]) * x[p],
      0,
    );
    return Math.abs(sum) <= Math.round(RULE_SCALE * bound);
  });
}

/** Whether the priors have any rule. */
export const hasRules = ({ period, border }: Priors): boolean => period !== null || border === true;

/** The pairs (p, right of p) and (p, below p) whose differences make up the total variation. */
export function adjacentPairs(shape: Shape): [number, number][] {
  const [height, width, channels] = shape;
  const pairs: [number, number][] = [];
  for (let p = 0; p < height * width * channels; p++) {
    const pixel = Math.floor(p / channels);
    if (pixel % width + 1 < width) pairs.push([p, p + channels]);
    if (pixel + width < height * width) pairs.push([p, p + width * channels]);
  }
  return pairs;
}

/** An objective as weighted terms, Σ c_p·x_p + Σ w_e·|x_a − x_b|, for every solver alike. */
export interface CostTerms {
  /** [n] cost of each pixel. */
  readonly pixelWeights: Float64Array;
  /** The pairs e = (a, b), a < b, whose differences count; none without total variation. */
  readonly pairs: readonly (readonly [number, number])[];
  /** [pairs] cost of each |x_a − x_b|. */
  readonly pairWeights: Float64Array;
}

/** Cost of a pixel under each objective. */
const PIXEL_WEIGHT = { published: 0, sum: 1, tv: 0, "tv-sum": 0.5, reweighted: 0.5 };

/** What an objective minimises, before any reweighting. */
export function costTerms(
  { n, shape }: { n: number; shape: Shape },
  { objective }: Pick<Priors, "objective">,
): CostTerms {
  const pairs = objective === "published" || objective === "sum" ? [] : adjacentPairs(shape);
  return {
    pixelWeights: new Float64Array(n).fill(PIXEL_WEIGHT[objective]),
    pairs,
    pairWeights: new Float64Array(pairs.length).fill(1),
  };
}
