/** The server of MITIG1: encrypted samples, function-hiding keys, the labels, and everything after W1.
 *
 *   z1 = Dec(keys of W1's rows, ciphertexts) → a1 = σ(z1 + b1), z2 = W2·a1 + b2, loss → dz1;  b1, W2, b2 move
 *
 * It learns z1 of every sample at every step, and the labels; it makes dz1. Neither W1, nor a pixel, nor
 * dW1 is ever here, and a key for a row of W1 says nothing about the row (`fe/fhipe.ts`). Requests: `train`,
 * then `samples` until all are here, then `keys` for step after step, `finish`; `classify` at any time after
 * `train`. The model lives as long as the connection; there are no checkpoints.
 * @see arXiv 2509.21497, first mitigation. Juve45/cryptonn, mitigation1_server.py.
 * @module */
import type { FhipeParams } from "../../fe/fhipe.ts";
import { startPairing } from "../../math/pairing/group.ts";
import { type Rng, secureRng } from "../../math/rng.ts";
import { type Answer, answerRequests } from "../../net/requests.ts";
import type { Connection } from "../../net/connection.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";
import { Decryption } from "../decryption.ts";
import { realZ1 } from "../fixed_net.ts";
import { type Head, headClasses, initHead } from "../head.ts";
import { readLabels } from "../parties.ts";
import { serverStep } from "./step.ts";
import { PATIENCE_MS, rowsAtMost } from "../terms.ts";
import { paramsOf, readTerms, stepsOf, type Terms } from "./terms.ts";

/** What the server has seen of a step, and made of it: all that an attack on it may read. */
export interface Seen {
  /** Steps before this one. */
  readonly step: number;
  /** Which samples they are: the first of the batch, by their order in the training. */
  readonly from: number;
  /** `[m, hidden]`, integers at scale 2^(weightBits + pixelBits). */
  readonly z1: Float64Array;
  /** `[m]` */
  readonly labels: Uint8Array;
  /** `[hidden, m]`, integers at scale 2^gradientBits, as they go to the client. */
  readonly dz1: Int32Array;
  /** The step's keys, encoded; one a row of W1. */
  readonly keys: readonly Uint8Array[];
  /** b1 and the later layers after the step. */
  readonly head: Head;
}

/** What a server has beside its connection. */
export interface ServerOptions {
  /** Draws W2. */
  readonly rng?: Rng;
  /** Workers that decrypt; 0 is this thread. */
  readonly workers?: number;
  /** Called with a line of text when a training begins, after each epoch, and at its end. */
  readonly onEvent?: (line: string) => void;
  /** An honest but curious server's notebook. */
  readonly observe?: (seen: Seen, terms: Terms) => void;
  /** The same for the ciphertexts, encoded, in the order in which they come. */
  readonly observeSamples?: (ciphertexts: readonly Uint8Array[]) => void;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const REQUESTS = ["train", "samples", "keys", "classify", "finish"];

/** What there is once the terms are agreed on. */
interface Training {
  readonly terms: Terms;
  readonly pp: FhipeParams;
  readonly decryption: Decryption;
  /** `[count]` */
  readonly labels: Uint8Array;
}

/** One client's session. */
class Mitig1Session implements Disposable {
  #begun?: Training;
  #head?: Head;
  #step = 0;
  #loss = 0;
  readonly #times = { storeMs: 0, decryptMs: 0, headMs: 0 };

  constructor(private readonly options: ServerOptions) {}

  /** @param signal ends the work under way: nobody is left to answer. */
  answer(request: Message, signal: AbortSignal): Answer | Promise<Answer> {
    switch (request.type) {
      case "train":
        return this.#train(readTerms(request), signal);
      case "samples":
        return this.#timed("storeMs", () => this.#samples(request));
      case "keys":
        return this.#keys(request);
      case "classify":
        return this.#classify(request);
      default:
        return this.#finish();
    }
  }

  async #timed<T>(what: "storeMs" | "decryptMs" | "headMs", work: () => T | Promise<T>) {
    const start = performance.now();
    const result = await work();
    this.#times[what] += performance.now() - start;
    return result;
  }

