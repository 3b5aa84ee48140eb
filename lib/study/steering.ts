/** Servers that steer against what a client can do about it: each pair trained between the real parties, then the
 * server's best guess of private images, beside what the client was told in the meantime.
 * @module */
import { autoencoder, fromCodes } from "../attack/training/autoencoder.ts";
import { fromHijacked, Hijacker } from "../attack/training/hijack.ts";
import { classMeans, fromLabels, gramOf, meanMse, part } from "../attack/training/leakage.ts";
import { pilotOf } from "../attack/training/pilot.ts";
import type { KnownImages, LabelledImages } from "../attack/training/recovery.ts";
import {
  amplifier,
  fromAmplified,
  readProducts,
  type Round,
  type Steering,
} from "../attack/training/steer.ts";
import { ssim } from "../attack/metrics.ts";
import { type Dataset, firstImages, type SplitDataset } from "../data/dataset.ts";
import { multiplyTransposed } from "../math/dense.ts";
import { seededRng } from "../math/rng.ts";
import { startBackend } from "../nn/backend.ts";
import { DESCENT, type Setting } from "../nn/optimizer.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { lineFigure } from "../plot/line.ts";
import type { Guard } from "../protocol/mitig2/guard.ts";
import { NARROW } from "../protocol/mitig3/terms.ts";
import { percent } from "../sweep/summary.ts";
import { type Steered, steerMitig2, steerMitig3 } from "./steered.ts";

/** What a client does about it. */
export type Defence = "none" | "noise" | "clip" | "both" | "mitig3";

/** What a server does. */
export type Server = "honest" | "amplify" | "repeat" | "autoencoder" | "disguised" | "hijack";

const DEFENCES: Readonly<Record<Defence, string>> = {
  none: "MITIG2",
  noise: "MITIG2, noise 1",
  clip: "MITIG2, clip 1",
  both: "MITIG2, noise 1, clip 1",
  mitig3: "mitig3",
};

const GUARDS: Readonly<Record<Exclude<Defence, "mitig3">, Guard>> = {
  none: {},
  noise: { noise: 1 },
  clip: { clip: 1 },
  both: { noise: 1, clip: 1 },
};

const SERVERS: Readonly<Record<Server, string>> = {
  honest: "honest",
  amplify: "amplification",
  repeat: "amplification, the same targets at each visit",
  autoencoder: "auto-encoder",
  disguised: "auto-encoder, honest to all others",
  hijack: "hijacking",
};

/** The pairs of the table by default. Codes of mitig3 are no product with x, so there is nothing to amplify. */
export const PAIRS: readonly (readonly [Server, Defence])[] = [
  ...(["none", "noise", "clip", "both", "mitig3"] as const).map((d) => ["honest", d] as const),
  ...(["none", "noise", "clip", "both"] as const).map((d) => ["amplify", d] as const),
  ["repeat", "both"],
  ...(["none", "noise", "clip", "both", "mitig3"] as const).map((d) => ["autoencoder", d] as const),
  ["disguised", "mitig3"],
  ["hijack", "none"],
];

/** M of an amplified target, and the length of a known sample's dz1 where the client does not clip. */
export const AMPLIFICATION = 1e6;
const LENGTH = 10;
/** Of the hijack: pilot codes, and how it goes. */
const HIJACK = { d: 32, strength: 1, rate: 0.001, penalty: 3 };

/** Sizes of the experiment. */
export interface SteeringOptions extends Partial<On> {
  /** Private images of the training: the first of the data. */
  readonly images: number;
  /** Those of them that the server knows: the first. */
  readonly known: number;
  /** Those that it is after: the last. */
  readonly victims: number;
  /** Public images, for the hijack: those of the data that follow. */
  readonly publicImages: number;
  readonly epochs: number;
  /** Test images, whose accuracy the client is told. */
  readonly tests: number;
  readonly hidden?: number;
  readonly seed: number;
  readonly pairs?: typeof PAIRS;
}

/** What became of one pair. */
export interface Outcome {
  readonly server: Server;
  readonly defence: Defence;
  /** `[victims, n]`, 0..255. */
  readonly X: Float64Array;
  readonly mse: number;
  readonly part: number;
  /** Null for images under 11 × 11. */
  readonly ssim: number | null;
  /** Test accuracy that the client was told of, by epoch. */
  readonly accuracy: readonly number[];
  /** Of the norms of dz as sent: the largest, and the share above 1. */
  readonly longest: number;
  readonly above1: number;
}

