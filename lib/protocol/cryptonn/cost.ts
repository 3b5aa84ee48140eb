/** What encrypted training costs, predicted from costs measured on this machine.
 *
 * Every operation of the protocol is linear in counts that follow from the sizes: coordinates encrypted, keys
 * derived, elements decoded, and the group additions of a multi-scalar product, which `math/msm.ts` chooses
 * its window by. The coefficients are fitted to real runs of the parties at small sizes; a full run is then
 * a matter of counting. The later layers are left out: float64 products, far below the rest. So is the growth
 * of |z1| in training, which costs a few more giant steps an inner product.
 * @module */
import { chooseWindow, signedDigits } from "../../math/msm.ts";
import { breather } from "../../workers/pool.ts";
import {
  type CostSample,
  measureCosts,
  measurePool,
  normalEntries,
  type PoolCost,
} from "./cost_samples.ts";
import { fitCosts } from "../../math/linear_fit.ts";

/** Coefficients in seconds. */
export interface CostModel {
  readonly setup: { readonly perCoordinate: number };
  readonly tables: { readonly perCoordinate: number };
  readonly encrypt: { readonly perVector: number; readonly perCoordinate: number };
  readonly keys: { readonly perKey: number; readonly perCoordinate: number };
  readonly decode: { readonly perElement: number };
  /** An addition of the multi-scalar product; a key's unmasking and logarithm; a ciphertext's tables. */
  readonly decrypt: {
    readonly perAddition: number;
    readonly perKey: number;
    readonly perCiphertext: number;
  };
  /** Bytes of messages: [each, per coordinate], for keys and requests [each, per key, per key·coordinate]. */
  readonly bytes: {
    readonly publicKey: readonly number[];
    readonly ciphertext: readonly number[];
    readonly request: readonly number[];
    readonly keys: readonly number[];
  };
  /** null where only one core was asked for. */
  readonly pool: PoolCost | null;
}

/** A training run. */
export interface RunSize {
  readonly n: number;
  readonly hidden: number;
  readonly samples: number;
  readonly batch: number;
  readonly epochs: number;
  /** Cores that decrypt; everything else runs on one. */
  readonly cores: number;
}

/** Integers as they occur in W1 and dz1: a step in the clear, which is cheap, yields them. Small entries make
 * decryption cheaper. */
export interface Entries {
  readonly W1: ArrayLike<number>;
  readonly dz1: ArrayLike<number>;
}

/** What a run would cost. */
export interface Prediction {
  readonly seconds: number;
  /** Seconds of each part; they add up to `seconds`. */
  readonly parts: {
    readonly setup: number;
    readonly encryptSamples: number;
    readonly encryptColumns: number;
    readonly keys: number;
    readonly forward: number;
    readonly backward: number;
  };
  readonly bytes: {
    readonly publicKeys: number;
    readonly encryptedSamples: number;
    readonly encryptedColumns: number;
    readonly keyRequests: number;
    readonly keys: number;
  };
}

/** The sizes of the fit: [coordinates, keys]. */
const FIT_SIZES = [[8, 4], [8, 24], [24, 12], [110, 4], [110, 24]] as const;

/** An addition point by point against one in a sum, see `sumEdwards`. */
const SINGLE_ADDITION = 1.35;

/** Group additions to decrypt one vector under so many keys, counted as `multiScalar` works, in units of those
 * inside a sum: table entries and doublings come one by one. @param entries integers like those of the keys. */
function additions(length: number, keys: number, entries: ArrayLike<number>): number {
  let largest = 1;
  for (let i = 0; i < entries.length; i++) largest = Math.max(largest, Math.abs(entries[i]));
  const window = chooseWindow(length, keys, Math.ceil(Math.log2(largest + 1)));
  const positions = signedDigits(largest, window).length;
  let terms = 0; // non-zero digits
  for (let i = 0; i < entries.length; i++) {
    for (const digit of signedDigits(entries[i], window)) if (digit !== 0) terms++;
  }
  const tables = length * (2 ** (window - 1) - 1);
  return SINGLE_ADDITION * (tables + keys * positions * (window + 2)) +
    keys * length * terms / entries.length;
}

/** Measures this machine for a few seconds and fits the model.
 * @param options.cores Workers to measure a pool of; 1 (default): no pool, no permission needed.
 * @throws the signal's reason when aborted. */
