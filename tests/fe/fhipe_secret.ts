/** The master secret of function-hiding encryption as bytes, which no party of a protocol sends: "fhip", kind
 * msk, L's rows, then U's. The known answers are in it.
 * @module */
import { encodeObject } from "lib/fe/encoding.ts";
import { dimension, type MasterSecretKey } from "lib/fe/fhipe.ts";
import { decodeFhipe } from "lib/fe/fhipe_encoding.ts";
import { luMatrix } from "lib/math/matrix_mod.ts";
import type { PairingGroup } from "lib/math/pairing/group.ts";

/** Encodes the master secret: (n + 2)² scalars, in clear. */
export function encodeMasterSecretKey({ pp, matrix }: MasterSecretKey): Uint8Array {
  return encodeObject("fhip", "msk", pp, { scalars: [...matrix.lower, ...matrix.upper].flat() });
}

/** Decodes the master secret.
 * @throws {RangeError} not a canonical encoding; a scalar ≥ q; a zero on U's diagonal. */
export function decodeMasterSecretKey(group: PairingGroup, bytes: Uint8Array): MasterSecretKey {
  const { pp, scalars } = decodeFhipe("msk", group, bytes, (n) => ({ scalars: dimension(n) ** 2 }));
  const N = dimension(pp.n);
  let at = 0;
  const row = (length: number) => scalars.slice(at, at += length);
  const lower = Array.from({ length: N }, (_, i) => row(i));
  const upper = Array.from({ length: N }, (_, i) => row(N - i));
  return { pp, matrix: luMatrix(group.order, lower, upper) };
}
