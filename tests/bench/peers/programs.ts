/** Programs for HiGHS as files: what the rows of linear programs write and their peers (`highs.py`) read.
 * @module */
import { join } from "node:path";
import { buildLp } from "lib/attack/lp_model.ts";
import type { Priors } from "lib/attack/priors.ts";
import { type ServerView, serverViews } from "lib/attack/view.ts";
import { toFixed } from "lib/math/fixed_point.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

/** Layers of one row: one more than `attack/layer.ts` keeps, so that in each turn W1 is new and prepared within the
 * time. */
const LAYERS = 4;

/** The images behind each layer of a row: W1 ~ N(0, 1) at scale 2^8. */
export interface Scene {
  readonly images: readonly ArrayLike<number>[];
  readonly hidden: number;
  readonly side: number;
  readonly priors: Priors;
}

/** The views of each layer. */
export function viewsOf({ images, hidden, side }: Scene): ServerView[][] {
  const n = side * side;
  return Array.from({ length: LAYERS }, (_, seed) => {
    const W1 = toFixed(gaussian(seededRng(seed + 1), hidden * n), 8);
    const z1s = images.map((x) =>
      Array.from({ length: hidden }, (_, row) => {
        let sum = 0;
        for (let p = 0; p < n; p++) sum += W1[row * n + p] * x[p];
        return sum;
      })
    );
    return serverViews({ W1, z1s, shape: [side, side, 1], scaleBits: 8 });
  });
}

/** Writes the program of each layer's first image in sparse rows.
 * @param result what a peer is to say: "digest" of whole pixel values, or that its point was "solved". */
export async function writePrograms(
  folder: string,
  scene: Scene,
  result: "digest" | "solved",
): Promise<void> {
  for (const [layer, [view]] of viewsOf(scene).entries()) {
    const { starts, indices, values, rowLower, rowUpper, ...columns } = buildLp(view, scene.priors);
    const { colCost, colLower, colUpper } = columns;
    const arrays = { starts, indices, values, colCost, colLower, colUpper };
    for (const [name, array] of Object.entries({ ...arrays, lower: rowLower, upper: rowUpper })) {
      await Deno.writeFile(join(folder, `${layer}.${name}`), new Uint8Array(array.buffer));
    }
  }
  const { images: { length: images }, side } = scene;
  const setting = { layers: LAYERS, images, pixels: side * side, result };
  await Deno.writeTextFile(join(folder, "setting.json"), JSON.stringify(setting));
}

/** The layers in turn, round and round. */
export function inTurn<T>(layers: readonly T[]): () => T {
  let turn = 0;
  return () => layers[turn++ % layers.length];
}
