/** The client of CryptoNN: owns the images. They leave it as ciphertexts alone, the labels in the clear.
 *
 *   authority → two public keys            each batch, once: ciphertexts of its samples and of its columns → server
 *   each step: the server is told to take it, and says the loss
 *
 * It sees the losses, the classes, and where a number of the network outgrows its bound, that number.
 * @module */
import { type Dataset, image } from "../../data/dataset.ts";
import {
  decodeMasterPublicKey,
  encodeCiphertext,
  encrypt,
  type IpfeParams,
  type MasterPublicKey,
} from "../../fe/ipfe.ts";
import type { Connection } from "../../net/connection.ts";
import { closeOnError, Requests } from "../../net/requests.ts";
import { Transcript } from "../../net/transcript.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";
import { breather } from "../../workers/pool.ts";
import { DEFAULT_SCALES } from "../fixed_net.ts";
import { countImages } from "../parties.ts";
import { PATIENCE_MS, rowsAtMost, termsFields } from "../terms.ts";
import { checkTerms, instancesOf, type Terms } from "./terms.ts";

/** The client's connections. */
export interface Connections {
  readonly authority: Connection;
  readonly server: Connection;
}

/** What limits a conversation with the other two. */
export interface SessionOptions {
  /** Notes each message and its bytes, and what took how long. */
  readonly transcript?: Transcript;
  readonly signal?: AbortSignal;
  /** The longest wait for an answer: a batch must be decrypted in it. */
  readonly timeoutMs?: number;
}

/** How to train. */
export interface TrainOptions
  extends
    SessionOptions,
    Pick<Terms, "hidden" | "batch" | "steps" | "learningRate">,
    Partial<Pick<Terms, "scales">> {
  /** Counts ciphertexts. */
  readonly onEncrypt?: (done: number, total: number) => void;
  readonly onStep?: (done: number, total: number, loss: number) => void;
}

/** What a client keeps of a training: the model itself lives at the server, as long as the session. */
export interface CryptonnModel {
  readonly session: ClientSession;
  /** To the server. */
  readonly requests: Requests;
  readonly n: number;
  /** Images of one request to classify. */
  readonly most: number;
}

/** Bytes of ciphertexts in one message, or one ciphertext if that has more. */
const CHUNK_BYTES = 2 ** 22;

/** A client's conversations, and the public keys that it was given. */
export class ClientSession {
  readonly transcript: Transcript;
  readonly #options: SessionOptions;

  private constructor(
    /** The session's name at the authority; who has it can ask for keys. */
    readonly name: string,
    private readonly keys: readonly MasterPublicKey[],
    options: SessionOptions,
  ) {
    this.#options = options;
    this.transcript = options.transcript ?? new Transcript();
  }

  /** Has the authority set up instances with these parameters.
   * @throws {ConnectionError} it refused, left or kept silent. {ProtocolError} it published other keys than those.
   * {RangeError} malformed ones. */
  static async open(
    authority: Connection,
    instances: readonly IpfeParams[],
    options: SessionOptions = {},
  ): Promise<ClientSession> {
    const to = "authority";
    const answer = await new Requests(authority, { timeoutMs: PATIENCE_MS, ...options, to }).ask(
      "setup",
      { lengths: instances.map(({ n }) => n), bounds: instances.map(({ boundY }) => boundY) },
      "public keys",
    );
    const keys = answer.parts("keys").map(decodeMasterPublicKey);
    const text = (pps: readonly IpfeParams[]) =>
      pps.map(({ n, boundX, boundY }) => `n = ${n}, |x| ≤ ${boundX}, |y| ≤ ${boundY}`).join(
        " and ",
      );
    const [published, asked] = [text(keys.map(({ pp }) => pp)), text(instances)];
    if (published !== asked) {
      throw new ProtocolError(
        `Cannot use the public keys: they are for ${published}, not ${asked}`,
      );
    }
    return new ClientSession(answer.text("session"), keys, options);
  }

  /** Encrypts a sample, or a column (a pixel of every image of a batch). */
  encrypt(what: "sample" | "column", x: ArrayLike<number>): Uint8Array {
    const key = this.keys[what === "sample" ? 0 : 1];
    const work = () => encodeCiphertext(encrypt(key, x));
    return this.transcript.time("client", `encrypt a ${what}`, work);
  }

