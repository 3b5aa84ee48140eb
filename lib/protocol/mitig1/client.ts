/** The client of MITIG1: pixels, W1 and the master key. All that it sends is encrypted, but for the labels.
 *
 *   once a sample:  Enc(msk of its batch, x), label → server
 *   every step:     KeyDer(msk of the batch, row of W1), all rows → server → dz1
 *                   dW1 = dz1·X, and W1 moves (step.ts)
 *
 * The keys of a step are fresh, also where a row has not moved: equal rows do not show. The
 * master keys come from the CSPRNG whatever draws W1, because the result does not depend on them. One for each
 * batch by default; the paper's single one lets every key open every sample (master_keys.ts).
 * @see arXiv 2509.21497, first mitigation. Juve45/cryptonn, mitigation1_client.py.
 * @module */
import type { Dataset } from "../../data/dataset.ts";
import {
  encodeCiphertext,
  encodeFunctionalKey,
  encrypt,
  keyDerive,
  type MasterSecretKey,
} from "../../fe/fhipe.ts";
import { startPairing } from "../../math/pairing/group.ts";
import { type Rng, secureRng } from "../../math/rng.ts";
import { breather } from "../../workers/pool.ts";
import { closeOnError, Requests } from "../../net/requests.ts";
import { Transcript } from "../../net/transcript.ts";
import type { Connection } from "../../net/connection.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";
import { clearProducts, DEFAULT_SCALES, initialFixedW1, type Scales } from "../fixed_net.ts";
import { classifyInParts, countImages } from "../parties.ts";
import { type KeysPer, MasterKeys } from "./master_keys.ts";
import { clientStep } from "./step.ts";
import { checkTerms, paramsOf, stepsOf, type Terms } from "./terms.ts";
import { PATIENCE_MS, termsFields } from "../terms.ts";

/** What a step was about, at the client. */
export interface ClientRecord {
  /** Steps before this one. */
  readonly step: number;
  /** Mean loss of a sample, which the server tells. */
  readonly loss: number;
  /** The first layer that the batch went through, `[hidden, n]`. */
  readonly W1: Int32Array;
  /** `[hidden, m]`, integers: round(dz1 · 2^gradientBits). */
  readonly dz1: Int32Array;
  /** `[hidden, n]`, integers: dz1·X. */
  readonly dW1: Float64Array;
}

/** What limits a conversation with the server. */
export interface SessionOptions {
  /** Notes each message and its bytes, and what took how long on both sides. */
  readonly transcript?: Transcript;
  readonly signal?: AbortSignal;
  /** The longest wait for an answer: a batch must be decrypted in it. */
  readonly timeoutMs?: number;
}

/** What a client has beside its connection and its data. */
export interface TrainOptions extends SessionOptions {
  readonly hidden: number;
  /** Samples per step; divides their number. */
  readonly batch: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly scales?: Scales;
  /** What shares a master key: "batch" by default; "training" is the paper's, whose keys open every sample. */
  readonly keysPer?: KeysPer;
  /** Draws W1, and nothing else. */
  readonly rng?: Rng;
  /** Counts encrypted samples. */
  readonly onEncrypt?: (done: number, total: number) => void;
  readonly onStep?: (done: number, total: number, loss: number) => void;
  readonly onRecord?: (record: ClientRecord) => void;
}

/** The client's part of a trained model; the server's lives as long as the session. */
export interface Mitig1Model {
  readonly session: Conversation;
  /** `[hidden, n]`, at scale 2^weightBits. */
  readonly W1: Int32Array;
  readonly hidden: number;
  readonly n: number;
  readonly scales: Scales;
  readonly masterKeys: MasterKeys;
}

/** Ciphertexts of one message: at n = 784, 7 MB. */
const CHUNK = 100;

/** A conversation with the server, in which a client trains and then classifies. */
export class Conversation {
  readonly requests: Requests;
  readonly transcript: Transcript;
  readonly signal?: AbortSignal;

  constructor(
    readonly connection: Connection,
    { transcript = new Transcript(), signal, timeoutMs = PATIENCE_MS }: SessionOptions = {},
  ) {
    this.transcript = transcript;
    this.signal = signal;
    this.requests = new Requests(connection, { transcript, signal, timeoutMs });
  }

  /** Encrypts samples, encoded. @param x pixels, `[m, n]`. */
  encrypt(msk: MasterSecretKey, x: Uint8Array, onSample?: () => void): Promise<Uint8Array[]> {
    const encryptOne = (sample: Uint8Array) => encodeCiphertext(encrypt(msk, sample));
    return this.#each("encrypt", x, msk.pp.n, encryptOne, onSample);
  }

  /** Fresh keys for the rows of W1, encoded. */
  deriveKeys(msk: MasterSecretKey, W1: Int32Array): Promise<Uint8Array[]> {
    const deriveOne = (row: Int32Array) => encodeFunctionalKey(keyDerive(msk, row));
    return this.#each("derive keys", W1, msk.pp.n, deriveOne);
  }

  /** Does something with each row, and notes what it took. */
  async #each<Rows extends Uint8Array | Int32Array>(
    what: string,
    rows: Rows,
    n: number,
    work: (row: Rows) => Uint8Array,
    onRow?: () => void,
  ): Promise<Uint8Array[]> {
    const breathe = breather(this.signal);
    const done: Uint8Array[] = [];
    for (let at = 0; at < rows.length; at += n) {
      const row = rows.subarray(at, at + n) as Rows;
      done.push(this.transcript.time("client", what, () => work(row)));
      onRow?.();
      await breathe();
    }
    return done;
  }
}

