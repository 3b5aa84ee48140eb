/** Prime-order groups, written additively, over the curves of `@noble/curves`.
 *
 * ristretto255 (RFC 9496) is the default and the fastest here; P-256, secp256k1 and BLS12-381 G1 are
 * selectable. Elements are noble's own points, so `add`, `double` and `negate` are noble's complete
 * formulas; this file adds what the schemes need beside them: strict decoding, one interface for the
 * four, and `keys`, a hash of many elements for the price of one field inversion.
 *
 * A ristretto255 element is carried as the Edwards point inside noble's wrapper (10 % faster to add).
 * Such a point stands for its whole coset of E[4]: compare with `group.equals`, never with the
 * point's own `equals`, and let only `encode` bytes leave the process.
 *
 * Not constant time: JavaScript's BigInt is not, and the tables of this workspace look up by secret
 * digits. Fit for research on one machine, not for a service that strangers can time.
 * @module */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { ed25519, ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { p256, p256_hasher } from "@noble/curves/nist.js";
import { secp256k1, secp256k1_hasher } from "@noble/curves/secp256k1.js";
import type { EdwardsPoint } from "@noble/curves/abstract/edwards.js";
import type { H2CHasher } from "@noble/curves/abstract/hash-to-curve.js";
import { FpInvertBatch } from "@noble/curves/abstract/modular.js";
import type { WeierstrassPoint, WeierstrassPointCons } from "@noble/curves/abstract/weierstrass.js";

export type GroupName = "ristretto255" | "p256" | "secp256k1" | "bls12-381-g1";

/** A group element: opaque to everyone but its group. */
export interface Element {
  add(other: Element): Element;
  double(): Element;
  negate(): Element;
}

/** A group of prime order q with a fixed generator g. */
export interface Group {
  readonly name: GroupName;
  /** Identifies the group in byte encodings and cache files. */
  readonly id: number;
  /** The prime order q. */
  readonly order: bigint;
  readonly generator: Element;
  readonly identity: Element;
  /** Length of an encoded element. */
  readonly elementBytes: number;
  equals(a: Element, b: Element): boolean;
  /** scalar · element, the slow obvious way. Any integer; it is reduced mod q. */
  multiply(element: Element, scalar: bigint): Element;
  /** The sum of many elements: the inner loop of decryption. */
  sum(elements: readonly Element[]): Element;
  /** For each element a 52-bit integer that is the same for P and −P and, up to chance, only for
   * them; 0 for the identity. One field inversion for the whole batch. */
  keys(elements: readonly Element[]): Float64Array;
  /** The canonical encoding. @throws {RangeError} the identity: no honest message contains it. */
  encode(element: Element): Uint8Array;
  /** The element of a canonical encoding.
   * @throws {RangeError} wrong length, non-canonical, off the curve, outside the subgroup, identity. */
  decode(bytes: Uint8Array): Element;
  /** A generator whose discrete logarithm nobody knows: hash to curve of `message` under `domain`. */
  hash(message: Uint8Array, domain: string): Element;
}

/** Key size: a number holds it exactly, a hash table splits it into slot and fingerprint. */
export const KEY_BITS = 52;

/** x/z for many pairs, truncated to KEY_BITS, with one inversion. A zero z (infinity) gives 0. */
function quotientKeys(
  field: Parameters<typeof FpInvertBatch<bigint>>[0],
  numerators: bigint[],
  denominators: bigint[],
): Float64Array {
  const inverses = FpInvertBatch(field, denominators, true);
  return Float64Array.from(
    numerators,
    (value, i) => Number(BigInt.asUintN(KEY_BITS, field.mul(value, inverses[i]))),
  );
}

/** noble's errors are of several classes: one class, one wording for all that cannot be decoded. */
function decodeOrThrow<T>(name: GroupName, size: number, bytes: Uint8Array, parse: () => T): T {
  if (bytes.length !== size) {
    throw new RangeError(`Cannot decode ${name} element: ${bytes.length} bytes, expected ${size}`);
  }
  try {
    return parse();
  } catch (error) {
    throw new RangeError(
      `Cannot decode ${name} element: not a canonical encoding of a group element`,
      { cause: error },
    );
  }
}

function refuseIdentity(action: string, name: GroupName, isIdentity: boolean): void {
  if (isIdentity) throw new RangeError(`Cannot ${action} ${name} element: it is the identity`);
}

/** A short Weierstrass curve: x identifies ±P. */
function weierstrassGroup(
  name: GroupName,
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
      refuseIdentity("encode", name, (element as P).is0());
      return (element as P).toBytes(true);
    },
    decode(bytes) {
      // The length is the compressed one, so noble's uncompressed branch is out of reach; fromBytes
      // checks the curve equation and, for a curve with a cofactor, the subgroup.
      const point = decodeOrThrow(name, elementBytes, bytes, () => Point.fromBytes(bytes));
      refuseIdentity("decode", name, point.is0());
      return point as Element;
    },
    hash: (message, domain) => hasher.hashToCurve(message, { DST: domain }) as Element,
  };
}

