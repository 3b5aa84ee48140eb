/** `--out`: original | recovered as PNG, one a pair and all in one.
 * @module */
import type { Shape } from "../attack/priors.ts";
import { checkWritable, writeAtomic } from "../data/write_atomic.ts";
import { pairGridPng, pairPng } from "../plot/pair_png.ts";

/** Pixels of a picture's longer side, about. */
const SIDE = 112;
/** Pairs in the grid. */
const MOST = 100;

/** A private sample and what an attack made of it. */
export interface NamedPair {
  /** The file's, without its ending. */
  readonly name: string;
  /** `[n]`; null where nobody has it. */
  readonly truth: Uint8Array | null;
  /** `[n]`, not rounded; null where the attack gave none. */
  readonly recovered: ArrayLike<number> | null;
}

/** A folder for pairs, or none. */
export class PairFiles {
  private constructor(private readonly directory: string | undefined) {}

  /** @param directory undefined: nothing is drawn.   @throws {Error} it takes no files: before the attack begins. */
  static async open(directory: string | undefined): Promise<PairFiles> {
    if (directory !== undefined) await checkWritable(directory);
    return new PairFiles(directory);
  }

  /** Writes pairs as `NAME.png`, and up to 100 of them as `grid.png`: all files or none.
   * @returns the folder; null where there is none, or no pair. */
  async write(pairs: readonly NamedPair[], shape: Shape): Promise<string | null> {
    if (this.directory === undefined || pairs.length === 0) return null;
    const zoom = Math.max(1, Math.floor(SIDE / Math.max(shape[0], shape[1])));
    const rounded = pairs.map(({ name, truth, recovered }) => ({
      ...{ name, truth },
      recovered: recovered && new Uint8Array(Uint8ClampedArray.from(recovered)),
    }));
    const files = rounded.map(({ name, truth, recovered }) =>
      [`${name}.png`, pairPng(truth, recovered, shape, zoom)] as const
    );
    const grid = pairGridPng(rounded.slice(0, MOST), shape, zoom);
    await writeAtomic(this.directory, { ...Object.fromEntries(files), "grid.png": grid });
    return this.directory;
  }
}
