/** The server of MITIG3: one linear layer on noisy codes, and the labels.
 *
 *   z → logits = A·z + b, softmax cross-entropy → dz;  A and b move, W1, V, u and the pixels stay away
 *
 * It learns z of every image at every visit and its label, in an order that changes with the epoch and without names,
 * and dz, which it makes itself. Requests: `train` first; then z | checkpoint | finish, each checked against the terms before
 * it touches the model. The two last answer with A and b, because the client classifies at home.
 * @module */
import { type Rng, secureRng } from "../../math/rng.ts";
import { type HeadWeights, initialLinearHead, LinearHead } from "../../nn/linear_head.ts";
import { stepsPerEpoch } from "../../nn/optimizer.ts";
import type { Checkpoints } from "../../net/checkpoints.ts";
import { type Answer, answerRequests } from "../../net/requests.ts";
import type { Connection } from "../../net/connection.ts";
import { type Message, ProtocolError, type Tensor } from "../../net/wire.ts";
import { readLabels } from "../parties.ts";
import { Batches } from "../split/batches.ts";
import { ServerFiles } from "../split/server_files.ts";
import { sessionOf } from "../split/terms.ts";
import { decodeHead, encodeHead, headMetadata } from "./files.ts";
import { readTerms, type Terms } from "./terms.ts";

/** What the server has seen of a part of a batch: all that an attack on it may read. */
export interface Seen {
  /** Steps before this one. */
  readonly step: number;
  /** `[m, width]` */
  readonly z: Float32Array;
  /** `[m]` */
  readonly labels: Uint8Array;
  /** `[m, width]` */
  readonly dz: Float32Array;
}

/** What a server has beside its connection. */
export interface ServerOptions {
  /** Draws A. */
  readonly rng?: Rng;
  /** Where a session's checkpoints and model are kept; without it nothing outlives the connection. */
  readonly checkpoints?: (session: string) => Checkpoints;
  /** Called with a line of text when a training begins, after each epoch, and at its end. */
  readonly onEvent?: (line: string) => void;
  /** An honest but curious server's notebook. */
  readonly observe?: (seen: Seen, terms: Terms) => void;
  /** A dishonest server, for experiments: what it sends in place of the dz that it is given, `[m, width]`. Its own
   * head learns from the honest one. No task sets it. */
  readonly steer?: (seen: Seen) => Float32Array;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const REQUESTS = ["train", "z", "checkpoint", "finish"];

/** A and b as the client is told them. */
function headFields({ A, b }: HeadWeights): Record<"A" | "b", Tensor> {
  const classes = b.length;
  return {
    A: { shape: [classes, A.length / classes], data: A },
    b: { shape: [classes], data: b },
  };
}

/** A training under way. */
interface Training {
  readonly terms: Terms;
  readonly head: LinearHead;
  readonly batches: Batches;
  /** Summed loss of the epoch. */
  loss: number;
}

/** One client's session. */
class Mitig3Session implements Disposable {
  #begun?: Training;
  #files?: ServerFiles;
  /** What `finished` tells: milliseconds of work on z, all parts together. */
  #busyMs = 0;

  constructor(private readonly options: ServerOptions) {}

  answer(request: Message): Answer | Promise<Answer> {
    switch (request.type) {
      case "train":
        return this.#train(readTerms(request), request.integers("saved"));
      case "z":
        return this.#step(request);
      case "checkpoint":
        return this.#checkpoint(request.integer("epoch"));
      default:
        return this.#finish();
    }
  }

  async #train(terms: Terms, theirs: readonly number[]): Promise<Answer> {
    if (this.#files) throw new ProtocolError("Cannot train: the session has begun already");
    const { width, count, setting } = terms;
    const session = sessionOf(terms.sessionKey).toHex();
    const decode = (bytes: Uint8Array, file: string) =>
      decodeHead(bytes, headMetadata(terms, file));
    const store = this.options.checkpoints?.(session);
    const tell = (line: string) => this.options.onEvent?.(line);
    const files = await ServerFiles.open(store, { session, theirs, decode, tell });
    this.#files = files;
    const { epoch } = files;
    const saved = epoch === 0 ? undefined : await files.read(decode);
    const weights = saved?.weights ?? initialLinearHead(terms, this.options.rng);
    this.#begun = {
      ...{ terms, loss: 0, head: new LinearHead(weights, setting.optimizer, saved?.optimizers) },
      batches: new Batches(terms, epoch * stepsPerEpoch(count, setting)),
    };
    const how = epoch === 0
      ? `training, weights from ${(this.options.rng ?? secureRng()).source}`
      : `resuming after epoch ${epoch}`;
    tell(
      `session ${session} ${how}: codes of ${width} numbers, ${terms.classes} classes, ` +
        `${count} images, ${setting.epochs} epochs, batch ${setting.batch}, ${setting.optimizer}`,
    );
    return { type: "ready", fields: { epoch } };
  }

  #step(request: Message): Answer {
    const start = performance.now();
    const { terms, head, batches } = this.#training;
    const { width, classes } = terms;
    const z = request.tensor("z", [null, width]);
    const m = z.length / width;
    batches.admit(m);
    const labels = readLabels("train", request, m, classes);
    const close = batches.add(m, request.integer("images"));
    const { dz1: honest, loss } = head.step({ z1: z, labels, close });
    this.#training.loss += loss;
    const { observe, steer } = this.options;
    const seen = (dz: Float32Array): Seen => (
      { step: batches.step, z: z.slice(), labels: labels.slice(), dz: dz.slice() }
    );
    const dz = steer?.(seen(honest)) ?? honest;
    observe?.(seen(dz), terms);
    if (close) batches.close();
    this.#busyMs += performance.now() - start;
    return { type: "dz", fields: { loss, dz: { shape: [m, width], data: dz } } };
  }

  async #checkpoint(epoch: number): Promise<Answer> {
    const training = this.#training;
    training.batches.checkEndOf(epoch);
    await this.#files?.save(epoch, (name) => this.#file(name));
    const { count, setting } = training.terms;
    const loss = (training.loss / count).toFixed(4);
    training.loss = 0;
    this.options.onEvent?.(`epoch ${epoch} of ${setting.epochs}, loss ${loss}`);
    return { type: "saved", fields: headFields(training.head.weights) };
  }

  async #finish(): Promise<Answer> {
    const { batches, terms, head } = this.#training;
    batches.checkEndOf(terms.setting.epochs);
    await this.#files?.saveModel((name) => this.#file(name));
    this.options.onEvent?.("training finished");
    return { type: "finished", fields: { busyMs: this.#busyMs, ...headFields(head.weights) } };
  }

  #file(name: string): Uint8Array {
    const { terms, head } = this.#training;
    return encodeHead(head.state(), headMetadata(terms, name));
  }

  get #training(): Training {
    if (!this.#begun) throw new ProtocolError("Cannot train: no training has begun");
    return this.#begun;
  }

  [Symbol.dispose](): void {
    this.#files?.[Symbol.dispose]();
  }
}

/** Serves one client until it leaves, vanishes or breaks a rule; never throws on its account.
 * @returns why the connection ended. */
export async function serve(connection: Connection, options: ServerOptions = {}): Promise<string> {
  using session = new Mitig3Session(options);
  return await answerRequests(connection, REQUESTS, (request) => session.answer(request), options);
}
