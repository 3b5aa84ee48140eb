/** Private images from their inner products with known ones: each known image is an equation.
 *
 * With X_a the k known images and g the column of G of an unknown one at their places, X_a·x = g. In the right singular
 * vectors of X_a = U·diag(σ)·Vᵀ that is one equation v_m·x = (u_m·g)/σ_m for each m, of unit length, and an error of G
 * counts 1/σ_m there. The known images tell how large that error is, since their own inner products are known: what
 * they do not bear is left out. The rest is the published attack's setting with V for W1, and so are the solvers: the
 * least TV + ½·Σx, by ADMM, all unknown images at once (`attack.ts`).
 * @module */
import { applyTransposed, multiplyTransposed } from "../../math/dense.ts";
import { symmetricEigen } from "../../math/eigen.ts";
import { attack } from "../attack.ts";
import type { Objective } from "../priors.ts";
import { floatView } from "../view.ts";
import { gramByLeastSquares } from "./gram.ts";
import type { KnownImages, TrainingRecovery } from "./recovery.ts";
import type { TrainingView } from "./view.ts";

/** Singular values below this share of the largest are of images that depend on others. */
const DEPENDENT = 1e-7;

/** The largest error of an equation v·x = b that is used, in grey levels: images that satisfy none so are tried with
 * fewer equations. */
const LARGEST_ERRORS = [20, 10, 5];

