/** Labelled vertical lines, drawn as flags: the pole stands at x, the label starts at its top, above
 * the plot. From right to left, a label that would cross a pole goes one line higher.
 * @module */
import type { PlotlyLayout } from "./figure.ts";
import { colour, fontSize, plain, textWidth } from "./theme.ts";

/** A vertical line with its label above the plot. */
export interface Mark {
  x: number;
  label: string;
  /** Name of the series whose colour it takes. */
  series?: string;
}

/** A mark and the line of text, counted from the plot upwards, on which its label stands. */
export interface PlacedMark extends Mark {
  line: number;
  /** In the axis' own units: the exponent on a log axis. */
  at: number;
  /** Right end of the label in pixels from the left of the plot area. */
  end: number;
}

export const lineHeight = 20;

/** Finds a line of text for every label. `range` is the axis' range, in exponents on a log axis. */
export function placeMarks(
  marks: readonly Mark[],
  { range, log, plotWidth }: { range: readonly [number, number]; log: boolean; plotWidth: number },
): PlacedMark[] {
  const starts: number[] = []; // left end of the last label on each line, pixels
  return marks.toSorted((a, b) => b.x - a.x).map((mark) => {
    const at = log ? Math.log10(mark.x) : mark.x;
    const start = (at - range[0]) / (range[1] - range[0]) * plotWidth;
    const end = start + textWidth(mark.label, fontSize.small) + 10;
    let line = starts.length;
    while (line > 0 && starts[line - 1] >= end) line--;
    starts.length = line;
    starts.push(start);
    return { ...mark, line, at, end };
  });
}

/** The poles (shapes) and labels (annotations) of placed marks. */
export function drawMarks(
  placed: readonly PlacedMark[],
  { plotHeight, colours }: { plotHeight: number; colours: ReadonlyMap<string, string> },
): { shapes: PlotlyLayout[]; annotations: PlotlyLayout[] } {
  const colourOf = (mark: Mark) => colours.get(mark.series ?? "") ?? colour.muted;
  return {
    shapes: placed.map((mark) => ({
      type: "line",
      layer: "below",
      xref: "x",
      yref: "paper",
      x0: mark.x,
      x1: mark.x,
      y0: 0,
      y1: 1 + (mark.line + 0.9) * lineHeight / plotHeight,
      line: { color: colourOf(mark), width: 1.5, dash: "dot" },
    })),
    annotations: placed.map((mark) => ({
      text: plain(mark.label),
      showarrow: false,
      xref: "x",
      yref: "paper",
      x: mark.at,
      xanchor: "left",
      xshift: 4,
      y: 1,
      yanchor: "bottom",
      yshift: mark.line * lineHeight,
      borderpad: 0,
      font: { size: fontSize.small, color: colourOf(mark) },
    })),
  };
}