/** The plain descent of the mitigations, in the data's order, so that the server knows its samples. */
const settingOf = (epochs: number): Setting => ({ ...DESCENT, epochs, shuffle: false });

/** Who is who in a training. */
interface Roles {
  readonly data: SplitDataset;
  readonly known: KnownImages;
  readonly victims: Uint32Array;
  readonly publicImages: LabelledImages;
}

function rolesOf(all: SplitDataset, options: SteeringOptions): Roles {
  const { images, known: k, victims: v, publicImages, epochs, tests } = options;
  const { train, test } = all;
  const n = train.n;
  if (k < 2 || v < 1 || k + v > images || images + publicImages > train.count) {
    throw new RangeError(
      `Cannot steer: ${k} known and ${v} victims of ${images} images, ${publicImages} public ones of ${
        train.count - images
      } left`,
    );
  }
  if (epochs < 3) {
    throw new RangeError(`Cannot steer: ${epochs} epochs, expected 3: before, steer, after`);
  }
  const range = (from: number, count: number) =>
    Uint32Array.from({ length: count }, (_, i) => from + i);
  return {
    data: { train: firstImages(train, images), test: firstImages(test, tests) },
    known: { samples: range(0, k), x: train.x.subarray(0, k * n) },
    victims: range(images - v, v),
    publicImages: {
      x: train.x.subarray(images * n, (images + publicImages) * n),
      y: train.y.subarray(images, images + publicImages),
    },
  };
}

/** Victims as targets, as many a round as there is room for; or the first of them again and again. */
function roundsOf(victims: Uint32Array, units: number, epochs: number, repeat: boolean): Round[] {
  if (repeat) return [{ targets: victims.slice(0, units), from: 1, to: epochs - 1 }];
  const each = Math.ceil(victims.length / (epochs - 2));
  if (each > units) {
    throw new RangeError(
      `Cannot steer: ${victims.length} targets, at most ${
        units * (epochs - 2)
      } in ${epochs} epochs`,
    );
  }
  return Array.from({ length: Math.ceil(victims.length / each) }, (_, r) => ({
    targets: victims.slice(r * each, (r + 1) * each),
    from: r + 1,
    to: r + 2,
  }));
}

/** Trains each pair and reads what the server can.
 * @throws {RangeError} sizes that leave nothing to read.   @throws the signal's reason when aborted. */
export async function compareSteering(
  all: SplitDataset,
  options: SteeringOptions,
): Promise<SteeringStudy> {
  const { pairs = PAIRS, onProgress, onMessage } = options;
  await startBackend();
  const roles = rolesOf(all, options);
  const outcomes: Outcome[] = [];
  for (const [done, [server, defence]] of pairs.entries()) {
    onProgress?.(done, pairs.length);
    onMessage?.(`${SERVERS[server]} server, ${DEFENCES[defence]}`);
    outcomes.push(await outcomeOf(server, defence, roles, options));
  }
  onProgress?.(pairs.length, pairs.length);
  return new SteeringStudy(outcomes, roles, options);
}

