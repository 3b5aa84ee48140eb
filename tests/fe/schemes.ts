/** Both schemes behind one type, so that every test of one is a test of the other.
 * @module */
import * as ipfe from "lib/fe/ipfe.ts";
import * as ipfeFull from "lib/fe/ipfe_full.ts";
import type { IpfeParams } from "lib/fe/params.ts";
import type { Element } from "lib/math/group.ts";
import type { Rng } from "lib/math/rng.ts";

/** A key, or a public key: what the tests below see of it. */
export interface Opaque {
  readonly pp: IpfeParams;
}

export interface OpaqueCiphertext extends Opaque {
  readonly ct: readonly Element[];
}

export interface Scheme {
  setup(pp: IpfeParams, rng?: Rng): { mpk: Opaque; msk: Opaque };
  keyDerive(msk: Opaque, y: ArrayLike<number>): Opaque;
  encrypt(mpk: Opaque, x: ArrayLike<number>, rng?: Rng): OpaqueCiphertext;
  decrypt(skY: Opaque, ctX: OpaqueCiphertext): number;
  decryptMany(
    skYs: readonly Opaque[],
    ctX: OpaqueCiphertext,
    options?: { onProgress?: (done: number, total: number) => void },
  ): Float64Array;
  encodeMasterPublicKey(mpk: Opaque): Uint8Array;
  decodeMasterPublicKey(bytes: Uint8Array): Opaque;
  encodeMasterSecretKey(msk: Opaque): Uint8Array;
  decodeMasterSecretKey(bytes: Uint8Array): Opaque;
  encodeFunctionalKey(skY: Opaque): Uint8Array;
  decodeFunctionalKey(bytes: Uint8Array): Opaque;
  encodeCiphertext(ctX: OpaqueCiphertext): Uint8Array;
  decodeCiphertext(bytes: Uint8Array): OpaqueCiphertext;
}

export const SCHEMES: readonly { name: string; scheme: Scheme }[] = [
  { name: "ipfe", scheme: ipfe as unknown as Scheme },
  { name: "ipfe_full", scheme: ipfeFull as unknown as Scheme },
];

/** The plaintext answer. */
export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return Array.from(x).reduce((sum, value, i) => sum + value * y[i], 0);
}

/** An Rng that hands out these scalars, big endian, in order. */
export function scalarsRng(...scalars: bigint[]): Rng {
  return {
    source: "test",
    bytes: () => Uint8Array.fromHex(scalars.shift()!.toString(16).padStart(64, "0")),
  };
}
