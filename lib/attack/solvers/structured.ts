/** A view and its priors for the interior point method: pixels in [0, 1], in an order that keeps neighbours close, and
 * the check of its points and proofs against the view's own integers.
 * @module */
import { apply } from "../../math/dense.ts";
import { type PreparedLayer, preparedLayer } from "../layer.ts";
import { type CostTerms, costTerms, pixelRules, type Priors } from "../priors.ts";
import { noRecovery, type Recovery, solution } from "../recovery.ts";
import type { ServerView } from "../view.ts";
import { provesInfeasible } from "./farkas.ts";
import { interiorPoint, type PixelProgram } from "./interior_point.ts";

/** A program beyond view and priors, and how long to try. */
export interface Attempt {
  /** The objective. */
  terms: CostTerms;
  /** True gives up. */
  stopped: () => boolean;
  /** Seconds left; below 0 when they are over. */
  leftS: () => number;
}

/** Solves the program of these terms, or null where the method stalls, or ends at a point that solves nothing. */
export function solveStructured(
  view: ServerView,
  priors: Priors,
  { terms, stopped, leftS }: Attempt,
): Recovery | null {
  const layer = preparedLayer(view);
  const program = pixelProgram(view, priors, { layer, terms });
  const outcome = interiorPoint(program, () => stopped() || leftS() <= 0);
  switch (outcome.status) {
    case "infeasible":
      return noRecovery("infeasible", priors.objective);
    case "stopped":
      return noRecovery(stopped() ? "aborted" : "time-limit", priors.objective);
    case "stalled":
      return null;
    case "optimal": {
      const { rank, leastNorm, A } = layer.saddle();
      // Put on the equations: its residual, however small, is spread over all pixels.
      const Ax = apply(A, outcome.x);
      const shift = leastNorm(program.b.map((value, row) => value - Ax[row]));
      const point = layer.equations().pixels(outcome.x.map((v, p) => v + shift[p]));
      return solution(view, pixelRules(view.shape, priors), { point, rank }, priors.objective);
    }
  }
}

/** Whether the multipliers of the interior point method prove that no image solves the view under the rules. */
export function provedByInteriorPoint(
  view: ServerView,
  priors: Priors,
  stopped = () => false,
): boolean {
  if (view.hidden > view.n) return false; // its systems would be large
  const terms = costTerms(view, { objective: "published" });
  const program = pixelProgram(view, priors, { layer: preparedLayer(view), terms });
  return interiorPoint(program, stopped).status === "infeasible";
}

function pixelProgram(
  view: ServerView,
  priors: Priors,
  { layer, terms: { pixelWeights, pairs, pairWeights: w } }: {
    layer: PreparedLayer;
    terms: CostTerms;
  },
): PixelProgram {
  const { place, scaled, multipliers } = layer.equations();
  const rules = pixelRules(view.shape, priors);
  const c = new Float64Array(view.n);
  place.forEach((at, p) => c[at] = pixelWeights[p]);
  return {
    system: layer.saddle(),
    b: scaled(view.z1),
    c,
    pairs: pairs.map(([p, q]) => [place[p], place[q]]),
    w,
    rules: rules.map(({ indices, values, bound }) => ({
      indices: indices.map((p) => place[p]),
      values,
      bound: bound / view.pixelRange[1],
    })),
    proves: (y, r) => provesInfeasible(view, rules, multipliers(y), r),
  };
}
