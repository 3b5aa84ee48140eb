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
import { mendBackend, startBackend } from "../../nn/backend.ts";
import { lossGradient } from "../../nn/loss.ts";
import { initialUpper } from "../../nn/mlp.ts";
import { learningRateAt, stepsPerEpoch, upperDivisor } from "../../nn/setting.ts";
import { UpperLayers } from "../../nn/upper_layers.ts";
import { checkpointName, type Checkpoints, MODEL } from "../../net/checkpoints.ts";
import { type Answer, answerRequests } from "../../net/requests.ts";
import type { Connection } from "../../net/connection.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";
import { decodeUpper, encodeUpper, upperMetadata } from "./files.ts";
import { readSessionKey, readTerms, rowsAtMost, sessionOf, type Terms } from "./terms.ts";

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

/** What a server has beside its connection. */
export interface ServerOptions {
  /** Draws W2. */
  readonly rng?: Rng;
  /** Where a session's checkpoints and model are kept; without it nothing outlives the connection. */
  readonly checkpoints?: (session: string) => Checkpoints;
  /** Called with a line of text when a training begins, after each epoch, and at its end. */
  readonly onEvent?: (line: string) => void;
  /** An honest but curious server's notebook. */
  readonly observe?: (seen: Seen) => void;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const REQUESTS = ["train", "use", "z1", "dz2", "classify", "checkpoint", "finish"];

/** One client's session. */
class Session implements Disposable {
  #terms?: Terms;
  #layers?: UpperLayers;
  #store?: Checkpoints;
  #lock?: Disposable;
  #step = 0;
  /** Images of the open batch whose gradient is taken, and parts that wait for their dz2. */
  #images = 0;
  readonly #waiting: { z1: Float32Array; m: number }[] = [];
  #loss = 0;
  /** What `finished` tells: milliseconds of work on z1, all parts together. */
  #busyMs = 0;

  constructor(private readonly options: ServerOptions) {}

  /** Answers a request. An error of the tensors' backend is one of this session: for the others it is made anew. */
  async answer(request: Message): Promise<Answer> {
    await startBackend();
    try {
      return await this.#answer(request);
    } catch (error) {
      if (error instanceof ProtocolError || !await mendBackend(error)) throw error;
      throw new Error(`Cannot answer ${request.type}: the tensors' memory broke`, { cause: error });
    }
  }

  #answer(request: Message): Answer | Promise<Answer> {
    switch (request.type) {
      case "train":
        return this.#train(readTerms(request), request.integers("saved"));
      case "use":
        return this.#use(sessionOf(readSessionKey(request)).toHex());
      case "z1":
        return this.#timed(() => this.#forward(request));
      case "dz2":
        return this.#timed(() => this.#backward(request));
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
    const store = this.options.checkpoints?.(session);
    const lock = await store?.lock();
    if (lock === null) {
      throw new ProtocolError(`Cannot train: session ${session} is in use by another connection`);
    }
    this.#lock = lock;
    const epoch = await this.#lastCommon(store, terms, theirs);
    this.#terms = terms;
    this.#store = store;
    this.#step = epoch * stepsPerEpoch(terms.count, setting);
    if (epoch === 0) {
      const weights = initialUpper({ n: 1, hidden, classes }, setting.initial, this.options.rng);
      this.#layers = new UpperLayers(weights, setting);
    } else {
      const expected = upperMetadata(terms, checkpointName(epoch));
      const { weights, optimizers } = await store!.read(
        epoch,
        (bytes) => decodeUpper(bytes, expected),
      );
      this.#layers = new UpperLayers(weights, setting, optimizers);
    }
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

  /** The newest epoch whose checkpoint both sides hold intact; 0 where a training begins. What cannot be gone on
   * from here is set aside, but only for one that can.
   * @throws {ProtocolError} they have none in common, or there are files here that the client knows nothing of. */
  async #lastCommon(
    store: Checkpoints | undefined,
    terms: Terms,
    theirs: readonly number[],
  ): Promise<number> {
    const session = sessionOf(terms.sessionKey).toHex();
    const { intact, damaged } = await store?.inspect((bytes, epoch) => {
      decodeUpper(bytes, upperMetadata(terms, checkpointName(epoch)));
    }) ?? { intact: new Map<number, void>(), damaged: new Map<number, string>() };
    if (theirs.length === 0) {
      if (intact.size + damaged.size > 0 || await store?.model()) {
        throw new ProtocolError(`Cannot train: session ${session} has files here already`);
      }
      return 0;
    }
    const epoch = Math.max(0, ...[...intact.keys()].filter((epoch) => theirs.includes(epoch)));
    if (epoch === 0) {
      const why = [...damaged].map(([epoch, reason]) => `; ${checkpointName(epoch)}: ${reason}`);
      throw new ProtocolError(
        `Cannot resume session ${session}: no checkpoint of epoch ${
          theirs.slice(-3).join(" or ")
        } here that is intact${why.join("")}`,
      );
    }
    for (const line of await store!.setAside(damaged)) this.#tell(line);
    return epoch;
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

  #timed(work: () => Answer): Answer {
    const start = performance.now();
    const answer = work();
    this.#busyMs += performance.now() - start;
    return answer;
  }

