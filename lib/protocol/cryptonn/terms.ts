/** What the parties of CryptoNN agree on: the parameters of both IPFE instances, and the terms of a training.
 * @module */
import type { IpfeParams } from "../../fe/params.ts";
import { group } from "../../math/group.ts";
import type { Message } from "../../net/wire.ts";
import { BOUND_X, checkFixedTerms, type FixedTerms, readFixedTerms } from "../terms.ts";

/** The most rows, and the most entries, that keys are asked for at once: a key is 32 bytes and its row. */
export const MOST_ROWS = 2 ** 12;
/** As {@linkcode MOST_ROWS}. */
export const MOST_ENTRIES = 2 ** 22;

/** The terms of a training. */
export interface Terms extends FixedTerms {
  /** Step k takes batch k modulo the number of batches. */
  readonly steps: number;
}

/** The parameters of an instance for vectors of n bytes. @param boundY bounds the entries of rows. */
export const paramsOf = (n: number, boundY: number): IpfeParams => (
  { group: group("ristretto255"), n, boundX: BOUND_X, boundY }
);

/** The parameters of a training's two instances: for samples with rows of W1, and for columns with rows of dz1. */
export const instancesOf = ({ n, batch, scales }: Pick<Terms, "n" | "batch" | "scales">) => [
  paramsOf(n, scales.weightBound),
  paramsOf(batch, scales.gradientBound),
];

/** Refuses terms that no training can have, on either side. What a server keeps of ciphertexts is bounded in
 * `decryption.ts`.
 * @throws {RangeError} a number out of range, or samples that are not whole batches. */
export function checkTerms(terms: Terms): Terms {
  const { n, hidden, batch, scales } = terms;
  return checkFixedTerms(terms, ["steps", 2 ** 30], [
    // 16 MB of rows, and a little more of keys.
    ["hidden · n", hidden * n, "entries of W1", 2 ** 22],
    ["batch · 255 · gradientBound", batch * BOUND_X * scales.gradientBound, "of dW1", 2 ** 36],
  ]);
}

/** Reads terms. @throws {ProtocolError} a field of the wrong kind or out of range. */
export const readTerms = (message: Message): Terms =>
  readFixedTerms(message, "steps", {}, checkTerms);
