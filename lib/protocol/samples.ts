/** The encrypted samples that one thread of a server keeps, and what it opens of them, under either scheme.
 *
 * Of CryptoNN's ciphertexts the bytes are kept, and decoded at each use: decoded they take ten times the memory. A
 * function-hiding one is decoded and checked once, when it comes, which costs more; the lines of its Miller loops are
 * computed at its first use and kept within a budget. There z1 of a sample moves little from one epoch to the next, so
 * the search for its discrete logarithms begins at the last one. That costs no secrecy: who searches knows it.
 * @module */
import * as fhipe from "../fe/fhipe.ts";
import * as ipfe from "../fe/ipfe.ts";
import { breather } from "../workers/pool.ts";
import { ProtocolError } from "../net/wire.ts";

/** What the samples are encrypted under. */
export type Scheme =
  | { readonly name: "ipfe" }
  | { readonly name: "fhipe"; readonly pp: fhipe.FhipeParams };

/** Milliseconds that each kind of work took; over several threads, added up. */
export interface DecryptionTimes {
  readonly decodeCiphertexts: number;
  readonly decodeKeys: number;
  /** Lines, Miller loops, sums and discrete logarithms. */
  readonly decrypt: number;
}

/** What a thread is told. Samples go by their place in it: 0 is the first that it was given. */
export type SamplesOrder =
  | { do: "store"; ciphertexts: readonly Uint8Array[] }
  | { do: "open"; keys: readonly Uint8Array[]; from: number; to: number }
  | { do: "openOnce"; keys: readonly Uint8Array[]; ciphertexts: readonly Uint8Array[] }
  | { do: "times" };

/** What it answers. */
export type SamplesAnswer = number | Float64Array | DecryptionTimes;

/** How a thread works under a scheme: `C` is kept of a ciphertext. */
interface Decrypter<C, K> {
  /** Whether `decrypt` begins its search `near` the last result. */
  readonly searchesNear: boolean;
  ciphertext(bytes: Uint8Array): C;
  key(bytes: Uint8Array): K;
  decrypt(
    keys: readonly K[],
    ciphertext: C,
    options: {
      near?: Float64Array;
      /** Whether it will come again. */
      kept: boolean;
      signal?: AbortSignal;
      onProgress: () => void;
    },
  ): Float64Array;
}

const ipfeDecrypter: Decrypter<Uint8Array, ipfe.FunctionalKey> = {
  searchesNear: false,
  ciphertext: (bytes) => bytes,
  key: (bytes) => ipfe.decodeFunctionalKey(bytes),
  decrypt: (keys, bytes, { onProgress, signal }) =>
    ipfe.decryptMany(keys, ipfe.decodeCiphertext(bytes), { onProgress, signal }),
};

function fhipeDecrypter(
  pp: fhipe.FhipeParams,
  linesBytes: number,
): Decrypter<fhipe.Ciphertext, fhipe.FunctionalKey> {
  const lines = new fhipe.PreparedCiphertexts(linesBytes);
  const describe = ({ n, boundX, boundY }: fhipe.FhipeParams) =>
    `n = ${n}, boundX = ${boundX}, boundY = ${boundY}`;
  const check = <T extends { pp: fhipe.FhipeParams }>(what: string, made: T): T => {
    if (describe(made.pp) === describe(pp)) return made;
    throw new ProtocolError(
      `Cannot use ${what}: it is for ${describe(made.pp)}, expected ${describe(pp)}`,
    );
  };
  return {
    searchesNear: true,
    ciphertext: (bytes) => check("a ciphertext", fhipe.decodeCiphertext(pp.group, bytes)),
    key: (bytes) => check("a key", fhipe.decodeFunctionalKey(pp.group, bytes)),
    decrypt: (keys, ctX, { kept, ...options }) =>
      fhipe.decryptMany(keys, ctX, { ...options, prepared: kept ? lines : undefined }),
  };
}

/** See the module's text. */
export class Samples {
  readonly #scheme: Decrypter<unknown, unknown>;
  readonly #breathe: () => Promise<void>;
  readonly #samples: { ciphertext: unknown; z1?: Float64Array }[] = [];
  readonly #times = { decodeCiphertexts: 0, decodeKeys: 0, decrypt: 0 };

  /** @param linesBytes memory for lines.   @param signal looked at before every sample and every key.
   * @param look called between two keys, where nothing else gets in: it may abort the signal. */
  constructor(
    scheme: Scheme,
    linesBytes: number,
    private readonly signal?: AbortSignal,
    private readonly look: () => void = () => {},
  ) {
    this.#scheme = scheme.name === "ipfe" ? ipfeDecrypter : fhipeDecrypter(scheme.pp, linesBytes);
    this.#breathe = breather(signal);
  }

  /** Does as told. @throws {Error} a key or ciphertext that is malformed, or for other parameters; no
   * inner product in the range. */
  async obey(order: SamplesOrder): Promise<SamplesAnswer> {
    if (order.do === "times") return { ...this.#times };
    const decode = (bytes: Uint8Array) => this.#scheme.ciphertext(bytes);
    if (order.do === "store") {
      const stored = await this.#each("decodeCiphertexts", order.ciphertexts, decode);
      for (const ciphertext of stored) this.#samples.push({ ciphertext });
      return this.#samples.length;
    }
    const keys = await this.#each("decodeKeys", order.keys, (bytes) => this.#scheme.key(bytes));
    const kept = order.do === "open";
    const samples: { ciphertext: unknown; z1?: Float64Array }[] = kept
      ? this.#samples.slice(order.from, order.to)
      : (await this.#each("decodeCiphertexts", order.ciphertexts, decode))
        .map((ciphertext) => ({ ciphertext }));
    const { signal, look: onProgress } = this;
    const opened = await this.#each("decrypt", samples, (sample) => {
      const { ciphertext, z1 } = sample;
      const near = z1?.length === keys.length ? z1 : undefined;
      const found = this.#scheme.decrypt(keys, ciphertext, { near, kept, signal, onProgress });
      if (this.#scheme.searchesNear) sample.z1 = found;
      return found;
    });
    const all = new Float64Array(samples.length * keys.length);
    opened.forEach((z1, i) => all.set(z1, i * keys.length));
    return all;
  }

  /** Works on each item, timed, with a pause now and then. */
  async #each<T, R>(
    what: keyof DecryptionTimes,
    items: readonly T[],
    work: (item: T) => R,
  ): Promise<R[]> {
    const results: R[] = [];
    for (const item of items) {
      await this.#breathe();
      const start = performance.now();
      results.push(work(item));
      this.#times[what] += performance.now() - start;
    }
    return results;
  }
}
