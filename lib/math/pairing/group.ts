/** Pairings on BLS12-381, the one door: read this and `noble.ts`, the rest is speed.
 *
 * e(a·g1, b·g2) = e(g1, g2)^{ab}, for function-hiding encryption. G1 and G2 are written additively, GT
 * multiplicatively. Two backends over the same curve and the same bytes:
 * - `simd`: our own WebAssembly kernel (`kernel.ts`) for lines, products of Miller loops, final exponentiation
 *   and orbits in GT, with mcl-wasm's G1 and G2: eight times as fast. It needs relaxed SIMD with a fused
 *   multiply-add: any x86-64 since 2013 with a current V8, any ARM64;
 * - `noble`: `@noble/curves`, BigInt: the reference, and what runs where the kernel does not.
 *
 * Encodings of G1 and G2 agree byte for byte; pairing values agree up to one fixed power per backend, so they
 * never leave their process. About 120 bits of security. Not constant time: see `math/group.ts`.
 * @module */
import { CURVE, noblePairing } from "./noble.ts";
import { simdPairing } from "./simd.ts";

/** The curves. */
export type PairingName = "bls12-381";
/** The curves' ids in encodings. */
export const PAIRING_IDS: Readonly<Record<PairingName, number>> = { [CURVE.name]: CURVE.id };
/** What computes: see above. */
export type PairingBackend = "simd" | "noble";

declare const opaque: unique symbol;
/** An element of the first source group: opaque to everyone but its backend. A sum may be the identity, which
 * pairs with everything to 1 and has no encoding. */
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
  readonly backend: string;
  /** Identifies the curve in byte encodings; all backends share it. */
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
  /** k_i·elements_i for scalars in [1, q). @throws {TypeError} different lengths. {RangeError} some k outside. */
  multiplyG1(elements: readonly G1[], scalars: readonly bigint[]): G1[];
  multiplyG2(elements: readonly G2[], scalars: readonly bigint[]): G2[];
  /** Σ k_i·elements_i for each vector k. @throws {TypeError} a vector of another length. */
  sumsG1(elements: readonly G1[], vectors: readonly Int32Array[]): G1[];
  sumsG2(elements: readonly G2[], vectors: readonly Int32Array[]): G2[];
  /** The compressed canonical encoding. @throws {RangeError} the identity. */
  encodeG1(element: G1): Uint8Array;
  encodeG2(element: G2): Uint8Array;
  /** The element of a canonical encoding.
   * @throws {RangeError} wrong length, non-canonical, off the curve, outside the subgroup, identity. */
  decodeG1(bytes: Uint8Array): G1;
  decodeG2(bytes: Uint8Array): G2;
  /** The elements of encodings side by side, their subgroup checked for all at once (`subgroup.ts`).
   * @throws {RangeError} as `decodeG1`; no multiple of an encoding's length. */
  decodeManyG1(bytes: Uint8Array): G1[];
  decodeManyG2(bytes: Uint8Array): G2[];
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

const started = new Map<string, Promise<PairingGroup>>();

async function start(name: PairingName, backend?: PairingBackend): Promise<PairingGroup> {
  if (!Object.hasOwn(PAIRING_IDS, name)) {
    const known = Object.keys(PAIRING_IDS).join(", ");
    throw new RangeError(`Cannot start pairing "${name}": unknown, expected one of ${known}`);
  }
  const simd = backend === "noble" ? null : await simdPairing();
  if (simd !== null) return simd;
  if (backend !== "simd") return noblePairing();
  throw new Error(
    "Cannot start pairing backend simd: no relaxed SIMD with fused multiply-add here",
  );
}

/** The curve on the backend, or on the faster that runs here. Await it once per thread; all that
 * follows is synchronous, and later calls are free.
 * @throws {RangeError} an unknown curve. {Error} a backend that does not run here. */
export function startPairing(
  name: PairingName = "bls12-381",
  backend?: PairingBackend,
): Promise<PairingGroup> {
  const key = `${name}/${backend}`;
  const group = started.get(key) ?? start(name, backend);
  started.set(key, group);
  return group;
}

/** a^k for a safe integer k. */
export function powerGT(group: PairingGroup, a: GT, k: number): GT {
  const base = k < 0 ? group.invert(a) : a;
  let out: GT | undefined;
  for (const bit of Math.abs(k).toString(2)) {
    if (out !== undefined) out = group.multiply(out, out);
    if (bit === "1") out = out === undefined ? base : group.multiply(out, base);
  }
  return out ?? group.multiply(a, group.invert(a));
}

/** Baby steps of the first stage, and the factor to the next. */
const FIRST = 64;
const GROWTH = 4;
/** Giant steps between two looks: what is computed beyond the hit is lost. */
const CHUNK = 32;

/** The z in [−bound, bound] with target = base^z, or null.
 *
 * Every pair of key and ciphertext has its own base, so no table outlives a search; what pays is to search
 * no further than needed. The search goes outward from the guess `near` in stages: baby steps base^i,
 * |i| ≤ m (one key for ±i), then giant steps of 2m + 1 on both sides at once, m/2 of them; then m grows
 * fourfold. A z at distance d from the guess takes about 3·√d steps. A hit is confirmed by a power of the
 * base: no wrong number can be returned.
 * @param near in [−bound, bound]. */
export function solveGT(
  group: PairingGroup,
  base: GT,
  target: GT,
  bound: number,
  near = 0,
): number | null {
  const square = group.multiply(base, base);
  const shifted = near === 0 ? target : group.multiply(target, powerGT(group, base, -near));
  const table = new Map<number, number>();
  const furthest = bound + Math.abs(near);
  /** e = ±i + offset, if that is the logarithm of `shifted`. */
  const confirm = (offset: number, i: number): number | undefined =>
    [offset + i, offset - i].find((e) => group.equal(powerGT(group, base, e), shifted));

  let covered = -1; // all |e| up to here have been looked at: none, not even 0
  for (let m = FIRST, from = 0; covered < furthest; m *= GROWTH) {
    const start = powerGT(group, base, from);
    const count = Math.ceil((m + 1 - from) / 2);
    const [even, odd] = group.orbits(
      [start, group.multiply(start, base)],
      [square, square],
      count,
    );
    for (let i = 0; i < count; i++) {
      table.set(even[i], from + 2 * i);
      table.set(odd[i], from + 2 * i + 1);
    }
    from += 2 * count;
    const largest = from - 1;
    const stride = 2 * largest + 1;
    const giant = powerGT(group, base, stride);
    const giants: [GT, GT] = [group.invert(giant), giant];
    let offset = covered + 1 + largest;
    let [below, above] = [offset, -offset].map((o) =>
      group.multiply(shifted, powerGT(group, base, o))
    );
    const leap = powerGT(group, giant, CHUNK);
    for (let k = 0; k < m / 2 && covered < furthest; k += CHUNK) {
      const keys = group.orbits([above, below], giants, CHUNK);
      for (let i = 0; i < CHUNK; i++, offset += stride) {
        for (const side of [0, 1] as const) {
          const entry = table.get(keys[side][i]);
          if (entry === undefined) continue;
          const e = confirm(side === 0 ? offset : -offset, entry);
          if (e !== undefined) return Math.abs(near + e) <= bound ? near + e : null;
        }
      }
      above = group.multiply(above, group.invert(leap));
      below = group.multiply(below, leap);
      covered = offset - stride + largest;
    }
  }
  return null;
}
