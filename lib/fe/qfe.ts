/** Quadratic functional encryption: who holds the key of a matrix F learns xᵀFy from an encryption of x and y,
 * and the scheme hides the rest. With y = x a key opens a covariance, a distance, a network of one squared layer.
 *
 * Dufour-Sans, Gay, Pointcheval, "Reading in the Dark: Classifying Encrypted Digits with Functional Encryption",
 * ePrint 2018/206. Public-key; IND-CPA in the generic bilinear group model. F is public.
 *
 *     setup:      s, t ∈ Zqⁿ; mpk = [s]₁, [t]₂
 *     keyDerive:  skF = [sᵀFt]₂
 *     encrypt:    γ, W ∈ GL₂; ct0 = [γ]₁, a_i = [W⁻ᵀ·(x_i, γ·s_i)]₁, b_j = [W·(y_j, −t_j)]₂
 *     decrypt:    e(ct0, skF)·∏ e(a_i, b_j)^{F_ij} = e(g1, g2)^z, z = xᵀFy
 *
 * since ⟨W⁻ᵀ·u, W·v⟩ = ⟨u, v⟩. Two pairings for every term of F (`quadratic_form.ts`), not for every entry: with
 * F = Σ_r weights_r·left_r ⊗ right_r the coefficients go into sums A_r = Σ_i left_ri·a_i and B_r = Σ_j right_rj·b_j
 * first. A sum may be the identity, whose pairing is 1.
 *
 * **What leaks.** Each key opens one exact number of every ciphertext under its mpk, and n² independent keys open
 * all of x·yᵀ. Whoever may ask for keys must be held to that.
 *
 * Differs from the paper: x and y are signed and bounded, the bounds are part of the parameters, and z is looked
 * for in the range that they and F imply, or in a narrower one. s, t and γ are not 0, at a distance of 2n/q. Who
 * holds msk encrypts without multiplying mpk's elements: the same ciphertext, three to four times as fast.
 *
 * ```ts
 * import { decrypt, encrypt, keyDerive, setup } from "lib/fe/qfe.ts";
 * import { matrixForm } from "lib/fe/quadratic_form.ts";
 * import { startPairing } from "lib/math/pairing/group.ts";
 *
 * const { mpk, msk } = setup({ group: await startPairing(), n: 2, boundX: 255, boundY: 255 });
 * const F = matrixForm([[1, -2], [0, 3]]);
 * const z = decrypt(keyDerive(msk, F), F, encrypt(mpk, [10, 20], [30, 40]));
 * if (z !== 10 * 30 - 2 * 10 * 40 + 3 * 20 * 40) throw new Error(`xᵀFy = ${z}`);
 * ```
 * @module */
import { mod } from "@noble/curves/abstract/modular.js";
import { solveGenerator } from "../math/pairing/generator_dlog.ts";
import type { G1, G2, PairingGroup, PreparedG2 } from "../math/pairing/group.ts";
import { randomNonZero, type Rng, secureRng } from "../math/rng.ts";
import {
  type Bounds,
  checkParams,
  checkSameParams,
  checkVector,
  DlogNotFoundError,
  MAX_RANGE,
} from "./params.ts";
import { decodeQfe, encodeQfe, type QfeKind } from "./qfe_encoding.ts";
import { drawMask, times2 } from "./qfe_mask.ts";
import { evaluateForm, type QuadraticForm, reachOf } from "./quadratic_form.ts";

/** Public parameters: part of every key and ciphertext. */
export interface QfeParams extends Bounds {
  readonly group: PairingGroup;
}

/** Public: encrypts. */
export interface MasterPublicKey {
  readonly pp: QfeParams;
  /** [s]₁, n elements. */
  readonly s1: readonly G1[];
  /** [t]₂, n elements. */
  readonly t2: readonly G2[];
}

/** The authority's secrets: derive keys; encrypt faster than mpk does. */
export interface MasterSecretKey {
  readonly pp: QfeParams;
  readonly s: readonly bigint[];
  readonly t: readonly bigint[];
}

/** Opens xᵀFy for one F, which goes beside it. */
export interface FunctionalKey {
  readonly pp: QfeParams;
  /** [sᵀFt]₂. */
  readonly skF: G2;
}

/** An encrypted x and y. */
export interface Ciphertext {
  readonly pp: QfeParams;
  /** [γ]₁. */
  readonly ct0: G1;
  /** The two rows of W⁻ᵀ·(x, γ·s), n elements each. */
  readonly a: readonly [readonly G1[], readonly G1[]];
  /** The two rows of W·(y, −t), n elements each. */
  readonly b: readonly [readonly G2[], readonly G2[]];
}

/** Draws a key pair. (Authority)
 * @throws {RangeError} n or a bound is no positive integer, or n·boundX·boundY exceeds 2^40. */
export function setup(
  pp: QfeParams,
  rng: Rng = secureRng(),
): { mpk: MasterPublicKey; msk: MasterSecretKey } {
  pp = checkParams("set up", pp);
  const { group, n } = pp;
  const [s, t] = [0, 1].map(() => randomNonZero(group.order, rng, n));
  return { mpk: { pp, s1: group.powersG1(s), t2: group.powersG2(t) }, msk: { pp, s, t } };
}

