/** The last step from a good recovery to an image that solves the equations, taken only where it does.
 *
 * A recovery that is off by a little often has the right black and white areas: pixels the solver left
 * near 0 or 255. Fix those, and if no more pixels remain than there are equations, least squares finds
 * the rest. The rounded result counts only if it is {@linkcode consistent} and keeps to the rules, so this can
 * do no harm.
 * @module */
import { cholesky, multiplyTransposed, solveCholesky } from "../math/dense.ts";
import { consistent } from "./certificate.ts";
import { keepsRules } from "./farkas.ts";
import type { PixelRule } from "./priors.ts";
import type { ServerView } from "./view.ts";

/** Pixels this close to the end of the range are taken for its end. */
const NEAR = 2;

/** The image near xHat that solves equations and rules in whole pixel values, or null if none is found. */
export function refine(
  view: ServerView,
  xHat: ArrayLike<number>,
  rules: readonly PixelRule[] = [],
): Float64Array | null {
  const solves = (x: Float64Array) => consistent(view, x) && keepsRules(x, rules);
  const { W1, z1, hidden, n, pixelRange: [low, high] } = view;
  const rounded = Float64Array.from(xHat, Math.round);
  if (solves(rounded)) return rounded;

  const x = Float64Array.from(xHat, (v) => v <= low + NEAR ? low : v >= high - NEAR ? high : NaN);
  const free = [...x.keys()].filter((p) => Number.isNaN(x[p]));
  if (free.length === 0 || free.length > hidden) return null;
  const rest = new Float64Array(hidden);
  const F = new Float64Array(free.length * hidden); // the free columns of W1, as rows
  for (let row = 0; row < hidden; row++) {
    rest[row] = z1[row];
    for (let p = 0; p < n; p++) if (x[p] > 0) rest[row] -= W1[row * n + p] * x[p];
    free.forEach((p, at) => F[at * hidden + row] = W1[row * n + p]);
  }
  const gram = multiplyTransposed(F, F, { n: hidden, lower: true });
  cholesky(gram, free.length);
  const right = Float64Array.from(free, (_, at) => {
    let sum = 0;
    for (let row = 0; row < hidden; row++) sum += F[at * hidden + row] * rest[row];
    return sum;
  });
  const values = solveCholesky(gram, right);
  free.forEach((p, at) => x[p] = Math.round(values[at]));
  return solves(x) ? x : null;
}
