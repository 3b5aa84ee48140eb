/** Inner-product functional encryption from DDH, adaptively secure: the sibling of `ipfe.ts`.
 *
 * Agrawal, Libert, Stehlé, "Fully Secure Functional Encryption for Inner Products, from Standard
 * Assumptions", ePrint 2015/608, section 3. A second generator h and a second secret t make the proof work
 * against an attacker who chooses its challenge after seeing keys (adaptive IND-CPA under DDH). It leaks
 * the same as its sibling: ⟨x, y⟩ for every key, and a key holds its y in clear.
 *
 *     setup:      s, t ∈ Zq^n, h_i = g^{s_i} h^{t_i}       keyDerive:  skY = (⟨s, y⟩, ⟨t, y⟩)
 *     encrypt:    r; ct0 = g^r, ct0' = h^r, ct_i = h_i^r g^{x_i}
 *     decrypt:    Π ct_i^{y_i} / (ct0^{⟨s,y⟩} ct0'^{⟨t,y⟩}) = g^{⟨x,y⟩}
 *
 * Differs from the paper: x and y are signed and bounded, the bounds are part of the parameters; h is
 * hashed to the curve from a fixed string, so nobody knows log_g h and it needs no place in the key.
 * @module */
import { Comb, combDigits, generatorTables } from "../math/fixed_base.ts";
import type { Element, Group } from "../math/group.ts";
import { randomScalar, type Rng, secureRng } from "../math/rng.ts";
import { decodeObject, encodeObject } from "./encoding.ts";
import { dotMod, innerProducts, maskAll } from "./inner_product.ts";
import { checkParams, checkSameParams, checkVector, type IpfeParams, rangeOf } from "./params.ts";

export type { IpfeParams } from "./params.ts";

/** Public: encrypts. h_i = g^{s_i} h^{t_i}. */
export interface MasterPublicKey {
  readonly pp: IpfeParams;
  readonly h: readonly Element[];
}

/** The authority's secrets s and t: derive keys. */
export interface MasterSecretKey {
  readonly pp: IpfeParams;
  readonly s: readonly bigint[];
  readonly t: readonly bigint[];
}

/** Opens ⟨x, y⟩ for one y, which it holds in clear. */
export interface FunctionalKey {
  readonly pp: IpfeParams;
  readonly y: Int32Array;
  /** (⟨s, y⟩, ⟨t, y⟩) mod q. */
  readonly skY: readonly [bigint, bigint];
}

/** An encrypted x. */
export interface Ciphertext {
  readonly pp: IpfeParams;
  /** (g^r, h^r). */
  readonly ct0: readonly [Element, Element];
  readonly ct: readonly Element[];
}

/** The string behind h, and its domain: nothing up our sleeve. */
const SECOND_GENERATOR = { message: "second generator h", domain: "fe-leakage/ipfe_full/v1" };
const secondCombs = new Map<string, Comb>();

/** h: a generator whose logarithm to the base g nobody knows. */
export function secondGenerator(group: Group): Element {
  return group.hash(new TextEncoder().encode(SECOND_GENERATOR.message), SECOND_GENERATOR.domain);
}

function secondComb(group: Group): Comb {
  let comb = secondCombs.get(group.name);
  if (comb === undefined) {
    comb = new Comb(group, secondGenerator(group));
    secondCombs.set(group.name, comb);
  }
  return comb;
}

/** Draws a key pair. (Authority)
 * @throws {RangeError} n or a bound is no positive integer, or n·boundX·boundY exceeds 2^40. */
export function setup(
  pp: IpfeParams,
  rng: Rng = secureRng(),
): { mpk: MasterPublicKey; msk: MasterSecretKey } {
  pp = checkParams("set up", pp);
  const { group, n } = pp;
  const draw = () => Array.from({ length: n }, () => randomScalar(group.order, rng));
  const [s, t] = [draw(), draw()];
  const [g, h] = [generatorTables(group).comb, secondComb(group)];
  const power = (comb: Comb, scalar: bigint) => comb.multiply(combDigits(group, scalar));
  return { mpk: { pp, h: s.map((_, i) => power(g, s[i]).add(power(h, t[i]))) }, msk: { pp, s, t } };
}

/** Derives the key that lets its holder learn ⟨x, y⟩: skY = (⟨s, y⟩, ⟨t, y⟩) mod q. (Authority)
 * @param y n integers, |y_i| ≤ boundY.
 * @throws {TypeError} y.length ≠ n. {RangeError} an entry over the bound or no integer. */
export function keyDerive(msk: MasterSecretKey, y: ArrayLike<number>): FunctionalKey {
  const { pp, s, t } = msk;
  const checked = checkVector("derive a key", "y", y, pp.n, pp.boundY);
  const { order } = pp.group;
  return { pp, y: checked, skY: [dotMod(s, checked, order), dotMod(t, checked, order)] };
}

