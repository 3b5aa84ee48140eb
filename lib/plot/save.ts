/** Files figures: `<directory>/<name>.png`, `.svg` and `.json` (the plotly spec). A file is written
 * under a temporary name and renamed, so that a reader never meets half of one.
 * @module */
import type { Figure } from "./figure.ts";
import { toPng, toSvg } from "./render.ts";

/** Writes files into one directory, all or none: each is complete before the first takes its name.
 * @throws {Error} the directory cannot be written; its old files are untouched. */
export async function writeAtomic(
  directory: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  const mark = `.${crypto.randomUUID()}.tmp`;
  const written: string[] = [];
  try {
    await Deno.mkdir(directory, { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      const path = `${directory}/${name}${mark}`;
      written.push(path);
      await Deno.writeFile(
        path,
        typeof content === "string" ? new TextEncoder().encode(content) : content,
      );
    }
    for (const path of written) await Deno.rename(path, path.slice(0, -mark.length));
  } catch (cause) {
    for (const path of written) await Deno.remove(path).catch(() => {});
    throw new Error(`Cannot write ${Object.keys(files).join(", ")} in ${directory}: ${cause}`, {
      cause,
    });
  }
}

/** Saves a figure as PNG, SVG and JSON. @throws {Error} the directory cannot be written. */
export async function saveFigure(directory: string, figure: Figure): Promise<void> {
  const { name, data, layout } = figure;
  await writeAtomic(directory, {
    [`${name}.png`]: await toPng(figure),
    [`${name}.svg`]: await toSvg(figure),
    [`${name}.json`]: JSON.stringify({ data, layout }) + "\n",
  });
}