  #forward(request: Message): Answer {
    const [terms, layers] = [this.#training, this.#model];
    const z1 = request.tensor("z1", [null, terms.hidden]);
    const m = z1.length / terms.hidden;
    const open = this.#images + this.#waiting.reduce((sum, part) => sum + part.m, 0);
    if (open + m > terms.setting.batch) {
      throw new ProtocolError(
        `Cannot train: ${open + m} images in a batch of ${terms.setting.batch}`,
      );
    }
    const { epochs } = terms.setting;
    if (this.#step >= epochs * stepsPerEpoch(terms.count, terms.setting)) {
      throw new ProtocolError(`Cannot train: the ${epochs} epochs are over`);
    }
    if (terms.labels === "client") {
      this.#waiting.push({ z1: this.options.observe ? z1.slice() : z1, m });
      const data = layers.forward(z1);
      return { type: "z2", fields: { z2: { shape: [m, terms.classes], data } } };
    }
    const labels = request.bytes("labels");
    if (labels.length !== m || labels.some((label) => label >= terms.classes)) {
      throw new ProtocolError(
        `Cannot train: expected ${m} labels below ${terms.classes}, got ${labels.length} up to ` +
          `${labels.reduce((a, b) => Math.max(a, b), 0)}`,
      );
    }
    const { dz2, loss } = lossGradient(layers.forward(z1), labels, terms.setting.output);
    this.#loss += loss;
    return this.#close({ z1, labels, dz2, images: request.integer("images") }, { loss });
  }

  #backward(request: Message): Answer {
    const { classes } = this.#training;
    const waiting = this.#waiting.shift();
    if (!waiting) throw new ProtocolError("Cannot train: dz2 came before its z1");
    const dz2 = request.tensor("dz2", [waiting.m, classes]);
    const images = request.integer("images");
    return this.#close({ z1: waiting.z1, labels: null, dz2, images }, {});
  }

  /** Goes back through the layers with a part, and moves them when it closes its batch. */
  #close(
    { z1, labels, dz2, images }: {
      z1: Float32Array;
      labels: Uint8Array | null;
      dz2: Float32Array;
      images: number;
    },
    fields: { loss?: number },
  ): Answer {
    const { setting, hidden, classes, count } = this.#training;
    const dz1 = this.#model.backward(dz2);
    const m = dz1.length / hidden;
    this.#images += m;
    if (this.options.observe) {
      this.options.observe({
        ...{ step: this.#step, z1: z1.slice(), dz1: dz1.slice() },
        labels: labels?.slice() ?? null,
      });
    }
    if (images !== 0) {
      if (images !== this.#images || this.#waiting.length > 0) {
        throw new ProtocolError(
          `Cannot train: a batch of ${images} images closes after ${this.#images}`,
        );
      }
      const steps = setting.epochs * stepsPerEpoch(count, setting);
      const rate = learningRateAt(setting, this.#step, steps);
      this.#model.update(upperDivisor(setting, images, classes), rate);
      this.#step++;
      this.#images = 0;
    }
    return { type: "dz1", fields: { ...fields, dz1: { shape: [m, hidden], data: dz1 } } };
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
    this.#atEndOf(epoch);
    await this.#store?.save(epoch, this.#file(checkpointName(epoch)));
    const loss = this.#loss / this.#training.count;
    this.#loss = 0;
    const told = this.#training.labels === "server" ? `, loss ${loss.toFixed(4)}` : "";
    this.#tell(`epoch ${epoch} of ${this.#training.setting.epochs}${told}`);
    return { type: "saved" };
  }

  async #finish(): Promise<Answer> {
    const { epochs } = this.#training.setting;
    this.#atEndOf(epochs);
    await this.#store?.saveModel(this.#file(MODEL));
    this.#tell("training finished");
    return { type: "finished", fields: { busyMs: this.#busyMs } };
  }

  /** The model's file. @param name where it goes. */
  #file(name: string): Uint8Array {
    return encodeUpper(this.#model.state(), upperMetadata(this.#training, name));
  }

  /** Refuses a checkpoint anywhere else than at the end of its epoch. */
  #atEndOf(epoch: number): void {
    const { count, setting } = this.#training;
    const ends = epoch > 0 && this.#step === epoch * stepsPerEpoch(count, setting);
    if (this.#images > 0 || !ends) {
      throw new ProtocolError(`Cannot save: epoch ${epoch} does not end at step ${this.#step}`);
    }
  }

  get #model(): UpperLayers {
    if (!this.#layers) throw new ProtocolError("Cannot go on: the session has not begun");
    return this.#layers;
  }

  get #training(): Terms {
    if (!this.#terms) throw new ProtocolError("Cannot train: no training has begun");
    return this.#terms;
  }

  #tell(line: string): void {
    this.options.onEvent?.(line);
  }

  [Symbol.dispose](): void {
    this.#layers?.[Symbol.dispose]();
    this.#lock?.[Symbol.dispose]();
  }
}

/** Serves one client until it leaves, vanishes or breaks a rule; never throws on its account.
 * @returns why the connection ended. */
export async function serve(connection: Connection, options: ServerOptions = {}): Promise<string> {
  using session = new Session(options);
  return await answerRequests(connection, REQUESTS, (request) => session.answer(request), options);
}
