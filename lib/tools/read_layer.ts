/** `--weights`: the user's first layer as the scheme takes it, and in a line each what that does to it.
 * @module */
import { type LayerWanted, readLayerFile } from "../data/layer_file.ts";
import { emptiedColumns, type FirstLayer, firstLayer } from "../protocol/cryptonn/first_layer.ts";

/** Reads and rounds a layer.
 * @returns it, whether it is a convolution, and how it was taken.   @throws {DataError} as `readLayerFile`. */
export async function readLayer(
  path: string,
  wanted: LayerWanted,
): Promise<{ layer: FirstLayer; isConvolution: boolean; notes: string[] }> {
  const { W1, n, convolution, notes } = await readLayerFile(path, wanted);
  const layer = firstLayer(W1, n);
  return {
    layer,
    isConvolution: convolution !== null,
    notes: [...notes, ...roundingNotes(W1, layer)],
  };
}

const counted = (count: number, what: string, of: number) =>
  `${count} ${what}${count === 1 ? "" : "s"} of ${of}`;

/** What the rounding did that the scale alone does not tell. */
export function roundingNotes(W1: ArrayLike<number>, layer: FirstLayer): string[] {
  const { W1: fixed, hidden, n, finer, scaleBits } = layer;
  if (fixed.every((w) => w === 0)) {
    return ["W1 is all zero: no equation says anything about an image"];
  }
  const notes = [`attacked is W1 as the scheme takes it, rounded to multiples of 2^${-scaleBits}`];
  if (finer.size > 0) {
    const bits = [...finer.values()];
    const [least, most] = [Math.min(...bits), Math.max(...bits)];
    const range = least === most ? `2^${least}` : `2^${least} to 2^${most}`;
    notes.push(
      `${counted(finer.size, "row", hidden)} would round to little or nothing beside the largest ` +
        `weight and ${
          finer.size === 1 ? "has a scale of its" : "have scales of their"
        } own, ${range}`,
    );
  }
  const emptied = emptiedColumns(W1, layer);
  if (emptied > 0) {
    notes.push(
      `${counted(emptied, "column", n)} rounded to zero: the server sees nothing of those pixels`,
    );
  }
  return notes;
}
