/** Byte encodings of function-hiding parameters, secrets, keys and ciphertexts.
 *
 *     magic    4 bytes   "fhip" (ePrint 2016/440)
 *     kind     1 byte    1 pp, 2 msk, 3 skY, 4 ctX
 *     version  1 byte    1
 *     curve    1 byte    1 BLS12-381, 2 BN254
 *     n, boundX, boundY  4 bytes each, big endian
 *     body               msk: L's rows, then U's, 32 bytes a scalar, big endian
 *                        skY: K1, K2 in G1; ctX: C1, C2 in G2; compressed
 *
 * One object has one encoding; the backend does not show. Decoding refuses everything else with a
 * RangeError that says what is wrong; the length follows from the header and is checked before anything is
 * allocated. Every element is checked for its subgroup, once, here: 0.4 ms in G1, 0.5 ms in G2.
 * @module */
import { luMatrix } from "../math/matrix_mod.ts";
import type { PairingGroup } from "../math/pairing/group.ts";
import {
  type Ciphertext,
  dimension,
  type FhipeParams,
  type FunctionalKey,
  type MasterSecretKey,
} from "./fhipe.ts";
import { checkParams } from "./params.ts";

type Kind = "pp" | "msk" | "skY" | "ctX";

const MAGIC = "fhip";
const KINDS: readonly Kind[] = ["pp", "msk", "skY", "ctX"];
const VERSION = 1;
const HEADER_BYTES = 19;
const SCALAR_BYTES = 32;

function bodyBytes(kind: Kind, { g1Bytes, g2Bytes }: PairingGroup, n: number): number {
  const N = dimension(n);
  return { pp: 0, msk: N * N * SCALAR_BYTES, skY: (N + 1) * g1Bytes, ctX: (N + 1) * g2Bytes }[kind];
}

function encodeObject(kind: Kind, pp: FhipeParams, parts: Iterable<Uint8Array>): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + bodyBytes(kind, pp.group, pp.n));
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  bytes.set([KINDS.indexOf(kind) + 1, VERSION, pp.group.id], 4);
  [pp.n, pp.boundX, pp.boundY].forEach((value, i) => view.setUint32(7 + 4 * i, value));
  let at = HEADER_BYTES;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The parameters in a header, and the body behind it, whose length is right. */
function decodeObject(
  kind: Kind,
  group: PairingGroup,
  bytes: Uint8Array,
): { pp: FhipeParams; body: Uint8Array } {
  const refuse = (state: string) => new RangeError(`Cannot decode ${kind}: ${state}`);
  if (bytes.length < HEADER_BYTES) {
    throw refuse(`${bytes.length} bytes, shorter than the header of ${HEADER_BYTES}`);
  }
  const magic = String.fromCharCode(...bytes.subarray(0, 4));
  if (magic !== MAGIC) throw refuse(`magic ${JSON.stringify(magic)}, expected "${MAGIC}"`);
  const found = KINDS[bytes[4] - 1];
  if (found !== kind) throw refuse(`this is ${found ?? `unknown kind ${bytes[4]}`}`);
  if (bytes[5] !== VERSION) throw refuse(`version ${bytes[5]}, expected ${VERSION}`);
  if (bytes[6] !== group.id) {
    throw refuse(`curve id ${bytes[6]}, expected ${group.id} for ${group.name}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [n, boundX, boundY] = [0, 1, 2].map((i) => view.getUint32(7 + 4 * i));
  const pp = checkParams(`decode ${kind}`, { group, n, boundX, boundY });
  const expected = HEADER_BYTES + bodyBytes(kind, group, n);
  if (bytes.length !== expected) {
    throw refuse(`${bytes.length} bytes, expected ${expected} for n = ${n}`);
  }
  return { pp, body: bytes.subarray(HEADER_BYTES) };
}

/** The body cut into pieces of one size. */
const pieces = (body: Uint8Array, size: number) =>
  Array.from({ length: body.length / size }, (_, i) => body.subarray(i * size, (i + 1) * size));

/** Encodes parameters: the header alone. */
export function encodeParams(pp: FhipeParams): Uint8Array {
  return encodeObject("pp", pp, []);
}

/** Decodes parameters. @throws {RangeError} not a canonical encoding, or of another curve. */
export function decodeParams(group: PairingGroup, bytes: Uint8Array): FhipeParams {
  return decodeObject("pp", group, bytes).pp;
}

function scalarBytes(scalar: bigint): Uint8Array {
  const bytes = new Uint8Array(SCALAR_BYTES);
  const view = new DataView(bytes.buffer);
  for (let word = 3; word >= 0; word--, scalar >>= 64n) view.setBigUint64(8 * word, scalar);
  return bytes;
}

/** Encodes the master secret: (n + 2)² scalars, in clear. */
export function encodeMasterSecretKey({ pp, matrix }: MasterSecretKey): Uint8Array {
  const scalars = [...matrix.lower, ...matrix.upper].flat();
  return encodeObject("msk", pp, scalars.map(scalarBytes));
}

/** Decodes the master secret.
 * @throws {RangeError} not a canonical encoding; a scalar ≥ q; a zero on U's diagonal. */
export function decodeMasterSecretKey(group: PairingGroup, bytes: Uint8Array): MasterSecretKey {
  const { pp, body } = decodeObject("msk", group, bytes);
  const N = dimension(pp.n);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  const next = () => {
    let scalar = 0n;
    for (let word = 0; word < 4; word++, at += 8) {
      scalar = (scalar << 64n) | view.getBigUint64(at);
    }
    if (scalar < group.order) return scalar;
    throw new RangeError("Cannot decode msk: a scalar is not below the group order");
  };
  const lower = Array.from({ length: N }, (_, i) => Array.from({ length: i }, next));
  const upper = Array.from({ length: N }, (_, i) => Array.from({ length: N - i }, next));
  if (upper.some(([diagonal]) => diagonal === 0n)) {
    throw new RangeError("Cannot decode msk: the matrix is singular, a diagonal entry is 0");
  }
  return { pp, matrix: luMatrix(group.order, lower, upper) };
}

/** Encodes a functional key: n + 3 elements of G1. y is not in it. */
export function encodeFunctionalKey({ pp, k1, k2 }: FunctionalKey): Uint8Array {
  return encodeObject("skY", pp, [k1, ...k2].map((element) => pp.group.encodeG1(element)));
}

/** Decodes a functional key. @throws {RangeError} not a canonical encoding; an element that is off the
 * curve, outside the subgroup or the identity. */
export function decodeFunctionalKey(group: PairingGroup, bytes: Uint8Array): FunctionalKey {
  const { pp, body } = decodeObject("skY", group, bytes);
  const [k1, ...k2] = pieces(body, group.g1Bytes).map((piece) => group.decodeG1(piece));
  return { pp, k1, k2 };
}

/** Encodes a ciphertext: n + 3 elements of G2. */
export function encodeCiphertext({ pp, c1, c2 }: Ciphertext): Uint8Array {
  return encodeObject("ctX", pp, [c1, ...c2].map((element) => pp.group.encodeG2(element)));
}

/** Decodes a ciphertext. @throws {RangeError} as `decodeFunctionalKey`. */
export function decodeCiphertext(group: PairingGroup, bytes: Uint8Array): Ciphertext {
  const { pp, body } = decodeObject("ctX", group, bytes);
  const [c1, ...c2] = pieces(body, group.g2Bytes).map((piece) => group.decodeG2(piece));
  return { pp, c1, c2 };
}
