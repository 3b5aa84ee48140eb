/** The server's side of CKKS: sums, products and rotations of ciphertexts, with the keys that the client made for them.
 *
 * Each result is a new ciphertext that whoever asked disposes of. A product of level l is of level l − 1; two operands
 * of different levels meet at the lower one. What cannot give the right numbers is refused: SEAL itself would rescale
 * below the last prime's range, and add what has different scales after someone set them equal.
 * @module */
import type { GaloisKeys, RelinKeys } from "node-seal";
import { checkStep, Ciphertext, type Ckks, short } from "./ckks.ts";
import { decodeSealed, type Kind } from "./encoding.ts";
import { attempt } from "./seal.ts";

/** Scales that differ by less are the same: both were computed from the same primes, in another order. */
const SAME_SCALE = 2 ** -36;

/** Works on ciphertexts under one secret key, which it does not have; keys in SEAL's memory: dispose of it. */
export class CkksEvaluator implements Disposable {
  #keyId?: string;
  #relinearisation?: RelinKeys;
  readonly #rotations = new Map<number, GaloisKeys>();

  constructor(readonly ckks: Ckks) {}

  /** Takes a key that products need.
   * @throws {RangeError} as `decodeSealed`; it belongs to another secret key than those before. */
  addRelinearisationKey(bytes: Uint8Array): void {
    const { seal, context } = this.ckks;
    const keys = new seal.RelinKeys();
    this.#load("relinearisation key", bytes, (body) => keys.loadFromArray(context, body), keys);
    this.#relinearisation?.delete();
    this.#relinearisation = keys;
  }

