/** The master secret of function-hiding encryption as bytes, which no party of a protocol sends: "fhip", kind
 * msk, L's rows, then U's. The known answers are in it.
 * @module */
import { decodeObject, encodeObject } from "lib/fe/encoding.ts";
import { dimension, type MasterSecretKey } from "lib/fe/fhipe.ts";
import { luMatrix } from "lib/math/matrix_mod.ts";
import type { PairingGroup } from "lib/math/pairing/group.ts";

/** There are no elements. */
const coder = ({ id, order }: PairingGroup) => ({
  ...{ id, order, elementBytes: 0 },
  encode: (_: never) => new Uint8Array(0),
  decode: (_: Uint8Array) => null as never,
});

/** Encodes the master secret: (n + 2)² scalars, in clear. */
export function encodeMasterSecretKey({ pp, matrix }: MasterSecretKey): Uint8Array {
  const scalars = [...matrix.lower, ...matrix.upper].flat();
  return encodeObject("fhip", "msk", pp, coder(pp.group), { scalars });
}

/** Decodes the master secret.
 * @throws {RangeError} not a canonical encoding; a scalar ≥ q; a zero on U's diagonal. */
export function decodeMasterSecretKey(group: PairingGroup, bytes: Uint8Array): MasterSecretKey {
  const coderOf = (id: number) => {
    if (id === group.id) return coder(group);
    throw new RangeError(
      `Cannot decode msk: curve id ${id}, expected ${group.id} for ${group.name}`,
    );
  };
  const shapeOf = (n: number) => ({ scalars: dimension(n) ** 2 });
  const { pp, scalars } = decodeObject(["fhip"], "msk", bytes, coderOf, shapeOf);
  const N = dimension(pp.n);
  let at = 0;
  const row = (length: number) => scalars.slice(at, at += length);
  const lower = Array.from({ length: N }, (_, i) => row(i));
  const upper = Array.from({ length: N }, (_, i) => row(N - i));
  return { pp: { ...pp, group }, matrix: luMatrix(group.order, lower, upper) };
}
