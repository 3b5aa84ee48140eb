/** Function-hiding inner-product encryption: a key for y hides y, a ciphertext of x hides x, and the two
 * together give ⟨x, y⟩ and nothing else.
 *
 * Kim, Lewi, Mandal, Montgomery, Roy, Wu, "Function-Hiding Inner Product Encryption is Practical", ePrint
 * 2016/440, section 3. Secret-key: who encrypts or derives keys holds msk. Simulation-secure in the generic
 * bilinear group model; nothing is proved if key and ciphertext are not generated as below.
 *
 *     setup:      B ∈ GL_N(Zq), B* = det(B)·(B⁻¹)ᵀ
 *     keyDerive:  α; K1 = g1^{α·det B}, K2 = g1^{α·y·B}        encrypt:  β; C1 = g2^β, C2 = g2^{β·x·B*}
 *     decrypt:    D1 = e(K1, C1), D2 = ∏ e(K2_i, C2_i); the z with D1^z = D2
 *
 * since ⟨y·B, x·B*⟩ = det(B)·⟨x, y⟩. α and β are fresh in every key and ciphertext: equal inputs, and equal
 * coordinates of one input, show nowhere. The base D1 is another for every pair, and α must not be shared
 * between keys to change that: two keys with one α would show where their y agree.
 *
 * **B = L·U.** The paper draws B uniformly from GL_N(Zq) and inverts it. We draw L unit lower and U upper
 * triangular with a non-zero diagonal, all else uniform. L·U is unique where it exists, and exists exactly
 * when all leading principal minors of B are non-zero. So B is uniform on a set S ⊂ GL_N of (q − 1)^N·q^{N²−N}
 * matrices, and its statistical distance from uniform on GL_N is
 * 1 − |S|/|GL_N| = 1 − (1 − 1/q)^N / ∏_{i=1..N} (1 − q^{−i}) ≤ (N − 1)/q: below 2^-245 for N = 786, and an
 * attacker's advantage changes by no more. Nothing is ever inverted but U's diagonal.
 *
 * **Wrong keys.** With a key of another msk, D1^z = D2 holds for a z as good as uniform in Zq: it falls into
 * the range with probability (2·range + 1)/q < 2^-213, else decryption says that there is no inner product.
 * Nothing authenticates a message: who can alter it can make z something else, as in any such scheme.
 *
 * Differs from the paper: x and y are signed and bounded, the bounds are part of the parameters, and z is
 * looked for in ±n·boundX·boundY, outward from a guess. The paper leaves out the zero vector, whose
 * encryption would be the identity throughout: here N = n + 2, x stands for (x, 1, 0) and y for (y, 0, 1), so
 * that a blank image or a row of zero weights is as hidden as any other.
 *
 * ```ts
 * import { decrypt, encrypt, keyDerive, setup } from "lib/fe/fhipe.ts";
 * import { startPairing } from "lib/math/pairing/group.ts";
 *
 * const msk = setup({ group: await startPairing(), n: 2, boundX: 255, boundY: 10 });
 * const z = decrypt(keyDerive(msk, [3, -1]), encrypt(msk, [100, 50]));
 * if (z !== 250) throw new Error(`⟨x, y⟩ = ${z}`);
 * ```
 * @module */
import { mod } from "@noble/curves/abstract/modular.js";
import { type LuMatrix, randomLu, timesDualLu, timesLu } from "../math/matrix_mod.ts";
import {
  type G1,
  type G2,
  type GT,
  type PairingGroup,
  type PreparedG2,
  solveGT,
} from "../math/pairing/group.ts";
import { randomNonZero, type Rng, secureRng } from "../math/rng.ts";
import {
  type Bounds,
  checkParams,
  checkSameParams,
  checkVector,
  DlogNotFoundError,
  rangeOf,
} from "./params.ts";
import { type Coder, decodeObject, encodeObject, type Kind } from "./encoding.ts";

/** Public parameters: part of every key and ciphertext. */
export interface FhipeParams extends Bounds {
  readonly group: PairingGroup;
}

/** The secret B: derives keys and encrypts. */
export interface MasterSecretKey {
  readonly pp: FhipeParams;
  readonly matrix: LuMatrix;
}

/** Opens ⟨x, y⟩ for one y, which it hides. */
export interface FunctionalKey {
  readonly pp: FhipeParams;
  readonly k1: G1;
  /** n + 2 elements. */
  readonly k2: readonly G1[];
}

/** An encrypted x. */
export interface Ciphertext {
  readonly pp: FhipeParams;
  readonly c1: G2;
  /** n + 2 elements. */
  readonly c2: readonly G2[];
}

/** N: two coordinates keep zero vectors from showing. */
export const dimension = (n: number): number => n + 2;

