/** Every curve on every backend that runs here.
 * @module */
import type { PairingBackend, PairingGroup, PairingName } from "lib/math/pairing/group.ts";
import { startPairing } from "lib/math/pairing/start.ts";

const WANTED: readonly (readonly [PairingName, PairingBackend])[] = [
  ["bls12-381", "noble"],
  ["bls12-381", "mcl"],
  ["bls12-381", "simd"],
  ["bn254", "noble"],
];

/** The reference first. `simd` is left out, visibly, on a machine without fused relaxed SIMD. */
export const PAIRINGS: readonly PairingGroup[] = (await Promise.all(
  WANTED.map(([name, backend]) =>
    startPairing(name, backend).catch((error) => {
      console.warn(`${name} ${backend}: ${error.message}`);
      return null;
    })
  ),
)).filter((group) => group !== null);

/** The backends of BLS12-381. */
export const BLS12_381: readonly PairingGroup[] = PAIRINGS.filter(({ name }) =>
  name === "bls12-381"
);

export const label = ({ name, backend }: PairingGroup) => `${name} ${backend}`;
