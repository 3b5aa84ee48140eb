/** The datasets by name, as the command line and the sweeps ask for them.
 * @module */
import { loadCifar10, loadCifar10Gray } from "./cifar10.ts";
import type { SplitDataset } from "./dataset.ts";
import { loadFashionMnist } from "./fashion_mnist.ts";
import { loadMnist, loadMnistFull } from "./mnist.ts";

const loaders = {
  "mnist": loadMnist,
  "mnist-full": loadMnistFull,
  "fashion-mnist": loadFashionMnist,
  "cifar10-gray": loadCifar10Gray,
  "cifar10": loadCifar10,
} satisfies Record<string, (onProgress?: (message: string) => void) => Promise<SplitDataset>>;

export type DatasetName = keyof typeof loaders;

/** Every dataset; only `mnist` comes with the install, the others are fetched when first asked for. */
export const DATASETS = Object.keys(loaders) as readonly DatasetName[];

/** Loads a dataset by name.
 * @param onProgress called with a line of text before each file is fetched.
 * @throws {DataError} no network and not cached, a corrupt file, or no permission to fetch. */
export function loadDataset(
  name: DatasetName,
  onProgress?: (message: string) => void,
): Promise<SplitDataset> {
  return loaders[name](onProgress);
}
