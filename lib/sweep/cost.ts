/** Sweep `cost`: seconds and bytes of one sample's encrypted forward pass, by scheme, length and width.
 *
 * Real keys and ciphertexts at the stated size: set up for n coordinates, encrypt a vector of bytes, derive a
 * key for each of `hidden` rows of 10-bit integers, decrypt, and check every inner product. `fhipe` is
 * function-hiding: it pays a product of n pairings for each.
 * @module */
import * as fhipe from "../fe/fhipe.ts";
import * as ipfe from "../fe/ipfe.ts";
import { type Bounds, rangeOf } from "../fe/params.ts";
import { prepareDlog } from "../math/dlog.ts";
import { group } from "../math/group.ts";
import { startPairing } from "../math/pairing/group.ts";
import { gaussian, seededRng } from "../math/rng.ts";
import { defineSweep } from "./grid.ts";

/** What z1 of a digit needs; one table of logarithms serves all sizes of a scheme. */
const RANGE = 2 ** 28;
const BOUND_X = 255;
const BOUND_Y = 1023;

/** One scheme at one size, set up. */
interface Scheme<Key, Ct> {
  readonly publicKeyBytes: number;
  encrypt(x: Uint8Array): Ct;
  keyDerive(y: Int32Array): Key;
  decryptMany(keys: readonly Key[], ctX: Ct): Float64Array;
  encodeCiphertext(ctX: Ct): Uint8Array;
  encodeFunctionalKey(key: Key): Uint8Array;
}

/** What `run` returns and the seconds that it takes. */
export function timed<T>(run: () => T): [T, number] {
  const start = performance.now();
  const result = run();
  return [result, (performance.now() - start) / 1000];
}

/** One round of a vector and some keys, encodings included. @throws {Error} an inner product that is not right. */
function round<Key, Ct>(x: Uint8Array, rows: readonly Int32Array[], setUp: () => Scheme<Key, Ct>) {
  const [scheme, setupSeconds] = timed(() => {
    const fresh = setUp();
    fresh.encrypt(x); // builds the tables
    return fresh;
  });
  const [[ctX, ciphertextBytes], encryptSeconds] = timed(() => {
    const ctX = scheme.encrypt(x);
    return [ctX, scheme.encodeCiphertext(ctX).length] as const;
  });
  const [[keys, keyBytes], keySeconds] = timed(() => {
    const keys = rows.map(scheme.keyDerive);
    const bytes = keys.reduce((sum, key) => sum + scheme.encodeFunctionalKey(key).length, 0);
    return [keys, bytes] as const;
  });
  const [z, decryptSeconds] = timed(() => scheme.decryptMany(keys, ctX));
  rows.forEach((y, k) => {
    const expected = y.reduce((sum, v, i) => sum + v * x[i], 0);
    if (z[k] !== expected) throw new Error(`it decrypts ${z[k]}, expected ${expected}`);
  });
  return {
    ...{ setupSeconds, encryptSeconds, keySeconds, decryptSeconds },
    seconds: encryptSeconds + keySeconds + decryptSeconds,
    ...{ publicKeyBytes: scheme.publicKeyBytes, ciphertextBytes, keyBytes },
    bytes: ciphertextBytes + keyBytes,
  };
}

type Round = (bounds: Bounds, x: Uint8Array, rows: readonly Int32Array[]) => Promise<
  ReturnType<typeof round>
>;

/** The two schemes over a group differ in the number of masks. */
const overGroup = (masks: 1 | 2): Round => async (bounds, x, rows) => {
  const pp = { ...bounds, group: group("ristretto255"), masks };
  await prepareDlog(pp.group, rangeOf(pp)); // once per process
  return round(x, rows, () => {
    const { mpk, msk } = ipfe.setup(pp);
    return {
      ...ipfe,
      publicKeyBytes: ipfe.encodeMasterPublicKey(mpk).length,
      encrypt: (x) => ipfe.encrypt(mpk, x),
      keyDerive: (y) => ipfe.keyDerive(msk, y),
    };
  });
};

const SCHEMES = {
  ipfe: overGroup(1),
  ipfe_full: overGroup(2),
  async fhipe(bounds, x, rows) {
    const pp = { ...bounds, group: await startPairing() };
    return round(x, rows, () => {
      const msk = fhipe.setup(pp);
      return {
        ...fhipe,
        publicKeyBytes: 0, // there is none: who encrypts holds the secret
        encrypt: (x) => fhipe.encrypt(msk, x),
        keyDerive: (y) => fhipe.keyDerive(msk, y),
      };
    });
  },
} satisfies Record<string, Round>;

/** One round at one size. */
async function measure(scheme: keyof typeof SCHEMES, n: number, hidden: number, seed: number) {
  const bounds = { n, boundX: BOUND_X, boundY: Math.floor(RANGE / (n * BOUND_X)) };
  const rng = seededRng(seed);
  const x = rng.bytes(n);
  const rows = Array.from({ length: hidden }, () => {
    const y = gaussian(rng, n);
    const largest = y.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    return Int32Array.from(y, (v) => Math.round(v / largest * BOUND_Y));
  });
  return await SCHEMES[scheme](bounds, x, rows);
}

const TIMINGS = [
  ...["setupSeconds", "encryptSeconds", "keySeconds", "decryptSeconds", "seconds"] as const,
];

/** Schemes whose code this process has run before: the first round is several times slower. */
const warm = new Set<string>();

/** Measured seconds and bytes of one sample. */
export const sweep = defineSweep({
  url: import.meta.url,
  name: "cost",
  version: 2,
  fields: {
    scheme: { type: "choice", choices: Object.keys(SCHEMES) as (keyof typeof SCHEMES)[] },
    n: { type: "integer", min: 1, max: 1024 },
    hidden: { type: "integer", min: 1, max: 1024 },
  },
  // Setup holds the tables of the public key, built once; `seconds` and `bytes` are one sample's.
  columns: [...TIMINGS, "publicKeyBytes", "ciphertextBytes", "keyBytes", "bytes"],
  timings: TIMINGS,
  timed: true,
  grids: [{
    scheme: ["ipfe", "ipfe_full", "fhipe"],
    n: [49, 196, 784],
    hidden: [10, 30, 100, 300],
  }],
  async run({ scheme, n, hidden }, { seed }) {
    if (!warm.has(scheme)) await measure(scheme, 64, 16, seed);
    warm.add(scheme);
    return await measure(scheme, n, hidden, seed);
  },
});
