/** A server's heavy work, in this thread or over Workers: the inner products of samples that it keeps, under the keys
 * that it is given. CryptoNN and MITIG1 decrypt so.
 *
 * Sample i belongs for good to thread i mod k, which keeps its ciphertext; keys go to all of them. So the work divides
 * evenly over any run of consecutive samples, but for the keys, which every Worker decodes: function-hiding ones
 * 0.6 ms for each of their n + 3 elements. The result is the same for any number of Workers.
 * @module */
import { Actor } from "../workers/actor.ts";
import {
  type DecryptionTimes,
  Samples,
  type SamplesAnswer,
  type SamplesOrder,
  type Scheme,
} from "./samples.ts";
import type { StartOrder } from "./samples_worker.ts";

/** What is left of a server for the next training.
 * Each training has Workers of its own, of 25 MB. Of the memory for lines it takes half of what is left and gives it
 * back: the first, and mostly the only one, has 2^28, for 280 samples of n = 49 or 19 of n = 784. */
const left = { trainings: 4, linesBytes: 2 ** 29, bytes: 96 * 2 ** 23 };

/** Takes from what is left, or gives back. */
function take(trainings: number, linesBytes: number, bytes: number): void {
  left.trainings -= trainings;
  left.linesBytes -= linesBytes;
  left.bytes -= bytes;
}

/** The samples of a training at the server. One call at a time. */
export class Decryption implements Disposable {
  readonly #threads: readonly ((order: SamplesOrder) => Promise<SamplesAnswer>)[];
  readonly #actors: Actor<StartOrder | SamplesOrder, SamplesAnswer>[] = [];
  readonly #stopFlag = new Int32Array(new SharedArrayBuffer(4));
  #giveBack: () => void;
  #count = 0;

  /** @param bytes how much ciphertext there will be.
   * @param workers how many Workers; 0 is this thread, which needs no permission to read.
   * @param signal ends whatever is under way.
   * @throws {RangeError} workers is not a natural number. {Error} the server has no room. */
  constructor(scheme: Scheme, bytes: number, workers: number, signal?: AbortSignal) {
    if (!Number.isSafeInteger(workers) || workers < 0) {
      throw new RangeError(`Cannot decrypt: ${workers} workers, expected 0 or more`);
    }
    if (left.trainings === 0) throw new Error("Cannot decrypt: 4 trainings are under way");
    if (bytes > left.bytes) {
      throw new Error(
        `Cannot decrypt: ${bytes} bytes of ciphertexts, there is room for ${left.bytes}`,
      );
    }
    const linesBytes = left.linesBytes / 2;
    take(1, linesBytes, bytes);
    this.#giveBack = () => take(-1, -linesBytes, -bytes);
    if (workers === 0) {
      const samples = new Samples(scheme, linesBytes, signal);
      this.#threads = [(order) => samples.obey(order)];
      return;
    }
    let fhipe: StartOrder["fhipe"] = null;
    if (scheme.name === "fhipe") {
      const { group, ...bounds } = scheme.pp;
      fhipe = { curve: group.name, bounds };
    }
    const stopFlag = this.#stopFlag;
    for (let k = 0; k < workers; k++) {
      const url = new URL("./samples_worker.ts", import.meta.url);
      const actor = new Actor<StartOrder | SamplesOrder, SamplesAnswer>(url, "decryption");
      actor.tell({ do: "start", fhipe, linesBytes: linesBytes / workers, stopFlag });
      this.#actors.push(actor);
    }
    this.#threads = this.#actors.map((actor) => (order) => actor.ask(order));
    const reasonOf = ({ reason }: AbortSignal) =>
      reason instanceof Error ? reason.message : String(reason);
    signal?.addEventListener("abort", () => this.#stop(reasonOf(signal)), { once: true });
  }

  /** How many samples are kept. */
  get count(): number {
    return this.#count;
  }

  /** The items of each thread: the first is for the one whose turn it is after `before` others. Copies them, because
   * a clone of a view is one of its whole buffer. */
  #share(encoded: readonly Uint8Array[], before: number): Uint8Array[][] {
    const parts: Uint8Array[][] = this.#threads.map(() => []);
    encoded.forEach((bytes, i) => parts[(before + i) % parts.length].push(bytes.slice()));
    return parts;
  }

  /** Asks every thread, and waits for all of them also when one fails. */
  async #ask<T extends SamplesAnswer>(order: (thread: number) => SamplesOrder): Promise<T[]> {
    const answers = await Promise.allSettled(
      this.#threads.map((ask, k) => ask(order(k)) as Promise<T>),
    );
    return answers.map((answer) => {
      if (answer.status === "rejected") throw answer.reason;
      return answer.value;
    });
  }

  /** Takes the next samples in. @throws {Error} one that is malformed, or for other parameters. */
  async store(ciphertexts: readonly Uint8Array[]): Promise<void> {
    const parts = this.#share(ciphertexts, this.#count);
    await this.#ask((k) => ({ do: "store", ciphertexts: parts[k] }));
    this.#count += ciphertexts.length;
  }

  /** ⟨x, y⟩ of the samples from ≤ i < to, `[to − from, keys]`.
   * @throws {Error} a malformed key; no inner product in the range. */
  async open(keys: readonly Uint8Array[], from: number, to: number): Promise<Float64Array> {
    const own = keys.map((key) => key.slice());
    const threads = this.#threads.length;
    const first = (at: number, k: number) => Math.ceil((at - k) / threads); // in the order of thread k
    const parts = await this.#ask<Float64Array>((k) => (
      { do: "open", keys: own, from: first(from, k), to: first(to, k) }
    ));
    return this.#gather(parts, keys.length, from, to);
  }

  /** ⟨x, y⟩ of samples that are not kept, `[ciphertexts, keys]`. @throws as `open`. */
  async openOnce(
    keys: readonly Uint8Array[],
    ciphertexts: readonly Uint8Array[],
  ): Promise<Float64Array> {
    const own = keys.map((key) => key.slice());
    const shared = this.#share(ciphertexts, 0);
    const parts = await this.#ask<Float64Array>((k) => (
      { do: "openOnce", keys: own, ciphertexts: shared[k] }
    ));
    return this.#gather(parts, keys.length, 0, ciphertexts.length);
  }

  /** The rows of the threads, in the order of the samples. */
  #gather(parts: readonly Float64Array[], width: number, from: number, to: number): Float64Array {
    const all = new Float64Array((to - from) * width);
    const taken = parts.map(() => 0);
    for (let i = from; i < to; i++) {
      const k = i % parts.length;
      const row = taken[k]++;
      all.set(parts[k].subarray(row * width, (row + 1) * width), (i - from) * width);
    }
    return all;
  }

  /** Of all threads together. */
  async times(): Promise<DecryptionTimes> {
    const all = await this.#ask<DecryptionTimes>(() => ({ do: "times" }));
    const sum = (what: keyof DecryptionTimes) => all.reduce((total, t) => total + t[what], 0);
    return {
      decodeCiphertexts: sum("decodeCiphertexts"),
      decodeKeys: sum("decodeKeys"),
      decrypt: sum("decrypt"),
    };
  }

  #stop(reason: string): void {
    Atomics.store(this.#stopFlag, 0, 1);
    this.#actors.forEach((actor) => actor.stop(reason));
  }

  /** Ends the Workers. */
  [Symbol.dispose](): void {
    this.#stop("The decryption is over");
    this.#giveBack();
    this.#giveBack = () => {};
  }
}