  /** Encrypts vectors, so many at a time as fit into a message, and no more than `most`. */
  async *chunks(
    what: "sample" | "column",
    vectors: readonly ArrayLike<number>[],
    { onEach = () => {}, most = Infinity }: { onEach?: () => void; most?: number } = {},
  ): AsyncGenerator<{ readonly from: number; readonly ciphertexts: Uint8Array[] }> {
    const breathe = breather(this.#options.signal);
    let ciphertexts: Uint8Array[] = [];
    for (const [i, x] of vectors.entries()) {
      ciphertexts.push(this.encrypt(what, x));
      onEach();
      await breathe();
      const { length } = ciphertexts;
      const full = length === most || (length + 1) * ciphertexts[0].length > CHUNK_BYTES;
      if (!full && i + 1 < vectors.length) continue;
      yield { from: i + 1 - length, ciphertexts };
      ciphertexts = [];
    }
  }
}

/** Trains with the server and the authority at the other ends.
 * @throws {ConnectionError} one of them refused, left or kept silent. {ProtocolError} an answer breaks a rule.
 * {RangeError} a size or scale out of range, or samples that are not whole batches.
 * @throws the signal's reason when aborted. */
export function train(
  { authority, server }: Connections,
  data: Dataset,
  options: TrainOptions,
): Promise<CryptonnModel> {
  return closeOnError(authority, () =>
    closeOnError(server, async () => {
      const { hidden, batch, steps, learningRate, scales = DEFAULT_SCALES } = options;
      const { onEncrypt, onStep, transcript, timeoutMs = PATIENCE_MS } = options;
      const { n, count, y } = data;
      const sizes = { n, hidden, classes: data.classes.length, count, batch, steps };
      const terms = checkTerms({ ...sizes, learningRate, scales });
      // Without the authority the server cannot go on either.
      const signal = AbortSignal.any([authority.gone, ...options.signal ? [options.signal] : []]);
      const limits = { transcript, signal, timeoutMs };
      const session = await ClientSession.open(authority, instancesOf(terms), limits);
      const requests = new Requests(server, limits);
      await requests.ask("train", { session: session.name, ...termsFields(terms) }, "ready");

      const batches = count / batch;
      const total = Math.min(batches, steps) * (batch + n);
      let encrypted = 0;
      const onEach = () => onEncrypt?.(++encrypted, total);
      const sendBatch = async (first: number) => {
        const images = Array.from({ length: batch }, (_, i) => image(data, first + i));
        let stored: Promise<Message> | undefined; // one chunk ahead of the server
        for await (const { from, ciphertexts } of session.chunks("sample", images, { onEach })) {
          await stored;
          const labels = y.slice(first + from, first + from + ciphertexts.length);
          stored = requests.ask("encrypted samples", { ciphertexts, labels }, "stored");
        }
        const columns = Array.from({ length: n }, (_, p) => images.map((x) => x[p]));
        for await (const { ciphertexts } of session.chunks("column", columns, { onEach })) {
          await stored;
          stored = requests.ask("encrypted columns", { ciphertexts }, "stored");
        }
        await stored;
      };
      for (let step = 0; step < steps; step++) {
        if (step < batches) await sendBatch(step * batch);
        const loss = (await requests.ask("step", { step }, "stepped")).number("loss");
        onStep?.(step + 1, steps, loss);
      }
      return { session, n, requests, most: rowsAtMost(terms) };
    }));
}

/** The classes of new images, which go to the server encrypted.
 * @param pixels `[m, n]`, bytes.
 * @throws {TypeError} pixels of another size.   @throws as `train`. */
export function classify(
  { session, requests, n, most }: CryptonnModel,
  pixels: Uint8Array,
  onProgress?: (done: number, total: number) => void,
): Promise<Uint8Array> {
  const count = countImages(pixels, n);
  return closeOnError(requests.connection, async () => {
    const classes = new Uint8Array(count);
    const images = Array.from({ length: count }, (_, i) => pixels.subarray(i * n, (i + 1) * n));
    for await (const { from, ciphertexts } of session.chunks("sample", images, { most })) {
      const part = (await requests.ask("classify", { ciphertexts }, "classes")).bytes("classes");
      const { length } = ciphertexts;
      if (part.length !== length) {
        throw new ProtocolError(`Cannot read classes: ${part.length} for ${length} images`);
      }
      classes.set(part, from);
      onProgress?.(from + length, count);
    }
    return classes;
  });
}
