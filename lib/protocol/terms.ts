/** The terms of a training with a first layer in fixed point: one message from the client, checked on both sides.
 * @module */
import { type Fields, type Message, ProtocolError } from "../net/wire.ts";
import type { Scales } from "./fixed_net.ts";
import { checkBatches } from "./fixed_train.ts";

/** What every such training states. */
export interface FixedTerms {
  readonly n: number;
  readonly hidden: number;
  readonly classes: number;
  /** Training samples. */
  readonly count: number;
  /** Samples per step, m; divides `count`. */
  readonly batch: number;
  readonly learningRate: number;
  readonly scales: Scales;
}

/** The longest that a party waits for another: as long as a batch takes to decrypt. */
export const PATIENCE_MS = 3_600_000;
/** Pixels are bytes. */
export const BOUND_X = 255;
/** Sizes beyond which nobody starts to allocate. They are no bound on memory by themselves: their products are. */
const SIZES = { n: 2 ** 12, hidden: 2 ** 12, classes: 2 ** 10, count: 2 ** 20, batch: 2 ** 16 };
/** The furthest that a server searches for a logarithm: 4 s and 100 MB for one that is not there. */
const MAX_RANGE = 2 ** 36;
const SCALES: Readonly<Record<keyof Scales, readonly [min: number, max: number]>> = {
  weightBits: [0, 30],
  weightBound: [1, 2 ** 30],
  pixelBits: [0, 30],
  gradientBits: [0, 30],
  gradientBound: [1, 2 ** 24],
  rateBits: [0, 40],
};

/** A product of sizes: its factors in words, its value, what it counts, and the most that it may be. */
export type Product = readonly [factors: string, value: number, what: string, max: number];

/** Refuses terms that no training can have.
 * @param rounds epochs or steps, by their name, and the most of them.
 * @param products that the scheme bounds, beside those of the later layers.
 * @throws {RangeError} a number out of range, or samples that are not whole batches. */
export function checkFixedTerms<T extends FixedTerms>(
  terms: T,
  [name, most]: readonly [name: keyof T & string, most: number],
  products: readonly Product[],
): T {
  const { n, hidden, classes, batch, count, learningRate, scales } = terms;
  const within = (name: string, value: unknown, min: number, max: number) => {
    if (!Number.isInteger(value) || value as number < min || value as number > max) {
      throw new RangeError(
        `Cannot train: ${name} = ${value} is not an integer in [${min}, ${max}]`,
      );
    }
  };
  for (const [name, max] of Object.entries(SIZES)) {
    within(name, terms[name as keyof typeof SIZES], 1, max);
  }
  checkBatches(count, batch, 1);
  within(name, terms[name], 1, most);
  for (const [name, [min, max]] of Object.entries(SCALES)) {
    within(name, scales[name as keyof Scales], min, max);
  }
  const all: Product[] = [
    // b1 and the later layer, copied at every step: 8 MB.
    ["hidden · classes", hidden * classes, "weights", 2 ** 20],
    // z1 and dz1 of a step, 8 MB each, and a2.
    ["hidden · batch", hidden * batch, "z1 of a batch", 2 ** 20],
    ["classes · batch", classes * batch, "outputs of a batch", 2 ** 20],
    // The server does nothing else during the later layers' step: half a second.
    ["hidden · classes · batch", hidden * classes * batch, "products of a batch", 2 ** 27],
    ...products,
  ];
  for (const [factors, value, what, max] of all) {
    if (value > max) {
      throw new RangeError(`Cannot train: ${factors} = ${value} ${what}, at most ${max}`);
    }
  }
  const range = n * BOUND_X * scales.weightBound;
  if (range > MAX_RANGE) {
    throw new RangeError(`Cannot train: n · 255 · weightBound = ${range} exceeds ${MAX_RANGE}`);
  }
  if (!(learningRate > 0 && learningRate < Infinity)) {
    throw new RangeError(`Cannot train: learningRate = ${learningRate} is not positive`);
  }
  return terms;
}

/** The samples that one request to classify may carry: no more than a batch of as many could have. */
export function rowsAtMost({ hidden, classes }: Pick<FixedTerms, "hidden" | "classes">): number {
  return Math.floor(Math.min(2 ** 20 / Math.max(hidden, classes), 2 ** 27 / (hidden * classes)));
}

/** The fields that carry terms. */
export function termsFields({ scales, ...terms }: FixedTerms): Fields {
  return { ...terms, ...scales };
}

/** Reads terms. @param rounds their name.   @param more what the scheme adds, read.   @param check refuses.
 * @throws {ProtocolError} a field of the wrong kind or out of range. */
export function readFixedTerms<T extends FixedTerms>(
  message: Message,
  rounds: string,
  more: object,
  check: (terms: T) => T,
): T {
  const integers = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, message.integer(name)]));
  const terms = {
    ...integers([...Object.keys(SIZES), rounds]),
    ...more,
    learningRate: message.number("learningRate"),
    scales: integers(Object.keys(SCALES)),
  } as unknown as T;
  try {
    return check(terms);
  } catch (cause) {
    throw new ProtocolError((cause as Error).message, { cause });
  }
}
