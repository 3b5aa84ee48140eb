/** What the schemes need of a group of prime order, and two helpers of those who provide one.
 * @module */
import { FpInvertBatch } from "@noble/curves/abstract/modular.js";

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
  /** Where it has them. */
  readonly bulk?: Bulk;
}

/** What a group does faster for many elements at once than for one after the other. */
export interface Bulk {
  /** Σ_i y_i · points_i for every y in `vectors`, int32 entries, by tables of 2^(window − 1) multiples of each point.
   * @param onProgress called after each vector. */
  sums(
    points: readonly Element[],
    vectors: readonly Int32Array[],
    window: number,
    onProgress?: (done: number, total: number) => void,
  ): Element[];
  /** Tables of bases for combs: see `fixed_base.ts`. */
  combs(bases: readonly Element[]): Combs;
  /** The keys of 1·element, 2·element, …: each call gives those of that many further multiples. */
  multiplesKeys(element: Element): (count: number) => Float64Array;
  /** The encodings of elements. @throws {RangeError} as `encode`. */
  encode(elements: readonly Element[]): Uint8Array[];
  /** The elements of encodings. @throws {RangeError} as `decode`. */
  decode(encodings: readonly Uint8Array[]): Element[];
}

/** Multiplication of fixed bases by full scalars. */
export interface Combs {
  /** scalar · base for every base. */
  multiply(scalar: bigint): Element[];
  /** scalar · base_j for every scalar. */
  powers(j: number, scalars: readonly bigint[]): Element[];
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
