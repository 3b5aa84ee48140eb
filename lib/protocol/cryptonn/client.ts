/** The client of CryptoNN: owns the images, encrypts them, and sees nothing of the training.
 * @module */
import { type Dataset, image } from "../../data/dataset.ts";
import {
  decodeMasterPublicKey,
  encodeCiphertext,
  encrypt,
  type MasterPublicKey,
} from "../../fe/ipfe.ts";
import { type Rng, secureRng } from "../../math/rng.ts";
import { decodeMessage, encodeMessage, ProtocolError } from "../wire.ts";

/** The data owner. Speaks bytes only; its pixels leave it as ciphertexts alone. */
export class Client {
  readonly #images: Dataset;
  readonly #rng: Rng;
  #mpk: MasterPublicKey | undefined;

  constructor(images: Dataset, rng: Rng = secureRng()) {
    this.#images = images;
    this.#rng = rng;
  }

  /** Takes the authority's public key.
   * @throws {ProtocolError | RangeError} malformed.   @throws {TypeError} for images of another size. */
  acceptPublicKey(message: Uint8Array): void {
    const mpk = decodeMasterPublicKey(decodeMessage(message, "public-key").bytes("mpk"));
    if (mpk.pp.n !== this.#images.n) {
      throw new TypeError(
        `Cannot use the public key: it is for n = ${mpk.pp.n}, images have ${this.#images.n} pixels`,
      );
    }
    this.#mpk = mpk;
  }

  /** Encrypts image `index` for the server.
   * @throws {ProtocolError} before the public key came.   @throws {RangeError} no such image. */
  encryptSample(index: number): Uint8Array {
    if (!this.#mpk) throw new ProtocolError("Cannot encrypt: no public key was received yet");
    const ctX = encrypt(this.#mpk, image(this.#images, index), this.#rng);
    return encodeMessage("sample", { shape: [...this.#images.shape], ctX: encodeCiphertext(ctX) });
  }
}
