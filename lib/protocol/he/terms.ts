/** What client and server of encrypted training agree on before the first key: sizes, and nothing else of the data.
 * @module */
import { packedHead } from "../../he/head.ts";
import { checkSizes, type Sizes } from "../../he/model.ts";
import { type PackedModel, packedModel } from "../../he/packed_model.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";

/** The sizes of a training. */
export interface Terms extends Sizes {
  /** Batches that the client sends, once each; 0 when each step brings its own codes (he/head.ts). */
  readonly batches: number;
}

/** The longest that a party waits for the other. */
export const PATIENCE_MS = 600_000;
/** All that the server reads of why a client left, whatever the client's own error says. */
export const CLOSE_REASON = "the client ended the training";
/** Ciphertexts of all batches: 0.9 GB at the server, as they come. */
const MAX_CIPHERTEXTS = 1024;
/** Ciphertexts of one message: 0.2 GB. */
const MAX_PARTS = 256;

/** Refuses sizes that no training has, on either side.
 * @returns how they go into ciphertexts.   @throws {RangeError} a size out of range, or too many ciphertexts. */
export function modelOf(terms: Terms): PackedModel {
  checkSizes(terms);
  const { batches, hidden } = terms;
  if (!Number.isInteger(batches) || batches < 0 || batches === 0 && hidden > 0) {
    throw new RangeError(
      `Cannot train: batches = ${batches} is not a positive integer, or 0 for a layer on codes`,
    );
  }
  const model = batches === 0 ? packedHead(terms) : packedModel(terms);
  const parts = model.batchLevels.length;
  if (parts > MAX_PARTS || parts * batches > MAX_CIPHERTEXTS) {
    throw new RangeError(
      `Cannot train: ${batches} batches of ${parts} ciphertexts, at most ${MAX_PARTS} of a batch and ` +
        `${MAX_CIPHERTEXTS} of all; take larger batches or fewer samples`,
    );
  }
  return model;
}

/** Reads terms. @throws {ProtocolError} a field of the wrong kind or out of range. */
export function readTerms(message: Message): { terms: Terms; model: PackedModel } {
  const of = (name: string) => message.integer(name);
  const terms = {
    ...{ n: of("n"), hidden: of("hidden"), outputs: of("outputs") },
    ...{ batch: of("batch"), batches: of("batches") },
  };
  try {
    return { terms, model: modelOf(terms) };
  } catch (cause) {
    throw new ProtocolError((cause as Error).message, { cause });
  }
}
