/** Images that small trainings learn.
 * @module */
import { type Dataset, dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";

/** Images of three classes, 12 × 12: a bright bar each, in noise. */
export function stripes(count: number, seed: number): Dataset {
  const x = seededRng(seed).bytes(count * 144).map((v) => v / 4);
  const y = Uint8Array.from({ length: count }, (_, i) => i % 3);
  y.forEach((label, i) => x.fill(220, i * 144 + 36 * label, i * 144 + 36 * label + 24));
  return dataset({ name: "stripes", x, y, shape: [12, 12, 1], classes: ["a", "b", "c"] });
}
