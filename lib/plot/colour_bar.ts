/** What colour means in a heat map: the bar that explains it, and the text colour that reads on it.
 * @module */
import { axisTitle, logTicks } from "./axis.ts";
import type { PlotlyLayout, PlotlyTrace } from "./figure.ts";
import { colour, fontSize, sequentialScale } from "./theme.ts";

/** What colour means. */
export interface ColorAxis {
  title: string;
  unit: string;
  log?: boolean;
  /** On a log scale, smaller values, zero included, take the colour of the floor. */
  floor?: number;
}

/** White or dark, whichever contrasts more with the colour at `share` of the scale; both reach 4 : 1
 * where they meet. */
export function textColour(share: number): string {
  return share > 0.57 ? colour.ground : colour.text;
}

/** Ticks of a log bar, whose values are exponents. */
function exponentTicks(range: [number, number], floor?: number): PlotlyLayout {
  const ticks = logTicks(range, floor);
  return { ...ticks, tickvals: (ticks.tickvals as number[]).map(Math.log10) };
}

/** A trace without a point that carries the bar; `range` in exponents on a log scale. */
export function colourBar(
  figure: string,
  axis: ColorAxis,
  [cmin, cmax]: [number, number],
): PlotlyTrace {
  return {
    type: "scatter",
    mode: "markers",
    x: [null],
    y: [null],
    showlegend: false,
    hoverinfo: "skip",
    marker: {
      color: [cmin],
      cmin,
      cmax,
      colorscale: sequentialScale.map((c, i) => [i / (sequentialScale.length - 1), c]),
      showscale: true,
      colorbar: {
        title: { text: axisTitle(figure, axis), side: "right", font: { size: fontSize.text } },
        tickfont: { size: fontSize.small },
        thickness: 16,
        len: 1,
        ypad: 0,
        xpad: 16,
        outlinewidth: 0,
        ...(axis.log === true ? exponentTicks([cmin, cmax], axis.floor) : {}),
      },
    },
  };
}
