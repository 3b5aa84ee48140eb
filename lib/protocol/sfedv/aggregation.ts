/** An aggregator for any number of trainings, as a listening party is: whoever opened a session at the authority
 * announces its training and gets a ticket, with which all parties of it join.
 *
 *   `open` terms and the aggregator's token → a ticket        `join` with it, `columns`, `weights` (`aggregator.ts`)
 *
 * A ticket is 128 random bits. A training ends with the connection that announced it.
 * @module */
import { secureRng } from "../../math/rng.ts";
import type { Connection } from "../../net/connection.ts";
import { type Answer, answerRequests } from "../../net/requests.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";
import { PATIENCE_MS } from "../terms.ts";
import { Aggregator, type AggregatorOptions, PARTY_REQUESTS } from "./aggregator.ts";
import { readLinearTerms } from "./linear.ts";

/** The trainings of one aggregator. */
export class Aggregation {
  readonly #trainings = new Map<string, Aggregator>();

  /** @param options as an `Aggregator` takes them, for all trainings. */
  constructor(private readonly options: Pick<AggregatorOptions, "authority" | "workers">) {}

  /** Serves a party until it leaves, vanishes or breaks a rule; never throws on its account.
   * @param options.onEvent told what happens to a training that this party announces.
   * @returns why the connection ended. */
  async serve(
    connection: Connection,
    { onEvent = () => {} }: { readonly onEvent?: (line: string) => void } = {},
  ): Promise<string> {
    const stop = new AbortController();
    let own: string | undefined;
    let answers: ReturnType<Aggregator["answers"]> | undefined;
    try {
      return await answerRequests(connection, ["open", ...PARTY_REQUESTS], (request) => {
        if (request.type === "open") {
          if (own !== undefined) throw new ProtocolError("Cannot open a training: one is open");
          const opened = this.#open(request, stop.signal, onEvent);
          own = opened.toHex();
          return { type: "opened", fields: { ticket: opened } } satisfies Answer;
        }
        if (request.type === "join") answers = this.#named(request).answers();
        if (answers === undefined) {
          throw new ProtocolError(`Cannot answer ${request.type}: join first`);
        }
        return answers(request);
      }, { timeoutMs: PATIENCE_MS });
    } finally {
      if (own !== undefined) this.#trainings.delete(own);
      stop.abort(new Error("the party that announced the training left"));
    }
  }

  #open(request: Message, signal: AbortSignal, onEvent: (line: string) => void): Uint8Array {
    const terms = readLinearTerms(request);
    const { n, count, batch, epochs } = terms;
    const total = epochs * Math.ceil(count / batch);
    const ticket = secureRng().bytes(16);
    const training = new Aggregator({
      ...{ ...this.options, terms, token: request.bytes("token"), signal },
    });
    this.#trainings.set(ticket.toHex(), training);
    onEvent(`training: ${n} features of ${count} samples, ${total} steps, all encrypted`);
    training.weights.then(
      () => onEvent(`training finished after ${total} steps`),
      (error) => onEvent(`training ended: ${error instanceof Error ? error.message : error}`),
    );
    return ticket;
  }

  #named(request: Message): Aggregator {
    const training = this.#trainings.get(request.bytes("ticket").toHex());
    if (training !== undefined) return training;
    throw new ProtocolError("Cannot join: there is no training of that ticket");
  }
}