/** Draws the master secret. (Client)
 * @throws {RangeError} n or a bound is no positive integer, or n·boundX·boundY exceeds 2^40. */
export function setup(pp: FhipeParams, rng: Rng = secureRng()): MasterSecretKey {
  pp = checkParams("set up", pp);
  return { pp, matrix: randomLu(dimension(pp.n), pp.group.order, rng) };
}

/** factor·vector mod q. */
const scaled = (factor: bigint, vector: readonly bigint[], q: bigint) =>
  vector.map((value) => mod(factor * value, q));

/** Derives the key that opens ⟨x, y⟩: K1 = g1^{α·det B}, K2 = g1^{α·y·B}. (Client)
 * @param y n integers, |y_i| ≤ boundY.
 * @throws {TypeError} y.length ≠ n. {RangeError} an entry over the bound or no integer. */
export function keyDerive(
  msk: MasterSecretKey,
  y: ArrayLike<number>,
  rng: Rng = secureRng(),
): FunctionalKey {
  const { pp, matrix } = msk;
  const checked = checkVector("derive a key", "y", y, pp.n, pp.boundY);
  const { order } = pp.group;
  const [alpha] = randomNonZero(order, rng, 1);
  const yB = timesLu(matrix, [...Array.from(checked, BigInt), 0n, 1n]);
  const [k1, ...k2] = pp.group.powersG1(scaled(alpha, [matrix.determinant, ...yB], order));
  return { pp, k1, k2 };
}

/** Encrypts x: C1 = g2^β, C2 = g2^{β·x·B*}. (Client)
 * @param x n integers, |x_i| ≤ boundX.
 * @throws {TypeError} x.length ≠ n. {RangeError} an entry over the bound or no integer. */
export function encrypt(
  msk: MasterSecretKey,
  x: ArrayLike<number>,
  rng: Rng = secureRng(),
): Ciphertext {
  const { pp, matrix } = msk;
  const checked = checkVector("encrypt", "x", x, pp.n, pp.boundX);
  const { order } = pp.group;
  const [beta] = randomNonZero(order, rng, 1);
  const xB = timesDualLu(matrix, [...Array.from(checked, BigInt), 1n, 0n]);
  const [c1, ...c2] = pp.group.powersG2(scaled(beta, [1n, ...xB], order));
  return { pp, c1, c2 };
}

/** A ciphertext with the lines of its Miller loops, computed once for all keys. */
export interface PreparedCiphertext {
  readonly group: PairingGroup;
  readonly c1: PreparedG2;
  readonly c2: PreparedG2;
  readonly sizeBytes: number;
}

/** Computes a ciphertext's lines. (Server) */
export function prepareCiphertext({ pp: { group }, c1, c2 }: Ciphertext): PreparedCiphertext {
  const [first, second] = [group.prepare([c1]), group.prepare(c2)];
  return { group, c1: first, c2: second, sizeBytes: first.sizeBytes + second.sizeBytes };
}

/** D1 = e(K1, C1) and D2 = ∏ e(K2_i, C2_i): decryption without the discrete logarithm. (Server) */
export function pairings(skY: FunctionalKey, { group, c1, c2 }: PreparedCiphertext): GT[] {
  return group.pairingProducts([{ g1: [skY.k1], g2: c1 }, { g1: skY.k2, g2: c2 }]);
}

/** Decrypts ⟨x, y⟩, exactly. (Server)
 * @param options.near a guess: the search goes outward from it. Default 0.
 * @throws {TypeError} key and ciphertext of different parameters.
 * @throws {RangeError} a guess outside the range.
 * @throws {DlogNotFoundError} a key of another msk, or a vector over its bound. */
export function decrypt(
  skY: FunctionalKey,
  ctX: Ciphertext,
  options: { readonly near?: number; readonly prepared?: PreparedCiphertexts } = {},
): number {
  const near = options.near === undefined ? undefined : [options.near];
  return decryptMany([skY], ctX, { ...options, near })[0];
}

/** Decrypts ⟨x, y⟩ for every key against one ciphertext, whose lines are computed once. (Server)
 * Synchronous: may run in a Worker.
 * @param options.near a guess for every key.   @param options.prepared where lines are kept from call to call.
 * @param options.signal looked at before every key.
 * @throws as `decrypt`; the signal's reason. */
