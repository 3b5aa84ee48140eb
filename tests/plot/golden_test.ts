/** The SVG of a small figure of each kind, as text: what changes the look of figures shows here as a diff.
 * `UPDATE_GOLDEN=1 deno test -A tests/plot/golden_test.ts` writes them anew.
 * @module */
import { assert } from "@std/assert";
import { heatMap } from "lib/plot/heat_map.ts";
import { imageGrid } from "lib/plot/image_grid.ts";
import { lineFigure, scatterFigure } from "lib/plot/line.ts";
import { toSvg } from "lib/plot/render.ts";
import { sequenceFigure } from "lib/plot/sequence.ts";
import * as options from "./fixtures.ts";

const golden = `${import.meta.dirname}/golden`;
const update = options.canSave && Deno.env.get("UPDATE_GOLDEN") === "1";

/** One element a line, numbers to a tenth of a pixel. The ids are plotly's, from the stream that
 * `render.ts` fixes: they repeat. */
function normalised(svg: string): string {
  const rounded = svg.replaceAll(
    /-?\d+\.\d+/g,
    (number) => String(+Number(number).toFixed(1) || 0),
  );
  return rounded.replaceAll("><", ">\n<") + "\n";
}

for (
  const [name, figure] of Object.entries({
    "heat-map": heatMap(options.heatOptions()),
    "image-grid": imageGrid(options.gridOptions()),
    line: lineFigure(options.lineOptions()),
    "line-group": lineFigure(options.seedOptions()),
    scatter: scatterFigure(options.scatterOptions()),
    sequence: sequenceFigure(options.sequenceOptions()),
  })
) {
  Deno.test({
    name: `toSvg() draws tests/plot/golden/${name}.svg`,
    ignore: !options.canRender,
    fn: async () => {
      const path = `${golden}/${name}.svg`, drawn = normalised(await toSvg(figure));
      if (update) {
        await Deno.mkdir(golden, { recursive: true });
        await Deno.writeTextFile(path, drawn);
      }
      const kept = (await Deno.readTextFile(path)).split("\n"), now = drawn.split("\n");
      const at = now.findIndex((line, i) => line !== kept[i]);
      assert(
        at < 0 && now.length === kept.length,
        `${path} differs from what is drawn at line ${at + 1}:\n- ${kept[at]}\n+ ${now[at]}\n` +
          "Look at the figure; if it should be so: UPDATE_GOLDEN=1 deno test -A tests/plot/golden_test.ts",
      );
    },
  });
}
