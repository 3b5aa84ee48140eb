/** What trainings are made of and compared on.
 * @module */
import type { SplitDataset } from "../data/dataset.ts";
import { type OwnSamples, takeSamples } from "../data/own_samples.ts";

/** What trainings are made of. */
export interface Material {
  readonly split: SplitDataset;
  /** Those of `split.train`, with their names. */
  readonly samples: OwnSamples;
  readonly publicSamples: OwnSamples | null;
  readonly known: number;
  readonly seed: number;
}

/** The most of a training whose inner products are attacked. */
export const FEW = 200;

/** At most so many of `count` places, evenly spaced. */
export function evenPlaces(count: number, most: number): number[] {
  const length = Math.min(most, count);
  return Array.from({ length }, (_, k) => Math.floor(k * count / length));
}

/** So many samples, evenly spaced: a folder may be sorted by class. All where there are no more. */
export function evenly(samples: OwnSamples, most: number): OwnSamples {
  return samples.count <= most ? samples : takeSamples(samples, evenPlaces(samples.count, most));
}

/** The same with fewer private samples: attacks on inner products cost their cube. */
export function fewer(material: Material): Material {
  const samples = evenly(material.samples, FEW);
  const known = Math.ceil(material.known * samples.count / material.samples.count);
  return { ...material, samples, split: { ...material.split, train: samples }, known };
}
