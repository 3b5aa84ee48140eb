/** What training under MITIG1 costs, predicted from costs measured on this machine.
 *
 * Everything is counted: with N = n + 2 elements a vector,
 *
 *   setup      B = L·U, N² field elements
 *   client     a sample, once: two triangular solves (N²) and N + 1 powers of g2
 *              a row of W1, every step: two triangular products (N²) and N + 1 powers of g1
 *   server     a ciphertext, once: N + 1 points decoded and checked, the lines of N + 1 Miller loops
 *              a key, every step, in every Worker: N + 1 points decoded and checked
 *              a sample and a row: N + 1 Miller loops, two final exponentiations, a discrete logarithm
 *
 * and a discrete logarithm costs by its distance from the guess, which is the z1 of the epoch before. The
 * coefficients are fitted to single operations at small n. The later layers, float64, are left out.
 * @module */
import {
  type Ciphertext,
  encrypt,
  type FhipeParams,
  type FunctionalKey,
  keyDerive,
  pairings,
  prepareCiphertext,
  setup,
} from "../../fe/fhipe.ts";
import {
  decodeCiphertext,
  decodeFunctionalKey,
  encodeCiphertext,
  encodeFunctionalKey,
} from "../../fe/fhipe_encoding.ts";
import { fitCosts } from "../../math/linear_fit.ts";
import { type PairingGroup, powerGT, solveGT } from "../../math/pairing/group.ts";
import { breather } from "../../workers/pool.ts";
import { secondsOf } from "../seconds_of.ts";

/** Seconds, or bytes, as a polynomial in N: [1, N] or [1, N, N²]. */
export type Polynomial = readonly number[];

/** Coefficients in seconds and bytes. */
export interface CostModel {
  readonly seconds: {
    readonly setup: Polynomial;
    readonly encrypt: Polynomial;
    readonly keyDerive: Polynomial;
    readonly decodeCiphertext: Polynomial;
    readonly decodeKey: Polynomial;
    readonly prepare: Polynomial;
    readonly pair: Polynomial;
  };
  /** Seconds of a discrete logarithm at some distances from the guess, ascending. */
  readonly search: readonly { readonly distance: number; readonly seconds: number }[];
  readonly bytes: { readonly ciphertext: Polynomial; readonly key: Polynomial };
}

/** A training run. */
export interface RunSize {
  readonly n: number;
  readonly hidden: number;
  readonly samples: number;
  readonly batch: number;
  readonly epochs: number;
  /** How many cores' worth of decryption the server has: 1, or what a pool of Workers was measured to bring. */
  readonly speed: number;
}

/** What a run would cost. */
export interface Prediction {
  readonly seconds: number;
  /** They add up to `seconds`. */
  readonly parts: {
    readonly setup: number;
    readonly encrypt: number;
    readonly keys: number;
    readonly receive: number;
    readonly pair: number;
    readonly search: number;
  };
  readonly millerLoops: number;
  readonly bytes: { readonly ciphertexts: number; readonly keys: number };
}

/** The sizes of the fit. */
const FIT_SIZES = [8, 20, 64, 128];
const DISTANCES = [0, 64, 512, 4096, 32768, 2 ** 18, 2 ** 21];
const [BOUND_X, BOUND_Y] = [255, 2 ** 13];

/** Every operation at one size. */
function measure(pp: FhipeParams) {
  const { n, group } = pp;
  const x = Uint8Array.from({ length: n }, (_, i) => (37 * i) % 256);
  const y = Int32Array.from({ length: n }, (_, i) => (i % 2 ? -1 : 1) * ((91 * i) % 1000));
  const msk = setup(pp);
  const bytes = {
    ciphertext: encodeCiphertext(encrypt(msk, x)),
    key: encodeFunctionalKey(keyDerive(msk, y)),
  };
  const ctX: Ciphertext = decodeCiphertext(group, bytes.ciphertext);
  const skY: FunctionalKey = decodeFunctionalKey(group, bytes.key);
  const lines = prepareCiphertext(ctX);
  return {
    n,
    seconds: {
      setup: secondsOf(() => setup(pp)),
      encrypt: secondsOf(() => encodeCiphertext(encrypt(msk, x))),
      keyDerive: secondsOf(() => encodeFunctionalKey(keyDerive(msk, y))),
      decodeCiphertext: secondsOf(() => decodeCiphertext(group, bytes.ciphertext)),
      decodeKey: secondsOf(() => decodeFunctionalKey(group, bytes.key)),
      prepare: secondsOf(() => prepareCiphertext(ctX)),
      pair: secondsOf(() => pairings(skY, lines)),
    },
    bytes: { ciphertext: bytes.ciphertext.length, key: bytes.key.length },
  };
}

