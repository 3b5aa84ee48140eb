/** Bilinear groups: e(a·g1, b·g2) = e(g1, g2)^{ab}, for function-hiding encryption.
 *
 * One interface, three backends (`pairing_start.ts` picks) over the same curve and the same bytes:
 * - `noble`: `@noble/curves`, BigInt; the reference that tests the others, and the only one for BN254;
 * - `mcl`: `mcl-wasm`, precomputed G2 lines, two Miller loops at a time;
 * - `simd`: mcl's G1 and G2, and our own WebAssembly kernel for lines, products of Miller loops, final
 *   exponentiation and discrete logarithms (`pairing_kernel.ts`), an order of magnitude faster than mcl.
 *
 * G1 and G2 are written additively, GT multiplicatively. Encodings of G1 and G2 agree across backends byte
 * for byte; pairing values agree up to one fixed power per backend, so they never leave their process.
 *
 * BLS12-381 is the default: about 120 bits of security, where BN254 has about 100 (Kim and Barbulescu).
 * Not constant time: see `group.ts`.
 * @module */
export type PairingName = "bls12-381" | "bn254";
export type PairingBackend = "simd" | "mcl" | "noble";

declare const opaque: unique symbol;
/** An element of the first source group: opaque to everyone but its backend. */
export interface G1 {
  readonly [opaque]: "G1";
}
/** An element of the second source group. */
export interface G2 {
  readonly [opaque]: "G2";
}
/** A pairing value. */
export interface GT {
  readonly [opaque]: "GT";
}

/** G2 elements with the lines of their Miller loops: all that a pairing needs of them. */
export interface PreparedG2 {
  readonly length: number;
  /** Memory that it holds. It lies in JavaScript's heap: dropped means freed. */
  readonly sizeBytes: number;
}

/** ∏ e(g1[i], g2[i]), one product. */
export interface PairingProduct {
  readonly g1: readonly G1[];
  readonly g2: PreparedG2;
}

/** Groups of prime order q with generators g1, g2 and a pairing. All synchronous. */
export interface PairingGroup {
  readonly name: PairingName;
  readonly backend: PairingBackend;
  /** Identifies the curve in byte encodings; all backends of a curve share it. */
  readonly id: number;
  /** The prime order q. */
  readonly order: bigint;
  /** Length of an encoded element of G1, of G2. */
  readonly g1Bytes: number;
  readonly g2Bytes: number;
  /** k·g1 for each k in [1, q). @throws {RangeError} some k outside. */
  powersG1(scalars: readonly bigint[]): G1[];
  /** k·g2 for each k in [1, q). @throws {RangeError} some k outside. */
  powersG2(scalars: readonly bigint[]): G2[];
  /** The compressed canonical encoding. */
  encodeG1(element: G1): Uint8Array;
  encodeG2(element: G2): Uint8Array;
  /** The element of a canonical encoding.
   * @throws {RangeError} wrong length, non-canonical, off the curve, outside the subgroup, identity. */
  decodeG1(bytes: Uint8Array): G1;
  decodeG2(bytes: Uint8Array): G2;
  /** Computes the lines of the elements, once for all pairings with them. */
  prepare(elements: readonly G2[]): PreparedG2;
  /** Each product, under one final exponentiation. @throws {TypeError} g1 and g2 of different lengths. */
  pairingProducts(products: readonly PairingProduct[]): GT[];
  equal(a: GT, b: GT): boolean;
  multiply(a: GT, b: GT): GT;
  invert(a: GT): GT;
  /** Keys of start·step^k, k = 0 … count − 1, for two (start, step) at once: the inner loop of a discrete
   * logarithm. A key is an integer below 2^52, the same for a and 1/a, and else different up to chance. */
  orbits(starts: readonly [GT, GT], steps: readonly [GT, GT], count: number): [
    Float64Array,
    Float64Array,
  ];
}

/** Ids in encodings. */
export const PAIRING_IDS: Readonly<Record<PairingName, number>> = { "bls12-381": 1, "bn254": 2 };