  /** Takes the key of one rotation. @returns its step.
   * @throws {RangeError} as above; or it is not for the step that it is labelled with. */
  addRotationKey(bytes: Uint8Array): number {
    const { seal, context, slots, params } = this.ckks;
    const keys = new seal.GaloisKeys();
    const step = this.#load("rotation key", bytes, (body, step) => {
      checkStep(step, slots);
      keys.loadFromArray(context, body);
      if (!keys.hasKey(galoisElement(step, slots, params.degree))) {
        throw new RangeError(`Cannot read rotation key: it is not for step ${step}`);
      }
    }, keys);
    this.#rotations.get(step)?.delete();
    this.#rotations.set(step, keys);
    return step;
  }

  #load(
    kind: Kind,
    bytes: Uint8Array,
    load: (body: Uint8Array, step: number) => void,
    keys: { delete(): void },
  ): number {
    try {
      const { keyId, step, body } = decodeSealed(this.ckks.params, kind, bytes);
      this.#check(`read ${kind}`, keyId);
      attempt(this.ckks.seal, `read ${kind}`, () => load(body, step));
      this.#keyId = keyId;
      return step;
    } catch (error) {
      keys.delete();
      throw error;
    }
  }

  /** Refuses what belongs to another secret key. */
  #check(action: string, keyId: string): void {
    if (this.#keyId === undefined || keyId === this.#keyId) return;
    throw new RangeError(
      `Cannot ${action}: it is under key ${short(keyId)}, the keys here are of key ` +
        short(this.#keyId),
    );
  }

  /** Reads a ciphertext. @throws as `Ckks.load`; {RangeError} it is under another secret key than the keys here. */
  load(bytes: Uint8Array): Ciphertext {
    const ciphertext = this.ckks.load(bytes);
    try {
      this.#check("read ciphertext", ciphertext.keyId);
      return ciphertext;
    } catch (error) {
      ciphertext[Symbol.dispose]();
      throw error;
    }
  }

  /** A ciphertext that `fill` fills. */
  #make(action: string, from: Ciphertext, fill: (result: Ciphertext) => void): Ciphertext {
    const result = new Ciphertext(new this.ckks.seal.Ciphertext(), from.keyId);
    try {
      attempt(this.ckks.seal, action, () => fill(result));
      return result;
    } catch (error) {
      result[Symbol.dispose]();
      throw error;
    }
  }

  /** Two operands at the lower of their levels, both copies. */
  #level(action: string, a: Ciphertext, b: Ciphertext): [Ciphertext, Ciphertext] {
    if (a.keyId !== b.keyId) {
      throw new RangeError(
        `Cannot ${action}: the ciphertexts are under keys ${short(a.keyId)} and ${short(b.keyId)}`,
      );
    }
    const level = Math.min(a.level, b.level);
    return [this.drop(a, level), this.drop(b, level)];
  }

  /** The same numbers at a lower level: what has no products before it is smaller and faster there.
   * @throws {RangeError} the level is over its own. */
  drop(a: Ciphertext, level: number): Ciphertext {
    if (level > a.level) {
      throw new RangeError(`Cannot drop to level ${level}: the ciphertext is at level ${a.level}`);
    }
    const { operations } = this.ckks;
    return this.#make("drop a level", a, ({ handle }) => {
      operations.cipherModSwitchTo(a.handle, this.ckks.parmsIdOf(level), handle);
    });
  }

  /** a + b. @throws {RangeError} their scales differ, or their keys. */
  add(a: Ciphertext, b: Ciphertext): Ciphertext {
    return this.#sum("add", a, b);
  }

  /** a − b. @throws as `add`. */
  subtract(a: Ciphertext, b: Ciphertext): Ciphertext {
    return this.#sum("subtract", a, b);
  }

  #sum(action: "add" | "subtract", a: Ciphertext, b: Ciphertext): Ciphertext {
    if (!(Math.abs(a.scale / b.scale - 1) < SAME_SCALE)) {
      const bits = (c: Ciphertext) => `2^${Math.log2(c.scale).toFixed(4)} (level ${c.level})`;
      throw new RangeError(
        `Cannot ${action}: the scales are ${bits(a)} and ${
          bits(b)
        }; bring both to one level by products`,
      );
    }
    const [x, y] = this.#level(action, a, b);
    using _x = x;
    using _y = y;
    y.handle.setScale(x.scale);
    const { operations } = this.ckks;
    return this.#make(action, x, ({ handle }) => {
      if (action === "add") operations.add(x.handle, y.handle, handle);
      else operations.sub(x.handle, y.handle, handle);
    });
  }

  /** a ⊙ b, relinearised, one level lower.
   * @throws {RangeError} no level is left, no relinearisation key, or different secret keys. */
  multiply(a: Ciphertext, b: Ciphertext): Ciphertext {
    const keys = this.#relinearisation;
    if (keys === undefined) throw new RangeError("Cannot multiply: no relinearisation key");
    const [x, y] = this.#level("multiply", a, b);
    using _x = x;
    using _y = y;
    this.#checkDepth(x);
    const { operations } = this.ckks;
    return this.#make("multiply", x, ({ handle }) => {
      if (a === b) operations.square(x.handle, handle);
      else operations.multiply(x.handle, y.handle, handle);
      operations.relinearizeInplace(handle, keys);
      operations.rescaleToNextInplace(handle);
    });
  }

  /** a ⊙ values, one level lower and at that level's own scale.
   * @param values at most one a slot; the others are 0.
   * @throws {RangeError} no level is left.   @throws as `Ckks.encode`. */
  multiplyPlain(a: Ciphertext, values: Float64Array): Ciphertext {
    this.#checkDepth(a);
    const { ckks } = this;
    const scale = ckks.scaleOf(a.level - 1) * ckks.primeOf(a.level) / a.scale;
    using plaintext = ckks.encode(values, a.level, scale);
    return this.#make("multiply by numbers", a, ({ handle }) => {
      ckks.operations.multiplyPlain(a.handle, plaintext, handle);
      ckks.operations.rescaleToNextInplace(handle);
    });
  }

  #checkDepth(a: Ciphertext): void {
    if (a.level > 0) return;
    throw new RangeError(
      `Cannot multiply: no level is left after ${this.ckks.params.depth} products; set up CKKS with ` +
        "a larger depth",
    );
  }

  /** Slots rotated to the left by `step` (negative: to the right), cyclically: slot i holds what slot i + step held.
   * @throws {RangeError} there is no key for this step. */
  rotate(a: Ciphertext, step: number): Ciphertext {
    const keys = this.#rotations.get(step);
    if (keys === undefined) {
      const have = [...this.#rotations.keys()].join(", ") || "none";
      throw new RangeError(`Cannot rotate: no key for step ${step}; there are keys for ${have}`);
    }
    return this.#make("rotate", a, ({ handle }) => {
      this.ckks.operations.rotateVector(a.handle, step, keys, handle);
    });
  }

  [Symbol.dispose](): void {
    this.#relinearisation?.delete();
    for (const keys of this.#rotations.values()) keys.delete();
    this.#rotations.clear();
  }
}

/** The automorphism X → X^g that rotates slots by `step`: g = 3^step mod 2N. */
function galoisElement(step: number, slots: number, degree: number): number {
  let element = 1;
  for (let i = (step + slots) % slots; i > 0; i--) element = element * 3 % (2 * degree);
  return element;
}
