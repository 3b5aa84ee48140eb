/** Points over two numeric axes, for trade-offs such as accuracy against seconds: one symbol and colour
 * a series, hollow where it is predicted, optional error bars, a line through a given Pareto front, and
 * stars for values that a paper reports and that were not measured here.
 * @module */
import type { Axes, Points } from "./axis.ts";
import type { Figure, FigureText } from "./figure.ts";
import { lineFigure, type Series } from "./line.ts";

/** Points of one kind. */
export type ScatterSeries = Points & Pick<Series, "hollow" | "published">;

/** What `scatterFigure` draws. */
export interface ScatterOptions extends FigureText, Axes {
  series: readonly ScatterSeries[];
  /** Points of the front in any order; the line goes through them from left to right. */
  front?: Pick<Points, "name" | "x" | "y">;
}

/** The front as a grey line from left to right. */
function lineThrough({ name, x, y }: Pick<Points, "name" | "x" | "y">): Series {
  const order = Array.from(x, (_, i) => i).sort((a, b) => x[a] - x[b]);
  const look = { dash: "dash", markers: false, muted: true } as const;
  const sorted = order.map((i) => y[i]).slice(0, y.length); // as many as there are: lengths are checked
  return { name, x: order.map((i) => x[i]), y: sorted, ...look };
}

/** Draws series as points. Pure: the same options give the same figure.
 * @throws {TypeError} lengths that differ, duplicate or missing names, half an interval, an axis
 * without unit. {RangeError} a value that is not finite, outside its interval, or not positive on a
 * log axis without `floor`. */
export function scatterFigure({ series, front, ...rest }: ScatterOptions): Figure {
  const points = series.map((s): Series => ({ ...s, dash: "none" }));
  const lines = front === undefined ? [] : [lineThrough(front)];
  return lineFigure({ ...rest, series: [...lines, ...points], intervals: "bars" });
}
