/** The authority of CryptoNN: holds the master secret, hands out the public key and functional keys.
 *
 * It never sees a ciphertext. It does see every row of W1 that the server asks a key for.
 * @module */
import {
  encodeFunctionalKey,
  encodeMasterPublicKey,
  type IpfeParams,
  keyDerive,
  type MasterPublicKey,
  type MasterSecretKey,
  setup,
} from "../../fe/ipfe.ts";
import { type Rng, secureRng } from "../../math/rng.ts";
import { decodeMessage, encodeMessage, ProtocolError } from "../../net/wire.ts";

/** The trusted third party. Speaks bytes only. */
export class Authority {
  readonly #pp: IpfeParams;
  readonly #mpk: MasterPublicKey;
  readonly #msk: MasterSecretKey;

  /** Draws the master keys. @throws {RangeError} parameters out of bounds, see `setup`. */
  constructor(pp: IpfeParams, rng: Rng = secureRng()) {
    this.#pp = pp;
    ({ mpk: this.#mpk, msk: this.#msk } = setup(pp, rng));
  }

  /** Publishes the key to encrypt with. */
  publicKey(): Uint8Array {
    return encodeMessage("public-key", { mpk: encodeMasterPublicKey(this.#mpk) });
  }

  /** Answers a server's `key-request`: one functional key a row.
   * @throws {ProtocolError} a malformed request.   @throws {RangeError} an entry over boundY. */
  deriveKeys(request: Uint8Array): Uint8Array {
    const rows = decodeMessage(request, "key-request").parts("rows");
    const keys = rows.map((row) => {
      if (row.length !== 4 * this.#pp.n) {
        throw new ProtocolError(
          `Cannot derive a key: a row of ${row.length} bytes, expected ${4 * this.#pp.n}`,
        );
      }
      const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
      const y = Int32Array.from({ length: this.#pp.n }, (_, i) => view.getInt32(4 * i));
      return encodeFunctionalKey(keyDerive(this.#msk, y));
    });
    return encodeMessage("keys", { keys });
  }
}
