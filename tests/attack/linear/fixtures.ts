/** Small trainings of linear models, as an aggregator sees them. */
import type { BatchRecovery } from "lib/attack/linear/recovery.ts";
import type { LinearView } from "lib/attack/linear/view.ts";
import { randomScalars, seededRng } from "lib/math/rng.ts";

/** Fixed-point 1 and label. */
export const [ONE, LABEL] = [8, 16];

/** u = (x, 1, y) of `count` random samples. */
export function samplesOf(count: number, n: number, seed: number, most = 40): number[][] {
  const draws = randomScalars(BigInt(2 * most + 1), seededRng(seed), count * (n + 1));
  return Array.from({ length: count }, (_, i) => {
    const row = draws.slice(i * (n + 1), (i + 1) * (n + 1)).map((v) => Number(v) - most);
    const y = row.pop()! > 0 ? LABEL : -LABEL;
    return [...row, ONE, y];
  });
}

/** One batch, visited with random coefficients, 0 at first.
 * @param residuals whether they are shown. */
export function viewOf(
  samples: readonly (readonly number[])[],
  visits: number,
  { residuals = false, seed = 99 } = {},
): LinearView {
  const n = samples[0].length - 2;
  const draws = randomScalars(401n, seededRng(seed), visits * (n + 1));
  const seen = Array.from({ length: visits }, (_, t) => {
    const w = draws.slice(t * (n + 1), (t + 1) * (n + 1)).map((v) => t === 0 ? 0 : Number(v) - 200);
    const c = [...w, -64];
    const own = samples.map((u) => u.reduce((sum, value, k) => sum + value * c[k], 0));
    const gradient = Array.from(
      { length: n + 1 },
      (_, j) => samples.reduce((sum, u, i) => sum + own[i] * u[j], 0),
    );
    return { c, gradient, residuals: residuals ? own : null };
  });
  const batches = [{ size: samples.length, visits: seen }];
  return { n, one: ONE, label: LABEL, bound: 40, batches };
}

const rowsOf = ({ x, y }: BatchRecovery, n: number) =>
  Array.from(y, (label, i) => [...x.subarray(i * n, (i + 1) * n), ONE, label].join());

/** How many of the samples were found, each once, and how many found are none. */
export function held(found: BatchRecovery, samples: readonly (readonly number[])[]) {
  const left = samples.map((u) => u.join());
  let exact = 0;
  const rows = rowsOf(found, samples[0].length - 2);
  for (const row of rows) {
    const at = left.indexOf(row);
    if (at < 0) continue;
    left.splice(at, 1);
    exact++;
  }
  return { exact, wrong: rows.length - exact };
}
