/** Many images under one W1 at once: ADMM, the alternating direction method of multipliers, in float32.
 *
 * The linear program of the exact solvers, split so that each part is easy (Boyd, Parikh, Chu, Peleato,
 * Eckstein, 2011): x satisfies A·x = b; its copies z, the pixels and the forms B·x, satisfy bounds and
 * rules and carry the objective; u adds up their disagreement. An iteration is one product with an
 * [n, n] matrix for all images, and one pass of shrinking and clipping. Unlike the exact solvers it
 * takes the neighbour rules at no cost.
 *
 * An image is done when its rounded pixels are certified and keep to the rules, or when its copies agree and
 * stand still: its point is then projected onto the equations in float64, a solution up to what clipping takes
 * back. When the copies stand still *apart*, their distance is along a proof that there is no solution,
 * which is checked exactly before anything is called infeasible.
 * @module */
import { setImmediate } from "node:timers/promises";
import { sgemm } from "../../math/blas.ts";
import { applyTransposed } from "../../math/dense.ts";
import { preparedLayer, sameNumbers, type ScaledEquations } from "../layer.ts";
import { type CostTerms, costTerms, keepsRules, type PixelRule } from "../priors.ts";
import { pixelRules, type Priors } from "../priors.ts";
import { clipped, noRecovery, type Recovery, recovery } from "../recovery.ts";
import { refine, solution } from "../recovery.ts";
import type { ServerView } from "../view.ts";
import { split, type Splitting } from "./splitting.ts";
import { Copies, type Residual, type Weights } from "./copies.ts";
import { reweigh, REWEIGHTINGS } from "./exact.ts";
import { provesInfeasible, suggestsInfeasible } from "./farkas.ts";
import { applyForms, type Forms, formsOf, spreadForms } from "./forms.ts";
import { soleSolution } from "./least_squares.ts";

/** How a batch runs. */
export interface BatchOptions {
  /** Give up on an image after so many, 3000 by default: "time-limit". */
  maxIterations?: number;
  signal?: AbortSignal;
  /** Asked now and then; true ends what is not done: "aborted". */
  stopped?: () => boolean;
  /** Counts images. */
  onProgress?: (done: number, total: number) => void;
  /** The batch as it goes. */
  onResiduals?: (residuals: Residuals) => void;
}

/** A batch at one iteration: root mean squares over its images, those that are done standing still. */
export interface Residuals {
  readonly iteration: number;
  /** How far the copies are from the images, pixels in [0, 1]. */
  readonly primal: number;
  /** How far the copies moved in this iteration. */
  readonly dual: number;
  /** Images that are not done. */
  readonly running: number;
}

/** ρ; more ends sooner and less accurately. */
const RHO = 25;

/** Both residuals of an image that is done. */
const TOLERANCE = 2e-5;

/** Iterations between looks at the residuals and at the stop button. */
const LOOK = 10;

/** Iterations between attempts to prove infeasibility. */
const PROOF = 100;

/** What clipping may take back of a pixel of a point that converged, in grey levels: {@linkcode TOLERANCE} is a mean. */
const CLIPPED = 1;

/** Why copies that agree are not always an answer. */
const NO_SOLUTION = "the point that the iteration found does not solve the program";

/** All images of a batch share this. */
interface Batch {
  priors: Priors;
  equations: ScaledEquations;
  splitting: Splitting;
  base: CostTerms;
  forms: Forms;
  /** [forms] largest |form|, for rules; Infinity for differences. */
  bounds: Float64Array;
  rules: readonly PixelRule[];
  maxIterations: number;
}

/** One image on its way. */
interface Running {
  index: number;
  view: ServerView;
  b: Float64Array;
  /** Reweightings so far. */
  round: number;
}

/** Solves many views of one W1 under one set of priors.
 * @returns in the order of the views; elapsedMs is the time of the batch divided by its images.
 * @throws {TypeError} views of different W1.   {RangeError} maxIterations is not a positive integer.
 * @throws the signal's reason when aborted. */
