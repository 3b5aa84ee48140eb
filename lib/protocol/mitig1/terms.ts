/** What client and server of MITIG1 agree on before the first ciphertext: one message, checked by the server.
 *
 * The bounds of the scheme follow from it: pixels are bytes, weights stay within weightBound, and so z1
 * within n·255·weightBound, which is as far as the server looks for it.
 * @module */
import { checkParams } from "../../fe/params.ts";
import type { FhipeParams } from "../../fe/fhipe.ts";
import { PAIRING_IDS, type PairingGroup, type PairingName } from "../../math/pairing/group.ts";
import type { Scales } from "../fixed_step.ts";
import { checkBatches } from "../fixed_train.ts";
import { type Fields, type Message, ProtocolError } from "../../net/wire.ts";

/** The terms of a training. */
export interface Terms {
  readonly curve: PairingName;
  readonly n: number;
  readonly hidden: number;
  readonly classes: number;
  /** Training samples. */
  readonly count: number;
  /** Samples a step; divides `count`. */
  readonly batch: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly scales: Scales;
}

/** The longest that a party waits for the other: for the client, as long as a batch takes to decrypt. */
export const PATIENCE_MS = 3_600_000;
/** Elements of ciphertexts that a server keeps for all trainings together; n = 784 makes it 10,000 samples. */
export const MAX_CIPHERTEXT_ELEMENTS = 2 ** 23;
/** Pixels are bytes. */
const BOUND_X = 255;
/** Sizes beyond which a server does not start to allocate. They are no bound on memory by themselves: their
 * products are, below. */
const LIMITS = {
  n: 2 ** 12,
  hidden: 2 ** 12,
  classes: 2 ** 10,
  count: 2 ** 20,
  batch: 2 ** 16,
  epochs: 10_000,
};
/** The largest product of sizes that a training may have, and why. */
const PRODUCTS: Readonly<
  Record<string, readonly [of: readonly (keyof typeof LIMITS)[], max: number]>
> = {
  // b1 and the later layer, copied at every step: 8 MB.
  weights: [["hidden", "classes"], 2 ** 20],
  // z1 and dz1 of a step, 8 MB each, and a2.
  "z1 of a batch": [["hidden", "batch"], 2 ** 20],
  "outputs of a batch": [["classes", "batch"], 2 ** 20],
  // The server does nothing else during the later layers' step: half a second.
  "products of a batch": [["hidden", "classes", "batch"], 2 ** 27],
  // What one message carries: 32 MB.
  "elements of a step's keys": [["hidden", "n"], 650_000],
  // What a server keeps: 0.8 GB as it comes.
  "elements of the ciphertexts": [["count", "n"], MAX_CIPHERTEXT_ELEMENTS],
};
/** The furthest that a server searches for a logarithm: 4 s and 100 MB for one that is not there. */
const MAX_RANGE = 2 ** 36;
/** A float32 carries the integers of dz1 exactly up to here; further bits have no use. */
const SCALE_LIMITS: Readonly<Record<keyof Scales, readonly [min: number, max: number]>> = {
  weightBits: [0, 30],
  weightBound: [1, 2 ** 30],
  pixelBits: [0, 30],
  gradientBits: [0, 30],
  gradientBound: [1, 2 ** 24],
  rateBits: [0, 40],
};

/** The fields that carry terms. */
export function termsFields({ scales, ...terms }: Terms): Fields {
  return { ...terms, ...scales };
}

/** The scheme's parameters. @throws {RangeError} z1 could leave the range of the discrete logarithm. */
export function paramsOf({ n, scales }: Terms, group: PairingGroup): FhipeParams {
  return checkParams("train", { group, n, boundX: BOUND_X, boundY: scales.weightBound });
}

/** Steps of the training. */
export const stepsOf = ({ count, batch, epochs }: Terms): number => count / batch * epochs;

/** Refuses terms that no training can have, on either side.
 * @throws {RangeError} a number out of range, or samples that are not whole batches. */
export function checkTerms(terms: Terms): Terms {
  const { n, learningRate, scales } = terms;
  const within = (name: string, value: number, min: number, max: number) => {
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new RangeError(
        `Cannot train: ${name} = ${value} is not an integer in [${min}, ${max}]`,
      );
    }
  };
  for (const name of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
    within(name, terms[name], 1, LIMITS[name]);
  }
  for (const name of Object.keys(SCALE_LIMITS) as (keyof Scales)[]) {
    within(name, scales[name], ...SCALE_LIMITS[name]);
  }
  // Both encodings have n + 3 elements.
  const sizes = { ...terms, n: n + 3 };
  for (const [what, [of, max]] of Object.entries(PRODUCTS)) {
    const product = of.reduce((product, name) => product * sizes[name], 1);
    if (product > max) {
      const factors = of.map((name) => name === "n" ? `(n + 3)` : name).join(" · ");
      throw new RangeError(`Cannot train: ${factors} = ${product} ${what}, at most ${max}`);
    }
  }
  const range = n * BOUND_X * scales.weightBound;
  if (range > MAX_RANGE) {
    throw new RangeError(`Cannot train: n · 255 · weightBound = ${range} exceeds ${MAX_RANGE}`);
  }
  if (!(learningRate > 0 && learningRate < Infinity)) {
    throw new RangeError(`Cannot train: learningRate = ${learningRate} is not positive`);
  }
  checkBatches(terms.count, terms.batch, stepsOf(terms));
  return terms;
}

/** The ciphertexts that one request to classify may carry: no more than a batch of as many could have. */
export function rowsAtMost({ hidden, classes }: Pick<Terms, "hidden" | "classes">): number {
  return Math.floor(Math.min(2 ** 20 / Math.max(hidden, classes), 2 ** 27 / (hidden * classes)));
}

/** Reads terms. @throws {ProtocolError} a field of the wrong kind or out of range. */
export function readTerms(message: Message): Terms {
  const sizes = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, message.integer(name)]));
  const terms = {
    ...sizes(Object.keys(LIMITS)),
    curve: message.text("curve", ...Object.keys(PAIRING_IDS) as PairingName[]),
    learningRate: message.number("learningRate"),
    scales: sizes(Object.keys(SCALE_LIMITS)),
  } as unknown as Terms;
  try {
    return checkTerms(terms);
  } catch (cause) {
    throw new ProtocolError((cause as Error).message, { cause });
  }
}
