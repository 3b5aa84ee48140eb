/** Blind alignment: private images from one visit's z1, with no known pair and no W1; public images of the same kind and
 * the labels are enough.
 *
 * Both sides are taken to white coordinates of D dimensions (`align_moments.ts`): public images w, private codes z. If z1
 * = W1·x + noise, then z = Q·w + noise with Q orthogonal, and the mean m and covariance S of each class go along:
 *
 *   mean_c(z) = Q·m_c,   Cov_c(z) = Q·S_c·Qᵀ + N   ⟹   Q·S_c − (Cov_c(z) − N)·Q = 0
 *
 * Both are linear in Q, D² unknowns under classes·(D² + D) equations, so least squares finds Q from nowhere, without a
 * start to guess. Its polar factor is the orthogonal matrix next to it. Each image is then the mean of its posterior
 * under the Gaussian of its class,
 *
 *   w | z, c ≈ m_c + S_c·Qᵀ(Q·S_c·Qᵀ + N)⁻¹(z − Q·m_c).
 *
 * Akin: aligning embeddings of two languages without a dictionary (A. Conneau et al., "Word Translation Without Parallel
 * Data", ICLR 2018); here classes make it linear. Tried in a prototype and left out: matching the moments by Adam from
 * the eigenvectors, which on trained layers ended at four times the error; and rounds of nearest public images with a
 * refit, whose first gains up to 5 % and whose later ones lose it. A wrong rotation is possible, and nothing here shows
 * it: where the covariances of all classes share their eigenvectors, signs are left open.
 * @module */
import {
  cholesky,
  dot,
  forward,
  multiplyTransposed,
  solveForward,
  transpose,
} from "../../math/dense.ts";
import { breather } from "../../workers/pool.ts";
import { type ClassMoments, classMoments, toWhite, type White, whiten } from "./align_moments.ts";
import { rotation } from "./align_rotation.ts";
import type { LabelledImages, TrainingRecovery } from "./recovery.ts";
import { type TrainingView, visitsOf } from "./view.ts";

/** A direction of z1 is taken while its variance is this many times that of the rest. */
const LEAST_SIGNAL = 1.5;

/** Dimensions to align by default. */
const COMPONENTS = 110;

