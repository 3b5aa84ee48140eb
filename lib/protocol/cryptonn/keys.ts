/** The server's side of the key exchange: asks for keys for the rows of an integer matrix, and takes only
 * what it asked for.
 * @module */
import { decodeFunctionalKey } from "../../fe/ipfe.ts";
import { decodeMessage, encodeMessage, ProtocolError } from "../../net/wire.ts";

/** Asks the authority for one functional key a row. @param matrix `[rows, width]`, row-major. */
export function encodeKeyRequest(matrix: Int32Array, width: number): Uint8Array {
  const rows = Array.from({ length: matrix.length / width }, (_, i) => {
    const bytes = new Uint8Array(4 * width);
    const view = new DataView(bytes.buffer);
    for (let j = 0; j < width; j++) view.setInt32(4 * j, matrix[i * width + j]);
    return bytes;
  });
  return encodeMessage("key-request", { rows });
}

/** The encoded keys of the authority's answer, one a row of `matrix`, in order.
 * @throws {ProtocolError} other keys than those.   @throws {RangeError} a malformed key. */
export function decodeKeys(message: Uint8Array, matrix: Int32Array, width: number): Uint8Array[] {
  const parts = decodeMessage(message, "keys").parts("keys");
  const asked = width * parts.length === matrix.length &&
    parts.map(decodeFunctionalKey).every(({ y }, i) =>
      y.length === width && y.every((value, j) => value === matrix[i * width + j])
    );
  if (!asked) {
    throw new ProtocolError("Cannot use the keys: they are not those that were asked for");
  }
  return parts;
}