/** dz1 as the server returned it. @throws {ProtocolError} another shape, or an integer over its bound. */
function readGradient(answer: Message, { hidden, batch, scales }: Terms): Int32Array {
  const dz1 = answer.int32("dz1", [hidden, batch]);
  const over = dz1.find((d) => Math.abs(d) > scales.gradientBound);
  if (over !== undefined) {
    throw new ProtocolError(`Cannot read dz1: ${over} is not within ±${scales.gradientBound}`);
  }
  return dz1;
}

/** Trains with the server at the other end.
 * @throws {ConnectionError} the server refused, left or kept silent.  {ProtocolError} its answer breaks a
 * rule.  {RangeError} a size or scale out of range, samples that are not whole batches, or a weight that
 * outgrows its bound.   @throws the signal's reason when aborted. */
export function train(
  connection: Connection,
  data: Dataset,
  options: TrainOptions,
): Promise<Mitig1Model> {
  return closeOnError(
    connection,
    () => trainOver(new Conversation(connection, options), data, options),
  );
}

async function trainOver(
  session: Conversation,
  data: Dataset,
  options: TrainOptions,
): Promise<Mitig1Model> {
  const { hidden, batch, epochs, learningRate, scales = DEFAULT_SCALES } = options;
  const { keysPer = "batch", rng = secureRng(), onEncrypt, onStep, onRecord } = options;
  const { requests, transcript } = session;
  const { n, count, x, y } = data;
  const sizes = { n, hidden, classes: data.classes.length, count };
  const terms = checkTerms({
    ...{ curve: "bls12-381", ...sizes, batch, epochs, learningRate, scales, keysPer },
  });
  const group = await startPairing(terms.curve);
  const masterKeys = new MasterKeys(
    paramsOf(terms, group),
    keysPer,
    (setUp) => transcript.time("client", "setup", setUp),
  );
  let W1 = initialFixedW1({ n, hidden }, scales, rng);
  const ready = await requests.ask("train", termsFields(terms), "ready");
  ready.text("keysPer", keysPer); // who does not know of it would agree to anything

  let encrypted = 0;
  const stored: Promise<Message>[] = [];
  for (let from = 0; from < count; from += CHUNK) {
    const to = Math.min(from + CHUNK, count);
    const ciphertexts: Uint8Array[] = [];
    for (let at = from; at < to;) { // a chunk may begin and end within a batch
      const of = Math.floor(at / batch);
      const end = Math.min((of + 1) * batch, to);
      const [msk, pixels] = [masterKeys.ofBatch(of), x.subarray(at * n, end * n)];
      ciphertexts.push(
        ...await session.encrypt(msk, pixels, () => onEncrypt?.(++encrypted, count)),
      );
      at = end;
    }
    await Promise.all(stored.splice(0, stored.length - 1)); // one chunk ahead of the server
    const labels = y.slice(from, to);
    stored.push(requests.ask("samples", { ciphertexts, labels }, "stored"));
  }
  await Promise.all(stored);

  const steps = stepsOf(terms);
  for (let step = 0; step < steps; step++) {
    const from = step * batch % count;
    const keys = await session.deriveKeys(masterKeys.ofBatch(from / batch), W1);
    const answer = await requests.ask("keys", { step, keys }, "dz1");
    const [dz1, loss] = [readGradient(answer, terms), answer.number("loss")];
    const products = clearProducts(x.subarray(from * n, (from + batch) * n), n);
    const taken = await transcript.time(
      "client",
      "update W1",
      () => clientStep(W1, dz1, batch, products, terms),
    );
    onRecord?.({ step, loss, W1, dz1, dW1: taken.dW1 });
    W1 = taken.W1;
    onStep?.(step + 1, steps, loss);
  }
  const finished = await requests.ask("finish", {}, "finished");
  noteServer(transcript, finished, terms);
  return { session, W1, hidden, n, scales, masterKeys };
}

/** Notes what the server says that its work took. */
function noteServer(transcript: Transcript, finished: Message, terms: Terms): void {
  const steps = stepsOf(terms);
  const { count, hidden, batch } = terms;
  const times: [field: string, what: string, runs: number][] = [
    ["storeMs", "store samples, elapsed", count],
    ["decryptMs", "open batches, elapsed", steps],
    ["headMs", "later layers", steps],
    ["decodeCiphertexts", "decode ciphertexts, all threads", count],
    ["decodeKeys", "decode keys, all threads", steps],
    ["decrypt", "decrypt, all threads", steps * batch * hidden],
  ];
  for (const [field, what, runs] of times) {
    transcript.note("server", what, runs, finished.number(field));
  }
}

/** The classes of new images, which go to the server as ciphertexts with keys for the model's W1.
 * @param pixels `[m, n]`, bytes.
 * @throws {TypeError} pixels of another size.   @throws as `train`. */
export function classify(
  { session, W1, n, masterKeys }: Mitig1Model,
  pixels: Uint8Array,
  onProgress?: (done: number, total: number) => void,
): Promise<Uint8Array> {
  const count = countImages(pixels, n);
  return closeOnError(session.connection, () => {
    return classifyInParts(count, CHUNK, async (from, to) => {
      const msk = masterKeys.ofRequest();
      const keys = await session.deriveKeys(msk, W1);
      const ciphertexts = await session.encrypt(msk, pixels.subarray(from * n, to * n));
      return await session.requests.ask("classify", { keys, ciphertexts }, "classes");
    }, onProgress);
  });
}
