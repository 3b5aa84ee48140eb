/** Inner-product functional encryption from DDH, selectively secure.
 *
 * Abdalla, Bourse, De Caro, Pointcheval, "Simple Functional Encryption Schemes for Inner Products",
 * ePrint 2015/017, section 3. Whoever holds skY for y learns ⟨x, y⟩ from an encryption of x, and the
 * scheme hides the rest of x (selective IND-CPA under DDH). That is exactly the leak that this
 * workspace studies: enough inner products determine x. A key holds its y in clear.
 *
 *     setup:      s ∈ Zq^n, h_i = g^{s_i}              keyDerive:  skY = ⟨s, y⟩
 *     encrypt:    r; ct0 = g^r, ct_i = h_i^r g^{x_i}   decrypt:    Π ct_i^{y_i} / ct0^{skY} = g^{⟨x,y⟩}
 *
 * Differs from the paper: x and y are signed and bounded, the bounds are part of the parameters, and
 * the discrete logarithm is found in ±n·boundX·boundY.
 * @module */
import type { Element } from "../math/group.ts";
import { combDigits, generatorTables } from "../math/fixed_base.ts";
import { randomScalar, type Rng, secureRng } from "../math/rng.ts";
import { decodeObject, encodeObject } from "./encoding.ts";
import { dotMod, innerProducts, maskAll } from "./inner_product.ts";
import { checkParams, checkSameParams, checkVector, type IpfeParams, rangeOf } from "./params.ts";

export type { IpfeParams } from "./params.ts";

/** Public: encrypts. h_i = g^{s_i}. */
export interface MasterPublicKey {
  readonly pp: IpfeParams;
  readonly h: readonly Element[];
}

/** The authority's secret s: derives keys. */
export interface MasterSecretKey {
  readonly pp: IpfeParams;
  readonly s: readonly bigint[];
}

/** Opens ⟨x, y⟩ for one y, which it holds in clear. */
export interface FunctionalKey {
  readonly pp: IpfeParams;
  readonly y: Int32Array;
  /** ⟨s, y⟩ mod q. */
  readonly skY: bigint;
}

/** An encrypted x. */
export interface Ciphertext {
  readonly pp: IpfeParams;
  readonly ct0: Element;
  readonly ct: readonly Element[];
}

/** Draws a key pair. (Authority)
 * @throws {RangeError} n or a bound is no positive integer, or n·boundX·boundY exceeds 2^40. */
export function setup(
  pp: IpfeParams,
  rng: Rng = secureRng(),
): { mpk: MasterPublicKey; msk: MasterSecretKey } {
  pp = checkParams("set up", pp);
  const { group, n } = pp;
  const { comb } = generatorTables(group);
  const s = Array.from({ length: n }, () => randomScalar(group.order, rng));
  const h = s.map((scalar) => comb.multiply(combDigits(group, scalar)));
  return { mpk: { pp, h }, msk: { pp, s } };
}

/** Derives the key that lets its holder learn ⟨x, y⟩: skY = ⟨s, y⟩ mod q. (Authority)
 * @param y n integers, |y_i| ≤ boundY.
 * @throws {TypeError} y.length ≠ n. {RangeError} an entry over the bound or no integer. */
export function keyDerive(msk: MasterSecretKey, y: ArrayLike<number>): FunctionalKey {
  const { pp, s } = msk;
  const checked = checkVector("derive a key", "y", y, pp.n, pp.boundY);
  return { pp, y: checked, skY: dotMod(s, checked, pp.group.order) };
}

/** Encrypts x: ct0 = g^r, ct_i = h_i^r g^{x_i}. (Client)
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
  const ct0 = generatorTables(pp.group).comb.multiply(r);
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
  const keys = skYs.map(({ y, skY }) => ({ y, scalars: [skY] }));
  const { pp, ct0, ct } = ctX;
  return innerProducts(pp.group, rangeOf(pp), [ct0], ct, keys, options.onProgress);
}

const SCHEME = "ipf1";

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

/** Encodes the master secret: n scalars, in clear. */
export function encodeMasterSecretKey({ pp, s }: MasterSecretKey): Uint8Array {
  return encodeObject(SCHEME, "msk", pp, { scalars: s });
}

/** Decodes the master secret. @throws {RangeError} not a canonical encoding; see `decodeObject`. */
export function decodeMasterSecretKey(bytes: Uint8Array): MasterSecretKey {
  const shape = (n: number) => ({ y: false, scalars: n, elements: 0 });
  const { pp, scalars } = decodeObject(SCHEME, "msk", bytes, shape);
  return { pp, s: scalars };
}

/** Encodes a functional key: y in clear, one scalar. */
export function encodeFunctionalKey({ pp, y, skY }: FunctionalKey): Uint8Array {
  return encodeObject(SCHEME, "skY", pp, { y, scalars: [skY] });
}

/** Decodes a functional key. @throws {RangeError} not a canonical encoding; see `decodeObject`. */
export function decodeFunctionalKey(bytes: Uint8Array): FunctionalKey {
  const shape = () => ({ y: true, scalars: 1, elements: 0 });
  const { pp, y, scalars } = decodeObject(SCHEME, "skY", bytes, shape);
  return { pp, y, skY: scalars[0] };
}

/** Encodes a ciphertext: ct0, then n elements. */
export function encodeCiphertext({ pp, ct0, ct }: Ciphertext): Uint8Array {
  return encodeObject(SCHEME, "ctX", pp, { elements: [ct0, ...ct] });
}

/** Decodes a ciphertext. @throws {RangeError} not a canonical encoding; see `decodeObject`. */
export function decodeCiphertext(bytes: Uint8Array): Ciphertext {
  const shape = (n: number) => ({ y: false, scalars: 0, elements: n + 1 });
  const { pp, elements: [ct0, ...ct] } = decodeObject(SCHEME, "ctX", bytes, shape);
  return { pp, ct0, ct };
}
