/** The server of CryptoNN: owns the network, holds a client's encrypted batches, decrypts z1 and dW1 with keys that it
 * asks the authority for, and updates its weights.
 *
 *   keys for the rows of W1, samples → z1 → later layers → dz1 → keys for its rows, columns → dW1 → W1
 *
 * It runs the scheme exactly as specified (honest but curious). Pixels reach it as ciphertexts only: sample by sample
 * for the forward pass, pixel by pixel over the batch for the backward pass. Labels reach it in the clear, as in the
 * authors' code: it needs them for the loss. That the samples and the columns of a batch hold the same pixels it must
 * believe its client. Requests: `train`, then batches and `step`s in any order that has a batch before its first step;
 * `classify` at any time after `train`. The model lives as long as the connection.
 * @see Xu, Joshi, Li, "CryptoNN: Training Neural Networks over Encrypted Data", ICDCS 2019.
 * @module */
import { HEADER_BYTES } from "../../fe/encoding.ts";
import { encodeFunctionalKey, type IpfeParams } from "../../fe/ipfe.ts";
import { rangeOf } from "../../fe/params.ts";
import { transpose } from "../../math/dense.ts";
import { prepareDlog } from "../../math/dlog.ts";
import { type Rng, secureRng } from "../../math/rng.ts";
import { type Connection, ConnectionError } from "../../net/connection.ts";
import { type Answer, answerRequests, Requests } from "../../net/requests.ts";
import { Transcript } from "../../net/transcript.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";
import { Decryption } from "../decryption.ts";
import { type FixedNet, initFixedNet, type InnerProducts, realZ1 } from "../fixed_net.ts";
import { type StepRecord, trainStep } from "../fixed_train.ts";
import { headClasses } from "../head.ts";
import { readLabels } from "../parties.ts";
import { PATIENCE_MS, rowsAtMost } from "../terms.ts";
import { instancesOf, MOST_ENTRIES, MOST_ROWS, readTerms, type Terms } from "./terms.ts";

/** What a server has beside its connection. */
export interface ServerOptions {
  /** Opens a connection to the authority; it is closed with the client's. */
  readonly authority: () => Promise<Connection>;
  /** Draws the network. */
  readonly rng?: Rng;
  /** Workers that decrypt; 0 is this thread. */
  readonly workers?: number;
  /** Called with a line of text when a training begins, after each epoch, and at its end. */
  readonly onEvent?: (line: string) => void;
  /** An honest but curious server's notebook: all that it learned in a step, and the network after it. */
  readonly observe?: (
    record: StepRecord,
    step: number,
    net: FixedNet,
    training: { readonly terms: Terms; readonly labels: Uint8Array },
  ) => void;
  /** Notes the messages to and from the authority, and what took how long. */
  readonly transcript?: Transcript;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Bytes of an encoded ciphertext: a header, then n + 1 elements. */
const ciphertextBytes = ({ n, group }: IpfeParams) => HEADER_BYTES + group.elementBytes * (n + 1);

/** Refuses ciphertexts of another size: it bounds what is kept, and what their decoding takes. */
function checkSizes(action: string, ciphertexts: readonly Uint8Array[], pp: IpfeParams): void {
  const size = ciphertextBytes(pp);
  const other = ciphertexts.find(({ length }) => length !== size);
  if (other !== undefined) {
    throw new ProtocolError(
      `Cannot ${action}: one has ${other.length} bytes, expected ${size}`,
    );
  }
}

/** A scalar ends an encoded key; before it are the parameters and y, in clear. */
const SCALAR_BYTES = 32;

/** Refuses keys that are not those asked for, one a row of `matrix`, in order. What follows their y is decoded where
 * they are used.   @throws {ProtocolError} */
export function checkKeys(pp: IpfeParams, matrix: Int32Array, keys: readonly Uint8Array[]): void {
  const asked = keys.length * pp.n === matrix.length && keys.every((key, i) => {
    const y = matrix.subarray(i * pp.n, (i + 1) * pp.n);
    const expected = encodeFunctionalKey({ pp, y, skY: [0n] });
    return key.length === expected.length &&
      expected.subarray(0, -SCALAR_BYTES).every((byte, at) => byte === key[at]);
  });
  if (!asked) {
    throw new ProtocolError("Cannot use the keys: they are not those that were asked for");
  }
}

/** The server's line to the authority. */
export class KeyRequests {
  readonly #requests: Requests;