export function decryptMany(
  skYs: readonly FunctionalKey[],
  ctX: Ciphertext,
  { near, prepared, signal, onProgress }: {
    readonly near?: ArrayLike<number>;
    readonly prepared?: PreparedCiphertexts;
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number, total: number) => void;
  } = {},
): Float64Array {
  const range = rangeOf(ctX.pp);
  for (const { pp } of skYs) checkSameParams(pp, ctX.pp);
  if (near !== undefined) checkVector("decrypt", "near", near, skYs.length, range);
  const lines = prepared?.get(ctX) ?? prepareCiphertext(ctX);
  return Float64Array.from(skYs, (skY, index) => {
    signal?.throwIfAborted();
    const [d1, d2] = pairings(skY, lines);
    const z = solveGT(ctX.pp.group, d1, d2, range, near?.[index]);
    if (z === null) throw new DlogNotFoundError(range, index, skYs.length);
    onProgress?.(index + 1, skYs.length);
    return z;
  });
}

/** Prepared ciphertexts within a budget of memory, the least recently used dropped first. Lines take 17 kB a
 * G2 element (13.7 MB a ciphertext of n = 784) and half of a decryption's time; in training a ciphertext
 * meets new keys in every iteration. */
export class PreparedCiphertexts {
  readonly #budgetBytes: number;
  #sizeBytes = 0;
  /** In the order of their last use. */
  readonly #entries = new Map<Ciphertext, PreparedCiphertext>();

  /** @throws {RangeError} the budget is not a positive number. */
  constructor(budgetBytes: number) {
    if (!(budgetBytes > 0)) {
      throw new RangeError(`Cannot keep prepared ciphertexts: budget ${budgetBytes} bytes`);
    }
    this.#budgetBytes = budgetBytes;
  }

  /** What is held now; never over the budget. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The ciphertext's lines, from here or computed. A ciphertext over the whole budget is not kept. */
  get(ctX: Ciphertext): PreparedCiphertext {
    const found = this.#entries.get(ctX);
    const lines = found ?? prepareCiphertext(ctX);
    if (found !== undefined) this.#drop(ctX, found);
    if (lines.sizeBytes > this.#budgetBytes) return lines;
    for (const [oldest, held] of this.#entries) {
      if (this.#sizeBytes + lines.sizeBytes <= this.#budgetBytes) break;
      this.#drop(oldest, held);
    }
    this.#entries.set(ctX, lines);
    this.#sizeBytes += lines.sizeBytes;
    return lines;
  }

  #drop(ctX: Ciphertext, { sizeBytes }: PreparedCiphertext): void {
    this.#entries.delete(ctX);
    this.#sizeBytes -= sizeBytes;
  }
}

const inG1 = (group: PairingGroup): Coder<G1> => ({
  ...{ id: group.id, order: group.order, elementBytes: group.g1Bytes },
  ...{ encode: group.encodeG1, decode: group.decodeG1 },
});
const inG2 = (group: PairingGroup): Coder<G2> => ({
  ...{ id: group.id, order: group.order, elementBytes: group.g2Bytes },
  ...{ encode: group.encodeG2, decode: group.decodeG2 },
});

function decode<E>(kind: Kind, group: PairingGroup, bytes: Uint8Array, coder: Coder<E>) {
  const coderOf = (id: number) => {
    if (id === group.id) return coder;
    const expected = `${group.id} for ${group.name}`;
    throw new RangeError(`Cannot decode ${kind}: curve id ${id}, expected ${expected}`);
  };
  const shapeOf = (n: number) => ({ elements: dimension(n) + 1 });
  const { pp, elements } = decodeObject<E, Coder<E>>(["fhip"], kind, bytes, coderOf, shapeOf);
  return { pp: { ...pp, group }, elements };
}

/** Encodes a functional key: n + 3 elements of G1. */
export function encodeFunctionalKey({ pp, k1, k2 }: FunctionalKey): Uint8Array {
  return encodeObject("fhip", "skY", pp, inG1(pp.group), { elements: [k1, ...k2] });
}

/** Decodes a functional key. @throws {RangeError} not a canonical encoding; an element that is off the
 * curve, outside the subgroup or the identity. */
export function decodeFunctionalKey(group: PairingGroup, bytes: Uint8Array): FunctionalKey {
  const { pp, elements: [k1, ...k2] } = decode("skY", group, bytes, inG1(group));
  return { pp, k1, k2 };
}

/** Encodes a ciphertext: n + 3 elements of G2. */
export function encodeCiphertext({ pp, c1, c2 }: Ciphertext): Uint8Array {
  return encodeObject("fhip", "ctX", pp, inG2(pp.group), { elements: [c1, ...c2] });
}

/** Decodes a ciphertext. @throws {RangeError} as `decodeFunctionalKey`. */
export function decodeCiphertext(group: PairingGroup, bytes: Uint8Array): Ciphertext {
  const { pp, elements: [c1, ...c2] } = decode("ctX", group, bytes, inG2(group));
  return { pp, c1, c2 };
}
