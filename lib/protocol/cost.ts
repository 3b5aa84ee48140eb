/** What encrypted training costs, under CryptoNN and under MITIG1, predicted from costs measured on this machine.
 *
 * A run is a number of operations and messages, counted from its sizes, and each costs a sum of a few features of
 * its size, with coefficients that are fitted to real operations at small sizes (cost_samples.ts). Under CryptoNN
 * the features are coordinates, keys, and the group additions of a multi-scalar product, which `math/msm.ts`
 * chooses its window by. Under MITIG1, with N = n + 2 elements per vector:
 *
 *   setup      B = L·U, N² field elements
 *   client     a sample, once: two triangular solves (N²) and N + 1 powers of g2
 *              a row of W1, every step: two triangular products (N²) and N + 1 powers of g1
 *   server     a ciphertext, once: N + 1 points decoded and checked, the lines of N + 1 Miller loops
 *              a key, every step, in every Worker: N + 1 points decoded and checked
 *              a sample and a row: N + 1 Miller loops, two final exponentiations, a discrete logarithm,
 *              which costs by its distance from the guess, z1 of the epoch before
 *
 * Left out are the later layers, float64 products far below the rest, and under CryptoNN the growth of |z1| in
 * training, which costs a few more giant steps per inner product.
 * @module */
import { fitCosts } from "../math/linear_fit.ts";
import { chooseWindow, signedDigits } from "../math/msm.ts";
import { startPairing } from "../math/pairing/group.ts";
import { breather } from "../workers/pool.ts";
import {
  type CostSample,
  normalEntries,
  type OperationSize,
  type PoolCost,
  sampleCryptonn,
  sampleMitig1,
  samplePool,
  sampleSearch,
  type SearchCosts,
} from "./cost_samples.ts";

/** What an operation's cost is linear in. */
type Features = (size: OperationSize) => number[];

/** A table's entry, added and stored, or an addition point by point, against one in a sum. */
const SINGLE_ADDITION = 1.35;

/** Group additions to decrypt one vector under some keys, counted as `multiScalar` works, in units of those
 * inside a sum: table entries and doublings come one by one. */
