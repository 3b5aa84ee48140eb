/** Files figures: `<directory>/<name>.png`, `.svg` and `.json` (the plotly spec).
 * @module */
import { writeAtomic } from "../data/write_atomic.ts";
import type { Figure } from "./figure.ts";
import { toPng, toSvg } from "./render.ts";

/** Saves a figure as PNG, SVG and JSON. @throws {Error} the directory cannot be written. */
export async function saveFigure(directory: string, figure: Figure): Promise<void> {
  const { name, data, layout } = figure;
  await writeAtomic(directory, {
    [`${name}.png`]: await toPng(figure),
    [`${name}.svg`]: await toSvg(figure),
    [`${name}.json`]: JSON.stringify({ data, layout }) + "\n",
  });
}
