/** An objective as a sum of weighted terms, Σ c_p·x_p + Σ w_e·|x_a − x_b|, for every solver alike.
 * @module */
import { adjacentPairs, type Priors } from "./priors.ts";
import type { ServerView } from "./view.ts";

/** A weighted objective over the pixels of an image and over its pairs of neighbours. */
export interface Terms {
  /** [n] cost of each pixel. */
  readonly pixelWeights: Float64Array;
  /** The pairs e = (a, b), a < b, whose differences count; none without total variation. */
  readonly pairs: readonly (readonly [number, number])[];
  /** [pairs] cost of each |x_a − x_b|. */
  readonly pairWeights: Float64Array;
}

/** Cost of a pixel under each objective. */
const PIXEL_WEIGHT = { published: 0, sum: 1, tv: 0, "tv-sum": 0.5, reweighted: 0.5 };

/** What an objective minimises, before any reweighting. */
export function objectiveTerms(
  { n, shape }: Pick<ServerView, "n" | "shape">,
  { objective }: Pick<Priors, "objective">,
): Terms {
  const pairs = objective === "published" || objective === "sum" ? [] : adjacentPairs(shape);
  return {
    pixelWeights: new Float64Array(n).fill(PIXEL_WEIGHT[objective]),
    pairs,
    pairWeights: new Float64Array(pairs.length).fill(1),
  };
}
