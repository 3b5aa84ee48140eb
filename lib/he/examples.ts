/** Three trainings that encryption leaves affordable: their data, and the settings that were found in the clear.
 * @module */
import { firstImages, poolImages } from "../data/dataset.ts";
import { loadMnist } from "../data/mnist.ts";
import { loadIris, loadPatients } from "../data/tables.ts";
import type { Samples, TrainSetting } from "./learner.ts";
import { fromPixels, standardised } from "./samples.ts";

/** A training on ciphertexts. */
export interface Example {
  readonly train: Samples;
  readonly test: Samples;
  readonly setting: TrainSetting;
}

/** What there is, with its settings. */
export const EXAMPLES = {
  /** Breast cancer, linear: 455 patients of 30 measurements in one batch. */
  patients: { hidden: 0, batch: 455, epochs: 30, learningRate: 0.05 },
  /** 120 flowers in one batch, 4-7-3. */
  iris: { hidden: 7, batch: 120, epochs: 60, learningRate: 0.05 },
  /** 200 digits of 7×7 pixels in batches of 8, 49-16-10. */
  digits: { hidden: 16, batch: 8, epochs: 1, learningRate: 0.01 },
} as const satisfies Record<string, TrainSetting>;

/** The name of a training. */
export type ExampleName = keyof typeof EXAMPLES;

/** Digits that train, and digits that test. */
const [TRAIN_DIGITS, TEST_DIGITS] = [200, 500];

/** Loads one. @throws {DataError} its data are not what they should be. */
export async function loadExample(name: ExampleName): Promise<Example> {
  const setting = EXAMPLES[name];
  if (name === "digits") {
    const digits = await loadMnist();
    const of = (split: typeof digits.train, count: number) =>
      fromPixels(firstImages(poolImages(split, 4), count));
    return { train: of(digits.train, TRAIN_DIGITS), test: of(digits.test, TEST_DIGITS), setting };
  }
  const { train, test } = await (name === "iris" ? loadIris() : loadPatients());
  return { ...standardised(train, test), setting };
}
