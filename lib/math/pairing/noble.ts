/** Pairings over `@noble/curves`: BLS12-381, the reference for the fast backends, and BN254.
 *
 * BLS12-381 is encoded compressed as in the IETF draft on BLS signatures (48 and 96 bytes), BN254 as SEC 1
 * compresses (33 and 65 bytes), both as noble has it. noble's decoding checks curve and subgroup.
 * @module */
import type { BlsCurvePair } from "@noble/curves/abstract/bls.js";
import { normalizeZ } from "@noble/curves/abstract/curve.js";
import type { Fp12 } from "@noble/curves/abstract/tower.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { bn254 } from "@noble/curves/bn254.js";
import {
  type G1,
  type G2,
  type GT,
  PAIRING_IDS,
  type PairingGroup,
  type PairingName,
  type PreparedG2,
} from "./group.ts";
import { badEncoding, checkLength, checkProducts, checkScalars, isIdentity } from "./check.ts";

type Lines = ReturnType<BlsCurvePair["utils"]["calcPairingPrecomputes"]>;

interface Prepared extends PreparedG2 {
  readonly lines: readonly Lines[];
}

/** What the generic code below needs of a noble point of either source group. */
interface Point {
  is0(): boolean;
  toBytes(compressed: boolean): Uint8Array;
}

function decode<P extends Point>(
  group: string,
  size: number,
  bytes: Uint8Array,
  parse: (bytes: Uint8Array) => P,
): P {
  checkLength(group, bytes, size);
  let point: P;
  try {
    point = parse(bytes);
  } catch (cause) {
    throw badEncoding(group, cause);
  }
  if (point.is0()) throw isIdentity(group);
  return point;
}

/** One line has three Fp2 coefficients, each a pair of BigInts of about 64 bytes. */
const LINE_BYTES = 3 * 2 * 64;

/** The curve by noble. */
export function noblePairing(name: PairingName): PairingGroup {
  const curve: BlsCurvePair = name === "bls12-381" ? bls12_381 : bn254;
  const { G1: { Point: P1 }, G2: { Point: P2 }, fields: { Fp12, Fr }, utils } = curve;
  type P1 = typeof P1.BASE;
  type P2 = typeof P2.BASE;
  const g1Bytes = P1.BASE.toBytes(true).length;
  const g2Bytes = P2.BASE.toBytes(true).length;
  const value = (a: GT) => a as unknown as Fp12;
  const keyOf = ({ c0 }: Fp12) => Number(BigInt.asUintN(52, c0.c0.c0));
  const orbit = (start: GT, step: GT, count: number) => {
    let at = value(start);
    return Float64Array.from({ length: count }, () => {
      const key = keyOf(at);
      at = Fp12.mul(at, value(step));
      return key;
    });
  };
  return {
    name,
    backend: "noble",
    id: PAIRING_IDS[name],
    order: Fr.ORDER,
    g1Bytes,
    g2Bytes,
    powersG1(scalars) {
      checkScalars(Fr.ORDER, scalars);
      return scalars.map((k) => P1.BASE.multiply(k)) as unknown as G1[];
    },
    powersG2(scalars) {
      checkScalars(Fr.ORDER, scalars);
      return scalars.map((k) => P2.BASE.multiply(k)) as unknown as G2[];
    },
    encodeG1: (element) => (element as unknown as P1).toBytes(true),
    encodeG2: (element) => (element as unknown as P2).toBytes(true),
    decodeG1: (bytes) =>
      decode(`${name} G1`, g1Bytes, bytes, (b) => P1.fromBytes(b)) as unknown as G1,
    decodeG2: (bytes) =>
      decode(`${name} G2`, g2Bytes, bytes, (b) => P2.fromBytes(b)) as unknown as G2,
    prepare(elements): Prepared {
      const lines = (elements as unknown as P2[]).map((q) => utils.calcPairingPrecomputes(q));
      const sizeBytes = lines.reduce((sum, { length }) => sum + length * LINE_BYTES, 0);
      return { length: lines.length, sizeBytes, lines };
    },
    pairingProducts(products) {
      checkProducts(products);
      return products.map(({ g1, g2 }) => {
        const { lines } = g2 as Prepared;
        const affine = normalizeZ(P1, g1 as unknown as P1[]).map((p) => p.toAffine());
        return Fp12.finalExponentiate(
          curve.millerLoopBatch(affine.map(({ x, y }, i) => [lines[i], x, y])),
        );
      }) as unknown as GT[];
    },
    equal: (a, b) => Fp12.eql(value(a), value(b)),
    multiply: (a, b) => Fp12.mul(value(a), value(b)) as unknown as GT,
    invert: (a) => Fp12.conjugate(value(a)) as unknown as GT, // elements of order q are unitary
    orbits: ([a, b], [s, t], count) => [orbit(a, s, count), orbit(b, t, count)],
  };
}
