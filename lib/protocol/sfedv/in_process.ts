/** Vertical training under quadratic encryption with its parties in one process: a key authority, an aggregator and
 * any number of parties, who speak in the bytes that they would send over TLS; and its clear twin.
 * @see arXiv 2305.08358 (SFedV).
 * @module */
import { columnsOf } from "../../fe/qfe_batch.ts";
import { secureRng } from "../../math/rng.ts";
import { Transcript } from "../../net/transcript.ts";
import { Aggregator } from "./aggregator.ts";
import { Authority } from "./authority.ts";
import { clearGradient, type LinearTerms, trainLinear } from "./linear.ts";
import { openSession, takePart } from "./party.ts";

/** How to train. */
export interface TrainOptions {
  /** Told after each step the model before it, and the gradient there: all that the aggregator learns. */
  readonly onStep?: (step: number, total: number, c: Int32Array, gradient: Float64Array) => void;
  readonly signal?: AbortSignal;
}

/** Trains on samples whose columns lie with several parties.
 * @param u samples of n + 2 integers, as `toSamples` gives them.
 * @param options.starts where each party's columns begin; one party by default.
 * @param options.mostVisits the authority grants no more gradients of a batch.
 * @param options.workers the aggregator decrypts over so many; 0, the default, is this thread.
 * @returns n weights and the bias; the transcript.
 * @throws {TypeError} {RangeError} samples or terms out of range. {ConnectionError} what ended the training at another
 * party. The signal's reason. */
export async function trainEncrypted(
  terms: LinearTerms,
  u: readonly Int32Array[],
  { starts = [0], mostVisits, workers, onStep, signal }: TrainOptions & {
    readonly starts?: readonly number[];
    readonly mostVisits?: number;
    readonly workers?: number;
  } = {},
): Promise<{ weights: Float64Array; transcript: Transcript }> {
  const transcript = new Transcript();
  const authority = new Authority({ transcript, mostVisits });
  const opening = authority.connect();
  const failed = new AbortController(); // one party's failure ends the others' waiting
  const on = { transcript, signal: AbortSignal.any([failed.signal, ...signal ? [signal] : []]) };
  try {
    const { aggregator: token, parties } = await openSession(opening, terms, starts);
    const aggregator = new Aggregator({
      ...{ terms, token, workers, onStep, ...on },
      authority: () => Promise.resolve(authority.connect()),
    });
    const maskSecret = secureRng().bytes(32);
    const cuts = [...starts, columnsOf(terms.n)];
    const done = parties.map(async (token, i) => {
      const [from, to] = [cuts[i], cuts[i + 1]];
      const connections = { authority: authority.connect(), aggregator: aggregator.connect() };
      try {
        const columns = u.map((row) => row.subarray(from, to));
        await takePart(connections, { terms, token, maskSecret, from, to }, columns, on);
      } finally {
        connections.authority.close();
        connections.aggregator.close();
      }
    });
    try {
      await Promise.all(done);
    } catch (error) {
      failed.abort(error);
      await Promise.allSettled(done);
      throw error;
    }
    return { weights: await aggregator.weights, transcript };
  } finally {
    opening.close();
  }
}

/** Trains on the same integers in the clear.
 * @throws {RangeError} terms out of range. {TypeError} another number of samples than they say. */
export async function trainPlain(
  terms: LinearTerms,
  u: readonly Int32Array[],
  { onStep }: TrainOptions = {},
): Promise<{ weights: Float64Array }> {
  return { weights: await trainLinear(terms, clearGradient(terms, u), onStep) };
}
