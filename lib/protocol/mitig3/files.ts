/** What the parties of MITIG3 keep on disk (protocol/split/files.ts): the server's file has A and b; the client's has W1 (for
 * pixels times `pixelScale`), b1, V, c, and the head that the server had at the time, so that a finished model classifies at
 * home. No noise is kept anywhere.
 * @module */
import type { Metadata } from "../../data/safetensors.ts";
import type { HeadState, HeadWeights } from "../../nn/linear_head.ts";
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
import type { EncoderState } from "./encoder.ts";
import type { Terms } from "./terms.ts";

/** What the server's file must say. @param file its name. */
export const headMetadata = (
  { sessionKey, width, classes, count, setting: { pixelScale: _, ...setting } }: Terms,
  file: string,
): Metadata => {
  const terms = JSON.stringify({ width, classes, count, ...setting });
  return serverMetadata(file, sessionKey, terms);
};

/** The server's file. @param metadata `headMetadata`. */
export function encodeHead(
  { weights: { A, b }, optimizers }: HeadState,
  metadata: Metadata,
): Uint8Array<ArrayBuffer> {
  const classes = b.length;
  const tensors = {
    ...withMoments("A", [classes, A.length / classes], A, optimizers.A),
    ...withMoments("b", [classes], b, optimizers.b),
  };
  return sealWeights("mitig3 server", { tensors, metadata, steps: optimizers.A.steps });
}

/** Reads the server's file. @param expected see `headMetadata`.
 * @throws {RangeError} damaged, not a file of that kind, or another than expected. {TypeError} not float32. */
export function decodeHead(bytes: Uint8Array, expected: Metadata = {}): HeadState {
  const file = unsealWeights(bytes, "mitig3 server", expected);
  const A = readMoments(file, "A", [null, null]);
  const b = readMoments(file, "b", [A.shape[0]]);
  return { weights: { A: A.data, b: b.data }, optimizers: { A: A.state, b: b.state } };
}

/** What a client keeps beside its weights. */
export interface ClientNotes {
  /** The file's name. */
  readonly file: string;
  readonly sessionKey: Uint8Array;
  /** What it must be resumed with, as text. */
  readonly terms: string;
  /** Where the weights and the noise were drawn from. */
  readonly source: string;
}

/** A client's file, read. */
export interface ClientFile extends ClientNotes {
  readonly state: EncoderState;
  readonly head: HeadWeights;
  readonly n: number;
  readonly pixelScale: number;
}

/** The client's file. */
export function encodeClient(
  { first, bottleneck }: EncoderState,
  { A, b }: HeadWeights,
  { sessionKey, ...text }: ClientNotes,
): Uint8Array<ArrayBuffer> {
  const { weights: { b1, V, c }, optimizers } = bottleneck;
  const [units, width, classes] = [b1.length, c.length, b.length];
  const none = { moments: [] };
  const tensors = {
    ...withMoments("W1", [units, first.W1.length / units], first.W1, first),
    ...withMoments("b1", [units], b1, optimizers.b1),
    ...withMoments("V", [width, units], V, optimizers.V),
    ...withMoments("c", [width], c, optimizers.c),
    ...withMoments("A", [classes, width], A, none),
    ...withMoments("b", [classes], b, none),
  };
  const metadata = { ...text, ...keyMetadata(sessionKey) };
  return sealWeights("mitig3 client", { tensors, metadata, steps: first.steps });
}

/** Reads the client's file. @param file the name that it must have been saved under.
 * @throws {RangeError} damaged, not a file of that kind, or of another name. {TypeError} not float32. */
export function decodeClient(bytes: Uint8Array, file: string): ClientFile {
  const saved = unsealWeights(bytes, "mitig3 client", { file });
  const { terms, source = "unknown" } = saved.metadata;
  const pixelScale = termOf(terms, "pixelScale");
  const W1 = readMoments(saved, "W1", [null, null]);
  const [units, n] = W1.shape;
  const c = readMoments(saved, "c", [null]);
  const b1 = readMoments(saved, "b1", [units]);
  const V = readMoments(saved, "V", [c.shape[0], units]);
  const b = readMoments(saved, "b", [null]);
  const A = readMoments(saved, "A", [b.shape[0], c.shape[0]]);
  return {
    ...{ file, terms, source, n, pixelScale, sessionKey: readKey(saved.metadata, "sessionKey") },
    head: { A: A.data, b: b.data },
    state: {
      first: { W1: W1.data, ...W1.state },
      bottleneck: {
        weights: { b1: b1.data, V: V.data, c: c.data },
        optimizers: { b1: b1.state, V: V.state, c: c.state },
      },
    },
  };
}
