/** A party of a vertical split: has some columns of every sample, one party the bias's constant and the labels. They
 * leave it as ciphertexts alone, once; afterwards it may be offline until it asks for the weights.
 *
 *   authority → the secrets of its columns, a batch at a time        its encrypted columns → aggregator → weights
 *
 * All parties draw the masks of the batches from one secret that the aggregator must not have: with it, it reads
 * every column (`lib/fe/qfe_batch.ts`).
 * @module */
import { checkColumns, drawBatchMask, encryptColumns } from "../../fe/qfe_batch.ts";
import { decodeColumnsKey, encodeBatchCiphertext } from "../../fe/qfe_gradient_encoding.ts";
import { startPairing } from "../../math/pairing/group.ts";
import { expandedRng } from "../../math/rng.ts";
import type { Connection } from "../../net/connection.ts";
import { closeOnError, Requests } from "../../net/requests.ts";
import { Transcript } from "../../net/transcript.ts";
import { ProtocolError } from "../../net/wire.ts";
import { breather } from "../../workers/pool.ts";
import { PATIENCE_MS } from "../terms.ts";
import { batchesOf, batchParams, linearFields, type LinearTerms, rangeOfBatch } from "./linear.ts";

/** What the parties of a training agree on among themselves. */
export interface Invitation {
  readonly terms: LinearTerms;
  /** At the authority, this party's own. */
  readonly token: Uint8Array;
  /** 32 bytes of the CSPRNG that all parties have, and nobody else. */
  readonly maskSecret: Uint8Array;
  /** The party's columns. */
  readonly from: number;
  readonly to: number;
}

/** Opens a session at the authority. (One of the parties)
 * @param starts where each party's columns begin.
 * @returns the aggregator's token, and each party's. The session ends with the connection.
 * @throws {ConnectionError} the authority refused, left or kept silent. */
export async function openSession(
  authority: Connection,
  terms: LinearTerms,
  starts: readonly number[],
): Promise<{ aggregator: Uint8Array; parties: Uint8Array[] }> {
  const requests = new Requests(authority, { timeoutMs: PATIENCE_MS });
  const answer = await requests.ask("setup", { ...linearFields(terms), starts }, "session");
  const parties = answer.parts("parties");
  if (parties.length === starts.length) return { aggregator: answer.bytes("aggregator"), parties };
  throw new ProtocolError(`Cannot open a session: ${parties.length} tokens for ${starts.length}`);
}

/** Opens a training at an aggregator of many (`trainings.ts`); then `takePart` on the same connection. (Party 1)
 * @param token the aggregator's at the authority.
 * @returns the training's name, for the other parties. It ends with the connection.
 * @throws {ConnectionError} the aggregator refused, left or kept silent. */
export async function openTraining(
  aggregator: Connection,
  terms: LinearTerms,
  token: Uint8Array,
): Promise<Uint8Array> {
  const requests = new Requests(aggregator, { timeoutMs: PATIENCE_MS });
  const answer = await requests.ask("open", { ...linearFields(terms), token }, "opened");
  return answer.bytes("training");
}

/** Enters a training that party 1 has opened; then `takePart` on the same connection.
 * @throws {ConnectionError} there is no such training. */
export async function enterTraining(aggregator: Connection, training: Uint8Array): Promise<void> {
  await new Requests(aggregator, { timeoutMs: PATIENCE_MS }).ask(
    "enter",
    { training },
    "entered",
  );
}

/** Encrypts the party's columns of every batch, sends them, and waits for the weights. Columns that cannot be encrypted
 * are refused before anything is sent; the aggregator reads of no error more than that the party left.
 * @param columns count rows of to − from integers.
 * @param options.onEncrypt told after each batch that has reached the aggregator.
 * @returns n weights, then the bias.
 * @throws {TypeError} {RangeError} columns as in `encryptColumns`. {ConnectionError} a party refused, left or kept
 * silent. {ProtocolError} it answered with something else. The signal's reason. */
export function takePart(
  { authority, aggregator }: { readonly authority: Connection; readonly aggregator: Connection },
  { terms, token, maskSecret, from, to }: Invitation,
  columns: readonly ArrayLike<number>[],
  { transcript = new Transcript(), signal, onEncrypt }: {
    readonly transcript?: Transcript;
    readonly signal?: AbortSignal;
    readonly onEncrypt?: (done: number, total: number) => void;
  } = {},
): Promise<Float64Array> {
  if (columns.length !== terms.count) {
    throw new TypeError(`Cannot take part: ${columns.length} samples, expected ${terms.count}`);
  }
  const on = { transcript, signal, timeoutMs: PATIENCE_MS };
  const keys = new Requests(authority, { ...on, to: "authority" });
  const requests = new Requests(aggregator, on);
  return closeOnError(aggregator, async () => {
    const group = await startPairing();
    for (let batch = 0; batch < batchesOf(terms); batch++) {
      const pp = batchParams(terms, batch, group);
      checkColumns({ pp, from, to }, columns.slice(...rangeOfBatch(terms, batch)));
    }
    const breathe = breather(signal);
    await requests.ask("join", { ...linearFields(terms), from, to }, "joined");
    for (let batch = 0; batch < batchesOf(terms); batch++) {
      const answer = await keys.ask("columns", { token, batch }, "secrets");
      const key = decodeColumnsKey(group, answer.bytes("key"));
      const { pp } = key;
      const own = batchParams(terms, batch, group);
      const same = (["n", "batch", "boundX", "boundY"] as const).every((at) => pp[at] === own[at]);
      if (key.from !== from || key.to !== to || !same) {
        throw new ProtocolError(
          "Cannot encrypt: the authority sent secrets of other columns or bounds",
        );
      }
      const mask = drawBatchMask(pp, expandedRng(maskSecret, `mask of batch ${batch}`));
      const rows = columns.slice(...rangeOfBatch(terms, batch));
      const encrypted = transcript.time(
        "client",
        "encrypt columns of a batch",
        () => encodeBatchCiphertext(encryptColumns(key, mask, rows)),
      );
      await requests.ask("columns", { batch, columns: encrypted }, "stored");
      onEncrypt?.(batch + 1, batchesOf(terms));
      await breathe();
    }
    const bytes = (await requests.ask("weights", {}, "weights")).bytes("weights");
    if (bytes.length !== 8 * (terms.n + 1)) {
      throw new ProtocolError(`Cannot read weights: ${bytes.length} bytes for ${terms.n + 1}`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return Float64Array.from({ length: terms.n + 1 }, (_, j) => view.getFloat64(8 * j));
  }, "the party ended the training"); // its own errors may name a value of a sample
}
