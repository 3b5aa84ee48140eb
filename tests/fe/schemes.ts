/** Both schemes, of one mask and of two, so that every test of one is a test of the other.
 * @module */
import type { Rng } from "lib/math/rng.ts";

/** What they are called in the tests' names. */
export const SCHEMES = [
  { name: "ipfe, 1 mask", masks: 1 },
  { name: "ipfe, 2 masks", masks: 2 },
] as const;

/** The plaintext answer. */
export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return Array.from(x).reduce((sum, value, i) => sum + value * y[i], 0);
}

/** An Rng that gives these scalars, big endian, in order. */
export function scalarsRng(...scalars: bigint[]): Rng {
  const hex = (scalar: bigint) => scalar.toString(16).padStart(64, "0");
  return {
    source: "test",
    bytes: (length) => Uint8Array.fromHex(scalars.splice(0, length / 32).map(hex).join("")),
  };
}