/** Derives the key that opens xᵀFy: skF = [sᵀFt]₂. (Authority)
 * @throws {TypeError} F is for another n. */
export function keyDerive({ pp, s, t }: MasterSecretKey, F: QuadraticForm): FunctionalKey {
  checkForm("derive a key", F, pp.n);
  const [skF] = pp.group.powersG2([evaluateForm(F, s, t, pp.group.order)]);
  return { pp, skF };
}

/** Encrypts x and y, with either master key. (Client)
 * @param x n integers, |x_i| ≤ boundX.   @param y n integers, |y_i| ≤ boundY.
 * @throws {TypeError} a length other than n. {RangeError} an entry over its bound or no integer. */
export function encrypt(
  key: MasterPublicKey | MasterSecretKey,
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  rng: Rng = secureRng(),
): Ciphertext {
  const { pp } = key;
  const { group: { order, ...group }, n } = pp;
  const [checkedX, checkedY] = [
    checkVector("encrypt", "x", x, n, pp.boundX),
    checkVector("encrypt", "y", y, n, pp.boundY),
  ];
  const mask = drawMask(order, rng);
  const [ct0] = group.powersG1([mask.gamma]);
  if ("s" in key) {
    const [a, b] = [
      Array.from(checkedX, (xi, i) => times2(mask.dual, BigInt(xi), mask.gamma * key.s[i], order)),
      Array.from(checkedY, (yi, i) => times2(mask.w, BigInt(yi), -key.t[i], order)),
    ];
    const rows = <E>(powers: (scalars: bigint[]) => E[], pairs: readonly [bigint, bigint][]) =>
      [powers(pairs.map(([u]) => u)), powers(pairs.map(([, v]) => v))] as const;
    return { pp, ct0, a: rows(group.powersG1, a), b: rows(group.powersG2, b) };
  }
  /** u·v·g + w·h_i for each v: one row of a masked vector, h the public key's. */
  const row = <E>(
    [of, multiply, sums]: readonly [
      (scalars: bigint[]) => E[],
      (elements: readonly E[], scalars: bigint[]) => E[],
      (elements: readonly E[], vectors: readonly Int32Array[]) => E[],
    ],
    [u, w]: readonly [bigint, bigint],
    h: readonly E[],
    values: Int32Array,
  ): E[] => {
    const [base] = of([u]);
    return multiply(h, h.map(() => w))
      .map((hidden, i) => sums([base, hidden], [Int32Array.of(values[i], 1)])[0]);
  };
  const inG1 = [group.powersG1, group.multiplyG1, group.sumsG1] as const;
  const inG2 = [group.powersG2, group.multiplyG2, group.sumsG2] as const;
  const [a, b] = [
    mask.dual.map(([u, v]) => row(inG1, [u, mod(v * mask.gamma, order)], key.s1, checkedX)),
    mask.w.map(([u, v]) => row(inG2, [u, mod(-v, order)], key.t2, checkedY)),
  ];
  return { pp, ct0, a: [a[0], a[1]], b: [b[0], b[1]] };
}

/** Decrypts xᵀFy, exactly. (Server)
 * @param F the matrix of the key.
 * @param options.bound searches no further; needed where F and pp allow more than 2^40.
 * @throws as `decryptMany`. */
export function decrypt(
  skF: FunctionalKey,
  F: QuadraticForm,
  ctXY: Ciphertext,
  options: { readonly bound?: number } = {},
): number {
  return decryptMany([skF], [F], ctXY, options)[0];
}

/** Decrypts xᵀFy for every key against one ciphertext; forms that share `left` and `right` share their sums and
 * lines. (Server) Synchronous: may run in a Worker.
 * @param Fs the matrix of each key.   @param options.bound as in `decrypt`.
 * @param options.signal looked at before every key.
 * @throws {TypeError} keys, forms and ciphertext that do not fit together. {RangeError} a range over 2^40.
 * @throws {DlogNotFoundError} a key of another msk or of another F, or an x or y over its bound.
 * @throws the signal's reason. */
