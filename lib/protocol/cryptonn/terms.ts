/** What the parties of CryptoNN agree on: the parameters of both IPFE instances, and the terms of a training, one
 * message from the client that the server checks.
 * @module */
import type { IpfeParams } from "../../fe/params.ts";
import { group } from "../../math/group.ts";
import { type Fields, type Message, ProtocolError } from "../../net/wire.ts";
import type { Scales } from "../fixed_step.ts";
import { checkBatches } from "../fixed_train.ts";

/** The terms of a training. */
export interface Terms {
  readonly n: number;
  readonly hidden: number;
  readonly classes: number;
  /** Training samples. */
  readonly count: number;
  /** Samples a step, m; divides `count`. Step k takes batch k modulo the number of batches. */
  readonly batch: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly scales: Scales;
}

/** The longest that a party waits for another: as long as a batch takes to decrypt. */
export const PATIENCE_MS = 3_600_000;
/** Pixels are bytes. */
const BOUND_X = 255;
/** Sizes beyond which nobody starts to allocate. What a server keeps of ciphertexts is bounded in `decryption.ts`. */
const LIMITS = {
  n: 2 ** 12,
  hidden: 2 ** 12,
  classes: 2 ** 10,
  count: 2 ** 20,
  batch: 2 ** 12,
  steps: 2 ** 30,
};
/** The largest product of sizes, and of what: 16 MB of rows and of keys, and half a second of later layers. */
const PRODUCTS: readonly [what: string, of: readonly (keyof typeof LIMITS)[], max: number][] = [
  ["entries of W1", ["hidden", "n"], 2 ** 22],
  ["weights", ["hidden", "classes"], 2 ** 20],
  ["entries of z1", ["hidden", "batch"], 2 ** 20],
  ["products of a batch", ["hidden", "classes", "batch"], 2 ** 27],
];
/** The furthest that a server searches for a logarithm. */
const MAX_RANGE = 2 ** 36;
const SCALE_LIMITS: Readonly<Record<keyof Scales, readonly [min: number, max: number]>> = {
  weightBits: [0, 30],
  weightBound: [1, 2 ** 30],
  pixelBits: [0, 30],
  gradientBits: [0, 30],
  gradientBound: [1, 2 ** 30],
  rateBits: [0, 40],
};

/** The parameters of an instance for vectors of n bytes. @param boundY bounds the entries of rows. */
export const paramsOf = (n: number, boundY: number): IpfeParams => (
  { group: group("ristretto255"), n, boundX: BOUND_X, boundY }
);

/** The parameters of a training's two instances: for samples with rows of W1, and for columns with rows of dz1. */
export const instancesOf = ({ n, batch, scales }: Pick<Terms, "n" | "batch" | "scales">) => [
  paramsOf(n, scales.weightBound),
  paramsOf(batch, scales.gradientBound),
];

/** Refuses terms that no training can have, on either side.
 * @throws {RangeError} a number out of range, or samples that are not whole batches. */
export function checkTerms(terms: Terms): Terms {
  const { n, count, batch, steps, learningRate, scales } = terms;
  checkBatches(count, batch, steps);
  const within = (name: string, value: number, min: number, max: number) => {
    if (Number.isInteger(value) && value >= min && value <= max) return;
    throw new RangeError(`Cannot train: ${name} = ${value} is not an integer in [${min}, ${max}]`);
  };
  const atMost = (what: string, value: number, max: number) => {
    if (value > max) throw new RangeError(`Cannot train: ${what} = ${value}, at most ${max}`);
  };
  for (const name of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
    within(name, terms[name], 1, LIMITS[name]);
  }
  for (const name of Object.keys(SCALE_LIMITS) as (keyof Scales)[]) {
    within(name, scales[name], ...SCALE_LIMITS[name]);
  }
  for (const [what, of, max] of PRODUCTS) {
    atMost(
      `${of.join(" · ")} ${what}`,
      of.reduce((product, name) => product * terms[name], 1),
      max,
    );
  }
  atMost("n · 255 · weightBound", n * BOUND_X * scales.weightBound, MAX_RANGE);
  atMost("batch · 255 · gradientBound", batch * BOUND_X * scales.gradientBound, MAX_RANGE);
  if (!(learningRate > 0 && learningRate < Infinity)) {
    throw new RangeError(`Cannot train: learningRate = ${learningRate} is not positive`);
  }
  return terms;
}

/** The fields that carry terms. */
export function termsFields({ scales, ...terms }: Terms): Fields {
  return { ...terms, ...scales };
}

/** Reads terms. @throws {ProtocolError} a field of the wrong kind or out of range. */
export function readTerms(message: Message): Terms {
  const integers = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, message.integer(name)]));
  const terms = {
    ...integers(Object.keys(LIMITS)),
    learningRate: message.number("learningRate"),
    scales: integers(Object.keys(SCALE_LIMITS)),
  } as unknown as Terms;
  try {
    return checkTerms(terms);
  } catch (cause) {
    throw new ProtocolError((cause as Error).message, { cause });
  }
}
