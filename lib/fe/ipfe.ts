/** Inner-product functional encryption from DDH. Whoever holds skY for y learns ⟨x, y⟩ from an encryption of
 * x, and the scheme hides the rest of x. That is exactly the leak that this workspace studies: enough inner
 * products determine x. A key holds its y in clear.
 *
 * Two schemes, alike but for the number of masks, each with a generator g_j and a secret s_j:
 *
 *     1 mask    Abdalla, Bourse, De Caro, Pointcheval, "Simple Functional Encryption Schemes for Inner
 *               Products", ePrint 2015/017, section 3: selective IND-CPA under DDH. g_1 = g.
 *     2 masks   Agrawal, Libert, Stehlé, "Fully Secure Functional Encryption for Inner Products, from
 *               Standard Assumptions", ePrint 2015/608, section 3: adaptive, the attacker may choose its
 *               challenge after seeing keys. g_1 = g, and g_2 hashed to the curve: nobody knows log_g g_2.
 *
 *     setup:      s_j ∈ Zq^n, h_i = Π_j g_j^{s_ji}        keyDerive:  skY_j = ⟨s_j, y⟩
 *     encrypt:    r; ct0_j = g_j^r, ct_i = h_i^r g^{x_i}  decrypt:    Π ct_i^{y_i} / Π ct0_j^{skY_j} = g^{⟨x,y⟩}
 *
 * Differs from the papers: x and y are signed and bounded, the bounds are part of the parameters, and the
 * discrete logarithm is found in ±n·boundX·boundY; g_2 comes from a fixed string, not from the key.
 * Written additively in the code, as `math/group.ts` is.
 *
 * ```ts
 * import { decrypt, encrypt, keyDerive, setup } from "lib/fe/ipfe.ts";
 * import { group } from "lib/math/group.ts";
 *
 * const { mpk, msk } = setup({ group: group("ristretto255"), n: 2, boundX: 255, boundY: 10 });
 * const z = decrypt(keyDerive(msk, [3, -1]), encrypt(mpk, [100, 50]));
 * if (z !== 250) throw new Error(`⟨x, y⟩ = ${z}`);
 * ```
 * @module */
import { mod } from "@noble/curves/abstract/modular.js";
import { solveMany } from "../math/dlog.ts";
import { combsOf, generatorMultiples } from "../math/fixed_base.ts";
import { type Element, type Group, groupById } from "../math/group.ts";
import { multiScalar } from "../math/msm.ts";
import { randomScalars, type Rng, secureRng } from "../math/rng.ts";
import {
  type Body,
  decodeObject,
  encodeObject,
  type Kind,
  type Magic,
  type Shape,
} from "./encoding.ts";
import {
  checkParams,
  checkSameParams,
  checkVector,
  DlogNotFoundError,
  type IpfeParams,
  rangeOf,
} from "./params.ts";

export type { IpfeParams } from "./params.ts";

/** Public: encrypts. Its first encryption builds tables of the h_i. */
export interface MasterPublicKey {
  readonly pp: IpfeParams;
  readonly h: readonly Element[];
}

/** The authority's secrets, n scalars for each mask: derive keys. */
export interface MasterSecretKey {
  readonly pp: IpfeParams;
  readonly s: readonly (readonly bigint[])[];
}

/** Opens ⟨x, y⟩ for one y, which it holds in clear. */
export interface FunctionalKey {
  readonly pp: IpfeParams;
  readonly y: Int32Array;
  /** ⟨s_j, y⟩ mod q, one for each mask. */
  readonly skY: readonly bigint[];
}

/** An encrypted x. */
export interface Ciphertext {
  readonly pp: IpfeParams;
  /** g_j^r, one for each mask. */
  readonly ct0: readonly Element[];
  readonly ct: readonly Element[];
}

const generators = { 1: new WeakMap<Group, Element[]>(), 2: new WeakMap<Group, Element[]>() };

