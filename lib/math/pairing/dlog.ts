/** Bounded discrete logarithms in GT: given base and base^z with |z| ≤ bound, find z.
 *
 * In function-hiding decryption every pair of key and ciphertext has its own base, so no table outlives a
 * search; what pays is to search no further than needed. The search goes outward from a guess `near`
 * in stages: baby steps base^i, |i| ≤ m (one key for ±i), then giant steps of 2m + 1 on both sides at once,
 * m/2 of them; then m grows fourfold. A logarithm at distance d from the guess takes about 3·√d steps of the
 * kernel. A hit is confirmed by a power of the base: no wrong number can be returned.
 * @module */
import { DlogNotFoundError } from "../dlog.ts";
import type { GT, PairingGroup } from "./group.ts";

/** Baby steps of the first stage, and the factor to the next. */
const FIRST = 64;
const GROWTH = 4;
/** Giant steps between two looks: what is computed beyond the hit is lost. */
const CHUNK = 32;

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

export interface SearchOptions {
  /** A guess, in [−bound, bound]. */
  readonly near?: number;
  /** Which of many searches this is, for the error. */
  readonly index?: number;
  readonly total?: number;
}

/** z with target = base^z.
 * @throws {DlogNotFoundError} no z in [−bound, bound]. */
export function solveGT(
  group: PairingGroup,
  base: GT,
  target: GT,
  bound: number,
  { near = 0, index = 0, total = 1 }: SearchOptions = {},
): number {
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
          if (e === undefined) continue;
          if (Math.abs(near + e) <= bound) return near + e;
          throw new DlogNotFoundError(bound, index, total);
        }
      }
      above = group.multiply(above, group.invert(leap));
      below = group.multiply(below, leap);
      covered = offset - stride + largest;
    }
  }
  throw new DlogNotFoundError(bound, index, total);
}
