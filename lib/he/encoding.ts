/** Byte encodings of ciphertexts and of the keys that work on them.
 *
 *     magic    4 bytes   "ckks"
 *     version  1 byte    1
 *     kind     1 byte    1 ciphertext, 2 relinearisation key, 3 rotation key
 *     step     4 bytes   how far a rotation key rotates, two's complement, big endian; else 0
 *     params   8 bytes   of the SHA-256 of the parameters
 *     keyId    16 bytes  which secret key they belong to, drawn with it
 *     digest   16 bytes  of the SHA-256 of all before and after it
 *     body               SEAL's own encoding, zstd
 *
 * SEAL checks its headers and ranges, but takes any residues for a ciphertext: the digest tells altered bytes. It is
 * no signature: who means to deceive makes a digest that fits.
 * @module */
import { createHash } from "node:crypto";
import type { CkksParams } from "./params.ts";

/** What is encoded. */
export type Kind = "ciphertext" | "relinearisation key" | "rotation key";
const KINDS: readonly Kind[] = ["ciphertext", "relinearisation key", "rotation key"];

const MAGIC = new TextEncoder().encode("ckks");
const VERSION = 1;
const [PARAMS_AT, KEY_AT, DIGEST_AT] = [10, 18, 34];
/** Bytes before the body. */
export const HEADER_BYTES = 50;
/** Bytes of a key's id. */
export const KEY_ID_BYTES = 16;

/** What stands in an encoding beside SEAL's bytes. */
export interface Label {
  readonly kind: Kind;
  /** Slots to the left; 0 unless it is a rotation key. */
  readonly step: number;
  /** The secret key's id, in hexadecimal. */
  readonly keyId: string;
}

function fingerprint({ degree, depth, scaleBits, baseBits }: CkksParams): Uint8Array {
  const text = `ckks ${degree} ${depth} ${scaleBits} ${baseBits}`;
  return createHash("sha256").update(text).digest().subarray(0, KEY_AT - PARAMS_AT);
}

function digestOf(bytes: Uint8Array): Uint8Array {
  const hash = createHash("sha256").update(bytes.subarray(0, DIGEST_AT));
  return hash.update(bytes.subarray(HEADER_BYTES)).digest().subarray(0, HEADER_BYTES - DIGEST_AT);
}

const equal = (a: Uint8Array, b: Uint8Array) => a.every((byte, i) => byte === b[i]);

/** Encodes what SEAL saved. */
export function encodeSealed(params: CkksParams, label: Label, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  bytes.set(MAGIC);
  bytes.set([VERSION, KINDS.indexOf(label.kind) + 1], 4);
  new DataView(bytes.buffer).setInt32(6, label.step);
  bytes.set(fingerprint(params), PARAMS_AT);
  bytes.set(Uint8Array.fromHex(label.keyId), KEY_AT);
  bytes.set(body, HEADER_BYTES);
  bytes.set(digestOf(bytes), DIGEST_AT);
  return bytes;
}

/** Reads what `encodeSealed` wrote.
 * @returns its label, and SEAL's bytes, a view.
 * @throws {RangeError} truncated, altered, another kind, or for other parameters. */
export function decodeSealed(
  params: CkksParams,
  kind: Kind,
  bytes: Uint8Array,
): Label & { readonly body: Uint8Array } {
  const refuse = (state: string): never => {
    throw new RangeError(`Cannot read ${kind}: ${state}`);
  };
  if (bytes.length <= HEADER_BYTES) {
    refuse(`${bytes.length} bytes, a header alone has ${HEADER_BYTES}`);
  }
  if (!equal(MAGIC, bytes)) refuse("the bytes are no object of CKKS");
  if (bytes[4] !== VERSION) refuse(`version ${bytes[4]}, this is version ${VERSION}`);
  const found = KINDS[bytes[5] - 1];
  if (found !== kind) refuse(`the bytes hold ${found ? `a ${found}` : `kind ${bytes[5]}`}`);
  if (!equal(fingerprint(params), bytes.subarray(PARAMS_AT, KEY_AT))) {
    refuse("it was made under other parameters");
  }
  if (!equal(digestOf(bytes), bytes.subarray(DIGEST_AT, HEADER_BYTES))) {
    refuse("the bytes were truncated or altered");
  }
  return {
    kind,
    step: new DataView(bytes.buffer, bytes.byteOffset).getInt32(6),
    keyId: bytes.subarray(KEY_AT, DIGEST_AT).toHex(),
    body: bytes.subarray(HEADER_BYTES),
  };
}
