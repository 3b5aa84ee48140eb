/** What an attack on a linear model's training found of a batch, and the check of it against all that was seen.
 * @module */
import type { Integers, LinearBatch, LinearView } from "./view.ts";

/** One batch's samples. */
export interface BatchRecovery {
  /** `recovered`: the whole batch. `partial`: some samples of it. `failed`: none. */
  readonly status: "recovered" | "partial" | "failed";
  /** What is missing and why; null where nothing is. */
  readonly why: string | null;
  /** Features in fixed point, `[found, n]`; the order says nothing. */
  readonly x: Float64Array;
  /** Labels in fixed point, `[found]`. */
  readonly y: Float64Array;
  /** Whether it is proven, from the view alone, that each of them is a sample of the batch. */
  readonly certified: boolean;
}

/** A sample in fixed point. */
export interface FoundSample {
  /** `[n]` */
  readonly x: readonly number[];
  readonly y: number;
}

/** The batch as an outcome. */
export function outcome(
  status: BatchRecovery["status"],
  why: string | null,
  samples: readonly FoundSample[] = [],
): BatchRecovery {
  const x = Float64Array.from(samples.flatMap(({ x }) => x));
  const y = Float64Array.from(samples, ({ y }) => y);
  return { status, why, x, y, certified: samples.length > 0 };
}

/** Why samples do not explain a batch; null where they do: as many as it has, whole numbers within their bounds, and
 * every gradient and residual exactly theirs. */
export function contradiction(
  { n, one, label, bound }: Omit<LinearView, "batches">,
  { size, visits }: LinearBatch,
  samples: readonly FoundSample[],
): string | null {
  if (samples.length !== size) return `${samples.length} samples for a batch of ${size}`;
  const impossible = impossibility({ label, bound }, samples);
  if (impossible !== null) return impossible;
  const rows = samples.map(({ x, y }) => [...x, one, y]);
  for (const [t, { c, gradient, residuals }] of visits.entries()) {
    const own = rows.map((u) => product(u, c));
    for (let j = 0; j <= n; j++) {
      const sum = rows.reduce((sum, u, i) => sum + own[i] * u[j], 0);
      if (sum !== gradient[j]) return `another gradient than that of visit ${t}`;
    }
    if (residuals !== null && own.some((r, i) => r !== residuals[i])) {
      return `other residuals than those of visit ${t}`;
    }
  }
  return null;
}

/** Why some are no samples of any batch; null where each may be one: whole numbers within their bounds. */
export function impossibility(
  { label, bound }: Pick<LinearView, "label" | "bound">,
  samples: readonly FoundSample[],
): string | null {
  for (const { x, y } of samples) {
    const bad = x.find((value) => !Number.isInteger(value) || Math.abs(value) > bound);
    if (bad !== undefined) return `a feature of ${bad}, beyond whole numbers up to ${bound}`;
    if (Math.abs(y) !== label) return `a label of ${y}, neither of ±${label}`;
  }
  return null;
}

function product(u: readonly number[], c: Integers): number {
  return u.reduce((sum, value, k) => sum + value * c[k], 0);
}
