/** Labelled horizontal lines, such as the accuracy that a paper reports. The labels stand right of the
 * plot, where no data is, and the legend takes the first gap that they leave.
 * @module */
import type { PlotlyLayout } from "./figure.ts";
import { colour, fontSize, plain } from "./theme.ts";

/** A horizontal line with its label right of the plot. */
export interface Level {
  y: number;
  label: string;
  /** Name of the series whose colour it takes. */
  series?: string;
}

/** A level and where its label stands. */
export interface PlacedLevel extends Level {
  /** In the axis' own units: the exponent on a log axis. */
  at: number;
  /** Pixels from the level down to the middle of its label, over 0 where labels would meet. */
  down: number;
  /** Pixels from the top of the plot area down to the middle of the label. */
  middle: number;
}

/** Pixels that a label takes in height. */
const labelHeight = 20;

/** Places labels from top to bottom, each at its line or just below its upper neighbour. `range` is
 * the axis' range, in exponents on a log axis. */
export function placeLevels(
  levels: readonly Level[],
  { range, log, plotHeight }: {
    range: readonly [number, number];
    log: boolean;
    plotHeight: number;
  },
): PlacedLevel[] {
  let next = -Infinity; // middle of the highest label that still fits below the last one
  return levels.toSorted((a, b) => b.y - a.y).map((level) => {
    const at = log ? Math.log10(level.y) : level.y;
    const own = (range[1] - at) / (range[1] - range[0]) * plotHeight;
    const middle = Math.max(own, next);
    next = middle + labelHeight;
    return { ...level, at, down: middle - own, middle };
  });
}

/** Top, in pixels below the top of the plot area, of the first gap of this height beside the plot. */
export function gapBeside(placed: readonly PlacedLevel[], height: number): number {
  let top = 0;
  for (const { middle } of placed) {
    if (middle - labelHeight / 2 >= top + height) break;
    top = middle + labelHeight / 2 + 4;
  }
  return top;
}

/** The lines (shapes) and labels (annotations) of placed levels. */
export function drawLevels(
  placed: readonly PlacedLevel[],
  colours: ReadonlyMap<string, string>,
): { shapes: PlotlyLayout[]; annotations: PlotlyLayout[] } {
  const colourOf = (level: Level) => colours.get(level.series ?? "") ?? colour.muted;
  return {
    shapes: placed.map((level) => ({
      type: "line",
      layer: "between",
      xref: "paper",
      yref: "y",
      x0: 0,
      x1: 1,
      y0: level.y,
      y1: level.y,
      line: { color: colourOf(level), width: 1.5, dash: "dot" },
    })),
    annotations: placed.map((level) => ({
      text: plain(level.label),
      showarrow: false,
      xref: "paper",
      yref: "y",
      x: 1,
      xanchor: "left",
      xshift: 6,
      y: level.at,
      yanchor: "middle",
      yshift: -level.down,
      borderpad: 0,
      font: { size: fontSize.small, color: colourOf(level) },
    })),
  };
}
