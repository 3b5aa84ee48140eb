/** A planted training for the tests of attacks: images, W1 and dz1 drawn at random, no network. */
import type { StepView, TrainingView } from "lib/attack/training/view.ts";
import { multiplyTransposed, transpose } from "lib/math/dense.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

/** What to plant. */
interface Plan {
  count: number;
  units: number;
  visits: number;
  batch: number;
  /** New order in each epoch. */
  shuffle?: boolean;
  /** z1 as on a wire of float32. */
  float32?: boolean;
  seed?: number;
  /** Images by row, bytes; drawn if left out. */
  x?: Uint8Array;
}

/** Images of 4 × 4 pixels and the view of a server that sees them `visits` times. */
export function planted(
  { count, units, visits, batch, shuffle = false, float32 = false, seed = 1, x }: Plan,
): { view: TrainingView; x: Uint8Array } {
  const rng = seededRng(seed);
  const n = 16;
  x ??= rng.bytes(count * n);
  const W1 = gaussian(rng, units * n);
  const steps: StepView[] = [];
  for (let visit = 0; visit < visits; visit++) {
    const keys = shuffle ? gaussian(rng, count) : Float64Array.from({ length: count }, (_, i) => i);
    const order = Uint32Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b]);
    for (let from = 0; from < count; from += batch) {
      const samples = order.slice(from, from + batch);
      const m = samples.length;
      const X = new Float64Array(m * n);
      samples.forEach((name, row) => {
        for (let p = 0; p < n; p++) X[row * n + p] = x[name * n + p] / 256;
      });
      const z1 = multiplyTransposed(X, W1, { n });
      const dz1 = gaussian(rng, m * units);
      const rate = 0.1 / m;
      const dW1 = multiplyTransposed(transpose(dz1, m, units), transpose(X, m, n), { n: m });
      dW1.forEach((sum, at) => W1[at] -= rate * sum);
      steps.push({
        ...{ samples, labels: null, dz1, rate, W1: null, dW1: null },
        z1: float32 ? Float32Array.from(z1) : z1,
      });
    }
  }
  const public_ = { classes: 2, shape: [4, 4, 1], inputScale: 1 / 256 } as const;
  return { view: { scheme: "mitig2", units, ...public_, steps }, x };
}

/** ‖A − B‖ / ‖B‖. */
export function relativeError(A: Float64Array, B: Float64Array): number {
  const norm = (values: Float64Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  return norm(A.map((value, at) => value - B[at])) / norm(B);
}
