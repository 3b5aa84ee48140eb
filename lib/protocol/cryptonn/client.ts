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
import { decodeMessage, encodeMessage, ProtocolError } from "../../net/wire.ts";

/** The data owner. Speaks bytes only; its pixels leave it as ciphertexts alone, its labels in the clear. */
export class Client {
  readonly #images: Dataset;
  readonly #rng: Rng;
  #sampleKey: MasterPublicKey | undefined;
  #columnKey: MasterPublicKey | undefined;

  constructor(images: Dataset, rng: Rng = secureRng()) {
    this.#images = images;
    this.#rng = rng;
  }

  /** Takes the authority's public key for samples.
   * @throws {ProtocolError | RangeError} malformed.   @throws {TypeError} for images of another size. */
  acceptPublicKey(message: Uint8Array): void {
    const mpk = decodeMasterPublicKey(decodeMessage(message, "public-key").bytes("mpk"));
    if (mpk.pp.n !== this.#images.n) {
      throw new TypeError(
        `Cannot use the public key: it is for n = ${mpk.pp.n}, images have ${this.#images.n} pixels`,
      );
    }
    this.#sampleKey = mpk;
  }

  /** Takes the authority's public key for columns; its n is the batch size.
   * @throws {ProtocolError | RangeError} malformed. */
  acceptColumnKey(message: Uint8Array): void {
    this.#columnKey = decodeMasterPublicKey(decodeMessage(message, "public-key").bytes("mpk"));
  }

  /** Encrypts image `index` for the server.
   * @throws {ProtocolError} before the public key came.   @throws {RangeError} no such image. */
  encryptSample(index: number): Uint8Array {
    if (!this.#sampleKey) throw new ProtocolError("Cannot encrypt: no public key was received yet");
    const ctX = encrypt(this.#sampleKey, image(this.#images, index), this.#rng);
    return encodeMessage("sample", { shape: [...this.#images.shape], ctX: encodeCiphertext(ctX) });
  }

  /** Encrypts one pixel of every image of a batch: a column, for the backward pass.
   * @throws {ProtocolError} before the column key came.   @throws {TypeError} a batch of another size.
   * @throws {RangeError} no such image or pixel. */
  encryptColumn(indices: readonly number[], pixel: number): Uint8Array {
    const mpk = this.#columnKey;
    if (!mpk) throw new ProtocolError("Cannot encrypt: no column key was received yet");
    if (indices.length !== mpk.pp.n) {
      throw new TypeError(
        `Cannot encrypt a column: the key is for batches of ${mpk.pp.n}, got ${indices.length}`,
      );
    }
    if (!Number.isInteger(pixel) || pixel < 0 || pixel >= this.#images.n) {
      throw new RangeError(`Cannot encrypt column ${pixel}: images have ${this.#images.n} pixels`);
    }
    const column = indices.map((index) => image(this.#images, index)[pixel]);
    return encodeMessage("column", {
      pixel,
      ctX: encodeCiphertext(encrypt(mpk, column, this.#rng)),
    });
  }

  /** The labels of a batch, in the clear. @throws {RangeError} no such image. */
  labels(indices: readonly number[]): Uint8Array {
    const labels = indices.map((index) => {
      image(this.#images, index); // refuses an index without an image
      return this.#images.y[index];
    });
    return encodeMessage("labels", { labels });
  }
}
