/** Pairings over `@noble/curves`: the reference for the kernel, and what runs where the kernel does not.
 *
 * G1 and G2 are encoded compressed as in the IETF draft on BLS signatures, 48 and 96 bytes, as noble has it;
 * noble's decoding checks curve and subgroup.
 * @module */
import type { BlsCurvePair } from "@noble/curves/abstract/bls.js";
import { normalizeZ } from "@noble/curves/abstract/curve.js";
import type { Fp12 } from "@noble/curves/abstract/tower.js";
import type { WeierstrassPoint, WeierstrassPointCons } from "@noble/curves/abstract/weierstrass.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { decodePoint, type Element } from "../group.ts";
import { multiScalar } from "../msm.ts";
import type { G1, G2, GT, PairingGroup, PairingProduct, PreparedG2 } from "./group.ts";
import { checkVectors } from "./sums.ts";

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

/** Refuses scalars. @param elements how many they multiply, where that is not one generator.
 * @throws {RangeError} a scalar that would give the identity, or is not reduced. {TypeError} too few or many. */
export function checkScalars(scalars: readonly bigint[], elements?: number): void {
  const what = elements === undefined ? "a generator" : "elements";
  if (elements !== undefined && elements !== scalars.length) {
    throw new TypeError(`Cannot multiply: ${scalars.length} scalars for ${elements} elements`);
  }
  const at = scalars.findIndex((scalar) => scalar < 1n || scalar >= CURVE.order);
  if (at >= 0) throw new RangeError(`Cannot multiply ${what}: scalar ${at} is not in [1, q)`);
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
  /** Null for the identity. */
  readonly lines: readonly (Lines | null)[];
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

/** One of the source groups, as noble has it. */
function sourceGroup<F>(Point: WeierstrassPointCons<F>, which: "G1" | "G2", size: number) {
  type P = WeierstrassPoint<F>;
  const decode = (bytes: Uint8Array) =>
    decodePoint(`${CURVE.name} ${which}`, size, bytes, (b) => Point.fromBytes(b));
  const sum = (elements: readonly Element[]) =>
    elements.reduce((total, element) => total.add(element), Point.ZERO as Element);
  return {
    powers(scalars: readonly bigint[]) {
      checkScalars(scalars);
      return scalars.map((k) => Point.BASE.multiply(k));
    },
    multiply(elements: readonly P[], scalars: readonly bigint[]) {
      checkScalars(scalars, elements.length);
      return elements.map((element, i) => element.multiply(scalars[i]));
    },
    sums(elements: readonly P[], vectors: readonly Int32Array[]) {
      checkVectors(elements, vectors);
      return multiScalar({ identity: Point.ZERO, sum }, elements, vectors);
    },
    encode(element: P) {
      if (!element.is0()) return element.toBytes(true);
      throw new RangeError(`Cannot encode ${CURVE.name} ${which} element: it is the identity`);
    },
    decode,
    decodeMany: (bytes: Uint8Array) =>
      Array.from(
        { length: Math.ceil(bytes.length / size) },
        (_, i) => decode(bytes.subarray(i * size, (i + 1) * size)),
      ),
  };
}

/** The curve by noble. */
export function noblePairing(): PairingGroup {
  const first = sourceGroup(P1, "G1", CURVE.g1Bytes);
  const second = sourceGroup(P2, "G2", CURVE.g2Bytes);
  return {
    ...CURVE,
    backend: "noble",
    powersG1: (scalars) => first.powers(scalars) as unknown as G1[],
    powersG2: (scalars) => second.powers(scalars) as unknown as G2[],
    multiplyG1: (elements, scalars) =>
      first.multiply(points1(elements), scalars) as unknown as G1[],
    multiplyG2: (elements, scalars) =>
      second.multiply(points2(elements), scalars) as unknown as G2[],
    sumsG1: (elements, vectors) => first.sums(points1(elements), vectors) as unknown as G1[],
    sumsG2: (elements, vectors) => second.sums(points2(elements), vectors) as unknown as G2[],
    encodeG1: (a) => first.encode(points1([a])[0]),
    encodeG2: (a) => second.encode(points2([a])[0]),
    decodeG1: (bytes) => first.decode(bytes) as unknown as G1,
    decodeG2: (bytes) => second.decode(bytes) as unknown as G2,
    decodeManyG1: (bytes) => first.decodeMany(bytes) as unknown as G1[],
    decodeManyG2: (bytes) => second.decodeMany(bytes) as unknown as G2[],
    prepare(elements): Prepared {
      const lines = points2(elements)
        .map((q) => q.is0() ? null : utils.calcPairingPrecomputes(q));
      const sizeBytes = lines.reduce((sum, line) => sum + (line?.length ?? 0) * LINE_BYTES, 0);
      return { length: lines.length, sizeBytes, lines };
    },
    pairingProducts(products) {
      checkProducts(products);
      return products.map(({ g1, g2 }) => {
        const { lines } = g2 as Prepared;
        const affine = normalizeZ(P1, [...points1(g1)]).map((p) => p.is0() ? null : p.toAffine());
        const pairs = affine.flatMap((p, i) => { // the identity pairs to 1
          const line = lines[i];
          return p && line ? [[line, p.x, p.y] as [Lines, bigint, bigint]] : [];
        });
        return element(Fp12.finalExponentiate(bls12_381.millerLoopBatch(pairs)));
      });
    },
    equal: (a, b) => Fp12.eql(value(a), value(b)),
    multiply: (a, b) => element(Fp12.mul(value(a), value(b))),
    invert: (a) => element(Fp12.conjugate(value(a))), // elements of order q are unitary
    orbits: ([a, b], [s, t], count) => [orbit(a, s, count), orbit(b, t, count)],
  };
}
