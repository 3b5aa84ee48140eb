/** Images of MITIG1 with one master key, from the space that their pixels' columns span (`span_view.ts`).
 *
 * The space leaves one linear map open. It follows from some known images, or from the labels and public images of the
 * same kind (`span_align.ts`), without one known pair. Without either some pixels follow all the same (`rays.ts`).
 * @module */
import * as dense from "../../math/dense.ts";
import { type Rng, secureRng } from "../../math/rng.ts";
import { columnsThrough } from "./rays.ts";
import type { KnownImages, LabelledImages, TrainingRecovery } from "./recovery.ts";
import { alignSpan } from "./span_align.ts";
import { labelsByName, orthonormal, type Span, spanOf, type SpanView } from "./span_view.ts";
import { visitsOf } from "./view.ts";

/** What the attack may know and draw. One of `known` and `publicImages`. */
export interface SpanOptions {
  readonly known?: KnownImages;
  /** At least two of each class, of the view's shape. */
  readonly publicImages?: LabelledImages;
  /** Draws the starts of the alignment. */
  readonly rng?: Rng;
  /** Starts of the alignment, of which the likeliest is taken. */
  readonly starts?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** All images from the space that they span.
 *
 * With `known`: by least squares once as many independent images are known as the rank is; with fewer each pixel's
 * column is the darkest in the space, of pixels in 0..255, that agrees with them: a linear program. With `publicImages`:
 * maximum likelihood under the public classes, see `span_align.ts`.
 * @returns "failed" where the space does not follow from what was opened, or the known images are not in it.
 * @throws {TypeError} neither or both of `known` and `publicImages`, or ones of another shape; no labels.
 * @throws {RangeError} a sample that the view does not have, a class with fewer than two public images.
 * @throws the signal's reason when aborted. */
export async function fromSpan(view: SpanView, options: SpanOptions): Promise<TrainingRecovery> {
  const { known, publicImages, rng = secureRng(), starts = 6, signal, onProgress } = options;
  if ((known === undefined) === (publicImages === undefined)) {
    throw new TypeError("Cannot attack the span: expected either known or publicImages");
  }
  const started = performance.now();
  const n = view.shape[0] * view.shape[1] * view.shape[2];
  const span = spanOf(view);
  const result = (found: Partial<TrainingRecovery>): TrainingRecovery => ({
    ...{ status: "failed", X: null, G: null, assumption: "", message: "" },
    samples: Uint32Array.from({ length: visitsOf(view).size }, (_, i) => i),
    ...found,
    elapsedMs: performance.now() - started,
  });
  if (typeof span === "string") return result({ message: span });
  if (known !== undefined) {
    const k = known.samples.length;
    if (k === 0 || known.x.length !== k * n) {
      throw new TypeError(
        `Cannot attack the span: known has ${known.x.length} pixels for ${k} images of ${n}`,
      );
    }
    const stranger = known.samples.find((name) => name >= span.count);
    if (stranger !== undefined) {
      throw new RangeError(`Cannot attack the span: the view has no sample ${stranger}`);
    }
    const rows = Array.from(
      known.samples,
      (name) => span.base.slice(name * span.rank, (name + 1) * span.rank),
    );
    const independent = orthonormal(rows, 1e-6).length / span.rank;
    const determined = independent === span.rank;
    const X = determined
      ? throughAll(span, rows, known, n)
      : await columnsThrough(span, known, n, { signal, onProgress });
    if (X === null) return result({ message: "the known images are not in the space" });
    known.samples.forEach((name, at) => X.set(known.x.subarray(at * n, (at + 1) * n), name * n));
    const message = determined
      ? ""
      : `the known images determine ${independent} of ${span.rank} coordinates`;
    return result({
      ...{ status: determined ? "exact" : "estimate", X, message },
      assumption: `${k} known images; among columns that agree with them the darkest`,
    });
  }
  const labels = labelsByName(view, span.count);
  const X = await alignSpan(span, labels, publicImages!, {
    ...{ n, classes: view.classes, rng, starts, signal, onProgress },
  });
  return result({
    ...{ status: "estimate", X },
    assumption: `labels and ${publicImages!.y.length} public images of the same kind`,
  });
}

/** The one map that takes the known images' coordinates to their pixels; null if there is none. */
function throughAll(
  { base, rank, count }: Span,
  rows: readonly Float64Array[],
  known: KnownImages,
  n: number,
): Float64Array | null {
  const Q = Float64Array.from(rows.flatMap((row) => [...row])); // [k, rank]
  const turned = dense.transpose(Q, rows.length, rank);
  const L = dense.multiplyTransposed(turned, turned, { n: rows.length });
  dense.cholesky(L, rank);
  const X = new Float64Array(count * n);
  for (let pixel = 0; pixel < n; pixel++) {
    const target = Float64Array.from(rows, (_, at) => known.x[at * n + pixel]);
    const c = new Float64Array(rank);
    let rest = target;
    for (let k = 0; k < 4; k++) { // refined: the normal equations square the condition
      const step = dense.solveCholesky(L, dense.applyTransposed(Q, rest));
      step.forEach((value, at) => c[at] += value);
      const reached = dense.apply(Q, c);
      rest = target.map((value, at) => value - reached[at]);
    }
    if (rest.some((value) => Math.abs(value) > 0.5)) return null;
    dense.apply(base, c).forEach((value, i) =>
      X[i * n + pixel] = Math.min(255, Math.max(0, value))
    );
  }
  return X;
}