/** Σ points on edwards25519 by the formula of noble's `add` (add-2008-hwcd-3, complete), without a point
 * object and a canonical coordinate per step: 1.35 times as fast. JavaScript's % keeps the sign, so
 * coordinates stay in (−p, p) until the end. */
function sumEdwards(points: readonly EdwardsPoint[]): EdwardsPoint {
  const { Fp } = ed25519.Point;
  const { d } = ed25519.Point.CURVE();
  const p = Fp.ORDER;
  let [X1, Y1, Z1, T1] = [0n, 1n, 1n, 0n];
  for (const { X, Y, Z, T } of points) {
    const A = (X1 * X) % p;
    const B = (Y1 * Y) % p;
    const C = (((T1 * d) % p) * T) % p;
    const D = (Z1 * Z) % p;
    const E = ((X1 + Y1) * (X + Y) - A - B) % p;
    const F = D - C;
    const G = D + C;
    const H = B + A;
    X1 = (E * F) % p;
    Y1 = (G * H) % p;
    Z1 = (F * G) % p;
    T1 = (E * H) % p;
  }
  return new ed25519.Point(Fp.create(X1), Fp.create(Y1), Fp.create(Z1), Fp.create(T1));
}

/** ristretto255 on the representatives that noble's wrapper keeps in `ep`. */
function ristrettoGroup(): Group {
  const { Point } = ristretto255;
  const Edwards = ed25519.Point;
  const wrap = (element: Element) => new Point(element as EdwardsPoint);
  // `ep` is protected in noble's types; the bracket reads it without a cast.
  const unwrap = (point: InstanceType<typeof Point>) => point["ep"] as Element;
  const name = "ristretto255";
  return {
    name,
    id: 1,
    order: Edwards.Fn.ORDER,
    generator: unwrap(Point.BASE),
    identity: unwrap(Point.ZERO),
    elementBytes: 32,
    equals: (a, b) => wrap(a).equals(wrap(b)),
    multiply: (element, scalar) =>
      (element as EdwardsPoint).multiplyUnsafe(Edwards.Fn.create(scalar)) as Element,
    sum: (elements) =>
      sumEdwards(elements as readonly unknown[] as readonly EdwardsPoint[]) as Element,
    /* The key is (xy)² = (T/Z)². Claim: it is the same for two representatives exactly when their
     * elements are equal up to sign.
     * (⇐) E[4] = {(0,1), (0,−1), (±i,0)}. Adding (0,−1) maps (x,y) to (−x,−y), adding (±i,0) maps it to
     * (±iy,±ix), negation maps it to (−x,y): xy changes at most its sign.
     * (⇒) Let c² be the key. By the curve equation y² − x² = 1 + d·c² and x²·y² = c², so y² and −x² are
     * the two roots of t² − (1 + d·c²)·t − c²: two assignments times four signs, at most 8 points. The
     * translates ±P + E[4] are 8 distinct points, unless P ∈ E[8]; representatives lie in 2E, where that
     * means P ∈ E[4], the identity, whose 4 points are all there are with xy = 0. ∎ */
    keys(elements) {
      const points = elements as readonly unknown[] as readonly EdwardsPoint[];
      const { Fp } = Edwards;
      return quotientKeys(
        Fp,
        points.map(({ T }) => Fp.sqr(T)),
        points.map(({ Z }) => Fp.sqr(Z)),
      );
    },
    encode(element) {
      refuseIdentity("encode", name, wrap(element).is0());
      return wrap(element).toBytes();
    },
    decode(bytes) {
      const point = decodeOrThrow(name, 32, bytes, () => Point.fromBytes(bytes));
      refuseIdentity("decode", name, point.is0());
      return unwrap(point);
    },
    hash: (message, domain) => unwrap(ristretto255_hasher.hashToCurve(message, { DST: domain })),
  };
}

const GROUPS: Readonly<Record<GroupName, Group>> = {
  "ristretto255": ristrettoGroup(),
  "p256": weierstrassGroup("p256", 2, p256.Point, p256_hasher),
  "secp256k1": weierstrassGroup("secp256k1", 3, secp256k1.Point, secp256k1_hasher),
  "bls12-381-g1": weierstrassGroup("bls12-381-g1", 4, bls12_381.G1.Point, bls12_381.G1),
};

/** The names that `group` knows, the default first. */
export const GROUP_NAMES: readonly GroupName[] = Object.keys(GROUPS) as GroupName[];

/** The group of that name. @throws {RangeError} an unknown name. */
export function group(name: GroupName): Group {
  if (!Object.hasOwn(GROUPS, name)) {
    throw new RangeError(
      `Cannot use group "${name}": unknown, expected one of ${GROUP_NAMES.join(", ")}`,
    );
  }
  return GROUPS[name];
}

/** The group with that id in encodings. @throws {RangeError} an unknown id. */
export function groupById(id: number): Group {
  const name = GROUP_NAMES.find((candidate) => GROUPS[candidate].id === id);
  if (name === undefined) throw new RangeError(`Cannot decode: unknown group id ${id}`);
  return GROUPS[name];
}
