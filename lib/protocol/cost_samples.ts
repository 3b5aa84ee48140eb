/** The elementary costs of encrypted training, measured by really running its operations at small sizes.
 * @module */
import * as fhipe from "../fe/fhipe.ts";
import * as ipfe from "../fe/ipfe.ts";
import { rangeOf } from "../fe/params.ts";
import { prepareDlog } from "../math/dlog.ts";
import { type PairingGroup, powerGT, solveGT } from "../math/pairing/group.ts";
import { gaussian, seededRng } from "../math/rng.ts";
import { decodeMessage, encodeMessage } from "../net/wire.ts";
import { checkKeys } from "./cryptonn/server.ts";
import { paramsOf } from "./cryptonn/terms.ts";
import { Decryption } from "./decryption.ts";

/** The size of an operation. */
export interface OperationSize {
  /** Coordinates of a vector. */
  readonly length: number;
  /** Keys asked for at once. */
  readonly keys: number;
  /** Integers like those of the keys. */
  readonly entries: ArrayLike<number>;
}

/** Seconds and bytes of each elementary operation and message, at one size. */
export interface CostSample {
  readonly size: OperationSize;
  readonly seconds: Readonly<Record<string, number>>;
  readonly bytes: Readonly<Record<string, number>>;
}

/** A measurement runs at least so long. */
const MEASURE_SECONDS = 0.08;

/** Seconds that `run` takes: the median of many runs, so that what else the machine does now and then is left
 * out. The first warms up. */
function secondsOf(run: () => unknown): number {
  run();
  const seconds: number[] = [];
  for (let total = 0; total < MEASURE_SECONDS || seconds.length < 3;) {
    const start = performance.now();
    run();
    seconds.push((performance.now() - start) / 1000);
    total += seconds[seconds.length - 1];
  }
  return seconds.sort((a, b) => a - b)[seconds.length >> 1];
}

const ENTRY_BITS = 10;

/** Normal integers whose largest has 10 bits, much like W1 and dz1 at the default scales. */
export function normalEntries(count: number): Int32Array {
  const reals = gaussian(seededRng(2), count);
  const largest = reals.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return Int32Array.from(reals, (value) => Math.round(value / largest * (2 ** ENTRY_BITS - 1)));
}

const BOUND_X = 255;
/** All sizes of CryptoNN share this range and with it one table of logarithms. */
const RANGE = 2 ** 24.8;

/** What a message of many adds to each. */
const ITEM_BYTES = 3;
/** As long as a session's name. */
const SESSION = "0".repeat(32);

/** A key request there and back, as CryptoNN's server and authority do it. */
function exchangeKeys(msk: ipfe.MasterSecretKey, matrix: Int32Array) {
  const { n } = msk.pp;
  const rows = { shape: [matrix.length / n, n], data: matrix };
  const request = encodeMessage("rows of W1", { number: 0, session: SESSION, rows });
  const asked = decodeMessage(request, "rows of W1").int32("rows", [null, n]);
  const derived = Array.from(
    { length: asked.length / n },
    (_, i) => ipfe.encodeFunctionalKey(ipfe.keyDerive(msk, asked.subarray(i * n, (i + 1) * n))),
  );
  const answer = encodeMessage("keys for W1", { number: 0, keys: derived });
  const keys = decodeMessage(answer, "keys for W1").parts("keys");
  checkKeys(msk.pp, matrix, keys);
  return { request, answer, keys };
}

/** An instance of CryptoNN, its keys for normal entries, and an encrypted vector of noise. */
async function cryptonnInstance(length: number, keys: number, signal?: AbortSignal) {
  const pp = paramsOf(length, Math.floor(RANGE / (length * BOUND_X)));
  await prepareDlog(pp.group, rangeOf(pp), { signal });
  const { mpk, msk } = ipfe.setup(pp);
  const rows = normalEntries(length * keys);
  const x = seededRng(1).bytes(length);
  const encrypt = (key = mpk) => ipfe.encodeCiphertext(ipfe.encrypt(key, x));
  return { pp, mpk, msk, rows, encrypt, exchanged: exchangeKeys(msk, rows) };
}

/** Measures CryptoNN at one size. Seconds: `setup` of the authority, `tables` of a public key at its first
 * encryption, to `encrypt` and encode a vector, to ask for, derive and check all `keys`, to `decode` a ciphertext
 * and to `decrypt` it under all keys. */
