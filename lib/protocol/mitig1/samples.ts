/** The encrypted samples that one thread of the server keeps, and what it opens of them.
 *
 * A ciphertext is decoded and checked once, when it comes; the lines of its Miller loops are computed at its
 * first use and kept within a budget. z1 of a sample moves little from one epoch to the next, so the
 * search for its discrete logarithms begins at the last one. That costs no secrecy: who searches knows it.
 * @module */
import {
  type Ciphertext,
  decryptMany,
  type FhipeParams,
  type FunctionalKey,
  PreparedCiphertexts,
} from "../../fe/fhipe.ts";
import { decodeCiphertext, decodeFunctionalKey } from "../../fe/fhipe_encoding.ts";
import { breather } from "../../workers/pool.ts";
import { checkMadeFor } from "./terms.ts";

/** Milliseconds that each kind of work took; over several threads, added up. */
export interface DecryptionTimes {
  readonly decodeCiphertexts: number;
  readonly decodeKeys: number;
  /** Lines, Miller loops and discrete logarithms. */
  readonly decrypt: number;
}

/** What a thread is told. Samples go by their place in it: 0 is the first that it was given. */
export type SamplesOrder =
  | { do: "store"; ciphertexts: readonly Uint8Array[] }
  | { do: "open"; keys: readonly Uint8Array[]; from: number; to: number }
  | { do: "openOnce"; keys: readonly Uint8Array[]; ciphertexts: readonly Uint8Array[] }
  | { do: "times" };

export type SamplesAnswer = number | Float64Array | DecryptionTimes;

/** See the module's text. */
export class Samples {
  readonly #pp: FhipeParams;
  readonly #prepared: PreparedCiphertexts;
  readonly #breathe: () => Promise<void>;
  readonly #samples: { ctX: Ciphertext; z1?: Float64Array }[] = [];
  readonly #times = { decodeCiphertexts: 0, decodeKeys: 0, decrypt: 0 };

  /** @param budgetBytes memory for lines.   @param signal looked at before every sample and every key.
   * @param look called between two keys, where nothing else gets in: it may abort the signal. */
  constructor(
    pp: FhipeParams,
    budgetBytes: number,
    private readonly signal?: AbortSignal,
    private readonly look: () => void = () => {},
  ) {
    this.#pp = pp;
    this.#prepared = new PreparedCiphertexts(budgetBytes);
    this.#breathe = breather(signal);
  }

  /** Does as told. @throws {Error} a key or ciphertext that is malformed, or for other parameters; no
   * inner product in the range. */
  async obey(order: SamplesOrder): Promise<SamplesAnswer> {
    if (order.do === "times") return { ...this.#times };
    if (order.do === "store") {
      for (const ctX of await this.#ciphertexts(order.ciphertexts)) this.#samples.push({ ctX });
      return this.#samples.length;
    }
    const skYs = await this.#keys(order.keys);
    const samples = order.do === "open"
      ? this.#samples.slice(order.from, order.to)
      : (await this.#ciphertexts(order.ciphertexts)).map((ctX) => ({ ctX }));
    const prepared = order.do === "open" ? this.#prepared : undefined;
    return await this.#open(skYs, samples, prepared);
  }

  #timed<T>(what: keyof DecryptionTimes, work: () => T): T {
    const start = performance.now();
    const result = work();
    this.#times[what] += performance.now() - start;
    return result;
  }

  async #ciphertexts(encoded: readonly Uint8Array[]): Promise<Ciphertext[]> {
    const decoded: Ciphertext[] = [];
    for (const bytes of encoded) {
      const { group } = this.#pp;
      const ctX = this.#timed("decodeCiphertexts", () => decodeCiphertext(group, bytes));
      checkMadeFor("a ciphertext", ctX.pp, this.#pp);
      decoded.push(ctX);
      await this.#breathe();
    }
    return decoded;
  }

  async #keys(encoded: readonly Uint8Array[]): Promise<FunctionalKey[]> {
    const decoded: FunctionalKey[] = [];
    for (const bytes of encoded) {
      const skY = this.#timed("decodeKeys", () => decodeFunctionalKey(this.#pp.group, bytes));
      checkMadeFor("a key", skY.pp, this.#pp);
      decoded.push(skY);
      await this.#breathe();
    }
    return decoded;
  }

  /** ⟨x, y⟩ of every sample and key, `[samples, keys]`. */
  async #open(
    skYs: readonly FunctionalKey[],
    samples: readonly { ctX: Ciphertext; z1?: Float64Array }[],
    prepared: PreparedCiphertexts | undefined,
  ): Promise<Float64Array> {
    const opened = new Float64Array(samples.length * skYs.length);
    const { signal, look: onProgress } = this;
    for (const [i, sample] of samples.entries()) {
      await this.#breathe();
      const { ctX, z1: near } = sample;
      sample.z1 = this.#timed(
        "decrypt",
        () => decryptMany(skYs, ctX, { near, prepared, signal, onProgress }),
      );
      opened.set(sample.z1, i * skYs.length);
    }
    return opened;
  }
}
