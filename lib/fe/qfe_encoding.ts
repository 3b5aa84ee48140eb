/** Byte encodings of quadratic encryption, whose objects hold elements of both source groups:
 *
 *     magic    4 bytes   the scheme: "qfe1" (one vector) or "qfeb" (a batch)
 *     kind     1 byte    its place in the scheme's list, from 1
 *     version  1 byte    1
 *     curve    1 byte    its id
 *     fields   4 bytes each, big endian: what the scheme's parameters are, then what the kind adds
 *     body     scalars, 32 bytes, big endian; elements of G1, then of G2, compressed
 *
 * One object has one encoding. Decoding refuses everything else with a RangeError that says what is wrong; the
 * length follows from the fields and is checked before anything is allocated, subgroups are checked for all
 * elements of a group at once.
 * @module */
import type { G1, G2, PairingGroup } from "../math/pairing/group.ts";

/** The kinds of objects of each scheme, and the names of their fields. */
const PARAMS = ["n", "boundX", "boundY"] as const;
const BATCH = ["n", "batch", "boundX", "boundY"] as const;
const KINDS = {
  qfe1: { mpk: PARAMS, skF: PARAMS, ctXY: PARAMS },
  qfeb: {
    skC: [...BATCH, "count"],
    ctU: [...BATCH, "from", "to"],
    skU: [...BATCH, "from", "to"],
  },
} as const;
const VERSION = 1;
/** Bytes before the fields. */
const PREFIX_BYTES = 7;

/** q is below 2^256. */
const SCALAR_BYTES = 32;

/** What an encoding holds. */
export type QfeKind<M extends keyof typeof KINDS> = keyof typeof KINDS[M] & string;

/** Scalars, and elements of both groups. */
export interface Elements {
  readonly scalars?: readonly bigint[];
  readonly g1?: readonly G1[];
  readonly g2?: readonly G2[];
}

/** How many. */
export interface Counts {
  readonly scalars?: number;
  readonly g1?: number;
  readonly g2?: number;
}

const namesOf = (magic: keyof typeof KINDS, kind: string) =>
  (KINDS[magic] as Record<string, readonly string[]>)[kind];

/** Encodes an object. @param fields at least those of its kind. @throws {RangeError} an element is the identity. */
export function encodeQfe<M extends keyof typeof KINDS>(
  magic: M,
  kind: QfeKind<M>,
  group: PairingGroup,
  fields: Readonly<Record<string, unknown>>,
  { scalars = [], g1 = [], g2 = [] }: Elements,
): Uint8Array {
  const names = namesOf(magic, kind);
  const scalarsAt = PREFIX_BYTES + 4 * names.length;
  const elementsAt = scalarsAt + SCALAR_BYTES * scalars.length;
  const bytes = new Uint8Array(
    elementsAt + g1.length * group.g1Bytes + g2.length * group.g2Bytes,
  );
  bytes.set(new TextEncoder().encode(magic));
  bytes.set([Object.keys(KINDS[magic]).indexOf(kind) + 1, VERSION, group.id], 4);
  const view = new DataView(bytes.buffer);
  names.forEach((name, i) => view.setUint32(PREFIX_BYTES + 4 * i, Number(fields[name])));
  scalars.forEach((scalar, i) =>
    bytes.set(
      Uint8Array.fromHex(scalar.toString(16).padStart(2 * SCALAR_BYTES, "0")),
      scalarsAt + SCALAR_BYTES * i,
    )
  );
  const secondAt = elementsAt + g1.length * group.g1Bytes;
  g1.forEach((element, i) => bytes.set(group.encodeG1(element), elementsAt + i * group.g1Bytes));
  g2.forEach((element, i) => bytes.set(group.encodeG2(element), secondAt + i * group.g2Bytes));
  return bytes;
}

/** Decodes an object.
 * @param countsOf how many elements the fields promise; may refuse them.
 * @throws {RangeError} wrong scheme, kind, version, curve or fields; truncated; trailing bytes; an element that
 * is off the curve, non-canonical, outside the subgroup or the identity; a scalar that is 0 or not below q. */
export function decodeQfe<M extends keyof typeof KINDS, F>(
  magic: M,
  kind: QfeKind<M>,
  group: PairingGroup,
  bytes: Uint8Array,
  countsOf: (fields: Readonly<Record<string, number>>) => Counts & { readonly fields: F },
): { fields: F; scalars: bigint[]; g1: G1[]; g2: G2[] } {
  const refuse = (state: string) => new RangeError(`Cannot decode ${kind}: ${state}`);
  const names = namesOf(magic, kind);
  const scalarsAt = PREFIX_BYTES + 4 * names.length;
  if (bytes.length < scalarsAt) {
    throw refuse(`${bytes.length} bytes, shorter than the header of ${scalarsAt}`);
  }
  const found = String.fromCharCode(...bytes.subarray(0, 4));
  if (found !== magic) throw refuse(`magic ${JSON.stringify(found)}, expected "${magic}"`);
  const foundKind = Object.keys(KINDS[magic])[bytes[4] - 1];
  if (foundKind !== kind) throw refuse(`this is ${foundKind ?? `unknown kind ${bytes[4]}`}`);
  if (bytes[5] !== VERSION) throw refuse(`version ${bytes[5]}, expected ${VERSION}`);
  if (bytes[6] !== group.id) {
    throw refuse(`curve id ${bytes[6]}, expected ${group.id} for ${group.name}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const raw = Object.fromEntries(
    names.map((name, i) => [name, view.getUint32(PREFIX_BYTES + 4 * i)]),
  );
  const { scalars: ofScalars = 0, g1 = 0, g2 = 0, fields } = countsOf(raw);
  const elementsAt = scalarsAt + SCALAR_BYTES * ofScalars;
  const secondAt = elementsAt + g1 * group.g1Bytes;
  const expected = secondAt + g2 * group.g2Bytes;
  if (bytes.length !== expected) {
    const size = names.filter((name) => !name.startsWith("bound"))
      .map((name) => `${name} = ${raw[name]}`).join(", ");
    throw refuse(`${bytes.length} bytes, expected ${expected} for ${size}`);
  }
  const scalars = Array.from({ length: ofScalars }, (_, i) => {
    const at = scalarsAt + SCALAR_BYTES * i;
    const scalar = BigInt(`0x${bytes.subarray(at, at + SCALAR_BYTES).toHex()}`);
    if (scalar < 1n || scalar >= group.order) throw refuse("a scalar is not in [1, q)");
    return scalar;
  });
  return {
    fields,
    scalars,
    g1: group.decodeManyG1(bytes.subarray(elementsAt, secondAt)),
    g2: group.decodeManyG2(bytes.subarray(secondAt)),
  };
}