/** Encrypts x: ct0 = (g^r, h^r), ct_i = h_i^r g^{x_i}. (Client)
 * @param x n integers, |x_i| ≤ boundX.
 * @throws {TypeError} x.length ≠ n. {RangeError} an entry over the bound or no integer. */
export function encrypt(
  mpk: MasterPublicKey,
  x: ArrayLike<number>,
  rng: Rng = secureRng(),
): Ciphertext {
  const { pp, h } = mpk;
  const checked = checkVector("encrypt", "x", x, pp.n, pp.boundX);
  const r = combDigits(pp.group, randomScalar(pp.group.order, rng));
  const ct0 = [
    generatorTables(pp.group).comb.multiply(r),
    secondComb(pp.group).multiply(r),
  ] as const;
  return { pp, ct0, ct: maskAll(pp.group, h, r, checked) };
}

/** Decrypts ⟨x, y⟩, exactly. (Server)
 * @throws {TypeError} key and ciphertext of different parameters.
 * @throws {DlogNotFoundError} a key of another authority, or a ciphertext of an x over its bound. */
export function decrypt(skY: FunctionalKey, ctX: Ciphertext): number {
  return decryptMany([skY], ctX)[0];
}

/** Decrypts ⟨x, y⟩ for every key against one ciphertext: the fast path, all keys share its tables.
 * (Server) Pure: may run in a Worker.
 * @throws as `decrypt`. */
export function decryptMany(
  skYs: readonly FunctionalKey[],
  ctX: Ciphertext,
  options: { onProgress?: (done: number, total: number) => void } = {},
): Float64Array {
  for (const key of skYs) checkSameParams(key.pp, ctX.pp);
  const keys = skYs.map(({ y, skY }) => ({ y, scalars: skY }));
  const { pp, ct0, ct } = ctX;
  return innerProducts(pp.group, rangeOf(pp), ct0, ct, keys, options.onProgress);
}

const SCHEME = "ipf2";

/** Encodes a public key: n elements. */
export function encodeMasterPublicKey({ pp, h }: MasterPublicKey): Uint8Array {
  return encodeObject(SCHEME, "mpk", pp, { elements: h });
}

/** Decodes a public key. @throws {RangeError} not a canonical encoding; see `decodeObject`. */
export function decodeMasterPublicKey(bytes: Uint8Array): MasterPublicKey {
  const shape = (n: number) => ({ y: false, scalars: 0, elements: n });
  const { pp, elements } = decodeObject(SCHEME, "mpk", bytes, shape);
  return { pp, h: elements };
}

/** Encodes the master secret: s, then t, in clear. */
export function encodeMasterSecretKey({ pp, s, t }: MasterSecretKey): Uint8Array {
  return encodeObject(SCHEME, "msk", pp, { scalars: [...s, ...t] });
}

/** Decodes the master secret. @throws {RangeError} not a canonical encoding; see `decodeObject`. */
export function decodeMasterSecretKey(bytes: Uint8Array): MasterSecretKey {
  const shape = (n: number) => ({ y: false, scalars: 2 * n, elements: 0 });
  const { pp, scalars } = decodeObject(SCHEME, "msk", bytes, shape);
  return { pp, s: scalars.slice(0, pp.n), t: scalars.slice(pp.n) };
}

/** Encodes a functional key: y in clear, two scalars. */
export function encodeFunctionalKey({ pp, y, skY }: FunctionalKey): Uint8Array {
  return encodeObject(SCHEME, "skY", pp, { y, scalars: skY });
}

/** Decodes a functional key. @throws {RangeError} not a canonical encoding; see `decodeObject`. */
export function decodeFunctionalKey(bytes: Uint8Array): FunctionalKey {
  const shape = () => ({ y: true, scalars: 2, elements: 0 });
  const { pp, y, scalars } = decodeObject(SCHEME, "skY", bytes, shape);
  return { pp, y, skY: [scalars[0], scalars[1]] };
}

/** Encodes a ciphertext: the two masks, then n elements. */
export function encodeCiphertext({ pp, ct0, ct }: Ciphertext): Uint8Array {
  return encodeObject(SCHEME, "ctX", pp, { elements: [...ct0, ...ct] });
}

/** Decodes a ciphertext. @throws {RangeError} not a canonical encoding; see `decodeObject`. */
export function decodeCiphertext(bytes: Uint8Array): Ciphertext {
  const shape = (n: number) => ({ y: false, scalars: 0, elements: n + 2 });
  const { pp, elements: [ct0, ct0Second, ...ct] } = decodeObject(SCHEME, "ctX", bytes, shape);
  return { pp, ct0: [ct0, ct0Second], ct };
}
