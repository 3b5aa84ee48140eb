/** What fixed point costs in accuracy: training in the integers of MITIG1, group operations omitted, beside
 * float32 and against the scale of W1.
 * @module */
import { firstImages, type SplitDataset } from "../data/dataset.ts";
import { accuracy } from "../nn/mlp.ts";
import { AUTHORS } from "../nn/optimizer.ts";
import { trainMlp } from "../nn/train.ts";
import type { On } from "../notebook/run.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { thousands } from "../plot/theme.ts";
import { DEFAULT_SCALES, fixedAccuracy, floatNet } from "../protocol/fixed_net.ts";
import { trainFixed } from "../protocol/fixed_train.ts";
import { drawNet, type Training } from "./mitig1.ts";

/** Trains in fixed point with W1·x from integer arithmetic: the numbers that decryption would give.
 * @returns the test accuracy, in [0, 1].   @throws as `trainFixed`. */
export async function fixedPointAccuracy(
  { train, test }: SplitDataset,
  { signal, onProgress, ...training }: Training & Partial<On>,
): Promise<number> {
  const { batch, epochs, learningRate } = training;
  const steps = epochs * train.count / batch;
  const { net } = await trainFixed(drawNet(train, training), train, {
    ...{ batch, steps, learningRate, signal, onProgress },
  });
  return fixedAccuracy(net, test);
}

/** Trains the same network from the same weights on the same batches, with the same loss, in float32.
 * @param options.workers for the first layer; all cores by default.
 * @returns the test accuracy, in [0, 1].   @throws as `trainMlp`. */
export async function floatAccuracy(
  { train, test }: SplitDataset,
  { workers = navigator.hardwareConcurrency, signal, onProgress, ...training }:
    & Training
    & Partial<On>
    & { workers?: number },
): Promise<number> {
  const { batch, epochs, learningRate } = training;
  const start = drawNet(train, training);
  const pixelScale = 2 ** -start.scales.pixelBits;
  const trained = await trainMlp(floatNet(start), train, {
    ...{ ...AUTHORS, epochs, batch, learningRate, pixelScale, divideBy: "batch", workers, signal },
    onEpoch: (epoch) => onProgress?.(epoch, epochs),
  });
  return accuracy(trained, test);
}

/** Test accuracy by the bits after the point in W1. */
export interface AccuracyByScale {
  readonly bits: readonly number[];
  /** In [0, 1]. */
  readonly accuracies: readonly number[];
  figure(name: string): Figure;
}

/** Trains once per scale of W1, on the first images only.
 * @param options.bits numbers of bits after the point, ascending.   @throws as `trainFixed`. */
export async function accuracyByScale(
  { train, test }: SplitDataset,
  { bits, images, signal, onProgress, ...training }:
    & Omit<Training, "scales">
    & Partial<On>
    & { bits: readonly number[]; images: number },
): Promise<AccuracyByScale> {
  const data = { train: firstImages(train, images), test };
  const accuracies: number[] = [];
  for (const weightBits of bits) {
    const scales = { ...DEFAULT_SCALES, weightBits };
    accuracies.push(await fixedPointAccuracy(data, { ...training, scales, signal }));
    onProgress?.(accuracies.length, bits.length);
  }
  const network = `${train.n}-${training.hidden}-${train.classes.length}`;
  return {
    ...{ bits, accuracies },
    figure: (name) =>
      lineFigure({
        name,
        title: `Test accuracy against the scale of W1, ${network}, ${thousands(images)} images`,
        alt: "Below some bits after the point training stalls; above, accuracy no longer changes.",
        xAxis: { title: "bits after the point in W1", unit: "bit" },
        yAxis: { title: "test accuracy", unit: "%" },
        series: [{ name: "fixed point", x: bits, y: accuracies.map((share) => 100 * share) }],
      }),
  };
}
