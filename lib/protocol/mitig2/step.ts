/** One training step of MITIG2, both halves, over the connection. A batch comes in parts (nn/train.ts):
 *
 *   client  z1 = X·W1ᵀ, labels                                              → server
 *   server  a1 = σ(z1 + b1), z2 = W2·a1 + b2, loss, dz2 = a2 − y, dz1       → client
 *   client  dW1 += dz1ᵀ·X;  after the last part both move their weights
 *
 * Where the labels stay with the client (the U shape) the server returns z2 first, the client takes the loss and
 * sends dz2, for one round trip more. The arithmetic of both halves is that of local training: the loop and the
 * server's half are nn/train.ts, the client's products nn/first_layer.ts, and {@linkcode remoteUpper} stands
 * where local training has `localUpper`. So the two end in the same weights, to the last bit.
 * @module */
import type { Answer, Requests } from "../../net/requests.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";
import { localUpper, type UpperParty } from "../../nn/train.ts";
import { type BatchEnd, lossGradient, type UpperLayers } from "../../nn/upper_layers.ts";
import { readLabels } from "../parties.ts";
import { Batches } from "../split/batches.ts";
import type { Terms } from "./terms.ts";

/** The client's half: the upper layers at the other end of the connection. */
export function remoteUpper(requests: Requests, terms: Terms): UpperParty {
  const { hidden, classes, setting } = terms;
  return {
    async step({ z1, labels, close }) {
      const m = labels.length;
      const images = close?.images ?? 0;
      const z1Field = { shape: [m, hidden], data: z1 };
      if (terms.labels === "server") {
        const answer = await requests.ask("z1", { z1: z1Field, labels, images }, "dz1");
        return { dz1: answer.tensor("dz1", [m, hidden]), loss: answer.number("loss") };
      }
      const outputs = await requests.ask("z1", { z1: z1Field }, "z2");
      const z2 = outputs.tensor("z2", [m, classes]);
      const { dz2, loss } = lossGradient(z2, labels, setting.output);
      const dz2Field = { shape: [m, classes], data: dz2 };
      const answer = await requests.ask("dz2", { dz2: dz2Field, images }, "dz1");
      return { dz1: answer.tensor("dz1", [m, hidden]), loss };
    },
  };
}

/** What the server has seen of a part of a batch: all that an attack on it may read. */
export interface Seen {
  /** Steps before this one. */
  readonly step: number;
  /** `[m, hidden]` */
  readonly z1: Float32Array;
  /** `[m]`; null where they stay with the client. */
  readonly labels: Uint8Array | null;
  /** `[m, hidden]` */
  readonly dz1: Float32Array;
}

/** The server's half: answers a client's requests `z1` and `dz2`, each checked against the terms before it touches
 * the model. */
export class ServerStep {
  /** Summed loss since it was last set to 0; where the client has the labels it is not known. */
  loss = 0;
  readonly #upper: UpperParty;
  readonly #batches: Batches;
  /** Parts that wait for their dz2. */
  readonly #waiting: { z1: Float32Array; m: number }[] = [];

  /** @param step steps taken before, where a training is resumed.   @param notebook see `ServerOptions`. */
  constructor(
    readonly terms: Terms,
    readonly layers: UpperLayers,
    step: number,
    private readonly notebook: {
      readonly observe?: (seen: Seen, terms: Terms) => void;
      readonly steer?: (seen: Seen) => Float32Array;
    } = {},
  ) {
    this.#upper = localUpper(layers, terms.setting);
    this.#batches = new Batches(terms, step);
  }

  /** Answers z1 with dz1, or with z2 where the labels stay with the client.
   * @throws {ProtocolError} more images than a batch has, labels that are none, or a training that is over. */
  async forward(request: Message): Promise<Answer> {
    const { hidden, classes } = this.terms;
    const z1 = request.tensor("z1", [null, hidden]);
    const m = z1.length / hidden;
    this.#batches.admit(m, this.#waiting.reduce((sum, part) => sum + part.m, 0));
    if (this.terms.labels === "client") {
      const { observe, steer } = this.notebook;
      this.#waiting.push({ z1: observe || steer ? z1.slice() : z1, m });
      const data = this.layers.forward(z1);
      return { type: "z2", fields: { z2: { shape: [m, classes], data } } };
    }
    const labels = readLabels("train", request, m, classes);
    const close = this.#batches.add(m, request.integer("images"));
    const { dz1, loss } = await this.#upper.step({ z1, labels, close });
    this.loss += loss;
    return this.#answer({ z1, labels, dz1 }, close, { loss });
  }

  /** Answers dz2 with dz1. @throws {ProtocolError} it came before its z1, or is of another shape. */
  backward(request: Message): Answer {
    const { classes, setting } = this.terms;
    const waiting = this.#waiting.shift();
    if (!waiting) throw new ProtocolError("Cannot train: dz2 came before its z1");
    const dz2 = request.tensor("dz2", [waiting.m, classes]);
    const close = this.#batches.add(waiting.m, request.integer("images"), this.#waiting.length);
    const dz1 = this.layers.backward(dz2);
    if (close) this.layers.update(close, setting);
    return this.#answer({ z1: waiting.z1, labels: null, dz1 }, close, {});
  }

  #answer(
    part: Omit<Seen, "step">,
    close: BatchEnd | undefined,
    fields: { loss?: number },
  ): Answer {
    const { observe, steer } = this.notebook;
    const seen = (dz1: Float32Array): Seen => ({
      ...{ step: this.#batches.step, z1: part.z1.slice(), dz1: dz1.slice() },
      labels: part.labels?.slice() ?? null,
    });
    const dz1 = steer?.(seen(part.dz1)) ?? part.dz1;
    observe?.(seen(dz1), this.terms);
    if (close) this.#batches.close();
    const { hidden } = this.terms;
    const shape = [dz1.length / hidden, hidden];
    return { type: "dz1", fields: { ...fields, dz1: { shape, data: dz1 } } };
  }

  /** Refuses a checkpoint anywhere else than at the end of its epoch.
   * @throws {ProtocolError} epoch `epoch` does not end here. */
  checkEndOf(epoch: number): void {
    this.#batches.checkEndOf(epoch);
  }
}