function additions({ length, keys, entries }: OperationSize): number {
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

const linear: Features = ({ length }) => [1, length];
const perKey: Features = ({ length, keys }) => [1, keys, keys * length];
const dimension = ({ length }: OperationSize) => length + 2;
const inN: Features = (size) => [1, dimension(size)];
const inSquareN: Features = (size) => [1, dimension(size), dimension(size) ** 2];

/** The features of every operation and message: see `sampleCryptonn` and `sampleMitig1`. */
const FEATURES: Record<EncryptedScheme, Record<"seconds" | "bytes", Record<string, Features>>> = {
  cryptonn: {
    seconds: {
      setup: ({ length }) => [length],
      tables: ({ length }) => [length],
      encrypt: linear,
      keys: ({ length, keys }) => [keys, keys * length],
      decode: ({ length }) => [length + 1],
      decrypt: (size) => [additions(size), size.keys, 1],
    },
    bytes: { publicKey: linear, ciphertext: linear, request: perKey, keys: perKey },
  },
  mitig1: {
    seconds: {
      ...{ setup: inSquareN, encrypt: inSquareN, deriveKey: inSquareN },
      ...{ decodeCiphertext: inN, decodeKey: inN, prepare: inN, pair: inN },
    },
    bytes: { ciphertext: inN, key: inN },
  },
};

/** The schemes whose trainings are encrypted. */
export type EncryptedScheme = "cryptonn" | "mitig1";

/** What the operations and messages of a scheme cost: the coefficients of their features, by name. */
export interface CostModel {
  readonly scheme: EncryptedScheme;
  readonly seconds: Readonly<Record<string, readonly number[]>>;
  readonly bytes: Readonly<Record<string, readonly number[]>>;
  /** Of MITIG1's discrete logarithms. */
  readonly search: SearchCosts;
  /** Of the Workers that decrypt; null where only one core was asked for. */
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

/** Integers as they occur in the run: a step in the clear, which is cheap, yields some. */
export interface Entries {
  /** Small ones make CryptoNN's decryption cheaper; without them, normal ones of 10 bits. */
  readonly W1?: ArrayLike<number>;
  readonly dz1?: ArrayLike<number>;
  /** Distances of z1 from the guess, under MITIG1. */
  readonly distances?: ArrayLike<number>;
}

/** What a run would cost. */
export interface Prediction {
  readonly seconds: number;
  /** Seconds of each part; they add up to `seconds`. */
  readonly parts: Readonly<Record<string, number>>;
  /** Of each kind of message. */
  readonly bytes: Readonly<Record<string, number>>;
  /** Under MITIG1; else 0. */
  readonly millerLoops: number;
}

/** The sizes of the fits: [coordinates, keys]. */
const SIZES: Record<EncryptedScheme, readonly (readonly [length: number, keys: number])[]> = {
  cryptonn: [[8, 4], [8, 24], [24, 12], [110, 4], [110, 24]],
  mitig1: [[8, 1], [20, 1], [64, 1], [128, 1]],
};

/** Measures a scheme on this machine for a few seconds and fits its model.
 * @param options.cores Workers of CryptoNN to measure a pool of; 1 (default): no pool, no permission needed. The
 * pool of MITIG1's model is a perfect one: each core brings as much as the first.
 * @throws the signal's reason when aborted. */
export async function fitCost(
  scheme: EncryptedScheme,
  { cores = 1, signal, onProgress }: {
    readonly cores?: number;
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<CostModel> {
  const sizes = SIZES[scheme];
  const breathe = breather(signal);
  const samples: CostSample[] = [];
  for (const [length, keys] of sizes) {
    samples.push(
      scheme === "cryptonn"
        ? await sampleCryptonn(length, keys, signal)
        : sampleMitig1(await startPairing(), length),
    );
    onProgress?.(samples.length, sizes.length + 1);
    await breathe();
  }
  const search = scheme === "mitig1" ? sampleSearch(await startPairing()) : [];
  let pool: PoolCost | null = { startSeconds: 0, efficiency: 1 };
  if (scheme === "cryptonn") pool = cores > 1 ? await samplePool(cores, signal) : null;
  onProgress?.(sizes.length + 1, sizes.length + 1);
  const fitted = (kind: "seconds" | "bytes") =>
    Object.fromEntries(
      Object.entries(FEATURES[scheme][kind]).map(([name, features]) => [
        name,
        fitCosts(samples.map(({ size }) => features(size)), samples.map((s) => s[kind][name])),
      ]),
    );
  return { scheme, seconds: fitted("seconds"), bytes: fitted("bytes"), search, pool };
}

/** Seconds of a discrete logarithm at a distance, between the measured ones by the root of the distance. */
export function searchSeconds(search: SearchCosts, distance: number): number {
  const above = search.findIndex((point) => point.distance >= distance);
  if (above === 0) return search[0].seconds;
  if (above < 0) {
    const last = search.at(-1)!;
    return last.seconds * Math.sqrt(distance / last.distance);
  }
  const [low, high] = [search[above - 1], search[above]];
  const root = (d: number) => Math.sqrt(d);
  const share = (root(distance) - root(low.distance)) / (root(high.distance) - root(low.distance));
  return low.seconds + share * (high.seconds - low.seconds);
}

/** Predicts a training run.
 * @throws {RangeError} a size that is no positive integer, samples that are not whole batches, more than one
 * core without a measured pool, or, under MITIG1, no distances. */
export function predictCost(model: CostModel, run: RunSize, entries: Entries = {}): Prediction {
  for (const name of ["n", "hidden", "samples", "batch", "epochs", "cores"] as const) {
    if (!Number.isInteger(run[name]) || run[name] < 1) {
      throw new RangeError(`Cannot predict: ${name} = ${run[name]} is not a positive integer`);
    }
  }
  const { samples, batch, cores } = run;
  if (samples % batch !== 0) {
    throw new RangeError(`Cannot predict: ${samples} samples are not whole batches of ${batch}`);
  }
  if (cores > 1 && model.pool === null) {
    throw new RangeError(`Cannot predict for ${cores} cores: no pool was measured`);
  }
  const counts = model.scheme === "cryptonn" ? countCryptonn : countMitig1;
  const { parts, ...rest } = counts(model, run, entries);
  return { seconds: Object.values(parts).reduce((sum, part) => sum + part, 0), parts, ...rest };
}

/** The cost of an operation or message, by its name and the length of its vectors; and what a pool costs to start
 * and how much faster it decrypts than one core. */
function costsOf({ scheme, pool, ...model }: CostModel, { hidden, cores }: RunSize) {
  const of =
    (kind: "seconds" | "bytes") =>
    (name: string, length: number, entries: ArrayLike<number> = [0]) =>
      FEATURES[scheme][kind][name]({ length, keys: hidden, entries })
        .reduce((sum, feature, k) => sum + feature * model[kind][name][k], 0);
  const start = cores > 1 ? pool!.startSeconds : 0;
  const speed = cores > 1 ? 1 + (cores - 1) * pool!.efficiency : 1;
  return { seconds: of("seconds"), bytes: of("bytes"), start, speed };
}

function countCryptonn(
  model: CostModel,
  run: RunSize,
  { W1 = normalEntries(4096), dz1 = normalEntries(4096) }: Entries,
): Omit<Prediction, "seconds"> {
  const { n, samples, batch: m, epochs } = run;
  const { seconds, bytes, start, speed } = costsOf(model, run);
  const batches = samples / m;
  const steps = epochs * batches;
  // For the samples and keys of W1, and for the columns and keys of dz1.
  const both = (cost: typeof seconds, name: string) => cost(name, n) + cost(name, m);
  const decrypt = (length: number, values: ArrayLike<number>) =>
    seconds("decode", length) + seconds("decrypt", length, values);
  return {
    parts: {
      setup: both(seconds, "setup") + both(seconds, "tables") + start,
      encryptSamples: samples * seconds("encrypt", n),
      encryptColumns: batches * n * seconds("encrypt", m),
      keys: steps * both(seconds, "keys"),
      forward: steps * m * decrypt(n, W1) / speed,
      backward: steps * n * decrypt(m, dz1) / speed,
    },
    bytes: {
      publicKeys: both(bytes, "publicKey"),
      encryptedSamples: samples * bytes("ciphertext", n),
      encryptedColumns: batches * n * bytes("ciphertext", m),
      keyRequests: steps * both(bytes, "request"),
      keys: steps * both(bytes, "keys"),
    },
    millerLoops: 0,
  };
}

function countMitig1(
  model: CostModel,
  run: RunSize,
  { distances = [] }: Entries,
): Omit<Prediction, "seconds"> {
  if (distances.length === 0) throw new RangeError("Cannot predict: no distances");
  const { n, hidden, samples, batch, epochs } = run;
  const { seconds, bytes, start, speed } = costsOf(model, run);
  const keys = epochs * (samples / batch) * hidden;
  const decryptions = epochs * samples * hidden;
  let search = 0;
  for (let i = 0; i < distances.length; i++) search += searchSeconds(model.search, distances[i]);
  return {
    parts: {
      setup: seconds("setup", n) + start,
      encrypt: samples * seconds("encrypt", n),
      keys: keys * (seconds("deriveKey", n) + seconds("decodeKey", n)),
      receive: samples * (seconds("decodeCiphertext", n) + seconds("prepare", n)) / speed,
      pair: decryptions * seconds("pair", n) / speed,
      search: decryptions * search / distances.length / speed,
    },
    bytes: { ciphertexts: samples * bytes("ciphertext", n), keys: keys * bytes("key", n) },
    millerLoops: decryptions * (n + 3),
  };
}
