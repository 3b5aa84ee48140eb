/** What the two DDH schemes share: ⟨s, y⟩ mod q, the masking of x under a public key, and the decryption of
 * one ciphertext under many keys.
 *
 * Both schemes encrypt to ct_i = r·h_i + x_i·g and decrypt to z·g = Σ y_i·ct_i − Σ_j k_j·ct0_j, with one mask (2015/017) or two (2015/608).
 * @module */
import { solveMany } from "../math/dlog.ts";
import { Comb, combDigits, generatorTables } from "../math/fixed_base.ts";
import type { Element, Group } from "../math/group.ts";
import { multiScalar } from "../math/msm.ts";

/** ⟨secret, y⟩ mod order. */
export function dotMod(secret: readonly bigint[], y: Int32Array, order: bigint): bigint {
  const sum = secret.reduce((total, s, i) => total + s * BigInt(y[i]), 0n) % order;
  return sum < 0n ? sum + order : sum;
}

/** Tables of a public key's h_i, by that array: built by its first encryption, gone with the key. */
const combsOf = new WeakMap<readonly Element[], readonly Comb[]>();

/** ct_i = r·h_i + x_i·g. @param h never changed after its first use.   @param r digits of the scalar. */
export function maskAll(
  group: Group,
  h: readonly Element[],
  r: Uint8Array,
  x: Int32Array,
): Element[] {
  let combs = combsOf.get(h);
  if (combs === undefined) {
    combs = h.map((base) => new Comb(group, base));
    combsOf.set(h, combs);
  }
  const { small } = generatorTables(group);
  return combs.map((comb, i) => comb.multiply(r).add(small.multiply(x[i])));
}

/** The part of a functional key that decryption uses. */
export interface Unmasking {
  readonly y: Int32Array;
  /** One scalar per mask. */
  readonly scalars: readonly bigint[];
}

/** ⟨x, y⟩ for each key, exactly; tables of ct0 and of the ct_i are shared by all keys.
 * @param masks ct0 (and ct0' in 2015/608).   @param ct n elements.
 * @throws {DlogNotFoundError} a result beyond ±range, or a key of another authority. */
export function innerProducts(
  group: Group,
  range: number,
  masks: readonly Element[],
  ct: readonly Element[],
  keys: readonly Unmasking[],
  onProgress?: (done: number, total: number) => void,
): Float64Array {
  const unmask = powerOf(group, masks, keys.length);
  const sums = multiScalar(group, ct, keys.map(({ y }) => y), onProgress);
  const elements = sums.map((sum, k) =>
    keys[k].scalars.reduce((rest, scalar, j) => rest.add(unmask(j, scalar).negate()), sum)
  );
  return solveMany(group, elements, range);
}

/** (j, k) ↦ k · masks_j: by tables once there are enough keys to pay for them. */
function powerOf(group: Group, masks: readonly Element[], keys: number) {
  if (keys < 2) return (j: number, k: bigint) => group.multiply(masks[j], k);
  const combs = masks.map((mask) => new Comb(group, mask));
  return (j: number, k: bigint) => combs[j].multiply(combDigits(group, k));
}
