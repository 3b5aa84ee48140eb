/** Byte encodings of keys and ciphertexts: one header, then scalars and elements of fixed length.
 *
 *     magic    4 bytes   the scheme: "ipf1" (ePrint 2015/017) or "ipf2" (ePrint 2015/608)
 *     kind     1 byte    1 mpk, 2 msk, 3 skY, 4 ctX
 *     version  1 byte    1
 *     group    1 byte    id of the group
 *     n, boundX, boundY  4 bytes each, big endian
 *     body               y: int32, big endian; scalars: 32 bytes, big endian; elements: as the group says
 *
 * One object has one encoding. Decoding refuses everything else with a RangeError that says what is
 * wrong; the length follows from the header and is checked before anything is allocated.
 * @module */
import { type Element, type Group, groupById } from "../math/group.ts";
import { checkParams, checkVector, type IpfeParams } from "./params.ts";

export type Scheme = "ipf1" | "ipf2";
export type Kind = "mpk" | "msk" | "skY" | "ctX";

const KINDS: readonly Kind[] = ["mpk", "msk", "skY", "ctX"];
const VERSION = 1;
const HEADER_BYTES = 19;
/** Every group here has an order below 2^256. */
const SCALAR_BYTES = 32;

/** What follows the header: how many y entries, scalars and elements, in this order. */
export interface Body {
  readonly y?: Int32Array;
  readonly scalars?: readonly bigint[];
  readonly elements?: readonly Element[];
}

/** Numbers of scalars and elements in a body, given n. */
export interface Shape {
  readonly y: boolean;
  readonly scalars: number;
  readonly elements: number;
}

function bodyBytes(group: Group, n: number, shape: Shape): number {
  return (shape.y ? 4 * n : 0) + SCALAR_BYTES * shape.scalars +
    group.elementBytes * shape.elements;
}

/** Encodes an object of a scheme. @throws {RangeError} an element is the identity. */
export function encodeObject(scheme: Scheme, kind: Kind, pp: IpfeParams, body: Body): Uint8Array {
  const { y, scalars = [], elements = [] } = body;
  const shape = { y: y !== undefined, scalars: scalars.length, elements: elements.length };
  const bytes = new Uint8Array(HEADER_BYTES + bodyBytes(pp.group, pp.n, shape));
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(scheme));
  bytes.set([KINDS.indexOf(kind) + 1, VERSION, pp.group.id], 4);
  [pp.n, pp.boundX, pp.boundY].forEach((value, i) => view.setUint32(7 + 4 * i, value));
  let at = HEADER_BYTES;
  for (const value of y ?? []) {
    view.setInt32(at, value);
    at += 4;
  }
  for (const scalar of scalars) {
    for (let word = 0; word < 4; word++) {
      view.setBigUint64(at + 8 * word, BigInt.asUintN(64, scalar >> BigInt(64 * (3 - word))));
    }
    at += SCALAR_BYTES;
  }
  for (const element of elements) {
    bytes.set(pp.group.encode(element), at);
    at += pp.group.elementBytes;
  }
  return bytes;
}

/** Decodes an object of a scheme.
 * @param shapeOf what the body holds for a given n.
 * @throws {RangeError} wrong scheme, kind, version, group or bounds; truncated; trailing bytes; y over its
 * bound; a scalar ≥ q; an element that is off the curve, non-canonical, outside the subgroup or the
 * identity. */
export function decodeObject(
  scheme: Scheme,
  kind: Kind,
  bytes: Uint8Array,
  shapeOf: (n: number) => Shape,
): { pp: IpfeParams } & Required<Body> {
  const action = `decode ${kind}`;
  const refuse = (state: string) => new RangeError(`Cannot ${action}: ${state}`);
  if (bytes.length < HEADER_BYTES) {
    throw refuse(`${bytes.length} bytes, shorter than the header of ${HEADER_BYTES}`);
  }
  const magic = String.fromCharCode(...bytes.subarray(0, 4));
  if (magic !== scheme) throw refuse(`magic ${JSON.stringify(magic)}, expected "${scheme}"`);
  const found = KINDS[bytes[4] - 1];
  if (found !== kind) throw refuse(`this is ${found ?? `unknown kind ${bytes[4]}`}`);
  if (bytes[5] !== VERSION) throw refuse(`version ${bytes[5]}, expected ${VERSION}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const group = groupById(bytes[6]);
  const [n, boundX, boundY] = [0, 1, 2].map((i) => view.getUint32(7 + 4 * i));
  const pp = checkParams(action, { group, n, boundX, boundY });
  const shape = shapeOf(n);
  const expected = HEADER_BYTES + bodyBytes(group, n, shape);
  if (bytes.length !== expected) {
    throw refuse(`${bytes.length} bytes, expected ${expected} for n = ${n}`);
  }

  let at = HEADER_BYTES;
  const y = new Int32Array(shape.y ? n : 0);
  for (let i = 0; i < y.length; i++, at += 4) y[i] = view.getInt32(at);
  if (shape.y) checkVector(action, "y", y, n, boundY);
  const scalars = Array.from({ length: shape.scalars }, () => {
    let scalar = 0n;
    for (let word = 0; word < 4; word++) {
      scalar = (scalar << 64n) | view.getBigUint64(at + 8 * word);
    }
    at += SCALAR_BYTES;
    if (scalar >= group.order) throw refuse("a scalar is not below the group order");
    return scalar;
  });
  const elements = Array.from({ length: shape.elements }, () => {
    const element = group.decode(bytes.subarray(at, at + group.elementBytes));
    at += group.elementBytes;
    return element;
  });
  return { pp, y, scalars, elements };
}
