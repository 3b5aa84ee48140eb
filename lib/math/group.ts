/** ristretto255 (RFC 9496), the prime-order group of the DDH schemes, written additively.
 *
 * `Group` is what the schemes need of one: complete formulas for `add`, `double` and `negate`, strict decoding, and
 * `keys`, a hash of many elements for the price of one field inversion; `bulk`, where a group has it, is the same for
 * many at once. Arithmetic runs in a WebAssembly kernel (`edwards/`) where relaxed SIMD fuses multiply-add, else over
 * `@noble/curves`; both give the same elements. The tests run the same schemes over P-256, secp256k1 and
 * BLS12-381's G1 (`tests/math/weierstrass.ts`).
 *
 * An element is carried as an Edwards point, which stands for its whole coset of E[4]: compare with `group.equals`,
 * and let only `encode` bytes leave the process.
 *
 * Not constant time: neither the kernel nor JavaScript's BigInt is, and the tables of this workspace look up by
 * secret digits. Fit for research on one machine, not for a service that strangers can time.
 * @module */
import { kernelRistretto } from "./edwards/ristretto.ts";
import { NOBLE_RISTRETTO } from "./noble_ristretto.ts";
import type { Group } from "./prime_group.ts";

export {
  type Bulk,
  type Combs,
  decodePoint,
  type Element,
  type Group,
  quotientKeys,
} from "./prime_group.ts";

/** The groups that {@linkcode group} knows. */
export type GroupName = "ristretto255";

let ristretto: Group | undefined;

/** On the kernel, or on noble where that does not run. */
const ristretto255 = () => ristretto ??= kernelRistretto() ?? NOBLE_RISTRETTO;

/** The group of that name. @throws {RangeError} an unknown name. */
export function group(name: GroupName): Group {
  if (name === NOBLE_RISTRETTO.name) return ristretto255();
  throw new RangeError(`Cannot use group "${name}": unknown, expected ${NOBLE_RISTRETTO.name}`);
}

/** The group with that id in encodings. @throws {RangeError} an unknown id. */
export function groupById(id: number): Group {
  if (id === NOBLE_RISTRETTO.id) return ristretto255();
  throw new RangeError(`Cannot decode: unknown group id ${id}`);
}
