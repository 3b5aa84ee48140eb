/** The checks that all pairing backends share, with one wording.
 * @module */
import type { PairingProduct } from "./group.ts";

/** @throws {RangeError} a scalar that would give the identity, or is not reduced. */
export function checkScalars(order: bigint, scalars: readonly bigint[]): void {
  const at = scalars.findIndex((scalar) => scalar < 1n || scalar >= order);
  if (at >= 0) throw new RangeError(`Cannot multiply a generator: scalar ${at} is not in [1, q)`);
}

/** @throws {TypeError} a product of vectors of different lengths, or of none. */
export function checkProducts(products: readonly PairingProduct[]): void {
  for (const { g1, g2 } of products) {
    if (g1.length !== g2.length || g1.length === 0) {
      throw new TypeError(
        `Cannot pair: ${g1.length} elements of G1 with ${g2.length} of G2, expected equally many`,
      );
    }
  }
}

/** @throws {RangeError} bytes of a wrong length. */
export function checkLength(group: string, bytes: Uint8Array, size: number): void {
  if (bytes.length !== size) {
    throw new RangeError(`Cannot decode ${group} element: ${bytes.length} bytes, expected ${size}`);
  }
}

/** The error for bytes that are no canonical encoding of an element of the subgroup. */
export function badEncoding(group: string, cause?: unknown): RangeError {
  return new RangeError(
    `Cannot decode ${group} element: not a canonical encoding of a group element`,
    { cause },
  );
}

/** The error for the identity: no honest message contains it. */
export function isIdentity(group: string): RangeError {
  return new RangeError(`Cannot decode ${group} element: it is the identity`);
}
