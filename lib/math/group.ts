/** ristretto255 (RFC 9496), the prime-order group of the DDH schemes, written additively, over `@noble/curves`.
 *
 * `Group` is what the schemes need of one: noble's complete formulas for `add`, `double` and `negate`, strict
 * decoding, and `keys`, a hash of many elements for the price of one field inversion. The tests run the same
 * schemes over P-256, secp256k1 and BLS12-381's G1 (`tests/math/weierstrass.ts`).
 *
 * An element is carried as the Edwards point inside noble's wrapper (10 % faster to add). Such a point stands
 * for its whole coset of E[4]: compare with `group.equals`, never with the point's own `equals`, and let only
 * `encode` bytes leave the process.
 *
 * Not constant time: JavaScript's BigInt is not, and the tables of this workspace look up by secret
 * digits. Fit for research on one machine, not for a service that strangers can time.
 * @module */
import type { EdwardsPoint } from "@noble/curves/abstract/edwards.js";
import { FpInvertBatch } from "@noble/curves/abstract/modular.js";
import { ed25519, ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";

/** The groups that {@linkcode group} knows. */
export type GroupName = "ristretto255";

/** A group element: opaque to everyone but its group. */
export interface Element {
  add(other: Element): Element;
  double(): Element;
  negate(): Element;
}

/** A group of prime order q with a fixed generator g. */
export interface Group {
  readonly name: string;
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

/** x/z for many pairs, truncated to 52 bits, with one inversion: a number holds a key exactly, a hash table
 * splits it into slot and fingerprint. A zero z (infinity) gives 0. */
export function quotientKeys(
  field: Parameters<typeof FpInvertBatch<bigint>>[0],
  numerators: bigint[],
  denominators: bigint[],
): Float64Array {
  const inverses = FpInvertBatch(field, denominators, true);
  return Float64Array.from(
    numerators,
    (value, i) => Number(BigInt.asUintN(52, field.mul(value, inverses[i]))),
  );
}

/** An element from bytes, by noble, with one class and one wording for all that cannot be decoded.
 * @param name of the group, for the error.   @param size in bytes.
 * @throws {RangeError} a wrong length, no canonical encoding, or the identity. */
export function decodePoint<P extends { is0(): boolean }>(
  name: string,
  size: number,
  bytes: Uint8Array,
  parse: (bytes: Uint8Array) => P,
): P {
  const refuse = (state: string, cause?: unknown) =>
    new RangeError(`Cannot decode ${name} element: ${state}`, { cause });
  if (bytes.length !== size) throw refuse(`${bytes.length} bytes, expected ${size}`);
  let point: P;
  try {
    point = parse(bytes);
  } catch (cause) {
    throw refuse("not a canonical encoding of a group element", cause);
  }
  if (point.is0()) throw refuse("it is the identity");
  return point;
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

const Edwards = ed25519.Point;
const Ristretto = ristretto255.Point;
const edwards = (element: Element) => element as EdwardsPoint;
const wrap = (element: Element) => new Ristretto(edwards(element));
/** `ep` is protected in noble's types; the bracket reads it without a cast. */
const unwrap = (point: InstanceType<typeof Ristretto>) => point["ep"] as Element;

const RISTRETTO255: Group = {
  name: "ristretto255",
  id: 1,
  order: Edwards.Fn.ORDER,
  generator: unwrap(Ristretto.BASE),
  identity: unwrap(Ristretto.ZERO),
  elementBytes: 32,
  equals: (a, b) => wrap(a).equals(wrap(b)),
  multiply: (element, scalar) =>
    edwards(element).multiplyUnsafe(Edwards.Fn.create(scalar)) as Element,
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
    const { Fp } = Edwards;
    const points = elements.map(edwards);
    return quotientKeys(Fp, points.map(({ T }) => Fp.sqr(T)), points.map(({ Z }) => Fp.sqr(Z)));
  },
  encode(element) {
    if (!wrap(element).is0()) return wrap(element).toBytes();
    throw new RangeError("Cannot encode ristretto255 element: it is the identity");
  },
  decode: (bytes) => unwrap(decodePoint("ristretto255", 32, bytes, (b) => Ristretto.fromBytes(b))),
  hash: (message, domain) => unwrap(ristretto255_hasher.hashToCurve(message, { DST: domain })),
};

/** The group of that name. @throws {RangeError} an unknown name. */
export function group(name: GroupName): Group {
  if (name === RISTRETTO255.name) return RISTRETTO255;
  throw new RangeError(`Cannot use group "${name}": unknown, expected ${RISTRETTO255.name}`);
}

/** The group with that id in encodings. @throws {RangeError} an unknown id. */
export function groupById(id: number): Group {
  if (id === RISTRETTO255.id) return RISTRETTO255;
  throw new RangeError(`Cannot decode: unknown group id ${id}`);
}
