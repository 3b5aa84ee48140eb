/** The aggregator of any number of trainings, each with parties of its own.
 *
 *   party 1: `open` with the terms and the aggregator's token → the training's name        the others: `enter` with it
 *
 * then each speaks to the {@linkcode Aggregator} of that training. The name is 128 random bits, which party 1 passes on
 * with the rest of the invitation. A training lives as long as party 1's connection; whoever leaves before the weights
 * are there ends it for all, for their columns may be missing.
 * @module */
import { secureRng } from "../../math/rng.ts";
import type { Connection } from "../../net/connection.ts";
import { decodeMessage, encodeMessage, type Message, ProtocolError } from "../../net/wire.ts";
import { PATIENCE_MS } from "../terms.ts";
import { Aggregator, type AggregatorOptions } from "./aggregator.ts";
import { batchesOf, readLinearTerms } from "./linear.ts";

/** What an aggregator has beside its connection to a party. */
export interface ServeOptions extends Pick<AggregatorOptions, "authority" | "workers"> {
  /** Called with a line of text when a training begins, after each epoch, and at its end. */
  readonly onEvent?: (line: string) => void;
}

/** A training, and what ends it. */
interface Training {
  readonly aggregator: Aggregator;
  readonly stop: AbortController;
  /** Whether it is over, well or not. */
  over: boolean;
}

/** All trainings of an aggregator. */
export class Trainings {
  readonly #trainings = new Map<string, Training>();

  /** Serves a party until it leaves, vanishes or breaks a rule; never throws on its account.
   * @returns why the connection ended. */
  async serve(connection: Connection, options: ServeOptions): Promise<string> {
    const name = secureRng().bytes(16);
    try {
      const first = decodeMessage(
        await connection.receive({ timeoutMs: PATIENCE_MS }),
        ...["open", "enter"],
      );
      const number = first.integer("number");
      let training: Training;
      if (first.type === "open") {
        training = this.#begin(first, options);
        this.#trainings.set(name.toHex(), training);
        await connection.send(encodeMessage("opened", { number, training: name }));
      } else {
        training = this.#find(first);
        await connection.send(encodeMessage("entered", { number }));
      }
      const reason = await training.aggregator.serve(connection);
      if (!training.over) {
        training.stop.abort(new ProtocolError(`Cannot train: a party left (${reason})`));
      }
      return reason;
    } catch (error) {
      const reason = (error as Error).message;
      connection.close(reason);
      return reason;
    } finally {
      this.#trainings.delete(name.toHex());
    }
  }

  #find(request: Message): Training {
    const training = this.#trainings.get(request.bytes("training").toHex());
    if (training !== undefined) return training;
    throw new ProtocolError("Cannot enter: there is no such training, or it has ended");
  }

  #begin(request: Message, { authority, workers, onEvent = () => {} }: ServeOptions): Training {
    const terms = readLinearTerms(request);
    const stop = new AbortController();
    const batches = batchesOf(terms);
    const aggregator = new Aggregator({
      ...{ terms, authority, workers, token: request.bytes("token"), signal: stop.signal },
      onStep(step) {
        if ((step + 1) % batches === 0) {
          onEvent(`epoch ${(step + 1) / batches} of ${terms.epochs}`);
        }
      },
    });
    const training = { aggregator, stop, over: false };
    const end = (line: string) => {
      training.over = true;
      onEvent(line);
    };
    aggregator.weights.then(
      () => end("training finished"),
      (error) => end(`training ended: ${(error as Error).message}`),
    );
    onEvent(
      `training of ${terms.n} features: ${terms.count} samples in batches of ${terms.batch}, ` +
        `${terms.epochs} epochs`,
    );
    return training;
  }
}
