/** The datasets by name, as the command line and the sweeps ask for them.
 * @module */
import { loadCifar10, loadCifar10Gray } from "./cifar10.ts";
import type { Dataset, SplitDataset } from "./dataset.ts";
import { loadFashionMnist } from "./fashion_mnist.ts";
import { loadMnist, loadMnistFull } from "./mnist.ts";

const loaders = {
  "mnist": loadMnist,
  "mnist-full": loadMnistFull,
  "fashion-mnist": loadFashionMnist,
  "cifar10-gray": loadCifar10Gray,
  "cifar10": loadCifar10,
} satisfies Record<string, (onProgress?: (message: string) => void) => Promise<SplitDataset>>;

/** The datasets that can be loaded. */
export type DatasetName = keyof typeof loaders;

/** Every dataset; only `mnist` comes with the install, the others are fetched when first asked for. */
export const DATASETS = Object.keys(loaders) as readonly DatasetName[];

const SHAPES = {
  ...{ "mnist": [28, 28, 1], "mnist-full": [28, 28, 1], "fashion-mnist": [28, 28, 1] },
  ...{ "cifar10-gray": [32, 32, 1], "cifar10": [32, 32, 3] },
} as const satisfies Record<DatasetName, Dataset["shape"]>;

/** The shape of a dataset's images, known before anything is fetched. */
export const shapeOf = (name: DatasetName): Dataset["shape"] => SHAPES[name];

/** Loads a dataset by name.
 * @param onProgress called with a line of text before each file is fetched.
 * @throws {DataError} no network and not cached, a corrupt file, or no permission to fetch. */
export function loadDataset(
  name: DatasetName,
  onProgress?: (message: string) => void,
): Promise<SplitDataset> {
  return loaders[name](onProgress);
}
