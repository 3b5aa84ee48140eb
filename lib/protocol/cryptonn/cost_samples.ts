/** The elementary costs of encrypted training, measured by really running the operations of the parties at small sizes.
 * @module */
import {
  decodeCiphertext,
  decodeFunctionalKey,
  decodeMasterPublicKey,
  decryptMany,
  encodeCiphertext,
  encodeFunctionalKey,
  encodeMasterPublicKey,
  encrypt,
  keyDerive,
  type MasterSecretKey,
  setup,
} from "../../fe/ipfe.ts";
import { rangeOf } from "../../fe/params.ts";
import { prepareDlog } from "../../math/dlog.ts";
import { gaussian, seededRng } from "../../math/rng.ts";
import { decodeMessage, encodeMessage } from "../../net/wire.ts";
import { Decryption } from "../decryption.ts";
import { secondsOf } from "../seconds_of.ts";
import { checkKeys } from "./server.ts";
import { paramsOf } from "./terms.ts";

/** Seconds and bytes of each elementary operation, at one size. */
export interface CostSample {
  /** Coordinates of a vector. */
  readonly length: number;
  /** Keys asked for at once. */
  readonly keys: number;
  /** Their y, `[keys, length]`. */
  readonly rows: Int32Array;
  readonly seconds: {
    readonly setup: number;
    /** Building the tables of a public key, at its first encryption. */
    readonly tables: number;
    /** Encrypting and encoding one vector. */
    readonly encrypt: number;
    /** Asking for, deriving and checking all keys. */
    readonly keys: number;
    /** Decoding one ciphertext. */
    readonly decode: number;
    /** Decrypting one decoded ciphertext under all keys. */
    readonly decrypt: number;
  };
  readonly bytes: {
    readonly publicKey: number;
    readonly ciphertext: number;
    readonly request: number;
    readonly keys: number;
  };
}

/** All sizes share this range and with it one table of logarithms. */
const RANGE = 2 ** 24.8;
const BOUND_X = 255;
const paramsFor = (length: number) => paramsOf(length, Math.floor(RANGE / (length * BOUND_X)));

/** As long as a session's name. */
const SESSION = "0".repeat(32);

/** A key request there and back, as server and authority do it. */
function exchangeKeys(msk: MasterSecretKey, matrix: Int32Array) {
  const { n } = msk.pp;
  const rows = { shape: [matrix.length / n, n], data: matrix };
  const request = encodeMessage("rows of W1", { number: 0, session: SESSION, rows });
  const asked = decodeMessage(request, "rows of W1").int32("rows", [null, n]);
  const derived = Array.from(
    { length: asked.length / n },
    (_, i) => encodeFunctionalKey(keyDerive(msk, asked.subarray(i * n, (i + 1) * n))),
  );
  const answer = encodeMessage("keys for W1", { number: 0, keys: derived });
  const keys = decodeMessage(answer, "keys for W1").parts("keys");
  checkKeys(msk.pp, matrix, keys);
  return { request, answer, keys };
}

/** What a message of many adds to each. */
const ITEM_BYTES = 3;
const ENTRY_BITS = 10;

/** Normal integers whose largest has 10 bits, much like W1 and dz1 at the default scales. */
export function normalEntries(count: number): Int32Array {
  const reals = gaussian(seededRng(2), count);
  const largest = reals.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return Int32Array.from(reals, (value) => Math.round(value / largest * (2 ** ENTRY_BITS - 1)));
}

/** Measures one size. */
export async function measureCosts(
  length: number,
  keys: number,
  signal?: AbortSignal,
): Promise<CostSample> {
  const pp = paramsFor(length);
  await prepareDlog(pp.group, rangeOf(pp), { signal });
  const rows = normalEntries(length * keys);
  const { mpk, msk } = setup(pp);
  const publicKey = encodeMasterPublicKey(mpk);
  const exchanged = exchangeKeys(msk, rows);
  const skYs = exchanged.keys.map(decodeFunctionalKey);

  const x = seededRng(1).bytes(length);
  const ctX = encodeCiphertext(encrypt(mpk, x));
  const encryptSeconds = secondsOf(() => void encodeCiphertext(encrypt(mpk, x)));
  const decodeKey = secondsOf(() => void decodeMasterPublicKey(publicKey));
  const first = secondsOf(() => { // tables belong to a decoded public key
    encodeCiphertext(encrypt(decodeMasterPublicKey(publicKey), x));
  });
  const decoded = decodeCiphertext(ctX);
  return {
    length,
    keys,
    rows,
    seconds: {
      setup: secondsOf(() => void setup(pp)),
      tables: Math.max(1e-9, first - decodeKey - encryptSeconds),
      encrypt: encryptSeconds,
      keys: secondsOf(() => void exchangeKeys(msk, rows)),
      decode: secondsOf(() => void decodeCiphertext(ctX)),
      decrypt: secondsOf(() => void decryptMany(skYs, decoded)),
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
  readonly cores: number;
  /** Starting the Workers and warming them up, once a training. */
  readonly startSeconds: number;
  /** (speed of `cores` Workers / speed of this thread − 1) / (cores − 1). 1: perfect. */
  readonly efficiency: number;
}

/** Measures a pool of `cores` Workers against this thread, on the same ciphertexts. */
export async function measurePool(cores: number, signal?: AbortSignal): Promise<PoolCost> {
  const [length, keys, count] = [64, 16, 64 * cores]; // a second or so
  const pp = paramsFor(length);
  await prepareDlog(pp.group, rangeOf(pp), { signal });
  const { mpk, msk } = setup(pp);
  const { keys: keysOfRows } = exchangeKeys(msk, normalEntries(length * keys));
  const ctX = encodeCiphertext(encrypt(mpk, seededRng(1).bytes(length)));
  const scheme = { name: "ipfe" } as const;
  using pool = new Decryption(scheme, 0, cores, signal);
  using thread = new Decryption(scheme, 0, 0, signal);
  const ciphertexts = Array<Uint8Array>(count).fill(ctX);
  await thread.store(ciphertexts);
  const time = async (workers: Decryption) => {
    const start = performance.now();
    if (workers.count === 0) await workers.store(ciphertexts);
    await workers.open(keysOfRows, 0, count);
    return (performance.now() - start) / 1000;
  };
  const cold = await time(pool);
  const together = await time(pool);
  const alone = await time(thread);
  const startSeconds = Math.max(0, cold - together);
  const speedUp = alone / together;
  return { cores, startSeconds, efficiency: Math.max(0, (speedUp - 1) / (cores - 1)) };
}
