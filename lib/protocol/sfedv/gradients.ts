/** The aggregator's heavy work, in this thread or over Workers: the encrypted batches that it keeps, and their
 * gradients.
 *
 * Every Worker reads and keeps all batches, and decrypts a share of a gradient's coordinates. Reading them, and the
 * sums and lines of a step (an eighth of it), are done in each; the rest divides. The result is the same for any
 * number of Workers.
 * @module */
import { type BatchCiphertext, type BatchParams, joinColumns } from "../../fe/qfe_batch.ts";
import { decryptGradient } from "../../fe/qfe_gradient.ts";
import { decodeBatchCiphertext, decodeGradientKeys } from "../../fe/qfe_gradient_encoding.ts";
import { type PairingGroup, startPairing } from "../../math/pairing/group.ts";
import { ProtocolError } from "../../net/wire.ts";
import { Actor } from "../../workers/actor.ts";

/** What columns must be of. */
export type Expected =
  & Omit<BatchParams, "group">
  & Pick<BatchCiphertext, "from" | "to">;

/** A share of a gradient's coordinates. */
export interface GradientShare {
  /** Encoded gradient keys, and the model that they are for. */
  readonly keys: Uint8Array;
  readonly c: Int32Array;
  /** Which of how many shares. */
  readonly share: number;
  readonly of: number;
}

/** What a thread is told. */
export type GradientOrder =
  & { readonly which: number }
  & (
    | { readonly do: "add"; readonly columns: Uint8Array; readonly expected: Expected }
    | { readonly do: "join" }
    | ({ readonly do: "open" } & GradientShare)
  );

/** The batches of one thread. */
export class Batches {
  /** Columns of a batch; joined, they are one. */
  readonly #parts = new Map<number, BatchCiphertext[]>();

  constructor(private readonly group: PairingGroup, private readonly signal?: AbortSignal) {}

  /** Does as told: `add` and `join` answer nothing, `open` the coordinates of a share, in order.
   * @throws {ProtocolError} columns of other parameters.   @throws as `decodeBatchCiphertext`, `joinColumns`,
   * `decodeGradientKeys` and `decryptGradient`; an index in an error counts within the share. */
  obey(order: GradientOrder): Float64Array {
    const parts = this.#parts.get(order.which) ?? [];
    if (order.do === "open") return this.#open(parts[0], order);
    if (order.do === "join") this.#parts.set(order.which, [joinColumns(parts)]);
    else this.#parts.set(order.which, [...parts, this.#read(order)]);
    return new Float64Array(0);
  }

  #read(order: GradientOrder & { readonly do: "add" }): BatchCiphertext {
    const part = decodeBatchCiphertext(this.group, order.columns);
    const { from, to, pp: { n, batch, boundX, boundY } } = part;
    const [found, expected] = [{ n, batch, boundX, boundY, from, to }, order.expected].map((of) =>
      `columns [${of.from}, ${of.to}), n = ${of.n}, batch = ${of.batch}, boundX = ${of.boundX}, ` +
      `boundY = ${of.boundY}`
    );
    if (found === expected) return part;
    throw new ProtocolError(`Cannot store columns: they are (${found}), not (${expected})`);
  }

  #open(ctU: BatchCiphertext, { keys, c, share, of }: GradientShare): Float64Array {
    const { pp, skC } = decodeGradientKeys(this.group, keys);
    const [from, to] = [share, share + 1].map((k) => Math.floor(skC.length * k / of));
    if (from === to) return new Float64Array(0);
    const own = { ...ctU, a: ctU.a.slice(from, to) };
    return decryptGradient({ pp, skC: skC.slice(from, to) }, c, own, { signal: this.signal });
  }
}

/** The batches of a training, in one thread or several. */
export class Gradients implements Disposable {
  readonly #threads: readonly ((order: GradientOrder) => Promise<Float64Array>)[];
  readonly #actors: readonly Actor<GradientOrder, Float64Array>[];

  /** @param workers how many Workers; 0 is this thread, which needs no permission to read.
   * @param signal ends whatever is under way.
   * @throws {RangeError} workers is not a natural number. */
  constructor(workers: number, private readonly signal?: AbortSignal) {
    if (!Number.isSafeInteger(workers) || workers < 0) {
      throw new RangeError(`Cannot decrypt: ${workers} workers, expected 0 or more`);
    }
    const url = new URL("./gradients_worker.ts", import.meta.url);
    this.#actors = Array.from({ length: workers }, () => new Actor(url, "decryption"));
    const here = startPairing().then((group) => new Batches(group, signal));
    this.#threads = workers === 0
      ? [async (order) => (await here).obey(order)]
      : this.#actors.map((actor) => (order) => actor.ask(order));
    signal?.addEventListener("abort", () => this.#stop(String(signal.reason)), { once: true });
  }

  /** Takes columns of a batch in. @throws {Error} malformed ones, or of other parameters. */
  async add(which: number, columns: Uint8Array, expected: Expected): Promise<void> {
    const own = columns.slice(); // a clone of a view is one of its whole buffer
    await this.#ask(() => ({ do: "add", which, columns: own, expected }));
  }

  /** Puts the columns of a batch together. @throws {Error} as `joinColumns`. */
  async join(which: number): Promise<void> {
    await this.#ask(() => ({ do: "join", which }));
  }

  /** The gradient of a batch. @throws {Error} malformed keys, or none of this batch and c. */
  async open(which: number, keys: Uint8Array, c: Int32Array): Promise<Float64Array> {
    const of = this.#threads.length;
    const own = keys.slice();
    const shares = await this.#ask((share) => ({ do: "open", which, keys: own, c, share, of }));
    return Float64Array.from(shares.flatMap((part) => [...part]));
  }

  /** Asks every thread, and waits for all of them also when one fails. */
  async #ask(order: (thread: number) => GradientOrder): Promise<Float64Array[]> {
    const answers = await Promise.allSettled(this.#threads.map((ask, k) => ask(order(k))));
    return answers.map((answer) => {
      if (answer.status === "fulfilled") return answer.value;
      this.signal?.throwIfAborted();
      throw answer.reason;
    });
  }

  #stop(reason: string): void {
    this.#actors.forEach((actor) => actor.stop(reason));
  }

  /** Ends the Workers. */
  [Symbol.dispose](): void {
    this.#stop("The training is over");
  }
}