/** What {@linkcode fromKnown} knows beside the view. */
export interface KnownOptions {
  readonly known: KnownImages;
  /** Inner products found before; by least squares on the view if left out. */
  readonly gram?: TrainingRecovery;
  /** Names of the samples to recover; all that G has and that are not known, by default. */
  readonly samples?: ArrayLike<number>;
  /** "tv-sum" by default. */
  readonly objective?: Objective;
  /** Of ADMM, 3000 by default. */
  readonly maxIterations?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Recovers images from G and known ones.
 * @returns status "estimate", X of those that the solver brought to an end; "failed" where G could not be had, or no
 * equation is left.
 * @throws {RangeError} no known image, one twice, a sample that G has not. {TypeError} pixels that do not fit the view.
 * @throws as `gramByLeastSquares`; the signal's reason when aborted. */
export async function fromKnown(
  view: TrainingView,
  { known, gram, samples, objective = "tv-sum", maxIterations, signal, onProgress }: KnownOptions,
): Promise<TrainingRecovery> {
  const start = performance.now();
  const { shape, inputScale } = view;
  const n = shape[0] * shape[1] * shape[2];
  const k = checkKnown(known, n);
  const found = gram ?? await gramByLeastSquares(view, { signal });
  const assumption =
    `${k} private images are known; ${found.assumption}; images have the least ${objective}`;
  const end = (
    status: TrainingRecovery["status"],
    message: string,
    rest: Pick<TrainingRecovery, "samples" | "X">,
  ): TrainingRecovery => ({
    ...{ status, ...rest, G: null, assumption, message, elapsedMs: performance.now() - start },
  });
  const nothing = { samples: new Uint32Array(), X: null };
  if (found.G === null) return end("failed", `no inner products: ${found.message}`, nothing);
  const N = found.samples.length;
  const places = new Map(Array.from(found.samples, (name, at) => [name, at]));
  const at = (name: number) => {
    const place = places.get(name);
    if (place === undefined) {
      throw new RangeError(`Cannot recover from known images: G has no sample ${name}`);
    }
    return place;
  };
  const rows = Array.from(known.samples, at);
  const names = new Set(known.samples);
  const wanted = Uint32Array.from(samples ?? found.samples.filter((name) => !names.has(name)));
  const column = (place: number) =>
    Float64Array.from(rows, (row) => found.G![row * N + place] / inputScale ** 2);
  const pixels = new Map<number, Float64Array>();
  const numbers: number[] = [];
  const system = singularVectors(known, rows.map(column), n);
  for (const largest of LARGEST_ERRORS) {
    const { equations, scaled } = bearing(system, largest, n);
    const left = wanted.filter((name) => !pixels.has(name));
    const count = equations.length / n;
    if (count === 0 || count === numbers.at(-1) || left.length === 0) continue;
    numbers.push(count);
    const views = Array.from(
      left,
      (name) => floatView({ W1: equations, z1: scaled(column(at(name))), shape }),
    );
    const { W1 } = views[0]; // one W1 for all, so that the solver sees that it is one
    const recovered = await attack(views.map((view) => ({ ...view, W1 })), {
      ...{ objective, solver: "batched", maxIterations, signal },
      onProgress: (done) => onProgress?.(wanted.length - left.length + done, wanted.length),
    });
    recovered.forEach(({ xHat }, k) => xHat && pixels.set(left[k], xHat));
  }
  if (numbers.length === 0) return end("failed", "no equation bears the error of G", nothing);
  const done = wanted.filter((name) => pixels.has(name));
  const X = new Float64Array(done.length * n);
  done.forEach((name, row) => X.set(pixels.get(name)!, row * n));
  const left = wanted.length - done.length;
  const used = numbers.join(", then ");
  return end(
    done.length > 0 ? "estimate" : "failed",
    [
      found.message,
      left > 0 ? `${left} of ${wanted.length} images did not come to an end` : "",
      used !== `${k}` ? `of ${k} equations ${used} bear the error of G` : "",
    ].filter((text) => text !== "").join("; "),
    {
      samples: done,
      X: done.length > 0 ? X : null,
    },
  );
}

/** @returns how many images are known. */
function checkKnown({ samples, x }: KnownImages, n: number): number {
  const cannot = "Cannot recover from known images:";
  const k = samples.length;
  if (k === 0) throw new RangeError(`${cannot} 0 of them, expected at least 1`);
  if (x.length !== k * n) {
    throw new TypeError(`${cannot} ${x.length} pixels, expected ${k} × ${n}`);
  }
  if (new Set(samples).size < k) throw new RangeError(`${cannot} one is named twice`);
  return k;
}

/** The known images' singular vectors, and how far G is off where it is known. */
interface SingularVectors {
  readonly known: Float64Array;
  /** Squares of the singular values, falling, and the left vectors by row. */
  readonly values: Float64Array;
  readonly vectors: Float64Array;
  /** Root mean square, in grey levels squared. */
  readonly error: number;
}

/** @param G the known images' columns of inner products as the attack found them, k of k. */
function singularVectors(
  { x }: KnownImages,
  G: readonly Float64Array[],
  n: number,
): SingularVectors {
  const k = G.length;
  const known = Float64Array.from(x);
  const truth = multiplyTransposed(known, known, { n });
  let error = 0;
  for (let at = 0; at < k * k; at++) error += (G[Math.floor(at / k)][at % k] - truth[at]) ** 2;
  return { known, ...symmetricEigen(truth), error: Math.sqrt(error) / k };
}

/** The equations whose error is at most `largest` grey levels.
 * @returns unit rows `[equations, n]`, and the right-hand sides for a column of inner products. */
function bearing({ known, values, vectors, error }: SingularVectors, largest: number, n: number) {
  const k = values.length;
  const kept = [...values.keys()].filter((m) =>
    values[m] > DEPENDENT ** 2 * Math.max(values[0], 0) && error / Math.sqrt(values[m]) <= largest
  );
  const u = kept.map((m) => vectors.subarray(m * k, (m + 1) * k));
  const equations = new Float64Array(kept.length * n);
  kept.forEach((m, row) => {
    equations.set(applyTransposed(known, u[row]).map((v) => v / Math.sqrt(values[m])), row * n);
  });
  const scaled = (column: Float64Array) =>
    Float64Array.from(kept, (m, row) => {
      const along = u[row].reduce((sum, value, a) => sum + value * column[a], 0);
      return along / Math.sqrt(values[m]);
    });
  return { equations, scaled };
}