  async #train(terms: Terms, signal: AbortSignal): Promise<Answer> {
    if (this.#begun) throw new ProtocolError("Cannot train: the session has begun already");
    const { rng = secureRng(), workers = 0 } = this.options;
    const pp = paramsOf(terms, await startPairing(terms.curve));
    const { n, hidden, classes, count, epochs, batch, learningRate, keysPer } = terms;
    const bytes = count * (n + 3) * pp.group.g2Bytes;
    const decryption = new Decryption({ name: "fhipe", pp }, bytes, workers, signal);
    this.#begun = { terms, pp, decryption, labels: new Uint8Array(count) };
    this.#head = initHead(hidden, classes, rng);
    this.#tell(
      `training, weights from ${rng.source}: ${n}-${hidden}-${classes}, ${count} samples, ` +
        `${epochs} epochs, batch ${batch}, learning rate ${learningRate}, a master key per ${keysPer}, ` +
        `${workers} Workers`,
    );
    return { type: "ready", fields: { keysPer: terms.keysPer } };
  }

  async #samples(request: Message): Promise<Answer> {
    const { terms, decryption, labels } = this.#training;
    const ciphertexts = request.parts("ciphertexts");
    const have = decryption.count;
    if (ciphertexts.length === 0 || have + ciphertexts.length > terms.count) {
      throw new ProtocolError(
        `Cannot store samples: ${ciphertexts.length} more after ${have} of ${terms.count}`,
      );
    }
    const more = readLabels("store samples", request, ciphertexts.length, terms.classes);
    await decryption.store(ciphertexts);
    this.options.observeSamples?.(ciphertexts.map((ciphertext) => ciphertext.slice()));
    labels.set(more, have);
    return { type: "stored", fields: { count: decryption.count } };
  }

  /** The keys of a request: one for each hidden unit. */
  #readKeys(request: Message): Uint8Array[] {
    const { hidden } = this.#training.terms;
    const keys = request.parts("keys");
    if (keys.length !== hidden) {
      throw new ProtocolError(
        `Cannot read ${request.type}: ${keys.length} keys for ${hidden} hidden units`,
      );
    }
    return keys;
  }

  async #keys(request: Message): Promise<Answer> {
    const { terms, decryption, labels: all } = this.#training;
    const { count, batch, hidden } = terms;
    const keys = this.#readKeys(request);
    if (decryption.count < count) {
      throw new ProtocolError(
        `Cannot train: keys came after ${decryption.count} of ${count} samples`,
      );
    }
    const step = request.integer("step");
    if (step !== this.#step || step >= stepsOf(terms)) {
      throw new ProtocolError(
        `Cannot train: keys are for step ${step}, the next of ${stepsOf(terms)} is ${this.#step}`,
      );
    }
    const from = step * batch % count;
    const labels = all.subarray(from, from + batch);
    const z1 = await this.#timed(
      "decryptMs",
      () => decryption.open(keys, from, from + batch),
    );
    const { loss, head, dz1 } = await this.#timed(
      "headMs",
      () => serverStep(this.#head!, z1, labels, terms),
    );
    this.#head = head;
    this.#step++;
    this.#loss += loss;
    this.options.observe?.({
      ...{ step, from, z1, labels: labels.slice(), dz1, head },
      keys: keys.map((key) => key.slice()),
    }, terms);
    this.#tellEpoch();
    return { type: "dz1", fields: { loss, dz1: { shape: [hidden, batch], data: dz1 } } };
  }

  async #classify(request: Message): Promise<Answer> {
    const { decryption, terms } = this.#training;
    const ciphertexts = request.parts("ciphertexts");
    const most = rowsAtMost(terms);
    if (ciphertexts.length > most) {
      throw new ProtocolError(
        `Cannot classify: ${ciphertexts.length} samples at once, at most ${most}`,
      );
    }
    const z1 = await decryption.openOnce(this.#readKeys(request), ciphertexts);
    const classes = headClasses(this.#head!, realZ1(z1, terms.scales));
    return { type: "classes", fields: { classes } };
  }

  async #finish(): Promise<Answer> {
    const { terms, decryption } = this.#training;
    if (this.#step !== stepsOf(terms)) {
      throw new ProtocolError(
        `Cannot finish: ${this.#step} of ${stepsOf(terms)} steps have been taken`,
      );
    }
    const threads = await decryption.times();
    this.#tell("training finished");
    return { type: "finished", fields: { ...this.#times, ...threads } };
  }

  #tellEpoch(): void {
    const { count, batch, epochs } = this.#training.terms;
    const perEpoch = count / batch;
    if (this.#step % perEpoch !== 0) return;
    const loss = (this.#loss / perEpoch).toFixed(4);
    this.#loss = 0;
    this.#tell(`epoch ${this.#step / perEpoch} of ${epochs}, loss ${loss}`);
  }

  get #training(): Training {
    if (!this.#begun) throw new ProtocolError("Cannot go on: no training has begun");
    return this.#begun;
  }

  #tell(line: string): void {
    this.options.onEvent?.(line);
  }

  [Symbol.dispose](): void {
    this.#begun?.decryption[Symbol.dispose]();
  }
}

/** Serves one client until it leaves, vanishes or breaks a rule; never throws on its account.
 * @returns why the connection ended. */
export async function serve(connection: Connection, options: ServerOptions = {}): Promise<string> {
  using session = new Mitig1Session(options);
  const { timeoutMs = PATIENCE_MS, signal } = options;
  const answer = (request: Message, over: AbortSignal) => session.answer(request, over);
  return await answerRequests(connection, REQUESTS, answer, { timeoutMs, signal });
}
