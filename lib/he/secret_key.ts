/** The client's side of CKKS: the secret key, which encrypts and decrypts, and the keys that it makes for a server.
 *
 * Encryption is symmetric: nobody else encrypts, so there is no public key; a ciphertext's second half is a seed until
 * it is read, which halves what is sent. SEAL draws keys and noise from the system's CSPRNG.
 *
 * SEAL decrypts with any key, and what comes out of the wrong one looks like numbers. Here that is noticed twice: each
 * ciphertext carries the id of its key; and a result is refused whose numbers are not in the range that its level
 * holds. Under another key the residues are spread over all of q, and a slot, the sum of thousands of them, is far
 * over that range. (A sum of the right key that outgrows the range can wrap around unnoticed: parameters leave room
 * for that, 2^(baseBits − scaleBits − 1) at level 0.)
 * @module */
import type { Decryptor, Encryptor, KeyGenerator, SecretKey as SealSecretKey } from "node-seal";
import { secureRng } from "../math/rng.ts";
import { checkStep, type Ckks, short } from "./ckks.ts";
import { encodeSealed, KEY_ID_BYTES, type Kind } from "./encoding.ts";
import { attempt } from "./seal.ts";

/** What SEAL makes to be sent. */
interface Serializable extends Disposable {
  saveToArray(compression: unknown): Uint8Array;
}

/** A secret key; in SEAL's memory: dispose of it. */
export class SecretKey implements Disposable {
  /** Names the key in ciphertexts; says nothing about it. */
  readonly id = secureRng().bytes(KEY_ID_BYTES).toHex();
  readonly #generator: KeyGenerator;
  readonly #key: SealSecretKey;
  readonly #encryptor: Encryptor;
  readonly #decryptor: Decryptor;

  /** Draws a key. */
  constructor(readonly ckks: Ckks) {
    const { seal, context } = ckks;
    this.#generator = new seal.KeyGenerator(context);
    this.#key = this.#generator.secretKey();
    using publicKey = this.#generator.createPublicKey(); // SEAL's encryptor is not to be had without one
    this.#encryptor = new seal.Encryptor(context, publicKey, this.#key);
    this.#decryptor = new seal.Decryptor(context, this.#key);
  }

  #seal(kind: Kind, step: number, make: () => Serializable): Uint8Array {
    const { seal, params } = this.ckks;
    return attempt(seal, `make ${kind}`, () => {
      using made = make();
      const body = made.saveToArray(seal.ComprModeType.zstd);
      return encodeSealed(params, { kind, step, keyId: this.id }, body);
    });
  }

  /** Encrypts numbers, at a level's own scale.
   * @param values at most one a slot; the others are 0.   @param level products that can follow.
   * @returns an encoded ciphertext.   @throws as {@linkcode Ckks.encode}. */
  encrypt(values: Float64Array, level = this.ckks.top): Uint8Array {
    using plaintext = this.ckks.encode(values, level);
    return this.#seal(
      "ciphertext",
      0,
      () => this.#encryptor.encryptSymmetricSerializable(plaintext),
    );
  }

  /** Decrypts.
   * @param bytes an encoded ciphertext.   @returns a number for each slot.
   * @throws {RangeError} truncated or altered, another parameter set, another key, or a result out of range. */
  decrypt(bytes: Uint8Array): Float64Array {
    const { ckks } = this;
    using ciphertext = ckks.load(bytes);
    if (ciphertext.keyId !== this.id) {
      throw new RangeError(
        `Cannot decrypt: the ciphertext is under key ${short(ciphertext.keyId)}, this is key ` +
          short(this.id),
      );
    }
    using plaintext = new ckks.seal.Plaintext();
    attempt(ckks.seal, "decrypt", () => this.#decryptor.decrypt(ciphertext.handle, plaintext));
    const values = ckks.decode(plaintext);
    const bound = ckks.boundOf(ciphertext.level, ciphertext.scale);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (!(largest < bound)) {
      const digits = (value: number) => Number(value.toPrecision(3));
      throw new RangeError(
        `Cannot decrypt: a slot holds ${digits(largest)}, level ${ciphertext.level} at most ` +
          `${digits(bound)}: the key is another one, or the result outgrew its range`,
      );
    }
    return values;
  }

  /** The key with which a server brings products back to two parts, encoded. */
  relinearisationKey(): Uint8Array {
    return this.#seal(
      "relinearisation key",
      0,
      () => this.#generator.createRelinKeysSerializable(),
    );
  }

  /** The key with which a server rotates slots by `step` to the left (negative: to the right), encoded.
   * @throws {RangeError} not an integer below the number of slots, or 0. */
  rotationKey(step: number): Uint8Array {
    checkStep(step, this.ckks.slots);
    return this.#seal(
      "rotation key",
      step,
      () => this.#generator.createGaloisKeysSerializableWithSteps(Int32Array.of(step)),
    );
  }

  [Symbol.dispose](): void {
    for (const handle of [this.#decryptor, this.#encryptor, this.#key, this.#generator]) {
      handle.delete();
    }
  }
}