/** Seconds of a discrete logarithm at some distances. */
function measureSearch(group: PairingGroup): CostModel["search"] {
  const msk = setup({ group, n: 1, boundX: 1, boundY: 1 });
  const lines = prepareCiphertext(encrypt(msk, [1]));
  const [base] = pairings(keyDerive(msk, [1]), lines);
  return DISTANCES.map((distance) => {
    const target = powerGT(group, base, distance);
    return { distance, seconds: secondsOf(() => solveGT(group, base, target, 2 ** 24)) };
  });
}

const dimension = (n: number) => n + 2;
const powers = (n: number, degree: number) =>
  Array.from({ length: degree + 1 }, (_, k) => dimension(n) ** k);
const at = (polynomial: Polynomial, n: number) =>
  powers(n, polynomial.length - 1).reduce((sum, power, k) => sum + power * polynomial[k], 0);

/** Measures this machine for a few seconds and fits the model.
 * @throws the signal's reason when aborted. */
export async function fitCostModel(
  group: PairingGroup,
  { signal, onProgress }: {
    signal?: AbortSignal;
    onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<CostModel> {
  const breathe = breather(signal);
  const total = FIT_SIZES.length + 1;
  const samples: ReturnType<typeof measure>[] = [];
  for (const n of FIT_SIZES) {
    samples.push(measure({ group, n, boundX: BOUND_X, boundY: BOUND_Y }));
    onProgress?.(samples.length, total);
    await breathe();
  }
  const search = measureSearch(group);
  onProgress?.(total, total);
  const fit = (value: (s: (typeof samples)[number]) => number, degree: number) =>
    fitCosts(samples.map(({ n }) => powers(n, degree)), samples.map(value));
  const seconds = (name: keyof (typeof samples)[number]["seconds"], degree: number) =>
    fit((s) => s.seconds[name], degree);
  return {
    seconds: {
      setup: seconds("setup", 2),
      encrypt: seconds("encrypt", 2),
      keyDerive: seconds("keyDerive", 2),
      decodeCiphertext: seconds("decodeCiphertext", 1),
      decodeKey: seconds("decodeKey", 1),
      prepare: seconds("prepare", 1),
      pair: seconds("pair", 1),
    },
    search,
    bytes: { ciphertext: fit((s) => s.bytes.ciphertext, 1), key: fit((s) => s.bytes.key, 1) },
  };
}

/** Seconds of a discrete logarithm at a distance, between the measured ones. */
export function searchSeconds({ search }: CostModel, distance: number): number {
  const above = search.findIndex((point) => point.distance >= distance);
  if (above === 0) return search[0].seconds;
  if (above < 0) { // beyond: with the root of the distance
    const last = search.at(-1)!;
    return last.seconds * Math.sqrt(distance / last.distance);
  }
  const [low, high] = [search[above - 1], search[above]];
  const root = (d: number) => Math.sqrt(d);
  const share = (root(distance) - root(low.distance)) / (root(high.distance) - root(low.distance));
  return low.seconds + share * (high.seconds - low.seconds);
}

/** Predicts a training run.
 * @param distances of z1 from the guess, some that occur in such a run: a run in the clear yields them.
 * @throws {RangeError} a size that is no positive integer, or no distances. */
export function predict(
  model: CostModel,
  size: RunSize,
  distances: ArrayLike<number>,
): Prediction {
  for (const name of ["n", "hidden", "samples", "batch", "epochs"] as const) {
    if (!Number.isInteger(size[name]) || size[name] < 1) {
      throw new RangeError(`Cannot predict: ${name} = ${size[name]} is not a positive integer`);
    }
  }
  if (!(size.speed > 0)) throw new RangeError(`Cannot predict: speed = ${size.speed}`);
  if (distances.length === 0) throw new RangeError("Cannot predict: no distances");
  const { n, hidden, samples, batch, epochs, speed } = size;
  const { seconds, bytes } = model;
  const steps = epochs * Math.ceil(samples / batch);
  const decryptions = epochs * samples * hidden;
  let search = 0;
  for (let i = 0; i < distances.length; i++) search += searchSeconds(model, distances[i]);
  const parts = {
    setup: at(seconds.setup, n),
    encrypt: samples * at(seconds.encrypt, n),
    keys: steps * hidden * (at(seconds.keyDerive, n) + at(seconds.decodeKey, n)),
    receive: samples * (at(seconds.decodeCiphertext, n) + at(seconds.prepare, n)) / speed,
    pair: decryptions * at(seconds.pair, n) / speed,
    search: decryptions * search / distances.length / speed,
  };
  return {
    parts,
    seconds: Object.values(parts).reduce((sum, part) => sum + part, 0),
    millerLoops: decryptions * (dimension(n) + 1),
    bytes: {
      ciphertexts: samples * at(bytes.ciphertext, n),
      keys: steps * hidden * at(bytes.key, n),
    },
  };
}