async function outcomeOf(
  server: Server,
  defence: Defence,
  roles: Roles,
  options: SteeringOptions,
): Promise<Outcome> {
  const { data, known, victims, publicImages } = roles;
  const { epochs, hidden = 300, seed, signal } = options;
  const guard = defence === "mitig3" ? { clip: 1 } : GUARDS[defence];
  const units = defence === "mitig3" ? data.train.classes.length : hidden;
  const run = (steering: Steering | null): Promise<Steered> => {
    const how = { hidden, seed, keep: [...known.samples, ...victims], signal };
    return defence === "mitig3"
      ? steerMitig3(data, steering, { ...how, setting: { ...NARROW, epochs } })
      : steerMitig2(data, steering, { ...how, setting: settingOf(epochs), guard });
  };
  const measured = (samples: Uint32Array, X: Float64Array, steered: Steered): Outcome => {
    const truth = imagesOf(data.train, samples);
    const labels = Uint8Array.from(samples, (i) => data.train.y[i]);
    const { n, shape } = data.train;
    const small = shape[0] < 11 || shape[1] < 11;
    let sum = 0;
    for (let i = 0; i < samples.length && !small; i++) {
      sum += ssim(X.subarray(i * n, (i + 1) * n), truth.subarray(i * n, (i + 1) * n), [...shape]);
    }
    return {
      ...{ server, defence, X, mse: meanMse(X, truth) },
      part: part(gramOf(X, samples.length), gramOf(truth, samples.length), labels),
      ssim: small ? null : sum / samples.length,
      accuracy: steered.reports.map(({ testAccuracy }) => testAccuracy),
      ...{ longest: steered.longest, above1: steered.above1 },
    };
  };
  if (server === "amplify" || server === "repeat") {
    const rounds = roundsOf(victims, hidden, epochs, server === "repeat");
    const steered = await run(amplifier(rounds, { M: AMPLIFICATION, units }));
    const found = fromAmplified(steered.view, { rounds, known, ...guard });
    if (found.X === null) throw new Error(found.message);
    return measured(found.samples, found.X, steered);
  }
  if (server === "hijack") {
    const pilot = pilotOf(publicImages, HIJACK.d);
    using hijacker = new Hijacker({
      ...{ ...HIJACK, pilot, publicImages, units, rng: seededRng(seed) },
      classes: data.train.classes.length,
    });
    const steered = await run(hijacker.steer);
    const { X } = fromHijacked(steered.view, { pilot, samples: victims });
    return measured(victims, X!, steered);
  }
  const steered = await run(
    server === "honest" ? null : autoencoder(known, {
      ...{ length: guard.clip ?? LENGTH, units, visits: epochs, clip: guard.clip },
      ...{ inputScale: 1 / 255, disguise: server === "disguised" },
    }),
  );
  const visits = defence === "mitig3" ? epochs : 1;
  const { X } = fromCodes(steered.view, { known, samples: victims, visits });
  return measured(victims, X!, steered);
}

/** Pixels of samples, `[samples, n]`. */
function imagesOf({ x, n }: Dataset, samples: Uint32Array): Float64Array {
  const out = new Float64Array(samples.length * n);
  samples.forEach((i, k) => out.set(x.subarray(i * n, (i + 1) * n), k * n));
  return out;
}

/** All pairs, side by side. */
export class SteeringStudy {
  /** The class means of the known images, which the labels alone give: what a victim looks like to a server that
   * reads nothing else. */
  readonly floor: number;
  readonly #means: Float64Array;

