/** The aggregator's heavy work, in this thread or over Workers: the gradients of encrypted batches that it keeps.
 *
 * Every Worker keeps all batches and decrypts a share of a gradient's coordinates. The sums and lines of a step are
 * made in each of them, an eighth of the step; the rest divides. The result is the same for any number of Workers.
 * @module */
import type { BatchCiphertext } from "../../fe/qfe_batch.ts";
import { decryptGradient } from "../../fe/qfe_gradient.ts";
import { decodeGradientKeys } from "../../fe/qfe_gradient_encoding.ts";
import { Actor } from "../../workers/actor.ts";

/** What a Worker is told. */
export type GradientOrder =
  | { readonly do: "store"; readonly batch: number; readonly parts: readonly Uint8Array[] }
  | ({ readonly do: "open"; readonly batch: number } & GradientShare);

/** A share of a gradient's coordinates. */
export interface GradientShare {
  /** Encoded gradient keys, and the model that they are for. */
  readonly keys: Uint8Array;
  readonly c: Int32Array;
  /** Which of how many shares. */
  readonly share: number;
  readonly of: number;
}

/** The coordinates of one share, in order.
 * @throws as `decodeGradientKeys` and `decryptGradient`; an index in an error counts within the share. */
export function openShare(
  ctU: BatchCiphertext,
  { keys, c, share, of }: GradientShare,
  signal?: AbortSignal,
): Float64Array {
  const { pp, skC } = decodeGradientKeys(ctU.pp.group, keys);
  const [from, to] = [share, share + 1].map((k) => Math.floor(skC.length * k / of));
  if (from === to) return new Float64Array(0);
  const own = { ...ctU, a: ctU.a.slice(from, to) };
  return decryptGradient({ pp, skC: skC.slice(from, to) }, c, own, { signal });
}

/** The batches of a training. */
export class Gradients implements Disposable {
  readonly #actors: readonly Actor<GradientOrder, Float64Array>[];
  /** Without Workers. */
  readonly #batches = new Map<number, BatchCiphertext>();

  /** @param workers how many Workers; 0 is this thread, which needs no permission to read.
   * @param signal ends whatever is under way.
   * @throws {RangeError} workers is not a natural number. */
  constructor(workers: number, private readonly signal?: AbortSignal) {
    if (!Number.isSafeInteger(workers) || workers < 0) {
      throw new RangeError(`Cannot decrypt: ${workers} workers, expected 0 or more`);
    }
    const url = new URL("./gradients_worker.ts", import.meta.url);
    this.#actors = Array.from({ length: workers }, () => new Actor(url, "decryption"));
    signal?.addEventListener("abort", () => this.#stop(String(signal.reason)), { once: true });
  }

  /** Keeps a batch. @param parts the encodings of its columns, which were joined to `ctU`. */
  async store(batch: number, ctU: BatchCiphertext, parts: readonly Uint8Array[]): Promise<void> {
    if (this.#actors.length === 0) this.#batches.set(batch, ctU);
    const copies = parts.map((part) => part.slice()); // a clone of a view is one of its whole buffer
    await this.#ask(() => ({ do: "store", batch, parts: copies }));
  }

  /** The gradient of a batch. @throws as `openShare`; from Workers as {Error} with the same text. */
  async open(batch: number, keys: Uint8Array, c: Int32Array): Promise<Float64Array> {
    const of = this.#actors.length;
    if (of === 0) {
      return openShare(this.#batches.get(batch)!, { keys, c, share: 0, of: 1 }, this.signal);
    }
    const own = keys.slice();
    const shares = await this.#ask((share) => ({ do: "open", batch, keys: own, c, share, of }));
    return Float64Array.from(shares.flatMap((part) => [...part]));
  }

  /** Asks every Worker, and waits for all of them also when one fails. */
  async #ask(order: (worker: number) => GradientOrder): Promise<Float64Array[]> {
    const answers = await Promise.allSettled(this.#actors.map((actor, k) => actor.ask(order(k))));
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
