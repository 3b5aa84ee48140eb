/** The server of MITIG2: everything after the first layer's product, and in the paper's variant the labels.
 *
 *   z1 → a1 = σ(z1 + b1), z2 = W2·a1 + b2, loss → dz1;  b1, W2, b2 move, W1 and the pixels stay away
 *
 * It learns z1 of every sample at every step, the labels (where they stay with the client, dz2 = a2 − y,
 * whose only negative entry is at the label), and dz1, which it makes itself. It never sees W1 or a pixel. Requests: `train` or
 * `use` first; then z1 [, dz2] | classify | checkpoint | finish, each checked against the terms before it
 * touches the model.
 * @see arXiv 2509.21497, second mitigation. Juve45/cryptonn, mitigation2_server.py.
 * @module */
import { type Rng, secureRng } from "../../math/rng.ts";
import { initialUpper } from "../../nn/mlp.ts";
import { stepsPerEpoch } from "../../nn/optimizer.ts";
import { UpperLayers } from "../../nn/upper_layers.ts";
import { type Checkpoints, MODEL } from "../../net/checkpoints.ts";
import { type Answer, answerRequests } from "../../net/requests.ts";
import type { Connection } from "../../net/connection.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";
import { ServerFiles } from "../split/server_files.ts";
import { readSessionKey } from "../split/terms.ts";
import { decodeUpper, encodeUpper, upperMetadata } from "./files.ts";
import { type Seen, ServerStep } from "./step.ts";
import { readTerms, rowsAtMost, sessionOf, type Terms } from "./terms.ts";

/** What a server has beside its connection. */
export interface ServerOptions {
  /** Draws W2. */
  readonly rng?: Rng;
  /** Where a session's checkpoints and model are kept; without it nothing outlives the connection. */
  readonly checkpoints?: (session: string) => Checkpoints;
  /** Called with a line of text when a training begins, after each epoch, and at its end. */
  readonly onEvent?: (line: string) => void;
  /** An honest but curious server's notebook. */
  readonly observe?: (seen: Seen, terms: Terms) => void;
  /** A dishonest server, for experiments: what it sends in place of the dz1 that it is given, `[m, hidden]`. Its own
   * layers learn from the honest one. No task sets it. */
  readonly steer?: (seen: Seen) => Float32Array;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export type { Seen } from "./step.ts";

const REQUESTS = ["train", "use", "z1", "dz2", "classify", "checkpoint", "finish"];

/** One client's session. */
class Mitig2Session implements Disposable {
  #layers?: UpperLayers;
  /** The training; there is none where a finished model is used. */
  #step?: ServerStep;
  #files?: ServerFiles;
  /** What `finished` tells: milliseconds of work on z1, all parts together. */
  #busyMs = 0;

  constructor(private readonly options: ServerOptions) {}

  answer(request: Message): Answer | Promise<Answer> {
    switch (request.type) {
      case "train":
        return this.#train(readTerms(request), request.integers("saved"));
      case "use":
        return this.#use(sessionOf(readSessionKey(request)).toHex());
      case "z1":
        return this.#timed(() => this.#training.forward(request));
      case "dz2":
        return this.#timed(() => this.#training.backward(request));
      case "classify":
        return this.#classify(request);
      case "checkpoint":
        return this.#checkpoint(request.integer("epoch"));
      default:
        return this.#finish();
    }
  }