/** g_1 = g, and, for two masks, g_2: a generator whose logarithm to the base g nobody knows, from a string with
 * nothing up its sleeve. */
function generatorsOf(group: Group, masks: 1 | 2 = 1): readonly Element[] {
  let some = generators[masks].get(group);
  if (some === undefined) {
    const message = new TextEncoder().encode("second generator h");
    const second = masks === 2 ? [group.hash(message, "fe-leakage/ipfe_full/v1")] : [];
    generators[masks].set(group, some = [group.generator, ...second]);
  }
  return some;
}

/** g_2. */
export function secondGenerator(group: Group): Element {
  return generatorsOf(group, 2)[1];
}

/** Draws a key pair. (Authority)
 * @throws {RangeError} n or a bound is no positive integer, n·boundX·boundY exceeds 2^40, or masks is not 1
 * or 2. */
export function setup(
  pp: IpfeParams,
  rng: Rng = secureRng(),
): { mpk: MasterPublicKey; msk: MasterSecretKey } {
  const { masks = 1 } = pp;
  if (masks !== 1 && masks !== 2) throw new RangeError(`Cannot set up: ${masks} masks, not 1 or 2`);
  pp = { ...checkParams("set up", pp), masks };
  const { group, n } = pp;
  const combs = combsOf(group, generatorsOf(group, masks));
  const s = Array.from({ length: masks }, () => randomScalars(group.order, rng, n));
  const h = s.map((scalars, j) => combs.powers(j, scalars))
    .reduce((first, second) => first.map((power, i) => power.add(second[i])));
  return { mpk: { pp, h }, msk: { pp, s } };
}

/** Derives the key that lets its holder learn ⟨x, y⟩: skY_j = ⟨s_j, y⟩ mod q. (Authority)
 * @param y n integers, |y_i| ≤ boundY.
 * @throws {TypeError} y.length ≠ n. {RangeError} an entry over the bound or no integer. */
export function keyDerive({ pp, s }: MasterSecretKey, y: ArrayLike<number>): FunctionalKey {
  const checked = checkVector("derive a key", "y", y, pp.n, pp.boundY);
  const skY = s.map((secret) =>
    mod(secret.reduce((sum, k, i) => sum + k * BigInt(checked[i]), 0n), pp.group.order)
  );
  return { pp, y: checked, skY };
}

/** Encrypts x: ct0_j = g_j^r, ct_i = h_i^r g^{x_i}. (Client)
 * @param x n integers, |x_i| ≤ boundX.
 * @throws {TypeError} x.length ≠ n. {RangeError} an entry over the bound or no integer. */
export function encrypt(
  { pp, h }: MasterPublicKey,
  x: ArrayLike<number>,
  rng: Rng = secureRng(),
): Ciphertext {
  const { group } = pp;
  const checked = checkVector("encrypt", "x", x, pp.n, pp.boundX);
  const [r] = randomScalars(group.order, rng, 1);
  const small = generatorMultiples(group);
  return {
    pp,
    ct0: combsOf(group, generatorsOf(group, pp.masks)).multiply(r),
    ct: combsOf(group, h).multiply(r).map((power, i) => power.add(small.multiply(checked[i]))),
  };
}

/** Decrypts ⟨x, y⟩, exactly. (Server)
 * @throws {TypeError} key and ciphertext of different parameters.
 * @throws {DlogNotFoundError} a key of another authority, or a ciphertext of an x over its bound. */
export function decrypt(skY: FunctionalKey, ctX: Ciphertext): number {
  return decryptMany([skY], ctX)[0];
}

/** Decrypts ⟨x, y⟩ for every key against one ciphertext: the fast path, all keys share its tables.
 * (Server) Pure: may run in a Worker.
 * @throws as `decrypt`; the signal's reason when aborted. */
