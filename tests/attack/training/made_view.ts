/** A small training of CryptoNN in plain numbers, made without the parties: z1 = W1·x, dW1 = dz1ᵀ·X, in integers. */
import { type StepView, type TrainingView, trainingView } from "lib/attack/training/view.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

/** An 8 × 8 image with a bright rectangle whose place and brightness depend on k. */
export const rectangle = (k: number): Uint8Array =>
  Uint8Array.from({ length: 64 }, (_, p) => {
    const [i, j] = [Math.floor(p / 8), p % 8];
    const [top, left] = [1 + k % 3, 1 + k % 4];
    return i >= top && i < top + 4 && j >= left && j < left + 3 ? 60 + 17 * (k % 11) : 0;
  });

/** Visits of `batches`, lists of samples, in turn; sample i is `images[i]`, W1 moves at random.
 * @param options.dz1 of sample, visit and unit; random integers by default. */
export function madeView(
  images: readonly Uint8Array[],
  batches: readonly (readonly number[])[],
  { units, seed = 1, dz1 }: {
    units: number;
    seed?: number;
    dz1?: (sample: number, step: number, unit: number) => number;
  },
): TrainingView {
  const n = images[0].length;
  const steps = batches.map((samples, t): StepView => {
    const drawn = gaussian(seededRng(100 * seed + t), samples.length * units);
    const W1 = gaussian(seededRng(1000 * seed + t), units * n).map((w) => Math.round(64 * w));
    const D = drawn.map((v, at) =>
      dz1?.(samples[Math.floor(at / units)], t, at % units) ?? Math.round(40 * v)
    );
    const z1 = Float64Array.from({ length: samples.length * units }, (_, at) => {
      const [x, u] = [images[samples[Math.floor(at / units)]], at % units];
      return x.reduce((sum, v, p) => sum + v * W1[u * n + p], 0);
    });
    const dW1 = Float64Array.from(
      { length: units * n },
      (_, at) =>
        samples.reduce(
          (sum, i, row) => sum + D[row * units + Math.floor(at / n)] * images[i][at % n],
          0,
        ),
    );
    const labels = new Uint8Array(samples.length);
    return { samples: Uint32Array.from(samples), z1, labels, dz1: D, rate: 1, W1, dW1 };
  });
  const shape = [8, 8, 1] as const;
  return trainingView({ scheme: "cryptonn", units, classes: 1, shape, inputScale: 1, steps });
}
