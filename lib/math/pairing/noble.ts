/** Pairings over `@noble/curves`: the reference for the kernel, and what runs where the kernel does not.
 *
 * G1 and G2 are encoded compressed as in the IETF draft on BLS signatures, 48 and 96 bytes, as noble has it;
 * noble's decoding checks curve and subgroup.
 * @module */
import type { BlsCurvePair } from "@noble/curves/abstract/bls.js";
import { normalizeZ } from "@noble/curves/abstract/curve.js";
import type { Fp12 } from "@noble/curves/abstract/tower.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { decodePoint } from "../group.ts";
import type { G1, G2, GT, PairingGroup, PairingProduct, PreparedG2 } from "./group.ts";

const { G1: { Point: P1 }, G2: { Point: P2 }, fields: { Fp12, Fr }, utils } = bls12_381;
type P1 = typeof P1.BASE;
type P2 = typeof P2.BASE;

/** What all backends say of the curve. */
export const CURVE = {
  name: "bls12-381",
  id: 1,
  order: Fr.ORDER,
  g1Bytes: 48,
  g2Bytes: 96,
} as const;

/** Refuses scalars. @throws {RangeError} a scalar that would give the identity, or is not reduced. */
export function checkScalars(scalars: readonly bigint[]): void {
  const at = scalars.findIndex((scalar) => scalar < 1n || scalar >= CURVE.order);
  if (at >= 0) throw new RangeError(`Cannot multiply a generator: scalar ${at} is not in [1, q)`);
}

/** Refuses products. @throws {TypeError} a product of vectors of different lengths, or of none. */
export function checkProducts(products: readonly PairingProduct[]): void {
  for (const { g1, g2 } of products) {
    if (g1.length !== g2.length || g1.length === 0) {
      throw new TypeError(
        `Cannot pair: ${g1.length} elements of G1 with ${g2.length} of G2, expected equally many`,
      );
    }
  }
}

type Lines = ReturnType<BlsCurvePair["utils"]["calcPairingPrecomputes"]>;

interface Prepared extends PreparedG2 {
  readonly lines: readonly Lines[];
}

/** One line has three Fp2 coefficients, each a pair of BigInts of about 64 bytes. */
const LINE_BYTES = 3 * 2 * 64;

const points1 = (elements: readonly G1[]) => elements as unknown as readonly P1[];
const points2 = (elements: readonly G2[]) => elements as unknown as readonly P2[];
const value = (a: GT) => a as unknown as Fp12;
const element = (a: Fp12) => a as unknown as GT;

/** Keys of start·step^k: the first coordinate, which is the same for a and 1/a. */
function orbit(start: GT, step: GT, count: number): Float64Array {
  let at = value(start);
  return Float64Array.from({ length: count }, () => {
    const key = Number(BigInt.asUintN(52, at.c0.c0.c0));
    at = Fp12.mul(at, value(step));
    return key;
  });
}

/** The curve by noble. */
export function noblePairing(): PairingGroup {
  return {
    ...CURVE,
    backend: "noble",
    powersG1(scalars) {
      checkScalars(scalars);
      return scalars.map((k) => P1.BASE.multiply(k)) as unknown as G1[];
    },
    powersG2(scalars) {
      checkScalars(scalars);
      return scalars.map((k) => P2.BASE.multiply(k)) as unknown as G2[];
    },
    encodeG1: (a) => points1([a])[0].toBytes(true),
    encodeG2: (a) => points2([a])[0].toBytes(true),
    decodeG1: (bytes) =>
      decodePoint("bls12-381 G1", 48, bytes, (b) => P1.fromBytes(b)) as unknown as G1,
    decodeG2: (bytes) =>
      decodePoint("bls12-381 G2", 96, bytes, (b) => P2.fromBytes(b)) as unknown as G2,
    prepare(elements): Prepared {
      const lines = points2(elements).map((q) => utils.calcPairingPrecomputes(q));
      const sizeBytes = lines.reduce((sum, { length }) => sum + length * LINE_BYTES, 0);
      return { length: lines.length, sizeBytes, lines };
    },
    pairingProducts(products) {
      checkProducts(products);
      return products.map(({ g1, g2 }) => {
        const { lines } = g2 as Prepared;
        const affine = normalizeZ(P1, [...points1(g1)]).map((p) => p.toAffine());
        const pairs = affine.map(({ x, y }, i) => [lines[i], x, y] as [Lines, bigint, bigint]);
        return element(Fp12.finalExponentiate(bls12_381.millerLoopBatch(pairs)));
      });
    },
    equal: (a, b) => Fp12.eql(value(a), value(b)),
    multiply: (a, b) => element(Fp12.mul(value(a), value(b))),
    invert: (a) => element(Fp12.conjugate(value(a))), // elements of order q are unitary
    orbits: ([a, b], [s, t], count) => [orbit(a, s, count), orbit(b, t, count)],
  };
}