export async function fitCostModel(
  { cores = 1, signal, onProgress }: {
    cores?: number;
    signal?: AbortSignal;
    onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<CostModel> {
  const total = FIT_SIZES.length + (cores > 1 ? 1 : 0);
  const breathe = breather(signal);
  const samples: CostSample[] = [];
  for (const [length, keys] of FIT_SIZES) {
    samples.push(await measureCosts(length, keys, signal));
    onProgress?.(samples.length, total);
    await breathe();
  }
  const fit = (value: (s: CostSample) => number, features: (s: CostSample) => number[]) =>
    fitCosts(samples.map(features), samples.map(value));
  const seconds = (name: keyof CostSample["seconds"], features: (s: CostSample) => number[]) =>
    fit((s) => s.seconds[name], features);
  const bytes = (name: keyof CostSample["bytes"], features: (s: CostSample) => number[]) =>
    fit((s) => s.bytes[name], features);

  const [setup] = seconds("setup", (s) => [s.length]);
  const [tables] = seconds("tables", (s) => [s.length]);
  const [perVector, perCoordinate] = seconds("encrypt", (s) => [1, s.length]);
  const [perKey, perKeyCoordinate] = seconds("keys", (s) => [s.keys, s.keys * s.length]);
  const [perElement] = seconds("decode", (s) => [s.length + 1]);
  const decrypt = seconds("decrypt", (s) => [additions(s.length, s.keys, s.rows), s.keys, 1]);
  const perRow = (s: CostSample) => [1, s.keys, s.keys * s.length];
  const pool = cores > 1 ? await measurePool(cores, signal) : null;
  onProgress?.(total, total);
  return {
    setup: { perCoordinate: setup },
    tables: { perCoordinate: tables },
    encrypt: { perVector, perCoordinate },
    keys: { perKey, perCoordinate: perKeyCoordinate },
    decode: { perElement },
    decrypt: { perAddition: decrypt[0], perKey: decrypt[1], perCiphertext: decrypt[2] },
    bytes: {
      publicKey: bytes("publicKey", (s) => [1, s.length]),
      ciphertext: bytes("ciphertext", (s) => [1, s.length]),
      request: bytes("request", perRow),
      keys: bytes("keys", perRow),
    },
    pool,
  };
}

/** Predicts a training run.
 * @param entries integers as they occur; by default normal ones of 10 bits.
 * @throws {RangeError} a size that is no positive integer, samples that are not whole batches, or more than one
 * core without a measured pool. */
export function predict(
  model: CostModel,
  size: RunSize,
  entries: Entries = { W1: normalEntries(4096), dz1: normalEntries(4096) },
): Prediction {
  for (const [name, value] of Object.entries(size)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`Cannot predict: ${name} = ${value} is not a positive integer`);
    }
  }
  const { n, hidden, samples, batch: m, epochs, cores } = size;
  if (samples % m !== 0) {
    throw new RangeError(`Cannot predict: ${samples} samples are not whole batches of ${m}`);
  }
  if (cores > 1 && model.pool === null) {
    throw new RangeError(`Cannot predict for ${cores} cores: no pool was measured`);
  }
  const batches = samples / m;
  const steps = epochs * batches;
  const { setup, tables, encrypt, keys, decode, decrypt, bytes, pool } = model;

  const encryption = (length: number) => encrypt.perVector + encrypt.perCoordinate * length;
  const decryption = (length: number, values: ArrayLike<number>) =>
    decode.perElement * (length + 1) + decrypt.perAddition * additions(length, hidden, values) +
    decrypt.perKey * hidden + decrypt.perCiphertext;
  const speed = cores > 1 ? 1 + (cores - 1) * pool!.efficiency : 1;
  const start = cores > 1 ? pool!.startSeconds : 0;
  const parts = {
    setup: (setup.perCoordinate + tables.perCoordinate) * (n + m) + start,
    encryptSamples: samples * encryption(n),
    encryptColumns: batches * n * encryption(m),
    keys: steps * hidden * (2 * keys.perKey + keys.perCoordinate * (n + m)),
    forward: steps * (m * decryption(n, entries.W1) / speed),
    backward: steps * (n * decryption(m, entries.dz1) / speed),
  };

  const sized = ([each, perCoordinate]: readonly number[], length: number) =>
    each + perCoordinate * length;
  const rows = ([each, perRow, perEntry]: readonly number[], length: number) =>
    each + hidden * (perRow + perEntry * length);
  return {
    seconds: Object.values(parts).reduce((sum, part) => sum + part, 0),
    parts,
    bytes: {
      publicKeys: sized(bytes.publicKey, n) + sized(bytes.publicKey, m),
      encryptedSamples: samples * sized(bytes.ciphertext, n),
      encryptedColumns: batches * n * sized(bytes.ciphertext, m),
      keyRequests: steps * (rows(bytes.request, n) + rows(bytes.request, m)),
      keys: steps * (rows(bytes.keys, n) + rows(bytes.keys, m)),
    },
  };
}