export async function admm(
  views: readonly ServerView[],
  priors: Priors,
  options: BatchOptions = {},
): Promise<Recovery[]> {
  const { maxIterations = 3000, signal, stopped = () => false, onProgress, onResiduals } = options;
  if (!Number.isSafeInteger(maxIterations) || maxIterations < 1) {
    throw new RangeError(`Cannot solve a batch: ${maxIterations} iterations`);
  }
  if (views.length === 0) return [];
  checkSameLayer(views);
  const start = performance.now();
  const each = (found: Recovery): Recovery => ({
    ...found,
    elapsedMs: (performance.now() - start) / views.length,
  });
  if (views[0].hidden >= views[0].n) {
    const sole = soleSolutions(views, priors);
    if (sole !== null) {
      onProgress?.(views.length, views.length);
      return sole.map(each);
    }
  }
  const batch = prepare(views[0], priors, maxIterations);
  const { n } = views[0];
  const recoveries = new Array<Recovery>(views.length);
  const standing = views.map((): Residual => ({ primal: 0, dual: 0 }));
  let running = views.map((view, index): Running => {
    return { index, view, b: batch.equations.scaled(view.z1), round: 0 };
  });
  using copies = new Copies(batch.forms, weights(batch, batch.base), {
    ...{ count: views.length, rho: RHO, own: priors.objective === "reweighted" },
  });
  const B = new Float64Array(views.length * views[0].hidden);
  running.forEach(({ b }, at) => B.set(b, at * b.length));
  const origins = batch.splitting.origins(B);
  running.forEach((_, at) => copies.setOrigin(at, origins.subarray(at * n, (at + 1) * n)));
  const P = copies.memory.hold(batch.splitting.P);
  for (let iteration = 1; running.length > 0; iteration++) {
    signal?.throwIfAborted();
    const { width, q, x } = copies;
    sgemm({ m: n, n: width, k: n, A: P, B: q, C: x });
    const look = iteration % LOOK === 0;
    copies.step(look);
    if (!look) continue;
    if (stopped()) {
      for (const { index } of running) {
        recoveries[index] = noRecovery("aborted", priors.objective);
      }
      break;
    }
    running.forEach(({ index }, column) => standing[index] = copies.residual(column));
    onResiduals?.({
      iteration,
      primal: Math.hypot(...standing.map((s) => s.primal)) / Math.sqrt(views.length),
      dual: Math.hypot(...standing.map((s) => s.dual)) / Math.sqrt(views.length),
      running: running.length,
    });
    const keep = [...running.keys()].filter((column) => {
      const { index } = running[column];
      const verdict = judge(batch, running[column], { copies, column, iteration });
      if (verdict !== null) recoveries[index] = verdict;
      return verdict === null;
    });
    if (keep.length < running.length) {
      copies.keep(keep);
      running = keep.map((column) => running[column]);
      onProgress?.(views.length - running.length, views.length);
    }
    await setImmediate(); // let the stop button and the display in
  }
  return recoveries.map(each);
}

/** As many equations as pixels or more: nothing to iterate, or null if the equations do not fix an image. */
function soleSolutions(views: readonly ServerView[], priors: Priors): Recovery[] | null {
  const rules = pixelRules(views[0].shape, priors);
  const found: Recovery[] = [];
  for (const view of views) {
    const sole = soleSolution(view, priors.objective, rules);
    if (sole === null) return null;
    found.push(sole);
  }
  return found;
}

/** An image's place in the batch after an iteration. */
interface Place {
  copies: Copies;
  column: number;
  iteration: number;
}

