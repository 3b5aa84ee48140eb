/** What client and server of MITIG1 agree on before the first ciphertext.
 *
 * The bounds of the scheme follow from it: pixels are bytes, weights stay within weightBound, and so z1
 * within n·255·weightBound, which is as far as the server looks for it.
 * @module */
import type { FhipeParams } from "../../fe/fhipe.ts";
import { checkParams } from "../../fe/params.ts";
import { PAIRING_IDS, type PairingGroup, type PairingName } from "../../math/pairing/group.ts";
import type { Message } from "../../net/wire.ts";
import { KEYS_PER, type KeysPer } from "./master_keys.ts";
import { BOUND_X, checkFixedTerms, type FixedTerms, readFixedTerms } from "../terms.ts";

/** The terms of a training. */
export interface Terms extends FixedTerms {
  readonly curve: PairingName;
  readonly epochs: number;
  /** What shares a master key (master_keys.ts). */
  readonly keysPer: KeysPer;
}

/** The scheme's parameters. @throws {RangeError} z1 could leave the range of the discrete logarithm. */
export function paramsOf(
  { n, scales }: Pick<Terms, "n" | "scales">,
  group: PairingGroup,
): FhipeParams {
  return checkParams("train", { group, n, boundX: BOUND_X, boundY: scales.weightBound });
}

/** Steps of the training. */
export const stepsOf = ({ count, batch, epochs }: Terms): number => count / batch * epochs;

/** Refuses terms that no training can have, on either side.
 * @throws {RangeError} a number out of range, or samples that are not whole batches. */
export function checkTerms(terms: Terms): Terms {
  const { n, hidden, count, keysPer } = terms;
  if (!KEYS_PER.includes(keysPer)) {
    throw new TypeError(
      `Cannot train: keysPer = ${keysPer}, expected ${KEYS_PER.join(" or ")}`,
    );
  }
  return checkFixedTerms(terms, ["epochs", 10_000], [ // both encodings have n + 3 elements
    // What one message carries: 32 MB.
    ["hidden · (n + 3)", hidden * (n + 3), "elements of a step's keys", 650_000],
    // What a server keeps, 0.8 GB as it comes: 10,000 samples of n = 784.
    ["count · (n + 3)", count * (n + 3), "elements of the ciphertexts", 2 ** 23],
  ]);
}

/** Reads terms. @throws {ProtocolError} a field of the wrong kind or out of range. */
export function readTerms(message: Message): Terms {
  const curve = message.text("curve", ...Object.keys(PAIRING_IDS) as PairingName[]);
  const keysPer = message.text("keysPer", ...KEYS_PER);
  return readFixedTerms(message, "epochs", { curve, keysPer }, checkTerms);
}
