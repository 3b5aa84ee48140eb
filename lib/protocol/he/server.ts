/** The server of encrypted training: samples, labels and weights as ciphertexts, and keys that multiply and rotate them.
 *
 *   batch (once), weights → gradients of the loss (he/network.ts, he/linear.ts), encrypted as all the rest
 *
 * It learns the sizes and how many steps are taken; not the data, the labels, the weights, the loss, or how well they
 * fit. It is sent ciphertexts and keys only: nothing that was decrypted, because decrypted results of CKKS tell the
 * secret key (ePrint 2020/1533). Requests: `train`, then `key` for each key, `batch` for each batch, `weights` for
 * step after step, `finish`; or, where the inputs change, `step` with a batch of its own. A client that steps anew
 * encrypts anew; there are no checkpoints.
 * @see M. Mihara et al., arXiv 2012.13552, for training on packed CKKS ciphertexts. The protocol is ours.
 * @module */
import { type Ciphertext, Ckks } from "../../he/ckks.ts";
import { CkksEvaluator } from "../../he/evaluator.ts";
import type { PackedModel } from "../../he/packed_model.ts";
import { keyBytes } from "../../he/params.ts";
import type { Connection } from "../../net/connection.ts";
import { type Answer, answerRequests } from "../../net/requests.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";
import { PATIENCE_MS, readTerms, type Terms } from "./terms.ts";

/** What a server has beside its connection. */
export interface ServerOptions {
  /** Called with a line of text when a training begins, after each pass over the batches, and at its end. */
  readonly onEvent?: (line: string) => void;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const REQUESTS = ["train", "key", "batch", "weights", "step", "finish"];

/** Keys of all clients of this process, in bytes. SEAL's memory ends at 4 GB, and does not end well. */
let keysHeld = 0;
/** The most: eight clients that train networks, or a hundred linear ones. */
const MAX_KEYS_HELD = 2 ** 31;

/** What there is once the terms are agreed on. */
interface Training {
  readonly terms: Terms;
  readonly model: PackedModel;
  readonly ckks: Ckks;
  readonly evaluator: CkksEvaluator;
  /** The ciphertexts of each batch, encoded: in SEAL's memory they would be twice as large. */
  readonly batches: Uint8Array[][];
}

/** One client's session. */
class HeSession implements Disposable {
  #begun?: Training;
  #keysHeld = 0;
  #steps = 0;
  #gradientMs = 0;

  constructor(private readonly options: ServerOptions) {}

  answer(request: Message): Answer | Promise<Answer> {
    switch (request.type) {
      case "train":
        return this.#train(request);
      case "key":
        return this.#key(request);
      case "batch":
        return this.#batch(request);
      case "weights":
        return this.#weights(request);
      case "step":
        return this.#step(request);
      default:
        return this.#finish();
    }
  }

  async #train(request: Message): Promise<Answer> {
    if (this.#begun) throw new ProtocolError("Cannot train: the session has begun already");
    const { terms, model } = readTerms(request);
    const ckks = await Ckks.setup(model.params);
    this.#begun = { terms, model, ckks, evaluator: new CkksEvaluator(ckks), batches: [] };
    const { n, hidden, outputs, batch, batches } = terms;
    const layers = hidden === 0 ? [n, outputs] : [n, hidden, outputs];
    const data = batches === 0 ? `steps of ${batch}` : `${batches} batches of ${batch}`;
    this.#tell(`training: ${layers.join("-")}, ${data}, all encrypted`);
    return { type: "ready" };
  }

  #key(request: Message): Answer {
    const { evaluator, model, ckks } = this.#training;
    const key = request.bytes("key");
    this.#hold(keyBytes(ckks.params), new Set(model.rotations).size + 1);
    if (request.text("kind", "relinearisation", "rotation") === "relinearisation") {
      evaluator.addRelinearisationKey(key);
      return { type: "stored" };
    }
    const step = evaluator.addRotationKey(key);
    if (!model.rotations.includes(step)) {
      throw new ProtocolError(`Cannot store key: nothing is rotated by ${step}`);
    }
    return { type: "stored" };
  }