  /** @param session its name, which the client tells. */
  constructor(
    readonly connection: Connection,
    private readonly session: string,
    options: { transcript?: Transcript; signal?: AbortSignal; timeoutMs?: number },
  ) {
    const parties = { from: "server", to: "authority" } as const;
    this.#requests = new Requests(connection, { timeoutMs: PATIENCE_MS, ...options, ...parties });
  }

  /** One functional key per row of a matrix, encoded; asked for in parts that the authority takes.
   * @throws {ConnectionError} the authority refused, left or kept silent. {ProtocolError} other keys. */
  async ask(of: "W1" | "dz1", pp: IpfeParams, matrix: Int32Array): Promise<Uint8Array[]> {
    const most = pp.n * Math.max(1, Math.min(MOST_ROWS, Math.floor(MOST_ENTRIES / pp.n)));
    const keys: Uint8Array[] = [];
    for (let from = 0; from < matrix.length; from += most) {
      keys.push(...await this.#ask(of, pp, matrix.subarray(from, from + most)));
    }
    return keys;
  }

  async #ask(of: "W1" | "dz1", pp: IpfeParams, matrix: Int32Array): Promise<Uint8Array[]> {
    const rows = { shape: [matrix.length / pp.n, pp.n], data: matrix };
    const { session } = this;
    const fields = { session, rows };
    const answer = await this.#requests.ask(`rows of ${of}`, fields, `keys for ${of}`)
      .catch((error) => {
        if (!(error instanceof ConnectionError)) throw error;
        const what = `Cannot get keys from the authority: ${error.message}`;
        throw new ConnectionError(what, error.ending);
      });
    const keys = answer.parts("keys");
    checkKeys(pp, matrix, keys);
    return keys;
  }
}

/** What there is once the terms are agreed on. */
interface Training {
  readonly terms: Terms;
  /** Of samples and rows of W1, and of columns and rows of dz1. */
  readonly instances: readonly IpfeParams[];
  readonly keys: KeyRequests;
  /** Batch after batch, m samples and n columns each. */
  readonly decryption: Decryption;
  /** `[count]` */
  readonly labels: Uint8Array;
}

/** One client's session. */
class Session implements Disposable {
  #begun?: Training;
  #net?: FixedNet;
  #step = 0;
  #loss = 0;
  readonly #transcript: Transcript;

  constructor(private readonly options: ServerOptions) {
    this.#transcript = options.transcript ?? new Transcript();
  }

  /** @param signal ends the work under way: nobody is left to answer. */
  answer(request: Message, signal: AbortSignal): Promise<Answer> {
    switch (request.type) {
      case "train":
        return this.#train(readTerms(request), request.text("session"), signal);
      case "encrypted samples":
      case "encrypted columns":
        return this.#store(request);
      case "step":
        return this.#take(request.integer("step"));
      default:
        return this.#classify(request.parts("ciphertexts"));
    }
  }

  async #train(terms: Terms, session: string, signal: AbortSignal): Promise<Answer> {
    if (this.#begun) throw new ProtocolError("Cannot train: the session has begun already");
    const { rng = secureRng(), workers = 0, transcript, timeoutMs } = this.options;
    const { n, hidden, classes, count, batch, steps, learningRate, scales } = terms;
    const instances = instancesOf(terms);
    const [ofSample, ofColumn] = instances.map(ciphertextBytes);
    const bytes = count * ofSample + count / batch * n * ofColumn;
    const decryption = new Decryption({ name: "ipfe" }, bytes, workers, signal);
    try {
      const keys = new KeyRequests(await this.options.authority(), session, {
        ...{ transcript, signal, timeoutMs },
      });
      this.#begun = { terms, instances, keys, decryption, labels: new Uint8Array(count) };
    } catch (error) {
      decryption[Symbol.dispose]();
      throw error;
    }
    for (const pp of instances) await prepareDlog(pp.group, rangeOf(pp), { signal });
    this.#net = initFixedNet({ n, hidden, classes }, scales, rng);
    this.#tell(
      `training, weights from ${rng.source}: ${n}-${hidden}-${classes}, ${count} samples, ` +
        `${steps} steps, batch ${batch}, learning rate ${learningRate}, ${workers} Workers`,
    );
    return { type: "ready" };
  }