/** What has become of an image, or null if it goes on, perhaps with new weights. */
function judge(batch: Batch, image: Running, place: Place): Recovery | null {
  const { priors: { objective }, equations, splitting, base, rules } = batch;
  const { view, b, round } = image;
  const { copies, column, iteration } = place;
  const x = copies.image(column);
  const { primal, dual } = copies.residual(column);
  const whole = wholePixels(view, equations.pixels(x));
  const found = whole && recovery(view, whole, objective);
  if (found?.certified && keepsRules(whole!, rules)) return found;
  if (Math.max(primal, dual) < TOLERANCE) {
    const point = equations.pixels(splitting.project(x, b));
    const { rank } = splitting;
    const xHat = clipped(view, point);
    const refined = objective === "reweighted" ? refine(view, xHat, rules) : null;
    if (refined !== null) return recovery(view, refined, objective);
    if (objective !== "reweighted" || round === REWEIGHTINGS) {
      return solution(view, rules, { point, rank, tolerance: CLIPPED }, objective) ??
        noRecovery("undecided", objective, NO_SOLUTION);
    }
    copies.reweigh(column, weights(batch, reweigh(base, xHat, round)));
    image.round++;
    return null;
  }
  if (iteration % PROOF === 0 && contradicts(batch, image, place)) {
    return noRecovery("infeasible", objective);
  }
  if (iteration < batch.maxIterations * (round + 1)) return null;
  const message = `no convergence in ${iteration} iterations, residual ${primal}`;
  return noRecovery("time-limit", objective, message);
}

/** A point's pixels, rounded in place; null if one is off the range. */
function wholePixels({ pixelRange: [low, high] }: ServerView, x: Float64Array) {
  for (let p = 0; p < x.length; p++) {
    x[p] = Math.round(x[p]);
    if (!(x[p] >= low && x[p] <= high)) return null;
  }
  return x;
}

/** Whether x − z, which only a contradiction keeps apart, proves that there is one. */
function contradicts(
  { equations, splitting, forms, bounds, rules }: Batch,
  { view, b }: Running,
  { copies, column }: Place,
): boolean {
  const [x, z, copied] = [copies.image(column), copies.pixels(column), copies.forms(column)];
  const apart = applyForms(forms, x)
    .map((form, e) => bounds[e] === Infinity ? 0 : form - copied[e]);
  const allowance = apart.reduce((sum, v, e) => v === 0 ? sum : sum + Math.abs(v) * bounds[e], 0);
  const r = apart.subarray(apart.length - rules.length);
  const reachOfRules = spreadForms(forms, apart, new Float64Array(x.length));
  const y = splitting.multipliers(reachOfRules.map((v, p) => v + x[p] - z[p]));
  const reach = applyTransposed(equations.A, y).map((v, p) => v - reachOfRules[p]);
  return suggestsInfeasible({ y, b, reach, allowance }) &&
    provesInfeasible(view, rules, equations.multipliers(y), r);
}

/** What all images share. */
function prepare(view: ServerView, priors: Priors, maxIterations: number): Batch {
  const equations = preparedLayer(view).equations();
  const { place, A } = equations;
  const base = costTerms(view, priors);
  const rules = pixelRules(view.shape, priors);
  const forms = formsOf([
    ...base.pairs.map(([p, q]) => [[place[p], 1], [place[q], -1]] as const),
    ...rules.map(({ indices, values }) => indices.map((p, k) => [place[p], values[k]] as const)),
  ]);
  const bounds = new Float64Array(base.pairs.length + rules.length).fill(Infinity);
  bounds.set(rules.map(({ bound }) => bound / view.pixelRange[1]), base.pairs.length);
  const splitting = split(A, forms, view.n);
  return { priors, equations, splitting, base, forms, bounds, rules, maxIterations };
}

/** Terms in the order of the batch; rules cost nothing. */
function weights({ equations: { place }, bounds }: Batch, terms: CostTerms): Weights {
  const pixels = new Float64Array(place.length);
  place.forEach((at, p) => pixels[at] = terms.pixelWeights[p]);
  const forms = new Float64Array(bounds.length);
  forms.set(terms.pairWeights);
  return { pixels, forms, bounds };
}

function checkSameLayer([first, ...others]: readonly ServerView[]): void {
  if (others.every((v) => sameNumbers(v.W1, first.W1) && `${v.shape}` === `${first.shape}`)) return;
  throw new TypeError("Cannot solve a batch: the views are of different W1 or shape");
}
