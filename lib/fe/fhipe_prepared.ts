/** Ciphertexts with the lines of their Miller loops, kept from decryption to decryption.
 *
 * Lines take 17 kB a G2 element (0.9 MB a ciphertext of n = 49, 13.7 MB of n = 784) and a third of a
 * decryption's time to compute; a ciphertext in training meets new keys in every iteration. So they are
 * kept, up to a budget; the least recently used go first.
 * @module */
import type { PairingGroup, PreparedG2 } from "../math/pairing/group.ts";
import type { Ciphertext } from "./fhipe.ts";

/** The lines of C1 and of C2. */
export interface PreparedCiphertext {
  readonly group: PairingGroup;
  readonly c1: PreparedG2;
  readonly c2: PreparedG2;
  readonly sizeBytes: number;
}

/** Computes a ciphertext's lines. */
export function prepareCiphertext({ pp: { group }, c1, c2 }: Ciphertext): PreparedCiphertext {
  const [first, second] = [group.prepare([c1]), group.prepare(c2)];
  return { group, c1: first, c2: second, sizeBytes: first.sizeBytes + second.sizeBytes };
}

/** Prepared ciphertexts within a budget of memory. */
export class PreparedCiphertexts {
  readonly budgetBytes: number;
  #sizeBytes = 0;
  /** In the order of their last use. */
  readonly #entries = new Map<Ciphertext, PreparedCiphertext>();

  /** @throws {RangeError} the budget is not a positive number. */
  constructor(budgetBytes: number) {
    if (!(budgetBytes > 0)) {
      throw new RangeError(`Cannot keep prepared ciphertexts: budget ${budgetBytes} bytes`);
    }
    this.budgetBytes = budgetBytes;
  }

  /** What is held now; never over the budget. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** How many are held. */
  get length(): number {
    return this.#entries.size;
  }

  /** The ciphertext's lines, from here or computed. A ciphertext over the whole budget is not kept. */
  get(ctX: Ciphertext): PreparedCiphertext {
    const found = this.#entries.get(ctX);
    if (found !== undefined) {
      this.#entries.delete(ctX);
      this.#entries.set(ctX, found);
      return found;
    }
    const made = prepareCiphertext(ctX);
    if (made.sizeBytes > this.budgetBytes) return made;
    for (const [oldest, { sizeBytes }] of this.#entries) {
      if (this.#sizeBytes + made.sizeBytes <= this.budgetBytes) break;
      this.#entries.delete(oldest);
      this.#sizeBytes -= sizeBytes;
    }
    this.#entries.set(ctX, made);
    this.#sizeBytes += made.sizeBytes;
    return made;
  }
}