  /** Takes ciphertexts in: of each batch first the samples, with their labels, then the columns. */
  async #store(request: Message): Promise<Answer> {
    const { terms: { n, batch, count, classes }, instances, decryption, labels } = this.#training;
    const which = Math.floor(decryption.count / (batch + n));
    const here = decryption.count % (batch + n);
    const ciphertexts = request.parts("ciphertexts");
    const samples = request.type === "encrypted samples";
    const [from, to] = samples ? [0, batch] : [batch, batch + n];
    const [more, after] = [ciphertexts.length, here + ciphertexts.length];
    if (more === 0 || here < from || after > to || which * batch === count) {
      throw new ProtocolError(
        `Cannot store ${samples ? "samples" : "columns"}: ${more} more after ` +
          `${Math.min(here, batch)} of ${batch} samples and ${Math.max(0, here - batch)} of ${n} ` +
          `columns in batch ${which} of ${count / batch}`,
      );
    }
    checkSizes(`store ${request.type}`, ciphertexts, instances[samples ? 0 : 1]);
    if (samples) {
      labels.set(readLabels("store samples", request, more, classes), which * batch + here);
    }
    await decryption.store(ciphertexts);
    return { type: "stored" };
  }

  async #take(step: number): Promise<Answer> {
    const { terms, decryption, labels } = this.#training;
    const { n, count, batch, steps, learningRate } = terms;
    if (step !== this.#step || step >= steps) {
      throw new ProtocolError(
        `Cannot train: asked for step ${step}, the next of ${steps} is ${this.#step}`,
      );
    }
    const which = step % (count / batch);
    const received = Math.floor(decryption.count / (batch + n));
    if (which >= received) {
      throw new ProtocolError(
        `Cannot train on batch ${which}: ${received} batches were received`,
      );
    }
    const y = labels.subarray(which * batch, (which + 1) * batch);
    const { net, record } = await trainStep(this.#net!, y, this.#products(which), learningRate);
    this.#net = net;
    this.#step++;
    this.#loss += record.loss;
    this.options.observe?.(record, step, net, { terms, labels });
    this.#tellEpoch();
    return { type: "stepped", fields: { loss: record.loss } };
  }

  /** The products of a batch, by decryption alone. */
  #products(which: number): InnerProducts {
    const { terms: { n, batch, hidden }, instances, keys, decryption } = this.#training;
    const first = which * (batch + n);
    const open = (of: string, keys: readonly Uint8Array[], from: number, to: number) =>
      this.#transcript.time(
        "server",
        `decrypt ${of} of a batch`,
        () => decryption.open(keys, from, to),
      );
    return {
      forward: async (W1) =>
        await open("z1", await keys.ask("W1", instances[0], W1), first, first + batch),
      backward: async (dz1) => {
        const ofRows = await keys.ask("dz1", instances[1], dz1);
        const byPixel = await open("dW1", ofRows, first + batch, first + batch + n);
        return transpose(byPixel, n, hidden);
      },
    };
  }

  async #classify(ciphertexts: readonly Uint8Array[]): Promise<Answer> {
    const { terms, instances, keys, decryption } = this.#training;
    const { W1, head } = this.#net!;
    const most = rowsAtMost(terms);
    if (ciphertexts.length > most) {
      throw new ProtocolError(
        `Cannot classify: ${ciphertexts.length} samples at once, at most ${most}`,
      );
    }
    checkSizes("classify", ciphertexts, instances[0]);
    const ofRows = await keys.ask("W1", instances[0], W1);
    const z1 = await decryption.openOnce(ofRows, ciphertexts);
    const classes = headClasses(head, realZ1(z1, terms.scales));
    return { type: "classes", fields: { classes } };
  }

  #tellEpoch(): void {
    const { count, batch, steps } = this.#training.terms;
    const perEpoch = count / batch;
    if (this.#step % perEpoch === 0) {
      const loss = (this.#loss / perEpoch).toFixed(4);
      this.#tell(`epoch ${this.#step / perEpoch} of ${steps / perEpoch}, loss ${loss}`);
      this.#loss = 0;
    }
    if (this.#step === steps) this.#tell("training finished");
  }

  get #training(): Training {
    if (!this.#begun || !this.#net) {
      throw new ProtocolError("Cannot go on: no training has begun");
    }
    return this.#begun;
  }

  #tell(line: string): void {
    this.options.onEvent?.(line);
  }

  [Symbol.dispose](): void {
    this.#begun?.decryption[Symbol.dispose]();
    this.#begun?.keys.connection.close();
  }
}

/** Serves one client until it leaves, vanishes or breaks a rule; never throws on its account.
 * @returns why the connection ended. */
export async function serve(connection: Connection, options: ServerOptions): Promise<string> {
  using session = new Session(options);
  return await answerRequests(
    connection,
    ["train", "encrypted samples", "encrypted columns", "step", "classify"],
    (request, over) => session.answer(request, over),
    { timeoutMs: PATIENCE_MS, ...options },
  );
}
