/** Sweep `cost`: seconds and bytes of one sample's encrypted forward pass, by scheme, length and width.
 *
 * Real keys and ciphertexts at the stated size: set up for n coordinates, encrypt a vector of bytes, derive a
 * key for each of `hidden` rows of 10-bit integers, decrypt, and check every inner product.
 * @module */
import * as ipfe from "../fe/ipfe.ts";
import * as ipfeFull from "../fe/ipfe_full.ts";
import { type IpfeParams, rangeOf } from "../fe/params.ts";
import { prepareDlog } from "../math/dlog.ts";
import { group } from "../math/group.ts";
import { gaussian, seededRng } from "../math/rng.ts";
import { defineSweep } from "./grid.ts";

/** What z1 of a digit needs; one table of logarithms serves all sizes. */
const RANGE = 2 ** 28;
const BOUND_X = 255;
const BOUND_Y = 1023;

/** One scheme: keys and ciphertexts stay inside. */
interface Party {
  readonly publicKeyBytes: number;
  /** @returns bytes of the ciphertext. */
  encrypt(x: Uint8Array): number;
  /** @returns bytes of the keys. */
  deriveKeys(rows: readonly Int32Array[]): number;
  decrypt(): Float64Array;
}

/** The schemes over a group share the shape of their functions, not their types. */
function partyOf<Mpk, Msk, Key, Ct>(scheme: {
  setup(pp: IpfeParams): { mpk: Mpk; msk: Msk };
  encrypt(mpk: Mpk, x: ArrayLike<number>): Ct;
  keyDerive(msk: Msk, y: ArrayLike<number>): Key;
  decryptMany(keys: readonly Key[], ctX: Ct): Float64Array;
  encodeMasterPublicKey(mpk: Mpk): Uint8Array;
  encodeCiphertext(ctX: Ct): Uint8Array;
  encodeFunctionalKey(key: Key): Uint8Array;
}): (pp: IpfeParams) => Party {
  return (pp) => {
    const { mpk, msk } = scheme.setup(pp);
    let ctX: Ct;
    let keys: Key[] = [];
    return {
      publicKeyBytes: scheme.encodeMasterPublicKey(mpk).length,
      encrypt: (x) => scheme.encodeCiphertext(ctX = scheme.encrypt(mpk, x)).length,
      deriveKeys(rows) {
        keys = rows.map((y) => scheme.keyDerive(msk, y));
        return keys.reduce((sum, key) => sum + scheme.encodeFunctionalKey(key).length, 0);
      },
      decrypt: () => scheme.decryptMany(keys, ctX),
    };
  };
}

const SCHEMES = { ipfe: partyOf(ipfe), ipfe_full: partyOf(ipfeFull) };

/** What `run` returns and the seconds that it takes. */
function timed<T>(run: () => T): [T, number] {
  const start = performance.now();
  const result = run();
  return [result, (performance.now() - start) / 1000];
}

export const sweep = defineSweep({
  url: import.meta.url,
  name: "cost",
  version: 1,
  fields: {
    scheme: { type: "choice", choices: Object.keys(SCHEMES) as (keyof typeof SCHEMES)[] },
    n: { type: "integer", min: 1, max: 1024 },
    hidden: { type: "integer", min: 1, max: 1024 },
  },
  // Setup holds the tables of the public key, built once; `seconds` and `bytes` are one sample's.
  columns: [
    ...["setupSeconds", "encryptSeconds", "keySeconds", "decryptSeconds", "seconds"] as const,
    ...["publicKeyBytes", "ciphertextBytes", "keyBytes", "bytes"] as const,
  ],
  timed: true,
  grids: [{ scheme: ["ipfe", "ipfe_full"], n: [49, 196, 784], hidden: [10, 30, 100, 300] }],
  async run({ scheme, n, hidden }, { seed }) {
    const ristretto = group("ristretto255");
    const pp = {
      group: ristretto,
      n,
      boundX: BOUND_X,
      boundY: Math.floor(RANGE / (n * BOUND_X)),
    };
    await prepareDlog(ristretto, rangeOf(pp));
    const rng = seededRng(seed);
    const x = rng.bytes(n);
    const rows = Array.from({ length: hidden }, () => {
      const y = gaussian(rng, n);
      const largest = y.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
      return Int32Array.from(y, (v) => Math.round(v / largest * BOUND_Y));
    });
    const [party, setupSeconds] = timed(() => {
      const fresh = SCHEMES[scheme](pp);
      fresh.encrypt(x); // builds the tables
      return fresh;
    });
    const [ciphertextBytes, encryptSeconds] = timed(() => party.encrypt(x));
    const [keyBytes, keySeconds] = timed(() => party.deriveKeys(rows));
    const [z, decryptSeconds] = timed(() => party.decrypt());
    rows.forEach((y, k) => {
      const expected = y.reduce((sum, v, i) => sum + v * x[i], 0);
      if (z[k] !== expected) throw new Error(`${scheme} decrypts ${z[k]}, expected ${expected}`);
    });
    return {
      ...{ setupSeconds, encryptSeconds, keySeconds, decryptSeconds },
      seconds: encryptSeconds + keySeconds + decryptSeconds,
      ...{ publicKeyBytes: party.publicKeyBytes, ciphertextBytes, keyBytes },
      bytes: ciphertextBytes + keyBytes,
    };
  },
});
