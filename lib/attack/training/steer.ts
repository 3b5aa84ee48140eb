/** A server that steers: it answers with a dz1 of its choice, and reads from a later z1 what that did to W1.
 *
 * Amplification. Target j goes back as dz1_j = M·e_u, all others with 0 in unit u. Then row u of W1 is moved by
 * −rate·M·x_j and by nothing else, and at the next visit of any sample i
 *
 *   z1_i[u](after) − z1_i[u](before) = −rate·M·⟨x_j, x_i⟩
 *
 * So one target a unit gives its inner product with every sample, known ones included: k of these are k linear
 * equations of x_j. Noise σ on z1 is an error of √2·σ/(rate·M) in the product, hence none once M is large; a client
 * that clips dz1_j to norm C makes M at most C. Several steers of one target add up, and several visits before and
 * after average: the product is the slope of z1 over the sum of what was sent.
 *
 * The two servers that train instead of compute are in `autoencoder.ts` and `hijack.ts`.
 * @module */
import { posteriorImages } from "./posterior.ts";
import type { KnownImages, TrainingRecovery } from "./recovery.ts";
import { type StepView, type TrainingView, type Visit, visitsOf } from "./view.ts";

/** What a server that steers is shown of a part of a batch: dz1 is the honest one. */
export type SteeredStep = Pick<StepView, "z1" | "labels"> & {
  readonly samples: Uint32Array;
  readonly dz1: Float32Array;
  /** How far W1 moves against dz1ᵀ·(inputScale·X). */
  readonly rate: number | null;
};

/** A server that steers: what goes back, `[m, units]`, in place of the honest dz1. */
export type Steering = (step: SteeredStep) => Float32Array;

/** Targets that go back amplified, unit u with `targets[u]`, at each of their visits `from` ≤ v < `to`, counted
 * from 0. */
export interface Round {
  readonly targets: Uint32Array;
  readonly from: number;
  readonly to: number;
}

/** Refuses what cannot be steered.
 * @throws {RangeError} M not finite or 0, rounds that overlap, a round without target or visit, more targets than units. */
function checkRounds(rounds: readonly Round[], units: number): void {
  if (rounds.length === 0) throw new RangeError("Cannot steer: there is no round");
  for (const [r, { targets, from, to }] of rounds.entries()) {
    if (targets.length === 0 || targets.length > units) {
      throw new RangeError(
        `Cannot steer: round ${r} has ${targets.length} targets, expected 1 to ${units}, one a unit`,
      );
    }
    const earliest = r === 0 ? 0 : rounds[r - 1].to;
    if (!(from >= earliest) || !(to > from) || !Number.isInteger(from) || !Number.isInteger(to)) {
      throw new RangeError(
        `Cannot steer: round ${r} is at visits ${from} to ${to}, expected integers, the first from ${earliest} on`,
      );
    }
  }
}

/** The amplifying server. Units that no round uses go back as they are, so what the client sees of the training
 * goes on.
 * @param options.M what a target goes back with.   @param options.units of z1.
 * @throws {RangeError} M that is 0 or not finite; rounds without target, of more targets than units, or that overlap. */
export function amplifier(
  rounds: readonly Round[],
  { M, units }: { readonly M: number; readonly units: number },
): Steering {
  if (!Number.isFinite(M) || M === 0) {
    throw new RangeError(`Cannot steer: M = ${M}, expected a finite number other than 0`);
  }
  checkRounds(rounds, units);
  const steered = Math.max(...rounds.map(({ targets }) => targets.length));
  const unitOf = rounds.map(({ targets }) => new Map(Array.from(targets, (name, u) => [name, u])));
  const visits = new Map<number, number>();
  return ({ samples, dz1 }) => {
    const sent = dz1.slice();
    samples.forEach((name, row) => {
      const visit = visits.get(name) ?? 0;
      visits.set(name, visit + 1);
      const at = row * units;
      sent.fill(0, at, at + steered);
      const round = rounds.findIndex(({ from, to }) => visit >= from && visit < to);
      const unit = unitOf[round]?.get(name);
      if (unit === undefined) return;
      sent.fill(0, at, at + units);
      sent[at + unit] = M;
    });
    return sent;
  };
}

/** What is read of a plan of rounds. */
export interface Products {
  /** The targets of all rounds. */
  readonly targets: Uint32Array;
  /** `[targets, readers]`, ⟨x_j, x_i⟩ of inputScale·x. */
  readonly G: Float64Array;
  /** Variance of an entry of G where z1 carries noise of deviation 1. */
  readonly variance: number;
}

/** Reads the inner products of each target with each reader.
 * @param options.clip norm to which the client is known to shorten a dz1.
 * @throws {RangeError} a reader that was not met both before and after a steer; W1 that does not move by plain
 * descent; a clip that is not positive. {TypeError} samples without names. */
