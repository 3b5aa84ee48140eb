/** The aggregator of vertical training: joins the parties' encrypted columns, asks the authority for the keys of
 * each model, decrypts the gradients and takes the steps.
 *
 *   each party: `join`, `columns` of every batch, `weights`        c and a batch → authority → gradient keys
 *
 * It learns the terms, every model and every batch gradient, and no residual: honest but curious, that is what it has
 * to work with. Training begins when all columns of all batches are here; from then on the parties are not needed.
 * @see arXiv 2305.08358 (SFedV), reconstructed from its abstract.
 * @module */
import { columnsOf } from "../../fe/qfe_batch.ts";
import { startPairing } from "../../math/pairing/group.ts";
import { type Connection, inProcess } from "../../net/connection.ts";
import { type Answer, answerRequests, Requests } from "../../net/requests.ts";
import { Transcript } from "../../net/transcript.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";
import { breather } from "../../workers/pool.ts";
import { PATIENCE_MS } from "../terms.ts";
import { Gradients } from "./gradients.ts";
import {
  batchesOf,
  batchParams,
  checkLinearTerms,
  type LinearTerms,
  readLinearTerms,
  trainLinear,
} from "./linear.ts";

/** What an aggregator has beside its connections to the parties. */
export interface AggregatorOptions {
  readonly terms: LinearTerms;
  /** At the authority, its own. */
  readonly token: Uint8Array;
  /** Opens a connection to the authority; it is closed when the training ends. */
  readonly authority: () => Promise<Connection>;
  /** Workers that decrypt; 0, the default, is this thread. */
  readonly workers?: number;
  /** An honest but curious aggregator's notebook: the model before a step, and the gradient there. */
  readonly onStep?: (step: number, total: number, c: Int32Array, gradient: Float64Array) => void;
  readonly transcript?: Transcript;
  readonly signal?: AbortSignal;
}

/** One training. */
export class Aggregator {
  readonly #options: AggregatorOptions;
  readonly #transcript: Transcript;
  readonly #gradients: Gradients;
  /** For each batch, the columns that have come. */
  readonly #parts: { readonly from: number; readonly to: number; read: boolean }[][];
  #joined = 0;
  readonly #complete = Promise.withResolvers<void>();
  /** The weights, once there: n, then the bias. Rejects with what ended the training. */
  readonly weights: Promise<Float64Array>;

  /** @throws {RangeError} terms that no training can have; workers is not a natural number. */
  constructor(options: AggregatorOptions) {
    this.#options = { ...options, terms: checkLinearTerms(options.terms) };
    this.#gradients = new Gradients(options.workers ?? 0, options.signal);
    this.#transcript = options.transcript ?? new Transcript();
    this.#parts = Array.from({ length: batchesOf(options.terms) }, () => []);
    this.weights = this.#train();
    this.weights.catch(() => {}); // told to whoever asks
  }

  /** Serves a party until it leaves, vanishes or breaks a rule; never throws on its account.
   * @returns why the connection ended. */
  serve(connection: Connection): Promise<string> {
    let own: readonly [from: number, to: number] | null = null;
    return answerRequests(
      connection,
      ["join", "columns", "weights"],
      async (request): Promise<Answer> => {
        if (request.type === "join") {
          own = this.#join(request);
          return { type: "joined" };
        }
        if (own === null) throw new ProtocolError(`Cannot answer ${request.type}: join first`);
        if (request.type === "columns") return await this.#store(request, own);
        const weights = new DataView(new ArrayBuffer(8 * (this.#options.terms.n + 1)));
        (await this.weights).forEach((value, j) => weights.setFloat64(8 * j, value));
        return { type: "weights", fields: { weights: new Uint8Array(weights.buffer) } };
      },
      { timeoutMs: PATIENCE_MS, signal: this.#options.signal },
    );
  }

  /** A connection to it in this process. */
  connect(): Connection {
    const [ours, theirs] = inProcess();
    this.serve(theirs);
    return ours;
  }

  #join(request: Message): readonly [number, number] {
    const { terms } = this.#options;
    const theirs = readLinearTerms(request);
    for (const name of Object.keys(terms) as (keyof LinearTerms)[]) {
      if (theirs[name] !== terms[name]) {
        throw new ProtocolError(
          `Cannot join: ${name} = ${theirs[name]}, but ${terms[name]} was agreed on`,
        );
      }
    }
    return [request.integer("from"), request.integer("to")];
  }

  async #store(request: Message, [from, to]: readonly [number, number]): Promise<Answer> {
    const { terms } = this.#options;
    const which = request.integer("batch");
    const refuse = (state: string) => new ProtocolError(`Cannot store columns: ${state}`);
    const parts = this.#parts[which];
    if (parts === undefined) throw refuse(`batch ${which} of ${this.#parts.length}`);
    if (parts.some((other) => other.from < to && from < other.to)) {
      throw refuse(`[${from}, ${to}) of batch ${which} are here already`);
    }
    const part = { from, to, read: false };
    parts.push(part);
    try {
      const { group: _, ...pp } = batchParams(terms, which, await startPairing());
      await this.#transcript.time(
        "server",
        "read columns of a batch",
        () => this.#gradients.add(which, request.bytes("columns"), { ...pp, from, to }),
      );
    } catch (error) {
      parts.splice(parts.indexOf(part), 1); // the place is free again
      throw error;
    }
    part.read = true;
    const here = parts.reduce((sum, { from, to, read }) => read ? sum + to - from : sum, 0);
    if (here === columnsOf(terms.n)) await this.#joinBatch(which);
    return { type: "stored" };
  }

  /** Puts a batch together that is all here; one that does not fit together ends the training. */
  async #joinBatch(which: number): Promise<void> {
    try {
      await this.#gradients.join(which);
    } catch (error) {
      this.#complete.reject(error);
      throw error;
    }
    if (++this.#joined === this.#parts.length) this.#complete.resolve();
  }

  async #train(): Promise<Float64Array> {
    const { terms, token, authority, onStep, signal } = this.#options;
    const stopped = Promise.withResolvers<never>();
    const stop = () => stopped.reject(signal!.reason);
    signal?.addEventListener("abort", stop);
    let connection: Connection | undefined;
    try {
      await Promise.race([this.#complete.promise, stopped.promise]);
      connection = await authority();
      const requests = new Requests(connection, {
        ...{ transcript: this.#transcript, signal, timeoutMs: PATIENCE_MS },
        ...{ from: "server", to: "authority" },
      });
      const breathe = breather(signal);
      return await trainLinear(terms, async (batch, c) => {
        const fields = { token, batch, c: { shape: [c.length], data: c } };
        const answer = await requests.ask("gradient", fields, "keys");
        const decrypt = () => this.#gradients.open(batch, answer.bytes("keys"), c);
        const gradient = await this.#transcript.time("server", "decrypt a gradient", decrypt);
        await breathe();
        return gradient;
      }, onStep);
    } finally {
      signal?.removeEventListener("abort", stop);
      connection?.close();
      this.#gradients[Symbol.dispose]();
    }
  }
}
