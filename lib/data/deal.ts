/** Makes a dataset from one file a class, as the small MNIST and Fashion-MNIST come.
 * @module */
import { type Dataset, dataset } from "./dataset.ts";

/** Deals the classes out in turn (0, 1, …, 0, 1, …), so that any run of images holds all of them.
 * @param images a class each, `[count, n]`; where one has fewer images, its turns are skipped.
 * @throws {DataError} no images, or not whole ones. */
export function deal(
  parts: Pick<Dataset, "name" | "shape" | "classes">,
  images: readonly Uint8Array[],
): Dataset {
  const n = parts.shape[0] * parts.shape[1] * parts.shape[2];
  const x = new Uint8Array(images.reduce((sum, pixels) => sum + pixels.length, 0));
  const y: number[] = [];
  const rounds = Math.max(...images.map((pixels) => pixels.length / n));
  for (let round = 0; round < rounds; round++) {
    images.forEach((pixels, label) => {
      const next = pixels.subarray(round * n, (round + 1) * n);
      if (next.length === 0) return;
      x.set(next, y.length * n);
      y.push(label);
    });
  }
  return dataset({ ...parts, x, y: Uint8Array.from(y) });
}
