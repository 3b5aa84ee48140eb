/** From what the real servers of CryptoNN, MITIG1, MITIG2 and MITIG3 have seen to the one view that attacks take.
 *
 * Integers are taken to the reals that they stand for, by powers of two, so nothing is rounded. The batches of the
 * two encrypted schemes are consecutive samples in the same order in each epoch, and so are MITIG2's where its
 * setting does not shuffle: there the server knows which sample is which. MITIG3 always shuffles.
 * @module */
import { type TrainingView, trainingView } from "../attack/training/view.ts";
import type { Dataset } from "../data/dataset.ts";
import { transpose } from "../math/dense.ts";
import { learningRateAt, stepsPerEpoch } from "../nn/optimizer.ts";
import type { StepRecord } from "./fixed_train.ts";
import { realZ1, type Scales } from "./fixed_net.ts";
import type { Seen as Mitig1Seen } from "./mitig1/server.ts";
import type { Seen as Mitig2Seen } from "./mitig2/step.ts";
import type { Terms } from "./mitig2/terms.ts";
import type { Seen as Mitig3Seen } from "./mitig3/server.ts";

/** What is public of the images. */
type Public = Pick<Dataset, "shape" | "classes">;

/** What both fixed-point trainings are told. */
interface FixedTerms {
  readonly scales: Scales;
  readonly learningRate: number;
  /** Samples of the training. */
  readonly count: number;
}

const consecutive = (m: number, from: number) =>
  Uint32Array.from({ length: m }, (_, i) => from + i);

const scaled = (values: ArrayLike<number>, bits: number) =>
  Float64Array.from(values, (value) => value * 2 ** -bits);

/** What CryptoNN's server has: z1, dz1, W1 and dW1 of each step.
 * @param labels of all samples.   @throws as `trainingView`. */
export function cryptonnView(
  records: readonly StepRecord[],
  { shape, classes }: Public,
  { scales, learningRate, count, labels }: FixedTerms & { readonly labels: Uint8Array },
): TrainingView {
  const n = shape[0] * shape[1] * shape[2];
  const units = records[0].W1.length / n;
  const { weightBits, pixelBits, gradientBits } = scales;
  return trainingView({
    ...{ scheme: "cryptonn", units, classes: classes.length, shape, inputScale: 2 ** -pixelBits },
    steps: records.map(({ z1, dz1, W1, dW1 }, step) => {
      const m = z1.length / units;
      const from = step * m % count;
      return {
        samples: consecutive(m, from),
        z1: realZ1(z1, scales),
        labels: labels.slice(from, from + m),
        dz1: transpose(scaled(dz1, gradientBits), units, m),
        rate: learningRate / m,
        W1: scaled(W1, weightBits),
        dW1: scaled(dW1, gradientBits + pixelBits),
      };
    }),
  });
}

/** What MITIG1's server has: z1 and dz1 of each step. @throws as `trainingView`. */
export function mitig1View(
  seen: readonly Mitig1Seen[],
  { shape, classes }: Public,
  { scales, learningRate }: Omit<FixedTerms, "count">,
): TrainingView {
  const units = seen[0].z1.length / seen[0].labels.length;
  return trainingView({
    ...{ scheme: "mitig1", units, classes: classes.length, shape },
    inputScale: 2 ** -scales.pixelBits,
    steps: seen.map(({ from, z1, labels, dz1 }) => {
      const m = labels.length;
      return {
        samples: consecutive(m, from),
        z1: realZ1(z1, scales),
        labels,
        dz1: transpose(scaled(dz1, scales.gradientBits), units, m),
        ...{ rate: learningRate / m, W1: null, dW1: null },
      };
    }),
  });
}

/** What MITIG2's server has: z1 and dz1 of each step, the parts of a batch joined.
 * @throws as `trainingView`. */
export function mitig2View(
  seen: readonly Mitig2Seen[],
  { shape, classes }: Public,
  { hidden, count, setting }: Pick<Terms, "hidden" | "count" | "setting">,
): TrainingView {
  const perEpoch = stepsPerEpoch(count, setting);
  const steps = perEpoch * setting.epochs;
  const batches = Map.groupBy(seen, ({ step }) => step);
  return trainingView({
    ...{ scheme: "mitig2", units: hidden, classes: classes.length, shape },
    inputScale: setting.pixelScale,
    steps: [...batches].map(([step, parts]) => {
      const z1 = joined(parts.map(({ z1 }) => z1));
      const m = z1.length / hidden;
      const labels = parts.map(({ labels }) => labels);
      return {
        samples: setting.shuffle ? null : consecutive(m, step % perEpoch * setting.batch),
        z1,
        labels: labels.includes(null) ? null : Uint8Array.from(labels.flatMap((y) => [...y!])),
        dz1: joined(parts.map(({ dz1 }) => dz1)),
        rate: setting.optimizer === "sgd" ? learningRateAt(setting, step, steps) / m : null,
        ...{ W1: null, dW1: null },
      };
    }),
  });
}

/** What MITIG3's server has: z and dz of each step, the parts of a batch joined, as z1 and dz1 of so many units as a
 * code has numbers. The client clips what comes back and moves through layers that the server does not know: no rate.
 * @param terms.pixelScale the client's.   @throws as `trainingView`. */
export function mitig3View(
  seen: readonly Mitig3Seen[],
  { shape, classes }: Public,
  { width, pixelScale = 1 / 255 }: { readonly width: number; readonly pixelScale?: number },
): TrainingView {
  const batches = Map.groupBy(seen, ({ step }) => step);
  return trainingView({
    ...{ scheme: "mitig3", units: width, classes: classes.length, shape, inputScale: pixelScale },
    steps: [...batches.values()].map((parts) => ({
      samples: null,
      z1: joined(parts.map(({ z }) => z)),
      labels: Uint8Array.from(parts.flatMap(({ labels }) => [...labels])),
      dz1: joined(parts.map(({ dz }) => dz)),
      ...{ rate: null, W1: null, dW1: null },
    })),
  });
}

/** The parts of a batch, one after the other. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
