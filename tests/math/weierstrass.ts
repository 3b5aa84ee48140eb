/** Other prime-order groups behind the interface of `lib/math/group.ts`: whatever works over ristretto255 must
 * work over P-256, secp256k1 and BLS12-381's G1 too, and over noble's ristretto255, which stands in where the kernel
 * does not run. Their encodings are SEC 1's and the IETF's, compressed.
 * @module */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { p256, p256_hasher } from "@noble/curves/nist.js";
import { secp256k1, secp256k1_hasher } from "@noble/curves/secp256k1.js";
import type { H2CHasher } from "@noble/curves/abstract/hash-to-curve.js";
import type { WeierstrassPoint, WeierstrassPointCons } from "@noble/curves/abstract/weierstrass.js";
import { NOBLE_RISTRETTO } from "lib/math/noble_ristretto.ts";
import { decodePoint, type Element, type Group, group, quotientKeys } from "lib/math/group.ts";

/** A short Weierstrass curve: x identifies ±P. */
function weierstrassGroup(
  name: string,
  id: number,
  Point: WeierstrassPointCons<bigint>,
  hasher: H2CHasher<WeierstrassPointCons<bigint>>,
): Group {
  type P = WeierstrassPoint<bigint>;
  const { Fp, Fn } = Point;
  const elementBytes = Point.BASE.toBytes(true).length;
  return {
    name,
    id,
    order: Fn.ORDER,
    generator: Point.BASE as Element,
    identity: Point.ZERO as Element,
    elementBytes,
    equals: (a, b) => (a as P).equals(b as P),
    multiply: (element, scalar) => (element as P).multiplyUnsafe(Fn.create(scalar)) as Element,
    sum: (elements) => elements.reduce((total, e) => total.add(e), Point.ZERO as Element),
    keys: (elements) =>
      quotientKeys(Fp, elements.map((e) => (e as P).X), elements.map((e) => (e as P).Z)),
    encode(element) {
      if (!(element as P).is0()) return (element as P).toBytes(true);
      throw new RangeError(`Cannot encode ${name} element: it is the identity`);
    },
    // The length is the compressed one, so noble's uncompressed branch is out of reach; fromBytes
    // checks the curve equation and, for a curve with a cofactor, the subgroup.
    decode: (bytes) => decodePoint(name, elementBytes, bytes, (b) => Point.fromBytes(b)) as Element,
    hash: (message, domain) => hasher.hashToCurve(message, { DST: domain }) as Element,
  };
}

/** Every group by name, the library's own first. */
export const GROUPS: Readonly<Record<string, Group>> = {
  "ristretto255": group("ristretto255"),
  "ristretto255 by noble": { ...NOBLE_RISTRETTO, name: "ristretto255 by noble", id: 5 },
  "p256": weierstrassGroup("p256", 2, p256.Point, p256_hasher),
  "secp256k1": weierstrassGroup("secp256k1", 3, secp256k1.Point, secp256k1_hasher),
  "bls12-381-g1": weierstrassGroup("bls12-381-g1", 4, bls12_381.G1.Point, bls12_381.G1),
};

/** All of them. */
export const ALL_GROUPS: readonly Group[] = Object.values(GROUPS);
