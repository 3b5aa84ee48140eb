/** Byte encodings of parameters, keys and ciphertexts, for every scheme here: one header, then y, scalars and
 * group elements of fixed length.
 *
 *     magic    4 bytes   the scheme: "ipf1" (ePrint 2015/017), "ipf2" (2015/608) or "fhip" (2016/440)
 *     kind     1 byte    its place in the scheme's list, from 1
 *     version  1 byte    1
 *     group    1 byte    id of the group or curve
 *     n, boundX, boundY  4 bytes each, big endian
 *     body               y: int32, big endian; scalars: 32 bytes, big endian; elements: as the group says
 *
 * One object has one encoding. Decoding refuses everything else with a RangeError that says what is
 * wrong; the length follows from the header and is checked before anything is allocated.
 * @module */
import { type Bounds, checkParams, checkVector } from "./params.ts";

/** The kinds of objects of each scheme. */
const KINDS = {
  ipf1: ["mpk", "msk", "skY", "ctX"],
  ipf2: ["mpk", "msk", "skY", "ctX"],
  fhip: ["pp", "msk", "skY", "ctX"],
} as const;
const VERSION = 1;
/** Bytes before the body. */
export const HEADER_BYTES = 19;
/** Every group here has an order below 2^256. */
const SCALAR_BYTES = 32;

/** The first bytes of an encoding. */
export type Magic = keyof typeof KINDS;
/** What an encoding holds. */
export type Kind = (typeof KINDS)[Magic][number];

/** What coding needs of a group: its id, its order, and one kind of element. */
export interface Coder<E> {
  readonly id: number;
  readonly order: bigint;
  readonly elementBytes: number;
  encode(element: E): Uint8Array;
  decode(bytes: Uint8Array): E;
  /** Many at once, where that is faster. */
  readonly bulk?: {
    encode(elements: readonly E[]): Uint8Array[];
    decode(encodings: readonly Uint8Array[]): E[];
  };
}

/** What follows the header, in this order. */
export interface Body<E> {
  readonly y?: Int32Array;
  readonly scalars?: readonly bigint[];
  readonly elements?: readonly E[];
}

/** Whether a body has a y, how many scalars, how many elements. */
export interface Shape {
  readonly y?: boolean;
  readonly scalars?: number;
  readonly elements?: number;
}

/** Encodes an object. @throws {RangeError} an element is the identity. */
export function encodeObject<E>(
  magic: Magic,
  kind: Kind,
  pp: Bounds,
  coder: Coder<E>,
  { y = new Int32Array(0), scalars = [], elements = [] }: Body<E>,
): Uint8Array {
  const bytes = new Uint8Array(
    HEADER_BYTES + 4 * y.length + SCALAR_BYTES * scalars.length +
      coder.elementBytes * elements.length,
  );
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(magic));
  bytes.set([KINDS[magic].findIndex((each) => each === kind) + 1, VERSION, coder.id], 4);
  [pp.n, pp.boundX, pp.boundY].forEach((value, i) => view.setUint32(7 + 4 * i, value));
  let at = HEADER_BYTES;
  for (const value of y) {
    view.setInt32(at, value);
    at += 4;
  }
  for (const scalar of scalars) {
    for (let word = 0; word < 4; word++, at += 8) {
      view.setBigUint64(at, BigInt.asUintN(64, scalar >> BigInt(64 * (3 - word))));
    }
  }
  const encodings = coder.bulk?.encode(elements) ?? elements.map((each) => coder.encode(each));
  for (const encoding of encodings) {
    bytes.set(encoding, at);
    at += coder.elementBytes;
  }
  return bytes;
}

/** Decodes an object.
 * @param magics that are accepted.   @param coderOf the group of an id; may refuse it.
 * @param shapeOf the body's shape.
 * @throws {RangeError} wrong scheme, kind, version, group or bounds; truncated; trailing bytes; y over its
 * bound; a scalar ≥ q; an element that is off the curve, non-canonical, outside the subgroup or the identity. */
export function decodeObject<E, C extends Coder<E>>(
  magics: readonly Magic[],
  kind: Kind,
  bytes: Uint8Array,
  coderOf: (id: number) => C & Coder<E>,
  shapeOf: (n: number, magic: Magic) => Shape,
): { magic: Magic; pp: Bounds & { readonly group: C } } & Required<Body<E>> {
  const action = `decode ${kind}`;
  const refuse = (state: string) => new RangeError(`Cannot ${action}: ${state}`);
  if (bytes.length < HEADER_BYTES) {
    throw refuse(`${bytes.length} bytes, shorter than the header of ${HEADER_BYTES}`);
  }
  const found = String.fromCharCode(...bytes.subarray(0, 4));
  const magic = magics.find((each) => each === found);
  if (magic === undefined) {
    const expected = magics.map((each) => `"${each}"`).join(" or ");
    throw refuse(`magic ${JSON.stringify(found)}, expected ${expected}`);
  }
  const foundKind = KINDS[magic][bytes[4] - 1];
  if (foundKind !== kind) throw refuse(`this is ${foundKind ?? `unknown kind ${bytes[4]}`}`);
  if (bytes[5] !== VERSION) throw refuse(`version ${bytes[5]}, expected ${VERSION}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const group = coderOf(bytes[6]);
  const [n, boundX, boundY] = [0, 1, 2].map((i) => view.getUint32(7 + 4 * i));
  const pp = checkParams(action, { group, n, boundX, boundY });
  const { y: hasY = false, scalars: ofScalars = 0, elements: ofElements = 0 } = shapeOf(n, magic);
  const expected = HEADER_BYTES + (hasY ? 4 * n : 0) + SCALAR_BYTES * ofScalars +
    group.elementBytes * ofElements;
  if (bytes.length !== expected) {
    throw refuse(`${bytes.length} bytes, expected ${expected} for n = ${n}`);
  }

  let at = HEADER_BYTES;
  const y = new Int32Array(hasY ? n : 0);
  for (let i = 0; i < y.length; i++, at += 4) y[i] = view.getInt32(at);
  if (hasY) checkVector(action, "y", y, n, boundY);
  const scalars = Array.from({ length: ofScalars }, () => {
    let scalar = 0n;
    for (let word = 0; word < 4; word++, at += 8) scalar = (scalar << 64n) | view.getBigUint64(at);
    if (scalar >= group.order) throw refuse("a scalar is not below the group order");
    return scalar;
  });
  const encodings = Array.from(
    { length: ofElements },
    () => bytes.subarray(at, at += group.elementBytes),
  );
  const elements = group.bulk?.decode(encodings) ?? encodings.map((each) => group.decode(each));
  return { magic, pp, y, scalars, elements };
}
