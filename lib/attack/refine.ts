/** The last step from a good recovery to the image itself, taken only when it can be proved.
 *
 * A recovery that is off by a little often has the right black and white areas: pixels the solver left
 * near 0 or 255. Fix those, and if no more pixels remain than there are equations, least squares finds
 * the rest. The rounded result counts only if it is {@linkcode certified}, so this can do no harm.
 * @module */
import { cholesky, multiplyTransposed, solveCholesky } from "../math/dense.ts";
import { certified } from "./certificate.ts";
import type { ServerView } from "./view.ts";

/** Pixels this close to the end of the range are taken for its end. */
const NEAR = 2;

/** The certified image near xHat, in whole pixel values, or null if there is none to be found. */
export function refine(view: ServerView, xHat: ArrayLike<number>): Float64Array | null {
  const { W1, z1, hidden, n, pixelRange: [low, high] } = view;
  const rounded = Float64Array.from(xHat, Math.round);
  if (certified(view, rounded)) return rounded;

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
  return certified(view, x) ? x : null;
}
