/** A view and its priors as the interior point method takes them: pixels in [0, 1], in an order that keeps
 * neighbours close, and the check of its proofs against the view's own integers.
 * @module */
import { scaledEquations } from "./equations.ts";
import { provesInfeasible } from "./farkas.ts";
import type { PixelProgram } from "./interior_point.ts";
import { pixelRules, type Priors } from "./priors.ts";
import { saddle } from "./saddle.ts";
import type { Terms } from "./terms.ts";
import type { ServerView } from "./view.ts";

/** What the programs of all rounds share. */
export function equationsOf(view: ServerView, priors: Priors) {
  const { A, place, scaled, pixels, multipliers } = scaledEquations(view);
  const rules = pixelRules(view.shape, priors);
  return {
    system: saddle(A, view.n),
    b: scaled(view.z1),
    rules: rules.map(({ indices, values, bound }) => ({
      indices: indices.map((p) => place[p]),
      values,
      bound: bound / view.pixelRange[1],
    })),
    place,
    pixels,
    proves: (y: Float64Array, r: Float64Array) => provesInfeasible(view, rules, multipliers(y), r),
  };
}

/** The program of these terms. */
export function programOf(
  { system, b, rules, place, proves }: ReturnType<typeof equationsOf>,
  { pixelWeights, pairs, pairWeights: w }: Terms,
): PixelProgram {
  const c = new Float64Array(place.length);
  place.forEach((at, p) => c[at] = pixelWeights[p]);
  const placed = pairs.map(([p, q]) => [place[p], place[q]] as const);
  return { system, b, c, pairs: placed, w, rules, proves };
}