  /** Takes memory for one key more. @throws {ProtocolError} all `count` are here, or other clients' fill it. */
  #hold(bytes: number, count: number): void {
    if (this.#keysHeld >= count * bytes) {
      throw new ProtocolError(`Cannot store key: all ${count} are here`);
    }
    if (keysHeld + bytes > MAX_KEYS_HELD) {
      throw new ProtocolError(
        `Cannot store key: the keys of all clients take ${
          (keysHeld / 1e9).toFixed(1)
        } GB here; try ` +
          "again when others have left",
      );
    }
    this.#keysHeld += bytes;
    keysHeld += bytes;
  }

  /** Reads ciphertexts of a request. Who asked disposes of them.
   * @throws {RangeError} bytes that are none.  {ProtocolError} another number, level or scale than expected. */
  #load(parts: readonly Uint8Array[], levels: readonly number[], what: string): Ciphertext[] {
    const { evaluator, ckks } = this.#training;
    if (parts.length !== levels.length) {
      throw new ProtocolError(
        `Cannot read ${what}: ${parts.length} ciphertexts, expected ${levels.length}`,
      );
    }
    using read = new DisposableStack();
    const loaded = parts.map((part, i) => {
      const ciphertext = read.use(evaluator.load(part));
      const { level, scale } = ciphertext;
      if (level !== levels[i] || scale !== ckks.scaleOf(level)) {
        throw new ProtocolError(
          `Cannot read ${what}: ciphertext ${i} is of level ${level} and scale ` +
            `2^${Math.log2(scale).toFixed(2)}, expected level ${levels[i]} and its own scale`,
        );
      }
      return ciphertext;
    });
    read.move();
    return loaded;
  }

  #batch(request: Message): Answer {
    const { batches, terms, model } = this.#training;
    if (batches.length === terms.batches) {
      throw new ProtocolError(`Cannot store batch: all ${terms.batches} are here`);
    }
    const parts = request.parts("ciphertexts");
    for (const ciphertext of this.#load(parts, model.batchLevels, "batch")) {
      ciphertext[Symbol.dispose]();
    }
    batches.push(parts.map((part) => part.slice())); // a message's own memory goes with it
    return { type: "stored" };
  }

  #weights(request: Message): Answer {
    const { batches, terms } = this.#training;
    const of = request.integer("batch");
    if (batches.length < terms.batches || of < 0 || of >= terms.batches) {
      throw new ProtocolError(
        `Cannot take a step on batch ${of}: ${batches.length} of ${terms.batches} are here`,
      );
    }
    const answer = this.#gradients(batches[of], request.parts("ciphertexts"));
    if (this.#steps % terms.batches === 0) {
      const seconds = (this.#gradientMs / this.#steps / 1000).toFixed(2);
      this.#tell(`pass ${this.#steps / terms.batches}, ${seconds} s a step`);
    }
    return answer;
  }

  #step(request: Message): Answer {
    if (this.#training.terms.batches > 0) {
      throw new ProtocolError("Cannot take a step: its batch is one of those that are here");
    }
    return this.#gradients(request.parts("batch"), request.parts("weights"));
  }

  #gradients(batchParts: readonly Uint8Array[], weightParts: readonly Uint8Array[]): Answer {
    const { model, evaluator, ckks } = this.#training;
    const start = performance.now();
    using scope = new DisposableStack();
    const keep = (ciphertexts: Ciphertext[]) => ciphertexts.map((one) => scope.use(one));
    const weights = keep(this.#load(weightParts, model.weightLevels, "weights"));
    const batch = keep(this.#load(batchParts, model.batchLevels, "batch"));
    const gradients = keep(model.gradient(evaluator, batch, weights));
    const ciphertexts = gradients.map((gradient) => ckks.save(gradient));
    this.#gradientMs += performance.now() - start;
    this.#steps++;
    return { type: "gradients", fields: { ciphertexts } };
  }

  #finish(): Answer {
    this.#tell(`training finished after ${this.#steps} steps`);
    return { type: "finished", fields: { steps: this.#steps, gradientMs: this.#gradientMs } };
  }

  get #training(): Training {
    if (!this.#begun) throw new ProtocolError("Cannot go on: no training has begun");
    return this.#begun;
  }

  #tell(line: string): void {
    this.options.onEvent?.(line);
  }

  [Symbol.dispose](): void {
    keysHeld -= this.#keysHeld;
    this.#begun?.evaluator[Symbol.dispose]();
  }
}

/** Serves one client until it leaves, vanishes or breaks a rule; never throws on its account.
 * @returns why the connection ended. */
export async function serve(connection: Connection, options: ServerOptions = {}): Promise<string> {
  using session = new HeSession(options);
  const { timeoutMs = PATIENCE_MS, signal } = options;
  return await answerRequests(connection, REQUESTS, (request) => session.answer(request), {
    ...{ timeoutMs, signal },
  });
}
