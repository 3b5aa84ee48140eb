/** The server of CryptoNN: owns the network, trains it on data it is not meant to see.
 *
 * It runs the scheme exactly as specified (honest but curious). What it holds after the forward pass
 * of the first layer is `view()`: its own W1, and z1 = W1·x. Every attack in `attack/` starts there.
 * @module */
import { type ServerView, serverView } from "../../attack/view.ts";
import {
  decodeCiphertext,
  decodeFunctionalKey,
  decryptMany,
  type FunctionalKey,
} from "../../fe/ipfe.ts";
import { decodeMessage, ProtocolError } from "../../net/wire.ts";
import type { FirstLayer } from "./first_layer.ts";
import { decodeKeys, encodeKeyRequest } from "./keys.ts";

/** The cloud that trains. Speaks bytes only. */
export class Server {
  readonly #layer: FirstLayer;
  #keys: FunctionalKey[] | undefined;

  /** @throws {TypeError} W1 is not hidden × n. */
  constructor(layer: FirstLayer) {
    if (layer.W1.length !== layer.hidden * layer.n) {
      throw new TypeError(
        `Cannot start the server: W1 has ${layer.W1.length} weights, expected ${layer.hidden} × ` +
          `${layer.n}`,
      );
    }
    this.#layer = layer;
  }

  /** The largest |entry| of the integer W1: the scheme's boundY must not be below it. */
  get boundY(): number {
    return this.#layer.W1.reduce((largest, w) => Math.max(largest, Math.abs(w)), 1);
  }

  /** Asks the authority for one functional key a row of W1. */
  requestKeys(): Uint8Array {
    return encodeKeyRequest(this.#layer.W1, this.#layer.n);
  }

  /** Takes the functional keys.
   * @throws {ProtocolError} not one key a row, in order.   @throws {RangeError} a malformed key. */
  acceptKeys(message: Uint8Array): void {
    this.#keys = decodeKeys(message, this.#layer.W1, this.#layer.n).map(decodeFunctionalKey);
  }

  /** Forward pass of the first layer for one encrypted sample: decrypts z1 = W1·x, exactly.
   * @returns what the server now knows of that sample.
   * @throws {ProtocolError} before the keys came, or a malformed message.
   * @throws {RangeError | TypeError | DlogNotFoundError} a ciphertext that is malformed or foreign. */
  forward(message: Uint8Array): ServerView {
    if (!this.#keys) throw new ProtocolError("Cannot decrypt: no keys were received yet");
    const sample = decodeMessage(message, "sample");
    const [height, width, channels, ...rest] = sample.integers("shape");
    if (rest.length > 0) throw new ProtocolError("Cannot read sample: shape is not of length 3");
    const z1 = decryptMany(this.#keys, decodeCiphertext(sample.bytes("ctX")));
    const { W1, scaleBits } = this.#layer;
    return serverView({ W1, z1, shape: [height, width, channels], scaleBits });
  }
}
