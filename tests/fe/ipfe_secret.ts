/** The master secret of the DDH schemes as bytes, which no party of a protocol sends: "ipf1" or "ipf2", kind
 * msk, n scalars a mask.
 * @module */
import { decodeObject, encodeObject, type Magic } from "lib/fe/encoding.ts";
import type { MasterSecretKey } from "lib/fe/ipfe.ts";
import { type Element, type Group, groupById } from "lib/math/group.ts";

/** Encodes the master secret, in clear. */
export function encodeMasterSecretKey({ pp, s }: MasterSecretKey): Uint8Array {
  const magic = pp.masks === 2 ? "ipf2" : "ipf1";
  return encodeObject(magic, "msk", pp, pp.group, { scalars: s.flat() });
}

/** Decodes the master secret. @throws {RangeError} not a canonical encoding. */
export function decodeMasterSecretKey(bytes: Uint8Array): MasterSecretKey {
  const masksOf = (magic: Magic) => magic === "ipf2" ? 2 : 1;
  const { magic, pp: { n, ...pp }, scalars } = decodeObject<Element, Group>(
    ["ipf1", "ipf2"],
    "msk",
    bytes,
    groupById,
    (n, magic) => ({ scalars: n * masksOf(magic) }),
  );
  const masks = masksOf(magic);
  const s = Array.from({ length: masks }, (_, j) => scalars.slice(j * n, (j + 1) * n));
  return { pp: { ...pp, n, masks }, s };
}