  async #train(terms: Terms, theirs: readonly number[]): Promise<Answer> {
    if (this.#layers) throw new ProtocolError("Cannot train: the session has begun already");
    const { hidden, classes, setting } = terms;
    const session = sessionOf(terms.sessionKey).toHex();
    const decode = (bytes: Uint8Array, file: string) =>
      decodeUpper(bytes, upperMetadata(terms, file));
    const tell = (line: string) => this.#tell(line);
    const store = this.options.checkpoints?.(session);
    const files = await ServerFiles.open(store, { session, theirs, decode, tell });
    this.#files = files;
    const { epoch } = files;
    if (epoch === 0) {
      const weights = initialUpper({ n: 1, hidden, classes }, setting.initial, this.options.rng);
      this.#layers = new UpperLayers(weights, setting);
    } else {
      const { weights, optimizers } = await files.read(decode);
      this.#layers = new UpperLayers(weights, setting, optimizers);
    }
    const stepsTaken = epoch * stepsPerEpoch(terms.count, setting);
    this.#step = new ServerStep(terms, this.#layers, stepsTaken, this.options);
    const { epochs, batch, optimizer } = setting;
    const how = epoch === 0
      ? `training, weights from ${(this.options.rng ?? secureRng()).source}`
      : `resuming after epoch ${epoch}`;
    this.#tell(
      `session ${session} ${how}: ?-${hidden}-${classes}, ${terms.count} images, ` +
        `${epochs} epochs, batch ${batch}, ${optimizer}, labels at the ${terms.labels}`,
    );
    return { type: "ready", fields: { epoch } };
  }

  async #use(session: string): Promise<Answer> {
    if (this.#layers) throw new ProtocolError("Cannot use a model: the session has begun already");
    const model = await this.options.checkpoints?.(session)
      .readModel((bytes) => decodeUpper(bytes, { file: MODEL, session }));
    if (!model) throw new ProtocolError(`Cannot use model ${session}: there is none here`);
    const { weights, optimizers } = model;
    const optimizer = optimizers.b1.moments.length > 0 ? "adam" : "sgd";
    this.#layers = new UpperLayers(weights, { optimizer }, optimizers);
    this.#tell(`using model ${session}`);
    return { type: "ready", fields: { epoch: 0 } };
  }

  async #timed(work: () => Answer | Promise<Answer>): Promise<Answer> {
    const start = performance.now();
    const answer = await work();
    this.#busyMs += performance.now() - start;
    return answer;
  }

  #classify(request: Message): Answer {
    const layers = this.#model;
    const z1 = request.tensor("z1", [null, layers.hidden]);
    const most = rowsAtMost(layers.hidden, layers.classes);
    if (z1.length > most * layers.hidden) {
      throw new ProtocolError(
        `Cannot classify: ${z1.length / layers.hidden} images at once, at most ${most} for ` +
          `${layers.hidden} hidden units and ${layers.classes} classes`,
      );
    }
    const classes = layers.classify(z1);
    return { type: "classes", fields: { classes } };
  }

  async #checkpoint(epoch: number): Promise<Answer> {
    const training = this.#training;
    training.checkEndOf(epoch);
    await this.#files?.save(epoch, (name) => this.#file(name));
    const { count, labels, setting } = training.terms;
    const told = labels === "server" ? `, loss ${(training.loss / count).toFixed(4)}` : "";
    training.loss = 0;
    this.#tell(`epoch ${epoch} of ${setting.epochs}${told}`);
    return { type: "saved" };
  }

  async #finish(): Promise<Answer> {
    this.#training.checkEndOf(this.#training.terms.setting.epochs);
    await this.#files?.saveModel((name) => this.#file(name));
    this.#tell("training finished");
    return { type: "finished", fields: { busyMs: this.#busyMs } };
  }

  /** The model's file. @param name where it goes. */
  #file(name: string): Uint8Array {
    return encodeUpper(this.#model.state(), upperMetadata(this.#training.terms, name));
  }

  get #model(): UpperLayers {
    if (!this.#layers) throw new ProtocolError("Cannot go on: the session has not begun");
    return this.#layers;
  }

  get #training(): ServerStep {
    if (!this.#step) throw new ProtocolError("Cannot train: no training has begun");
    return this.#step;
  }

  #tell(line: string): void {
    this.options.onEvent?.(line);
  }

  [Symbol.dispose](): void {
    this.#layers?.[Symbol.dispose]();
    this.#files?.[Symbol.dispose]();
  }
}

/** Serves one client until it leaves, vanishes or breaks a rule; never throws on its account.
 * @returns why the connection ended. */
export async function serve(connection: Connection, options: ServerOptions = {}): Promise<string> {
  using session = new Mitig2Session(options);
  return await answerRequests(connection, REQUESTS, (request) => session.answer(request), options);
}
