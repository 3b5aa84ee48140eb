/** Starts a pairing backend, once per thread. `pairing.ts` says what they are.
 * @module */
import { PAIRING_IDS, type PairingBackend, type PairingGroup, type PairingName } from "./group.ts";
import { mclPairing } from "./mcl.ts";
import { noblePairing } from "./noble.ts";
import { simdPairing } from "./simd.ts";

const started = new Map<string, Promise<PairingGroup>>();

async function start(name: PairingName, backend?: PairingBackend): Promise<PairingGroup> {
  if (!Object.hasOwn(PAIRING_IDS, name)) {
    throw new RangeError(
      `Cannot start pairing "${name}": unknown, expected one of ${
        Object.keys(PAIRING_IDS).join(", ")
      }`,
    );
  }
  if (name === "bn254" && backend !== undefined && backend !== "noble") {
    throw new RangeError(`Cannot start pairing "bn254": only backend noble has it, not ${backend}`);
  }
  if (name === "bn254" || backend === "noble") return noblePairing(name);
  if (backend === "mcl") return await mclPairing();
  const simd = await simdPairing();
  if (simd !== null) return simd;
  if (backend === undefined) return await mclPairing();
  throw new Error(
    "Cannot start pairing backend simd: no relaxed SIMD with fused multiply-add here",
  );
}

/** The curve on the backend, or on the fastest that runs here. Await it once per thread; all that
 * follows is synchronous, and later calls are free.
 * @throws {RangeError} an unknown curve, or a backend that does not have it. */
export function startPairing(
  name: PairingName = "bls12-381",
  backend?: PairingBackend,
): Promise<PairingGroup> {
  const key = `${name}/${backend}`;
  let group = started.get(key);
  if (group === undefined) {
    group = start(name, backend);
    started.set(key, group);
  }
  return group;
}
