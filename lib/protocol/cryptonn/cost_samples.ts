/** The elementary costs of encrypted training, measured by really running the parties at small sizes.
 * @module */
import { decodeCiphertext, decodeFunctionalKey, decryptMany } from "../../fe/ipfe.ts";
import { type IpfeParams, rangeOf } from "../../fe/params.ts";
import { dataset } from "../../data/dataset.ts";
import { prepareDlog } from "../../math/dlog.ts";
import { group } from "../../math/group.ts";
import { gaussian, seededRng } from "../../math/rng.ts";
import { secondsOf } from "../seconds_of.ts";
import { decodeMessage } from "../../net/wire.ts";
import { Authority } from "./authority.ts";
import { Client } from "./client.ts";
import { decryptAll, type DecryptJob, decryptPool } from "./decrypt.ts";
import { decodeKeys, encodeKeyRequest } from "./keys.ts";

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

/** A client with noise for an image, and an authority, both of the real thing. */
function partiesOf(length: number) {
  const boundY = Math.floor(RANGE / (length * BOUND_X));
  const pp: IpfeParams = { group: group("ristretto255"), n: length, boundX: BOUND_X, boundY };
  const client = () =>
    new Client(dataset({
      ...{ name: "noise", x: seededRng(1).bytes(length), y: Uint8Array.of(0) },
      ...{ shape: [1, length, 1], classes: ["noise"] },
    }));
  return { pp, client, authority: new Authority(pp) };
}

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
  const { pp, client, authority } = partiesOf(length);
  await prepareDlog(pp.group, rangeOf(pp), { signal });
  const rows = normalEntries(length * keys);
  const publicKey = authority.publicKey();
  const request = encodeKeyRequest(rows, length);
  const answer = authority.deriveKeys(request);
  const skYs = decodeKeys(answer, rows, length).map(decodeFunctionalKey);

  const owner = client();
  owner.acceptPublicKey(publicKey);
  const sample = owner.encryptSample(0);
  const encrypt = secondsOf(() => void owner.encryptSample(0));
  const decodeKey = secondsOf(() => client().acceptPublicKey(publicKey));
  const first = secondsOf(() => { // tables belong to a decoded public key
    const fresh = client();
    fresh.acceptPublicKey(publicKey);
    fresh.encryptSample(0);
  });
  const ctX = decodeMessage(sample, "sample").bytes("ctX");
  const decoded = decodeCiphertext(ctX);
  return {
    length,
    keys,
    rows,
    seconds: {
      setup: secondsOf(() => void new Authority(pp)),
      tables: Math.max(1e-9, first - decodeKey - encrypt),
      encrypt,
      keys: secondsOf(() => {
        decodeKeys(authority.deriveKeys(encodeKeyRequest(rows, length)), rows, length);
      }),
      decode: secondsOf(() => void decodeCiphertext(ctX)),
      decrypt: secondsOf(() => void decryptMany(skYs, decoded)),
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
  readonly cores: number;
  /** Starting the Workers and warming them up, once a training. */
  readonly startSeconds: number;
  /** (speed of `cores` Workers / speed of this thread − 1) / (cores − 1). 1: perfect. */
  readonly efficiency: number;
}

/** Measures a pool of `cores` Workers against this thread, on the same ciphertexts. */
export async function measurePool(cores: number, signal?: AbortSignal): Promise<PoolCost> {
  const [length, keys, count] = [64, 16, 64 * cores]; // a second or so
  const { pp, client, authority } = partiesOf(length);
  await prepareDlog(pp.group, rangeOf(pp), { signal });
  const rows = normalEntries(length * keys);
  const owner = client();
  owner.acceptPublicKey(authority.publicKey());
  const ctX = decodeMessage(owner.encryptSample(0), "sample").bytes("ctX");
  const work: DecryptJob = {
    keys: decodeKeys(authority.deriveKeys(encodeKeyRequest(rows, length)), rows, length),
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
  const startSeconds = Math.max(0, cold - together);
  const speedUp = alone / together;
  return { cores, startSeconds, efficiency: Math.max(0, (speedUp - 1) / (cores - 1)) };
}