/** What the server of an alignment knows beside its view. */
export interface AlignOptions {
  /** Of the same kind as the private ones, none of them private; at least two of each class that the view has. */
  readonly publicImages: LabelledImages;
  /** The most dimensions to align, at most pixels; fewer where z1 has fewer. */
  readonly components?: number;
  /** How many images to draw, the first of the visit. */
  readonly draw?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** One z1 of each sample. */
interface Codes {
  /** `[count, units]` */
  readonly z1: Float64Array;
  readonly labels: Uint8Array;
  readonly samples: Uint32Array;
}

/** Draws private images of one visit. Where the view names samples, the last visit of each is taken; where it does not,
 * each row is a sample: give the steps of one epoch, `{ ...view, steps: view.steps.slice(from, to) }`, and `samples` of
 * the result are the rows counted through them.
 * @returns an estimate, or "failed" where the view has too little: one class only, or z1 that do not vary.
 * @throws {TypeError} labels at the client, public images that are not whole. {RangeError} a class without two public
 * images, `components` or `draw` out of range.  @throws the signal's reason when aborted. */
export async function align(view: TrainingView, options: AlignOptions): Promise<TrainingRecovery> {
  const { draw = 1000, publicImages, signal, onProgress } = options;
  const started = performance.now();
  const n = view.shape[0] * view.shape[1] * view.shape[2];
  const { components = Math.min(COMPONENTS, n) } = options;
  if (!Number.isInteger(components) || components < 1 || components > n) {
    throw new RangeError(`Cannot align: components = ${components}, expected 1 to ${n} pixels`);
  }
  if (!Number.isInteger(draw) || draw < 1) {
    throw new RangeError(`Cannot align: draw = ${draw} is not a positive integer`);
  }
  const codes = codesOf(view);
  checkPublic(publicImages, codes.labels, { n, classes: view.classes });
  const breathe = breather(signal);
  const tell = async (done: number) => {
    onProgress?.(done, 5);
    await breathe();
    signal?.throwIfAborted();
  };
  const result = (status: "estimate" | "failed", X: Float64Array | null, message: string) => ({
    ...{ status, X, G: null, message, elapsedMs: performance.now() - started },
    samples: X === null ? new Uint32Array() : codes.samples.slice(0, X.length / n),
    assumption:
      `z1 is a linear map of images like the ${publicImages.y.length} public ones, the same for all samples`,
  });
  const known = publicSide(publicImages, components, view.classes);
  await tell(1);
  const { seen, noise } = privateWhite(codes, view.units, known);
  const D = seen.variances.length;
  const classes = new Set(codes.labels).size;
  if (D === 0) return result("failed", null, "z1 does not vary, or no more than its noise");
  if (classes < 2) return result("failed", null, "one class alone does not fix a rotation");
  await tell(2);
  const Z = toWhite(codes.z1, seen);
  const theirs = classMoments(Z, codes.labels, view.classes);
  const ours = leadingMoments(known.moments, D);
  await tell(3);
  const Q = await rotation(ours, theirs, noise, breathe);
  await tell(4);
  const rows = { Z: Z.subarray(0, Math.min(draw, codes.labels.length) * D), labels: codes.labels };
  const X = posteriorImages(rows, Q, { known, moments: ours, noise });
  onProgress?.(5, 5);
  return result("estimate", X, "");
}

/** One row for each sample. @throws {TypeError} labels at the client. */
function codesOf(view: TrainingView): Codes {
  const { units, steps } = view;
  const unlabelled = steps.findIndex(({ labels }) => labels === null);
  if (unlabelled >= 0) {
    throw new TypeError(`Cannot align: step ${unlabelled} has no labels, they are at the client`);
  }
  const rows = steps.every(({ samples }) => samples !== null)
    ? [...visitsOf(view)].map(([name, visits]) => ({ name, ...visits.at(-1)! }))
    : steps.flatMap(({ labels }, step) => Array.from(labels!, (_, row) => ({ name: 0, step, row })))
      .map((visit, name) => ({ ...visit, name }));
  const z1 = new Float64Array(rows.length * units);
  rows.forEach(({ step, row }, k) =>
    z1.set(steps[step].z1.subarray(row * units, (row + 1) * units), k * units)
  );
  return {
    z1,
    labels: Uint8Array.from(rows, ({ step, row }) => steps[step].labels![row]),
    samples: Uint32Array.from(rows, ({ name }) => name),
  };
}

function checkPublic(
  { x, y }: LabelledImages,
  labels: Uint8Array,
  { n, classes }: { n: number; classes: number },
): void {
  if (y.length === 0 || x.length !== y.length * n) {
    throw new TypeError(
      `Cannot align: publicImages have ${x.length} pixels for ${y.length} images of ${n}`,
    );
  }
  const counts = new Uint32Array(classes);
  for (const label of y) {
    if (label >= classes) {
      throw new RangeError(
        `Cannot align: label ${label} of publicImages is not below ${classes}`,
      );
    }
    counts[label]++;
  }
  for (const label of new Set(labels)) {
    if (counts[label] < 2) {
      throw new RangeError(
        `Cannot align: publicImages have ${counts[label]} of class ${label}, expected at least 2`,
      );
    }
  }
}

/** What is known of the public images. */
interface PublicSide {
  readonly white: White;
  readonly moments: ClassMoments;
}

/** Found once for the same images: it takes longer than all else. */
const publicSides = new WeakMap<LabelledImages, Map<number, PublicSide>>();

function publicSide(images: LabelledImages, components: number, classes: number): PublicSide {
  const kept = publicSides.get(images) ?? new Map<number, PublicSide>();
  publicSides.set(images, kept);
  let side = kept.get(components);
  if (side === undefined) {
    const white = whiten(images.x, images.x.length / images.y.length, components);
    side = { white, moments: classMoments(toWhite(images.x, white), images.y, classes) };
    kept.set(components, side);
  }
  return side;
}

/** White coordinates of z1, each class counting as often as among the public images: the directions that stand above
 * the rest, their variances without noise, and the noise of each in units of them. Noise is what z1 varies in directions
 * that are left out; where none is, what the public images vary in those for which z1 has no room. */
function privateWhite(
  { z1, labels }: Codes,
  units: number,
  { white, moments }: PublicSide,
): { seen: White; noise: Float64Array } {
  const counts = new Float64Array(moments.counts.length);
  for (const label of labels) counts[label]++;
  let known = 0; // public images of the classes that are met
  moments.counts.forEach((count, label) => known += counts[label] > 0 ? count : 0);
  const weights = Float64Array.from(
    labels,
    (label) => moments.counts[label] / known * labels.length / counts[label],
  );
  const seen = whiten(z1, units, white.variances.length, weights);
  const { rest, directions, variances: all } = seen;
  const total = all.filter((variance) => variance > LEAST_SIGNAL * rest);
  const D = total.length;
  const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
  const leftOut = sum(white.variances.subarray(D)) +
    white.rest * (white.mean.length - white.variances.length);
  const share = D < units ? 0 : leftOut / (leftOut + sum(white.variances.subarray(0, D)));
  const noises = total.map((variance) => D < units ? rest : share * variance);
  const variances = total.map((variance, k) => variance - noises[k]);
  return {
    seen: { ...seen, directions: directions.slice(0, D * units), variances },
    noise: noises.map((noise, k) => noise / variances[k]),
  };
}

/** The moments of the first D coordinates. */
function leadingMoments({ counts, means, covariances }: ClassMoments, D: number): ClassMoments {
  const all = means[0].length;
  const square = (S: Float64Array) =>
    Float64Array.from({ length: D * D }, (_, at) => S[Math.floor(at / D) * all + at % D]);
  return {
    counts,
    means: means.map((mean) => mean.slice(0, D)),
    covariances: covariances.map(square),
  };
}

/** The posterior mean of each row, as pixels in 0..255. */
function posteriorImages(
  { Z, labels }: { Z: Float32Array; labels: Uint8Array },
  Q: Float64Array,
  { known: { white }, moments, noise }: {
    known: PublicSide;
    moments: ClassMoments;
    noise: Float64Array;
  },
): Float64Array {
  const [D, n] = [noise.length, white.mean.length];
  const W = new Float64Array(Z.length); // [count, D]
  for (const label of new Set(labels.subarray(0, Z.length / D))) {
    const rows = Array.from({ length: Z.length / D }, (_, row) => row)
      .filter((row) => labels[row] === label);
    const mean = moments.means[label];
    const QS = multiplyTransposed(Q, moments.covariances[label], { n: D });
    const total = multiplyTransposed(QS, Q, { n: D });
    for (let k = 0; k < D; k++) total[k * D + k] += noise[k] + 1e-6; // of coordinates of variance 1
    cholesky(total, D);
    const half = transpose(QS, D, D); // S·Qᵀ, row by row times L⁻ᵀ
    solveForward(total, half, D);
    const centre = multiplyTransposed(Q, mean, { n: D });
    for (const row of rows) {
      const off = Float64Array.from(centre, (value, k) => Z[row * D + k] - value);
      const solved = forward(total, off);
      for (let k = 0; k < D; k++) {
        W[row * D + k] = mean[k] + dot(half.subarray(k * D, (k + 1) * D), solved);
      }
    }
  }
  const basis = white.directions.slice(0, D * n)
    .map((value, at) => value * Math.sqrt(white.variances[Math.floor(at / n)]));
  const X = multiplyTransposed(W, transpose(basis, D, n), { n: D });
  return X.map((value, at) => Math.min(255, Math.max(0, value + white.mean[at % n])));
}
