/** Points over two numeric axes, for trade-offs such as accuracy against seconds: one symbol and colour
 * a series, hollow where it is predicted, optional error bars, a line through a given Pareto front, and stars for values that a paper reports and that were not measured here.
 * @module */
import {
  type Axes,
  checkNames,
  checkPoints,
  errorBars,
  hoverOf,
  type Points,
  raised,
  rangedAxis,
  rangesOf,
  tonesOf,
} from "./axis.ts";
import {
  type Figure,
  type FigureText,
  figureWidth,
  frame,
  legendOf,
  type PlotlyTrace,
} from "./figure.ts";
import { colour, markers, palette, plain } from "./theme.ts";

/** Points of one kind. */
export interface ScatterSeries extends Points {
  /** Predicted, not measured: drawn as outlines. */
  hollow?: boolean;
  /** Values from a paper, drawn as black stars. */
  published?: boolean;
}

/** What `scatterFigure` draws. */
export interface ScatterOptions extends FigureText, Axes {
  series: readonly ScatterSeries[];
  /** Points of the front in any order; the line goes through them from left to right. */
  front?: Pick<Points, "name" | "x" | "y">;
}

const plotHeight = 400, left = 92; // CSS pixels

function checkScatter(options: ScatterOptions): void {
  const { name, series, front } = options;
  const all = [...series, ...(front ? [front] : [])];
  checkNames(name, "series", all.map((s) => s.name));
  for (const s of all) checkPoints(name, s, options);
}

function traces(options: ScatterOptions): PlotlyTrace[] {
  const { name, yAxis, series, front } = options;
  const ours = series.filter((s) => s.published !== true), tones = tonesOf(name, ours);
  const points = series.map((s): PlotlyTrace => {
    const own = ours.indexOf(s); // −1 where published
    const color = own < 0 ? colour.text : palette[tones[own]];
    const symbol = own < 0 ? "star" : `${markers[tones[own]]}${s.hollow ? "-open" : ""}`;
    return {
      ...{ type: "scatter", name: plain(s.name), cliponaxis: false },
      mode: "markers",
      ...{ x: Array.from(s.x), y: raised(s.y, yAxis) },
      marker: { color, size: own < 0 ? 13 : 10, symbol, ...(s.hollow && { line: { width: 2 } }) },
      ...errorBars(s, yAxis),
      ...hoverOf(s, options),
    };
  });
  if (front === undefined) return points;
  const corners = Array.from(front.x, (value, i): [number, number] => [value, front.y[i]])
    .sort((a, b) => a[0] - b[0]);
  return [{
    ...{ type: "scatter", mode: "lines", name: plain(front.name), hoverinfo: "skip" },
    x: corners.map(([x]) => x),
    y: raised(corners.map(([, y]) => y), yAxis),
    line: { color: colour.axis, width: 2, dash: "dash" },
  }, ...points];
}

/** Draws series as points. Pure: the same options give the same figure.
 * @throws {TypeError} lengths that differ, duplicate or missing names, half an interval, an axis
 * without unit. {RangeError} a value that is not finite, outside its interval, or not positive on a
 * log axis without `floor`. */
export function scatterFigure(options: ScatterOptions): Figure {
  const { name, xAxis, yAxis, series, front } = options;
  checkScatter(options);
  const all = [...series, ...(front ? [front] : [])];
  const { xRange, yRange } = rangesOf(options, all);
  const { room, layout } = legendOf(all.map((s) => s.name));
  return frame(options, {
    ...{ plotWidth: figureWidth - left - room, plotHeight },
    margin: { l: left, r: room, t: 4, b: 64 },
    data: traces(options),
    layout: {
      xaxis: rangedAxis(name, xAxis, xRange),
      yaxis: rangedAxis(name, yAxis, yRange),
      hovermode: "closest",
      ...layout,
    },
  });
}
