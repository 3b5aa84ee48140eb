/** What the parties of MITIG2 keep on disk (protocol/split/files.ts): the server's file has `b1`, `W2`, `b2`; the client's has
 * `W1`, for pixels times `pixelScale`.
 *
 * They do not name the backend of the products (math/blas.ts): a training may go on under another, and ends in the weights
 * of one that was never stopped to rounding instead of to the last bit.
 * @module */
import type { FirstLayerState } from "../../nn/first_layer.ts";
import type { Metadata } from "../../data/safetensors.ts";
import type { UpperState } from "../../nn/upper_layers.ts";
import {
  keyMetadata,
  readKey,
  readMoments,
  sealWeights,
  serverMetadata,
  termOf,
  unsealWeights,
  withMoments,
} from "../split/files.ts";
import type { Terms } from "./terms.ts";

/** The terms that a file is for, as text. @param data names the images; the server does not know them. */
export function termsText(
  { hidden, classes, count, labels, setting }: Omit<Terms, "sessionKey">,
  data?: string,
): string {
  return JSON.stringify({ data, hidden, classes, count, labels, ...setting });
}

/** What the server's file must say. @param file its name. */
export const upperMetadata = (terms: Terms, file: string): Metadata =>
  serverMetadata(file, terms.sessionKey, termsText(terms));

/** The server's file. @param metadata `upperMetadata`. */
export function encodeUpper(
  { weights, optimizers }: UpperState,
  metadata: Metadata,
): Uint8Array<ArrayBuffer> {
  const [hidden, classes] = [weights.b1.length, weights.b2.length];
  const tensors = {
    ...withMoments("b1", [hidden], weights.b1, optimizers.b1),
    ...withMoments("W2", [classes, hidden], weights.W2, optimizers.W2),
    ...withMoments("b2", [classes], weights.b2, optimizers.b2),
  };
  return sealWeights("mitig2 server", { tensors, metadata, steps: optimizers.b1.steps });
}

/** Reads the server's file. @param expected see `upperMetadata`.
 * @throws {RangeError} damaged, not a file of that kind, or another than expected. {TypeError} not float32. */
export function decodeUpper(bytes: Uint8Array, expected: Metadata = {}): UpperState {
  const file = unsealWeights(bytes, "mitig2 server", expected);
  const W2 = readMoments(file, "W2", [null, null]);
  const [classes, hidden] = W2.shape;
  const b1 = readMoments(file, "b1", [hidden]);
  const b2 = readMoments(file, "b2", [classes]);
  return {
    weights: { b1: b1.data, W2: W2.data, b2: b2.data },
    optimizers: { b1: b1.state, W2: W2.state, b2: b2.state },
  };
}

/** What a client keeps beside W1, to resume or to use the model. */
export interface ClientNotes {
  /** The file's name. */
  readonly file: string;
  readonly sessionKey: Uint8Array;
  /** Orders the images of every epoch. */
  readonly orderKey: Uint8Array;
  /** See `termsText`. */
  readonly terms: string;
  /** Where W1 was drawn from. */
  readonly source: string;
}

/** The client's file. */
export function encodeFirst(
  { W1, steps, moments }: FirstLayerState,
  n: number,
  { sessionKey, orderKey, ...text }: ClientNotes,
): Uint8Array<ArrayBuffer> {
  return sealWeights("mitig2 client", {
    tensors: withMoments("W1", [W1.length / n, n], W1, { moments }),
    metadata: { ...text, ...keyMetadata(sessionKey), orderKey: orderKey.toHex() },
    steps,
  });
}

/** Reads the client's file. @param file the name that it must have been saved under.
 * @throws {RangeError} damaged, not a file of that kind, or of another name. {TypeError} not float32. */
export function decodeFirst(
  bytes: Uint8Array,
  file: string,
): FirstLayerState & ClientNotes & { hidden: number; n: number; pixelScale: number } {
  const saved = unsealWeights(bytes, "mitig2 client", { file });
  const { metadata } = saved;
  const { terms, source = "unknown" } = metadata;
  const { data: W1, shape, state } = readMoments(saved, "W1", [null, null]);
  return {
    ...{ ...state, W1, hidden: shape[0], n: shape[1], pixelScale: termOf(terms, "pixelScale") },
    ...{ file, terms, source },
    ...{ sessionKey: readKey(metadata, "sessionKey"), orderKey: readKey(metadata, "orderKey") },
  };
}