export function decryptMany(
  skFs: readonly FunctionalKey[],
  Fs: readonly QuadraticForm[],
  ctXY: Ciphertext,
  { bound = Infinity, signal }: { readonly bound?: number; readonly signal?: AbortSignal } = {},
): Float64Array {
  const { pp: { group, ...pp }, ct0 } = ctXY;
  if (skFs.length !== Fs.length) {
    throw new TypeError(`Cannot decrypt: ${skFs.length} keys for ${Fs.length} forms`);
  }
  if (!(bound >= 0)) throw new RangeError(`Cannot decrypt: bound ${bound} is not a number ≥ 0`);
  const shared = new Map<unknown, Map<unknown, Summed>>();
  const summed = ({ left, right }: QuadraticForm) => {
    const ofLeft = shared.get(left) ?? new Map<unknown, Summed>();
    shared.set(left, ofLeft);
    const sums = ofLeft.get(right) ?? sumTerms(ctXY, left, right);
    ofLeft.set(right, sums);
    return sums;
  };
  return Float64Array.from(Fs, (F, index) => {
    signal?.throwIfAborted();
    const { pp: ofKey, skF } = skFs[index];
    checkSameParams(ofKey, ctXY.pp);
    checkForm("decrypt", F, pp.n);
    const range = Math.min(bound, pp.boundX * pp.boundY * reachOf(F));
    if (range > MAX_RANGE) {
      throw new RangeError(
        `Cannot decrypt: a range of ${range} exceeds 2^40, the largest to search; give a bound`,
      );
    }
    const { A, B } = summed(F);
    const [masked, opened] = group.pairingProducts([
      { g1: weighted(group, A, F.weights), g2: B },
      { g1: [ct0], g2: group.prepare([skF]) },
    ]);
    const z = solveGenerator(group, group.multiply(masked, opened), range);
    if (z === null) throw new DlogNotFoundError(range, index, Fs.length, "value of xᵀFy");
    return z;
  });
}

/** A_r = Σ_i left_ri·a_i, first row then second, and the lines of B_r = Σ_j right_rj·b_j. */
interface Summed {
  readonly A: readonly G1[];
  readonly B: PreparedG2;
}

function sumTerms(
  { pp: { group }, a, b }: Ciphertext,
  left: readonly Int32Array[],
  right: readonly Int32Array[],
): Summed {
  return {
    A: a.flatMap((row) => group.sumsG1(row, left)),
    B: group.prepare(b.flatMap((row) => group.sumsG2(row, right))),
  };
}

/** weights_r·A_r, in both rows. */
function weighted(group: PairingGroup, A: readonly G1[], weights: Int32Array): readonly G1[] {
  if (weights.every((weight) => weight === 1)) return A;
  return A.map((sum, i) => group.sumsG1([sum], [Int32Array.of(weights[i % weights.length])])[0]);
}

function checkForm(action: string, F: QuadraticForm, n: number): void {
  if (F.n !== n) throw new TypeError(`Cannot ${action}: F is for n = ${F.n}, expected ${n}`);
}

const encode = (
  kind: QfeKind<"qfe1">,
  pp: QfeParams,
  elements: { readonly g1?: readonly G1[]; readonly g2?: readonly G2[] },
) => encodeQfe("qfe1", kind, pp.group, { ...pp }, elements);

/** @param perN and `more`: elements of G1 and of G2 for each coordinate, and beside them. */
function decode(
  kind: QfeKind<"qfe1">,
  group: PairingGroup,
  bytes: Uint8Array,
  [perN1, more1, perN2, more2]: readonly [number, number, number, number],
) {
  const { fields: pp, ...elements } = decodeQfe("qfe1", kind, group, bytes, (raw) => {
    const { n, boundX, boundY } = raw;
    const pp = checkParams(`decode ${kind}`, { group, n, boundX, boundY });
    return { fields: pp, g1: perN1 * n + more1, g2: perN2 * n + more2 };
  });
  return { pp, ...elements };
}

/** Encodes a public key: n elements of G1, n of G2. */
export function encodeMasterPublicKey({ pp, s1, t2 }: MasterPublicKey): Uint8Array {
  return encode("mpk", pp, { g1: s1, g2: t2 });
}

/** Decodes a public key. @throws {RangeError} not a canonical encoding; an element that is off the curve,
 * outside the subgroup or the identity. */
export function decodeMasterPublicKey(group: PairingGroup, bytes: Uint8Array): MasterPublicKey {
  const { pp, g1: s1, g2: t2 } = decode("mpk", group, bytes, [1, 0, 1, 0]);
  return { pp, s1, t2 };
}

/** Encodes a functional key: one element of G2. */
export function encodeFunctionalKey({ pp, skF }: FunctionalKey): Uint8Array {
  return encode("skF", pp, { g2: [skF] });
}

/** Decodes a functional key. @throws {RangeError} as `decodeMasterPublicKey`. */
export function decodeFunctionalKey(group: PairingGroup, bytes: Uint8Array): FunctionalKey {
  const { pp, g2: [skF] } = decode("skF", group, bytes, [0, 0, 0, 1]);
  return { pp, skF };
}

/** Encodes a ciphertext: 2n + 1 elements of G1, 2n of G2; 288n + 48 bytes and the header. */
export function encodeCiphertext({ pp, ct0, a, b }: Ciphertext): Uint8Array {
  return encode("ctXY", pp, { g1: [ct0, ...a.flat()], g2: b.flat() });
}

/** Decodes a ciphertext. @throws {RangeError} as `decodeMasterPublicKey`. */
export function decodeCiphertext(group: PairingGroup, bytes: Uint8Array): Ciphertext {
  const { pp, g1: [ct0, ...a], g2: b } = decode("ctXY", group, bytes, [2, 1, 2, 0]);
  const { n } = pp;
  return { pp, ct0, a: [a.slice(0, n), a.slice(n)], b: [b.slice(0, n), b.slice(n)] };
}
