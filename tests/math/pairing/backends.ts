/** The curve on every backend that runs here, and on the oracle.
 * @module */
import { type PairingGroup, startPairing } from "lib/math/pairing/group.ts";
import { mclPairing } from "./mcl.ts";

/** The reference first, the fastest last. `simd` is left out, visibly, on a machine without fused relaxed SIMD. */
export const PAIRINGS: readonly PairingGroup[] = (await Promise.all([
  startPairing("bls12-381", "noble"),
  mclPairing(),
  startPairing("bls12-381", "simd").catch((error) => {
    console.warn(`bls12-381 simd: ${error.message}`);
    return null;
  }),
])).filter((group) => group !== null);

/** The backend that everyone uses. */
export const fastest = PAIRINGS.at(-1)!;

export const label = ({ name, backend }: PairingGroup) => `${name} ${backend}`;