export async function sampleCryptonn(
  length: number,
  keys: number,
  signal?: AbortSignal,
): Promise<CostSample> {
  const { pp, mpk, msk, rows, encrypt, exchanged } = await cryptonnInstance(length, keys, signal);
  const skYs = exchanged.keys.map(ipfe.decodeFunctionalKey);
  const publicKey = ipfe.encodeMasterPublicKey(mpk);
  const newKey = () => ipfe.decodeMasterPublicKey(publicKey);
  const ctX = encrypt();
  const decoded = ipfe.decodeCiphertext(ctX);
  const encryptSeconds = secondsOf(() => encrypt());
  const decodeKey = secondsOf(newKey);
  const first = secondsOf(() => encrypt(newKey())); // tables belong to a decoded public key
  return {
    size: { length, keys, entries: rows },
    seconds: {
      setup: secondsOf(() => ipfe.setup(pp)),
      tables: Math.max(1e-9, first - decodeKey - encryptSeconds),
      encrypt: encryptSeconds,
      keys: secondsOf(() => exchangeKeys(msk, rows)),
      decode: secondsOf(() => ipfe.decodeCiphertext(ctX)),
      decrypt: secondsOf(() => ipfe.decryptMany(skYs, decoded)),
    },
    bytes: {
      publicKey: encodeMessage("public keys", { keys: [publicKey] }).length,
      ciphertext: ctX.length + ITEM_BYTES,
      request: exchanged.request.length,
      keys: exchanged.answer.length,
    },
  };
}

/** What a pool of Workers costs and brings. */
export interface PoolCost {
  /** Starting the Workers and warming them up, once per training. */
  readonly startSeconds: number;
  /** (speed of `cores` Workers / speed of this thread − 1) / (cores − 1). 1: perfect. */
  readonly efficiency: number;
}

/** Measures a pool of `cores` Workers that decrypt against this thread, on the same ciphertexts. */
export async function samplePool(cores: number, signal?: AbortSignal): Promise<PoolCost> {
  const [length, keys, count] = [64, 16, 64 * cores]; // a second or so
  const { encrypt, exchanged } = await cryptonnInstance(length, keys, signal);
  const ciphertexts = Array<Uint8Array>(count).fill(encrypt());
  const scheme = { name: "ipfe" } as const;
  using pool = new Decryption(scheme, 0, cores, signal);
  using thread = new Decryption(scheme, 0, 0, signal);
  const time = async (workers: Decryption) => {
    const start = performance.now();
    if (workers.count === 0) await workers.store(ciphertexts);
    await workers.open(exchanged.keys, 0, count);
    return (performance.now() - start) / 1000;
  };
  const cold = await time(pool);
  const together = await time(pool);
  const alone = await time(thread);
  const efficiency = Math.max(0, (alone / together - 1) / (cores - 1));
  return { startSeconds: Math.max(0, cold - together), efficiency };
}

/** Measures MITIG1 at one size. Seconds: of the client to `setup`, to `encrypt` and encode a sample, to
 * `deriveKey` for a row and encode it; of the server to `decodeCiphertext` and `decodeKey`, to `prepare` the lines
 * of a ciphertext and to `pair` it with a key. */
export function sampleMitig1(pairing: PairingGroup, length: number): CostSample {
  const pp = { group: pairing, n: length, boundX: BOUND_X, boundY: 2 ** 13 };
  const x = Uint8Array.from({ length }, (_, i) => (37 * i) % 256);
  const y = Int32Array.from({ length }, (_, i) => (i % 2 ? -1 : 1) * ((91 * i) % 1000));
  const msk = fhipe.setup(pp);
  const encrypt = () => fhipe.encodeCiphertext(fhipe.encrypt(msk, x));
  const deriveKey = () => fhipe.encodeFunctionalKey(fhipe.keyDerive(msk, y));
  const [ciphertext, key] = [encrypt(), deriveKey()];
  const ctX = fhipe.decodeCiphertext(pairing, ciphertext);
  const skY = fhipe.decodeFunctionalKey(pairing, key);
  const lines = fhipe.prepareCiphertext(ctX);
  return {
    size: { length, keys: 1, entries: y },
    seconds: {
      setup: secondsOf(() => fhipe.setup(pp)),
      encrypt: secondsOf(encrypt),
      deriveKey: secondsOf(deriveKey),
      decodeCiphertext: secondsOf(() => fhipe.decodeCiphertext(pairing, ciphertext)),
      decodeKey: secondsOf(() => fhipe.decodeFunctionalKey(pairing, key)),
      prepare: secondsOf(() => fhipe.prepareCiphertext(ctX)),
      pair: secondsOf(() => fhipe.pairings(skY, lines)),
    },
    bytes: { ciphertext: ciphertext.length, key: key.length },
  };
}

/** Seconds of a discrete logarithm, by its distance from the guess. */
export type SearchCosts = readonly { readonly distance: number; readonly seconds: number }[];

const DISTANCES = [0, 64, 512, 4096, 32768, 2 ** 18, 2 ** 21];

/** Measures discrete logarithms of MITIG1 at some distances, ascending. */
export function sampleSearch(pairing: PairingGroup): SearchCosts {
  const msk = fhipe.setup({ group: pairing, n: 1, boundX: 1, boundY: 1 });
  const lines = fhipe.prepareCiphertext(fhipe.encrypt(msk, [1]));
  const [base] = fhipe.pairings(fhipe.keyDerive(msk, [1]), lines);
  return DISTANCES.map((distance) => {
    const target = powerGT(pairing, base, distance);
    return { distance, seconds: secondsOf(() => solveGT(pairing, base, target, 2 ** 24)) };
  });
}