export function readProducts(
  view: TrainingView,
  rounds: readonly Round[],
  readers: Uint32Array,
  { clip = Infinity }: { readonly clip?: number } = {},
): Products {
  checkRounds(rounds, view.units);
  if (!(clip > 0)) throw new RangeError(`Cannot read: clip = ${clip} is not positive`);
  const visits = visitsOf(view);
  const visitsTo = (name: number): readonly Visit[] => visits.get(name) ?? [];
  const steps = rounds.map(({ targets, from, to }) =>
    Array.from(targets, (name) => visitsTo(name).slice(from, to))
  );
  const targets = rounds.flatMap(({ targets }) => [...targets]);
  const G = new Float64Array(targets.length * readers.length);
  let [variance, line] = [0, 0];
  for (const [r, { targets }] of rounds.entries()) {
    for (let u = 0; u < targets.length; u++, line++) {
      const begin = r === 0 ? -1 : steps[r - 1][u]?.at(-1)?.step ?? -1;
      const end = steps[r + 1]?.[u]?.[0]?.step ?? Infinity;
      const sent = steps[r][u].map(({ step, row }) => {
        const { dz1, rate } = view.steps[step];
        if (rate === null) {
          throw new RangeError("Cannot read: W1 does not move by plain descent, its rate is null");
        }
        const value = dz1[row * view.units + u];
        return { step, push: rate * Math.sign(value) * Math.min(Math.abs(value), clip) };
      });
      for (const [i, name] of readers.entries()) {
        const met = visitsTo(name).filter(({ step }) => step > begin && step <= end);
        const { slope, spread } = slopeOf(
          met.map(({ step }) =>
            sent.reduce((sum, { step: then, push }) => sum + (then < step ? push : 0), 0)
          ),
          met.map(({ step, row }) => view.steps[step].z1[row * view.units + u]),
        );
        if (!(spread > 0)) {
          throw new RangeError(
            `Cannot read: sample ${name} has no visit before, or none after, the steer of target ${
              targets[u]
            } at visit ${rounds[r].from}`,
          );
        }
        G[line * readers.length + i] = -slope;
        variance += 1 / spread;
      }
    }
  }
  return { targets: Uint32Array.from(targets), G, variance: variance / G.length };
}

/** Least squares: y over x with a free height. @returns the slope and Σ(x − x̄)². */
function slopeOf(x: readonly number[], y: readonly number[]): { slope: number; spread: number } {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const spread = x.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { slope: x.reduce((sum, value, k) => sum + (value - mean) * y[k], 0) / spread, spread };
}

/** The targets' images, from their inner products with known images.
 * @param options.noise deviation of what the client is known to add to z1.   @param options.clip see `readProducts`.
 * @returns status "failed" where a sample was not met often enough, or W1 cannot be followed.
 * @throws {RangeError} no known image, rounds that cannot be. {TypeError} samples or labels that are missing. */
export function fromAmplified(
  view: TrainingView,
  { rounds, known, noise = 0, clip }: {
    readonly rounds: readonly Round[];
    readonly known: KnownImages;
    readonly noise?: number;
    readonly clip?: number;
  },
): TrainingRecovery {
  const started = performance.now();
  if (known.samples.length === 0) {
    throw new RangeError("Cannot steer: k = 0, expected known images");
  }
  const outcome = {
    samples: Uint32Array.from(rounds.flatMap(({ targets }) => [...targets])),
    ...{ X: null, G: null, message: "" },
    assumption: `${known.samples.length} known images; the server chooses dz1`,
  };
  let products: Products;
  try {
    products = readProducts(view, rounds, known.samples, { clip });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const elapsedMs = performance.now() - started;
    return { ...outcome, status: "failed", message: error.message, elapsedMs };
  }
  const toUnit = 255 * view.inputScale; // inputScale·x is toUnit times x/255
  const X = posteriorImages(
    products.G.map((value) => value / toUnit ** 2),
    labelsOf(view, products.targets),
    { A: Float64Array.from(known.x, (x) => x / 255), labels: labelsOf(view, known.samples) },
    noise * Math.sqrt(products.variance) / toUnit ** 2,
  );
  return {
    ...outcome,
    status: "estimate",
    X: X.map((x) => 255 * x),
    elapsedMs: performance.now() - started,
  };
}

/** The labels of samples. @throws {TypeError} the view has none. */
export function labelsOf(view: TrainingView, samples: Uint32Array): Uint8Array {
  const all = new Map<number, number>();
  for (const { samples, labels } of view.steps) {
    samples?.forEach((name, row) => labels && all.set(name, labels[row]));
  }
  return Uint8Array.from(samples, (name) => {
    const label = all.get(name);
    if (label === undefined) throw new TypeError(`Cannot steer: sample ${name} has no label`);
    return label;
  });
}