export function decryptMany(
  skYs: readonly FunctionalKey[],
  { pp, ct0, ct }: Ciphertext,
  { onProgress = () => {}, signal }: {
    /** Called after each key, and while logarithms are searched for. */
    onProgress?: (done: number, total: number) => void;
    /** Looked at after each call. */
    signal?: AbortSignal;
  } = {},
): Float64Array {
  for (const key of skYs) checkSameParams(key.pp, pp);
  const { group } = pp;
  const look = (done: number, total: number) => {
    onProgress(done, total);
    signal?.throwIfAborted();
  };
  const powers = ct0.map((_, j) => powersOf(group, ct0, j, skYs.map(({ skY }) => skY[j])));
  const elements = multiScalar(group, ct, skYs.map(({ y }) => y), look)
    .map((sum, k) => powers.reduce((rest, ofBase) => rest.add(ofBase[k].negate()), sum));
  const z = solveMany(group, elements, rangeOf(pp), () => look(skYs.length, skYs.length));
  const missing = z.findIndex(Number.isNaN);
  if (missing >= 0) throw new DlogNotFoundError(rangeOf(pp), missing, z.length);
  return z;
}

/** scalar · bases_j for every scalar: by tables once there are enough to pay for them. */
function powersOf(group: Group, bases: readonly Element[], j: number, scalars: bigint[]) {
  if (scalars.length < 2) return scalars.map((scalar) => group.multiply(bases[j], scalar));
  return combsOf(group, bases).powers(j, scalars);
}

const encode = (kind: Kind, pp: IpfeParams, body: Body<Element>) =>
  encodeObject(pp.masks === 2 ? "ipf2" : "ipf1", kind, pp, pp.group, body);

/** Decodes either scheme: an object says which one it is of. */
function decode(kind: Kind, bytes: Uint8Array, shapeOf: (n: number, masks: number) => Shape) {
  const masksOf = (magic: Magic) => magic === "ipf2" ? 2 : 1;
  const { magic, pp, ...body } = decodeObject<Element, Group>(
    ["ipf1", "ipf2"],
    kind,
    bytes,
    groupById,
    (n, magic) => shapeOf(n, masksOf(magic)),
  );
  return { pp: { ...pp, masks: masksOf(magic) } as const, ...body };
}

/** Encodes a public key: n elements. */
export function encodeMasterPublicKey({ pp, h }: MasterPublicKey): Uint8Array {
  return encode("mpk", pp, { elements: h });
}

/** Decodes a public key, of one mask or two. @throws {RangeError} not a canonical encoding: as
 * `decodeObject`, or an element that is off the curve, outside the subgroup or the identity. */
export function decodeMasterPublicKey(bytes: Uint8Array): MasterPublicKey {
  const { pp, elements: h } = decode("mpk", bytes, (n) => ({ elements: n }));
  return { pp, h };
}

/** Encodes a functional key: y in clear, a scalar a mask. */
export function encodeFunctionalKey({ pp, y, skY }: FunctionalKey): Uint8Array {
  return encode("skY", pp, { y, scalars: skY });
}

/** Decodes a functional key. @throws {RangeError} as `decodeMasterPublicKey`. */
export function decodeFunctionalKey(bytes: Uint8Array): FunctionalKey {
  const { pp, y, scalars: skY } = decode("skY", bytes, (_, masks) => ({ y: true, scalars: masks }));
  return { pp, y, skY };
}

/** Encodes a ciphertext: ct0, then n elements. */
export function encodeCiphertext({ pp, ct0, ct }: Ciphertext): Uint8Array {
  return encode("ctX", pp, { elements: [...ct0, ...ct] });
}

/** Decodes a ciphertext. @throws {RangeError} as `decodeMasterPublicKey`. */
export function decodeCiphertext(bytes: Uint8Array): Ciphertext {
  const { pp, elements } = decode("ctX", bytes, (n, masks) => ({ elements: n + masks }));
  return { pp, ct0: elements.slice(0, pp.masks), ct: elements.slice(pp.masks) };
}