  constructor(
    readonly outcomes: readonly Outcome[],
    private readonly roles: Roles,
    private readonly options: SteeringOptions,
  ) {
    const { data: { train }, known, victims } = roles;
    const y = train.y.subarray(0, known.samples.length);
    const means = classMeans({ x: known.x, y }, train.classes.length);
    const labels = Uint8Array.from(victims, (i) => train.y[i]);
    this.#means = fromLabels(labels, means, train.n);
    this.floor = meanMse(this.#means, imagesOf(train, victims));
  }

  /** What became of a pair. @throws {RangeError} it was not run. */
  of(server: Server, defence: Defence): Outcome {
    const outcome = this.outcomes.find((o) => o.server === server && o.defence === defence);
    if (!outcome) throw new RangeError(`Cannot tell: ${server} against ${defence} was not run`);
    return outcome;
  }

  /** A row per pair. */
  table(): Table {
    const { known, victims } = this.options;
    return table({
      title: `${victims} private images, ${known} known ones; the class mean has MSE ${
        this.floor.toFixed(4)
      }`,
      columns: ["client", "server", "MSE", "part", "SSIM", "accuracy told, first to last epoch"],
      rows: this.outcomes.map(({ server, defence, mse, part, ssim, accuracy }) => [
        ...[DEFENCES[defence], SERVERS[server], mse.toPrecision(2), part.toFixed(2)],
        ...[ssim?.toFixed(2) ?? "–", accuracy.map((share) => percent(share)).join(", ")],
      ]),
    });
  }

  /** Private images, and below them what each server makes of them. */
  grid(name: string): Figure {
    const { data: { train }, victims } = this.roles;
    const { n } = train;
    const count = Math.min(8, victims.length);
    const of = (X: ArrayLike<number>) =>
      Array.from({ length: count }, (_, i) => Array.from(X).slice(i * n, (i + 1) * n));
    const rows = ([
      ["amplification\nMITIG2, noise 1", "amplify", "noise"],
      ["auto-encoder\nMITIG2, noise 1", "autoencoder", "noise"],
      ["hijacking\nMITIG2", "hijack", "none"],
      ["amplification\nnoise 1, clip 1", "amplify", "both"],
      ["auto-encoder\nmitig3", "autoencoder", "mitig3"],
    ] as const).filter(([, server, defence]) =>
      this.outcomes.some((o) => o.server === server && o.defence === defence)
    );
    return imageGrid({
      ...{ name, title: "What a server that steers makes of private images" },
      alt: "Against MITIG2 the digits come back through noise; under mitig3 what comes back is " +
        "near the mean image of the class.",
      shape: [...train.shape],
      rows: [
        { label: "private", images: of(imagesOf(train, victims.subarray(0, count))) },
        ...rows.map(([label, server, defence]) => ({
          label,
          images: of(this.of(server, defence).X.subarray(0, count * n)),
        })),
        { label: "class mean", images: of(this.#means.subarray(0, count * n)) },
      ],
    });
  }
}

/** How well amplified inner products are read, against M. */
export interface Amplified {
  readonly M: number;
  readonly clip: boolean;
  /** Correlation with the true ones, over all targets and known images. */
  readonly correlation: number;
}

/** The correlations of a sweep of M under noise. */
export class AmplifiedSweep {
  constructor(readonly points: readonly Amplified[], private readonly noise: number) {}

  /** @throws {RangeError} it was not run. */
  at(M: number, clip: boolean): number {
    const point = this.points.find((p) => p.M === M && p.clip === clip);
    if (!point) throw new RangeError(`Cannot tell: M = ${M} was not run`);
    return point.correlation;
  }

  /** Correlation against M, with and without the clip. */
  figure(name: string): Figure {
    const lineOf = (clip: boolean) => {
      const points = this.points.filter((point) => point.clip === clip);
      return { x: points.map(({ M }) => M), y: points.map(({ correlation }) => correlation) };
    };
    return lineFigure({
      ...{ name, title: `Inner products read through noise ${this.noise}` },
      alt: "Without a clip the correlation rises to 1 as M grows; with a clip of 1 it stays low.",
      xAxis: { title: "M, the length of a target's dz1", unit: "count", log: true },
      yAxis: { title: "correlation with the true inner products", unit: "count" },
      series: [
        { name: "no clip", ...lineOf(false) },
        { name: "clip 1 at the client", ...lineOf(true) },
      ],
    });
  }
}

/** Amplifies with each M, once with and once without a clip of 1, and compares what is read with the truth.
 * @throws as `compareSteering`. */
export async function sweepAmplification(
  all: SplitDataset,
  { Ms, noise = 1, ...options }: SteeringOptions & {
    readonly Ms: readonly number[];
    readonly noise?: number;
  },
): Promise<AmplifiedSweep> {
  const { epochs, hidden = 300, seed, signal, onProgress } = options;
  await startBackend();
  const { data, known, victims } = rolesOf(all, options);
  const rounds = roundsOf(victims.slice(0, hidden), hidden, 3, false);
  const scaled = (samples: Uint32Array) => imagesOf(data.train, samples).map((x) => x / 255);
  const truth = multiplyTransposed(scaled(rounds[0].targets), scaled(known.samples), {
    n: data.train.n,
  });
  const points: Amplified[] = [];
  for (const clip of [undefined, 1]) {
    for (const M of Ms) {
      const { view } = await steerMitig2(data, amplifier(rounds, { M, units: hidden }), {
        ...{ setting: settingOf(epochs), hidden, guard: { noise, clip }, seed, signal },
        keep: [...known.samples, ...victims],
      });
      const { G } = readProducts(view, rounds, known.samples, { clip });
      points.push({ M, clip: clip !== undefined, correlation: correlation(G, truth) });
      onProgress?.(points.length, 2 * Ms.length);
    }
  }
  return new AmplifiedSweep(points, noise);
}

function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (v: Float64Array) => v.reduce((sum, value) => sum + value, 0) / v.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] - meanA, b[i] - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb);
}
