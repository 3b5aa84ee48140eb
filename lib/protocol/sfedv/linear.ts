/** Training of a linear model from exact batch gradients: the steps that an encrypted training and its clear twin
 * share, so that both end in the same weights, bit for bit.
 *
 * Samples are integers u = (x, 1, y)·2^featureBits, the model c = (w, b, −1)·2^weightBits, rounded. A batch's
 * gradient Σ_i (c·u_i)·u_ij is then an integer, 2^(2·featureBits + weightBits) times that of ½·Σ(w·x + b − y)²,
 * and the step w ← w − learningRate·gradient/B is taken in float64 (`nn/linear.ts`). Logistic regression by
 * σ(z) ≈ ½ + z/4 is this with labels of ±2.
 * @see arXiv 2305.08358 (SFedV), whose full text was not at hand: the fixed point is ours.
 * @module */
import { type BatchParams, checkBatchParams, columnsOf } from "../../fe/qfe_batch.ts";
import { toFixed } from "../../math/fixed_point.ts";
import type { PairingGroup } from "../../math/pairing/group.ts";
import { type Fields, type Message, ProtocolError } from "../../net/wire.ts";
import {
  type BatchGradient,
  batchSizes,
  clearGradients,
  trainLinear as train,
} from "../../nn/linear.ts";

/** The terms of a training. */
export interface LinearTerms {
  /** Features of a sample. */
  readonly n: number;
  /** Samples, and those of a batch; the last batch may be shorter. */
  readonly count: number;
  readonly batch: number;
  readonly epochs: number;
  readonly learningRate: number;
  /** Fraction bits of features and labels, and of weights. */
  readonly featureBits: number;
  readonly weightBits: number;
  /** Bounds of the integers: features and the bias's constant 2^featureBits, and labels. */
  readonly boundX: number;
  readonly boundY: number;
}

/** Sizes beyond which nobody starts to allocate. */
const SIZES: Readonly<Record<string, readonly [number, number]>> = {
  n: [1, 2 ** 12],
  count: [1, 2 ** 20],
  batch: [1, 2 ** 16],
  epochs: [1, 2 ** 20],
  featureBits: [0, 20],
  weightBits: [0, 24],
  boundX: [1, 2 ** 24],
  boundY: [1, 2 ** 24],
};

/** Numbers of a batch, batch·(n + 2): the authority draws two secrets for each at every request, and answers nobody
 * meanwhile (0.7 s for the most). */
const MOST_NUMBERS = 2 ** 18;

/** Refuses terms that no training can have.
 * @throws {RangeError} a number out of range, a batch of more than 2^18 numbers, or a bias's constant over boundX. */
export function checkLinearTerms(terms: LinearTerms): LinearTerms {
  for (const [name, [min, max]] of Object.entries(SIZES)) {
    const value = terms[name as keyof LinearTerms];
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new RangeError(
        `Cannot train: ${name} = ${value} is not an integer in [${min}, ${max}]`,
      );
    }
  }
  const { n, count, batch, learningRate, featureBits, boundX } = terms;
  const size = Math.min(count, batch);
  const numbers = size * columnsOf(n);
  if (numbers > MOST_NUMBERS) {
    throw new RangeError(
      `Cannot train: batches of ${size} samples of ${n} features have ${numbers} numbers, at most ` +
        `${MOST_NUMBERS}; take smaller batches`,
    );
  }
  if (!(learningRate > 0 && learningRate < Infinity)) {
    throw new RangeError(`Cannot train: learningRate = ${learningRate} is not positive`);
  }
  if (2 ** featureBits > boundX) {
    throw new RangeError(`Cannot train: 1 is 2^${featureBits}, over boundX = ${boundX}`);
  }
  return terms;
}

/** Terms as fields of a message. */
export const linearFields = (terms: LinearTerms): Fields => ({ ...terms });

/** Reads terms. @throws {ProtocolError} a field of the wrong kind or out of range. */
export function readLinearTerms(message: Message): LinearTerms {
  const integers = Object.fromEntries(
    Object.keys(SIZES).map((name) => [name, message.integer(name)]),
  );
  const terms = { ...integers, learningRate: message.number("learningRate") } as
    & LinearTerms
    & Fields;
  try {
    return checkLinearTerms(terms);
  } catch (error) {
    throw error instanceof RangeError ? new ProtocolError(error.message) : error;
  }
}

/** Batches of an epoch. */
export const batchesOf = ({ count, batch }: LinearTerms): number => Math.ceil(count / batch);

/** Samples from … to − 1 of a batch. */
export function rangeOfBatch({ count, batch }: LinearTerms, which: number): [number, number] {
  return [which * batch, Math.min(count, (which + 1) * batch)];
}

/** The parameters of a batch's encryption. @throws {RangeError} as `setupBatch`. */
export function batchParams(terms: LinearTerms, which: number, group: PairingGroup): BatchParams {
  const [from, to] = rangeOfBatch(terms, which);
  const { n, boundX, boundY } = terms;
  return checkBatchParams("train", { group, n, batch: to - from, boundX, boundY });
}

/** Samples as rows u of n + 2 integers: features, 1, label, times 2^featureBits.
 * @param x count rows of n numbers.   @param y count labels.
 * @throws {TypeError} another number of rows, labels or features. {RangeError} a number that does not fit. */
export function toSamples(
  terms: LinearTerms,
  x: readonly ArrayLike<number>[],
  y: ArrayLike<number>,
): Int32Array[] {
  const { n, count, featureBits } = terms;
  if (x.length !== count || y.length !== count) {
    throw new TypeError(`Cannot train: ${x.length} samples and ${y.length} labels, not ${count}`);
  }
  return x.map((row, i) => {
    if (row.length === n) return toFixed([...Array.from(row), 1, y[i]], featureBits);
    throw new TypeError(`Cannot train: sample ${i} has ${row.length} features, expected ${n}`);
  });
}

/** Trains from zero weights, batch after batch.
 * @param gradient Σ_i (c·u_i)·u_ij over a batch, j = 0 … n.
 * @param onStep told the model before the step, and the gradient there.
 * @returns n weights, then the bias.   @throws what `gradient` throws. */
export async function trainLinear(
  terms: LinearTerms,
  gradient: (batch: number, c: Int32Array) => Promise<Float64Array> | Float64Array,
  onStep: (step: number, total: number, c: Int32Array, gradient: Float64Array) => void = () => {},
): Promise<Float64Array> {
  const { n, count, batch, epochs, learningRate, ...bits } = checkLinearTerms(terms);
  const sizes = batchSizes(count, batch);
  let step = 0;
  return await train({
    ...{ n, sizes, epochs, rate: learningRate, gradient },
    ...{ scaleBits: bits.featureBits, weightBits: bits.weightBits },
    onStep: (taken) => onStep(step++, epochs * sizes.length, taken.c, taken.gradient),
  });
}

/** The gradients of `trainLinear` in the clear.
 * @param u samples, as `toSamples` gives them.
 * @throws {TypeError} another number of samples. What it returns throws as `clearGradients`. */
export function clearGradient(terms: LinearTerms, u: readonly Int32Array[]): BatchGradient {
  const { n, count, batch, featureBits: scaleBits, boundX, boundY } = terms;
  if (u.length !== count) {
    throw new TypeError(`Cannot train: ${u.length} samples, expected ${count}`);
  }
  const rows = Int32Array.from(u.flatMap((row) => [...row]));
  const bound = Math.max(boundX, boundY);
  return clearGradients({ n, count, u: rows, scaleBits, bound }, batch);
}
