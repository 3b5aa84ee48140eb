/** The server's heavy work, in this thread or over Workers: what is z1 of these samples under those keys?
 *
 * Sample i belongs for good to Worker i mod k, which keeps its ciphertext and lines; keys go to all of them.
 * So the work divides evenly over any batch of consecutive samples, but for the keys, which every Worker decodes:
 * 0.6 ms for each of their n + 3 elements. The result is the same for any number of Workers.
 * @module */
import type { FhipeParams } from "../../fe/fhipe.ts";
import { Actor } from "../../workers/actor.ts";
import { type DecryptionTimes, Samples, type SamplesAnswer, type SamplesOrder } from "./samples.ts";
import type { StartOrder } from "./samples_worker.ts";
import { MAX_CIPHERTEXT_ELEMENTS } from "./terms.ts";

/** Trainings that a server decrypts for at a time: each has Workers of its own, of 25 MB. */
const MAX_TRAININGS = 4;
/** Memory for the lines of ciphertexts, all trainings together. Each takes half of what is left and gives it back:
 * the first, and mostly the only one, has 2^28, for 280 samples of n = 49 or 19 of n = 784. */
const LINES_BYTES = 2 ** 29;

/** What is left of a server for the next training. */
const left = {
  trainings: MAX_TRAININGS,
  linesBytes: LINES_BYTES,
  elements: MAX_CIPHERTEXT_ELEMENTS,
};

/** Whoever keeps some of the samples. */
type Keeper = (order: SamplesOrder) => Promise<SamplesAnswer>;

/** Takes from what is left, or gives back. */
function take(trainings: number, linesBytes: number, elements: number): void {
  left.trainings -= trainings;
  left.linesBytes -= linesBytes;
  left.elements -= elements;
}

const plainReason = (reason: unknown) => reason instanceof Error ? reason.message : String(reason);

/** The samples of a training at the server. One call at a time. */
export class Decryption implements Disposable {
  readonly #keepers: readonly Keeper[];
  readonly #actors: Actor<StartOrder | SamplesOrder, SamplesAnswer>[] = [];
  readonly #stopFlag = new Int32Array(new SharedArrayBuffer(4));
  #giveBack: () => void;
  #count = 0;

  /** @param samples how many there will be.
   * @param workers how many Workers; 0 is this thread, which needs no permission to read.
   * @param signal ends whatever is under way.
   * @throws {RangeError} workers is not a natural number. {Error} the server has no room. */
  constructor(pp: FhipeParams, samples: number, workers: number, signal?: AbortSignal) {
    if (!Number.isSafeInteger(workers) || workers < 0) {
      throw new RangeError(`Cannot decrypt: ${workers} workers, expected 0 or more`);
    }
    const elements = samples * (pp.n + 3);
    if (left.trainings === 0) {
      throw new Error(`Cannot decrypt: ${MAX_TRAININGS} trainings are under way`);
    }
    if (elements > left.elements) {
      throw new Error(
        `Cannot decrypt: ${samples} samples have ${elements} elements, there is room for ` +
          left.elements,
      );
    }
    const linesBytes = left.linesBytes / 2;
    take(1, linesBytes, elements);
    this.#giveBack = () => take(-1, -linesBytes, -elements);
    if (workers === 0) {
      const samples = new Samples(pp, linesBytes, signal);
      this.#keepers = [(order) => samples.obey(order)];
      return;
    }
    const { group, ...bounds } = pp;
    const budgetBytes = linesBytes / workers;
    for (let k = 0; k < workers; k++) {
      const url = new URL("./samples_worker.ts", import.meta.url);
      const actor = new Actor<StartOrder | SamplesOrder, SamplesAnswer>(url, "decryption");
      const stopFlag = this.#stopFlag;
      actor.tell({ do: "start", curve: group.name, bounds, budgetBytes, stopFlag });
      this.#actors.push(actor);
    }
    this.#keepers = this.#actors.map((actor) => (order) => actor.ask(order));
    signal?.addEventListener("abort", () => this.#stop(plainReason(signal.reason)), { once: true });
  }

  /** How many samples are kept. */
  get count(): number {
    return this.#count;
  }

  /** Deals the items out: the first to whose turn it is after `before` others. Copies them, because a clone of
   * a view is one of its whole buffer. */
  #deal(encoded: readonly Uint8Array[], before: number): Uint8Array[][] {
    const hands: Uint8Array[][] = this.#keepers.map(() => []);
    encoded.forEach((bytes, i) => hands[(before + i) % hands.length].push(bytes.slice()));
    return hands;
  }

  /** Asks every keeper, and waits for all of them also when one fails. */
  async #ask<T extends SamplesAnswer>(order: (keeper: number) => SamplesOrder): Promise<T[]> {
    const answers = await Promise.allSettled(
      this.#keepers.map((keeper, k) => keeper(order(k)) as Promise<T>),
    );
    return answers.map((answer) => {
      if (answer.status === "rejected") throw answer.reason;
      return answer.value;
    });
  }

  /** Takes the next samples in. @throws {Error} one that is malformed, or for other parameters. */
  async store(ciphertexts: readonly Uint8Array[]): Promise<void> {
    const hands = this.#deal(ciphertexts, this.#count);
    await this.#ask((k) => ({ do: "store", ciphertexts: hands[k] }));
    this.#count += ciphertexts.length;
  }

  /** z1 of the samples from ≤ i < to, `[to − from, keys]`, of as many keys in every call.
   * @throws {Error} a malformed key; no inner product in the range. */
  async open(keys: readonly Uint8Array[], from: number, to: number): Promise<Float64Array> {
    const own = keys.map((key) => key.slice());
    const workers = this.#keepers.length;
    const first = (at: number, k: number) => Math.ceil((at - k) / workers); // in the hand of k
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
    const hands = this.#deal(ciphertexts, 0);
    const parts = await this.#ask<Float64Array>((k) => (
      { do: "openOnce", keys: own, ciphertexts: hands[k] }
    ));
    return this.#gather(parts, keys.length, 0, ciphertexts.length);
  }

  /** The rows of the keepers, in the order of the samples. */
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
