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
import type { Checkpoints } from "../checkpoints.ts";
import { type Answer, answerRequests } from "../requests.ts";
import type { Connection } from "../transport.ts";
import { type Message, ProtocolError } from "../wire.ts";
import { decodeUpper, encodeUpper } from "./files.ts";
import { readSession, readTerms, rowsAtMost, type Terms } from "./terms.ts";

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

  answer(request: Message): Answer | Promise<Answer> {
    switch (request.type) {
      case "train":
        return this.#train(readTerms(request), request.integers("saved"));
      case "use":
        return this.#use(readSession(request));
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
    await startBackend();
    const { hidden, classes, setting, session } = terms;
    const store = this.options.checkpoints?.(session.toHex());
    const lock = await store?.lock();
    if (lock === null) {
      throw new ProtocolError(
        `Cannot train: session ${session.toHex()} is in use by another connection`,
      );
    }
    this.#lock = lock;
    const common = (await store?.epochs() ?? []).filter((epoch) => theirs.includes(epoch));
    const epoch = Math.max(0, ...common);
    if (epoch === 0 && theirs.length > 0) {
      throw new ProtocolError(
        `Cannot resume session ${session.toHex()}: no checkpoint of epoch ${
          theirs.join(" or ")
        } here`,
      );
    }
    this.#terms = terms;
    this.#store = store;
    this.#step = epoch * stepsPerEpoch(terms.count, setting);
    if (epoch === 0) {
      const weights = initialUpper({ n: 1, hidden, classes }, setting.initial, this.options.rng);
      this.#layers = new UpperLayers(weights, setting);
    } else {
      const { weights, optimizers } = await store!.read(epoch, decodeUpper);
      this.#layers = new UpperLayers(weights, setting, optimizers);
    }
    const { epochs, batch, optimizer } = setting;
    const how = epoch === 0
      ? `training, weights from ${(this.options.rng ?? secureRng()).source}`
      : `resuming after epoch ${epoch}`;
    this.#tell(
      `session ${session.toHex()} ${how}: ?-${hidden}-${classes}, ${terms.count} images, ` +
        `${epochs} epochs, batch ${batch}, ${optimizer}, labels at the ${terms.labels}`,
    );
    return { type: "ready", fields: { epoch } };
  }

  async #use(session: Uint8Array): Promise<Answer> {
    if (this.#layers) throw new ProtocolError("Cannot use a model: the session has begun already");
    await startBackend();
    const bytes = await this.options.checkpoints?.(session.toHex()).model();
    if (!bytes) throw new ProtocolError(`Cannot use model ${session.toHex()}: there is none here`);
    const { weights, optimizers } = decodeUpper(bytes);
    const optimizer = optimizers.b1.moments.length > 0 ? "adam" : "sgd";
    this.#layers = new UpperLayers(weights, { optimizer }, optimizers);
    this.#tell(`using model ${session.toHex()}`);
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
    if (m > terms.setting.batch) {
      throw new ProtocolError(`Cannot train: ${m} images in a batch of ${terms.setting.batch}`);
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
          `${Math.max(...labels)}`,
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
    const classes = layers.classify(request.tensor("z1", [null, layers.hidden]));
    return { type: "classes", fields: { classes } };
  }

  async #checkpoint(epoch: number): Promise<Answer> {
    this.#atEndOf(epoch);
    await this.#store?.save(epoch, encodeUpper(this.#model.state()));
    const loss = this.#loss / this.#training.count;
    this.#loss = 0;
    const told = this.#training.labels === "server" ? `, loss ${loss.toFixed(4)}` : "";
    this.#tell(`epoch ${epoch} of ${this.#training.setting.epochs}${told}`);
    return { type: "saved" };
  }

  async #finish(): Promise<Answer> {
    const { epochs } = this.#training.setting;
    this.#atEndOf(epochs);
    await this.#store?.saveModel(encodeUpper(this.#model.state()));
    this.#tell("training finished");
    return { type: "finished", fields: { busyMs: this.#busyMs } };
  }

  /** Refuses a checkpoint anywhere else than at the end of its epoch. */
  #atEndOf(epoch: number): void {
    const { count, setting } = this.#training;
    if (this.#images > 0 || this.#step !== epoch * stepsPerEpoch(count, setting)) {
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
