import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { heatMap } from "lib/plot/heat_map.ts";
import { imageGrid } from "lib/plot/image_grid.ts";
import { lineFigure, scatterFigure } from "lib/plot/line.ts";
import { toPng, toSvg } from "lib/plot/render.ts";
import { sequenceFigure } from "lib/plot/sequence.ts";
import {
  canRender,
  gridOptions,
  heatOptions,
  lineOptions,
  scatterOptions,
  sequenceOptions,
} from "./fixtures.ts";
import { decodePng } from "./png_decode.ts";
import { pngSize } from "./png_size.ts";

const ignore = !canRender;

/** x, y of a legend's or axis' text, from the transforms of its ancestors as plotly writes them. */
function translateOf(svg: string, group: string): [number, number] {
  const match = new RegExp(`<g class="${group}"[^>]*transform="translate\\(([-\\d.]+),([-\\d.]+)`)
    .exec(svg);
  assert(match, `no group ${group}`);
  return [Number(match[1]), Number(match[2])];
}

Deno.test({
  name: "toSvg() contains title, axis titles with units and legend",
  ignore,
  fn: async () => {
    const svg = await toSvg(lineFigure(lineOptions()));
    for (
      const text of [
        "Error against width",
        "Hidden width (units)",
        "MSE (pixels scaled to [0, 1])",
        "published LP",
        "TV + Σx",
      ]
    ) assertStringIncludes(svg, `>${text}<`);
  },
});

Deno.test({
  name: "toSvg() sets the legend right of the data, with measured width inside the figure",
  ignore,
  fn: async () => {
    const figure = lineFigure(lineOptions());
    const svg = await toSvg(figure);
    const [x] = translateOf(svg, "legend");
    const { l, r } = figure.layout.margin as { l: number; r: number };
    const legendWidth = Number(
      /class="bg"[^>]*width="([\d.]+)"/.exec(svg.split('"legend"')[1])?.[1],
    );
    assert(x > figure.width - r, `legend at ${x}, plot ends at ${figure.width - r}`);
    assert(legendWidth > 60, `legend is ${legendWidth} wide: text was not measured`);
    assert(x + legendWidth <= figure.width, "legend runs out of the figure");
    assert(x > l);
  },
});

Deno.test({
  name: "toSvg() gives the same bytes for the same figure, whatever was drawn in between",
  ignore,
  fn: async () => {
    const first = await toSvg(lineFigure(lineOptions()));
    const others = [toSvg(heatMap(heatOptions())), toSvg(imageGrid(gridOptions()))];
    const second = toSvg(lineFigure(lineOptions()));
    await Promise.all(others);
    assertEquals(await second, first);
  },
});

for (
  const [name, make] of [
    ["lineFigure", () => lineFigure(lineOptions())],
    ["imageGrid", () => imageGrid(gridOptions())],
    ["heatMap", () => heatMap(heatOptions())],
    ["scatterFigure", () => scatterFigure(scatterOptions())],
    ["sequenceFigure", () => sequenceFigure(sequenceOptions())],
  ] as const
) {
  Deno.test({
    name: `toPng() draws ${name}() at twice its size, byte-identical when drawn again`,
    ignore,
    fn: async () => {
      const figure = make();
      const png = await toPng(figure);
      assertEquals(pngSize(png), [figure.width * 2, figure.height * 2]);
      assertEquals(await toPng(make()), png);
    },
  });
}

Deno.test({
  name: "toPng() paints a heat map's colour bar and hatching, references that resvg must resolve",
  ignore,
  fn: async () => {
    const figure = heatMap(heatOptions());
    const { width, pixels } = decodePng(await toPng(figure, 1));
    const { l, r, t, b } = figure.layout.margin as { l: number; r: number; t: number; b: number };
    const at = (x: number, y: number) => pixels.slice((y * width + x) * 3, (y * width + x) * 3 + 3);
    const down = (share: number) => Math.round(t + share * (figure.height - t - b));
    const bar = at(figure.width - r + 24, down(0.3)), hatched = at(l + 4, down(5 / 6));
    assert(bar[2] > bar[0] + 20, `the colour bar is ${bar}`);
    assert(Math.min(...hatched) > 150, `the missing cell is ${hatched}`);
  },
});

Deno.test({
  name: "toSvg() leaves the figure as it was",
  ignore,
  fn: async () => {
    const figure = heatMap(heatOptions());
    const before = structuredClone(figure);
    await toSvg(figure);
    assertEquals(figure, before);
  },
});
