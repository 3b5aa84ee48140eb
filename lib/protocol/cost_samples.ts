/** The elementary costs of encrypted training, measured by really running its operations at small sizes.
 * @module */
import { dataset } from "../data/dataset.ts";
import * as fhipe from "../fe/fhipe.ts";
import * as fhipeBytes from "../fe/fhipe_encoding.ts";
import { prepareCiphertext } from "../fe/fhipe_prepared.ts";
import { decodeCiphertext, decodeFunctionalKey, decryptMany } from "../fe/ipfe.ts";
import { type IpfeParams, rangeOf } from "../fe/params.ts";
import { prepareDlog } from "../math/dlog.ts";
import { group } from "../math/group.ts";
import { powerGT, solveGT } from "../math/pairing/dlog.ts";
import type { PairingGroup } from "../math/pairing/group.ts";
import { gaussian, seededRng } from "../math/rng.ts";
import { decodeMessage } from "../net/wire.ts";
import { Authority } from "./cryptonn/authority.ts";
import { Client } from "./cryptonn/client.ts";
import { decryptAll, type DecryptJob, decryptPool } from "./cryptonn/decrypt.ts";
import { decodeKeys, encodeKeyRequest } from "./cryptonn/keys.ts";

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

/** A client with noise for an image, an authority, and keys for normal entries, all of the real thing. */
async function cryptonnParties(length: number, keys: number, signal?: AbortSignal) {
  const boundY = Math.floor(RANGE / (length * BOUND_X));
  const pp: IpfeParams = { group: group("ristretto255"), n: length, boundX: BOUND_X, boundY };
  await prepareDlog(pp.group, rangeOf(pp), { signal });
  const authority = new Authority(pp);
  const publicKey = authority.publicKey();
  const newClient = () => {
    const client = new Client(dataset({
      ...{ name: "noise", x: seededRng(1).bytes(length), y: Uint8Array.of(0) },
      ...{ shape: [1, length, 1], classes: ["noise"] },
    }));
    client.acceptPublicKey(publicKey);
    return client;
  };
  const rows = normalEntries(length * keys);
  const request = encodeKeyRequest(rows, length);
  const answer = authority.deriveKeys(request);
  return { pp, authority, publicKey, newClient, rows, request, answer };
}

/** Measures CryptoNN at one size. Seconds: `setup` of the authority, `tables` of a public key at its first
 * encryption, to `encrypt` and encode a vector, to ask for, derive and check all `keys`, to `decode` a ciphertext
 * and to `decrypt` it under all keys. */
export async function sampleCryptonn(
  length: number,
  keys: number,
  signal?: AbortSignal,
): Promise<CostSample> {
  const parties = await cryptonnParties(length, keys, signal);
  const { pp, authority, publicKey, newClient, rows, request, answer } = parties;
  const skYs = decodeKeys(answer, rows, length).map(decodeFunctionalKey);
  const client = newClient();
  const sample = client.encryptSample(0);
  const encrypt = secondsOf(() => client.encryptSample(0));
  const decodeKey = secondsOf(newClient);
  const first = secondsOf(() => newClient().encryptSample(0)); // tables belong to a decoded public key
  const ctX = decodeMessage(sample, "sample").bytes("ctX");
  const decoded = decodeCiphertext(ctX);
  return {
    size: { length, keys, entries: rows },
    seconds: {
      setup: secondsOf(() => new Authority(pp)),
      tables: Math.max(1e-9, first - decodeKey - encrypt),
      encrypt,
      keys: secondsOf(() =>
        decodeKeys(authority.deriveKeys(encodeKeyRequest(rows, length)), rows, length)
      ),
      decode: secondsOf(() => decodeCiphertext(ctX)),
      decrypt: secondsOf(() => decryptMany(skYs, decoded)),
    },
    bytes: {
      publicKey: publicKey.length,
      ciphertext: sample.length,
      request: request.length,
      keys: answer.length,
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
  const { newClient, rows, answer } = await cryptonnParties(length, keys, signal);
  const ctX = decodeMessage(newClient().encryptSample(0), "sample").bytes("ctX");
  const work: DecryptJob = {
    keys: decodeKeys(answer, rows, length),
    ciphertexts: Array.from({ length: count }, () => ctX),
  };
  using pool = decryptPool(cores);
  const time = async (workers: typeof pool) => {
    const start = performance.now();
    await decryptAll(work, { pool: workers, signal });
    return (performance.now() - start) / 1000;
  };
  const cold = await time(pool);
  const together = await time(pool);
  const alone = await time(null);
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
  const encrypt = () => fhipeBytes.encodeCiphertext(fhipe.encrypt(msk, x));
  const deriveKey = () => fhipeBytes.encodeFunctionalKey(fhipe.keyDerive(msk, y));
  const [ciphertext, key] = [encrypt(), deriveKey()];
  const ctX = fhipeBytes.decodeCiphertext(pairing, ciphertext);
  const skY = fhipeBytes.decodeFunctionalKey(pairing, key);
  const lines = prepareCiphertext(ctX);
  return {
    size: { length, keys: 1, entries: y },
    seconds: {
      setup: secondsOf(() => fhipe.setup(pp)),
      encrypt: secondsOf(encrypt),
      deriveKey: secondsOf(deriveKey),
      decodeCiphertext: secondsOf(() => fhipeBytes.decodeCiphertext(pairing, ciphertext)),
      decodeKey: secondsOf(() => fhipeBytes.decodeFunctionalKey(pairing, key)),
      prepare: secondsOf(() => prepareCiphertext(ctX)),
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
  const lines = prepareCiphertext(fhipe.encrypt(msk, [1]));
  const [base] = fhipe.pairings(fhipe.keyDerive(msk, [1]), lines);
  return DISTANCES.map((distance) => {
    const target = powerGT(pairing, base, distance);
    return { distance, seconds: secondsOf(() => solveGT(pairing, base, target, 2 ** 24)) };
  });
}
