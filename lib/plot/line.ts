/** Lines and points over a numeric axis: one line a series or several of one colour, intervals as bars or bands, log
 * axes; a scatter is lines without the line. What a line means stands in the legend and nowhere else, so that no label meets another or the data.
 *
 * ```ts
 * import { lineFigure } from "lib/plot/line.ts";
 *
 * const { layout } = lineFigure({
 *   name: "accuracy",
 *   title: "Test accuracy by epoch",
 *   alt: "Accuracy rises above 96.8 % in the second epoch.",
 *   xAxis: { title: "epoch", unit: "count" },
 *   yAxis: { title: "test accuracy", unit: "%" },
 *   series: [
 *     { name: "split training", x: [1, 2], y: [95.1, 97.2] },
 *     { name: "paper", x: [1, 2], y: [96.8, 96.8], muted: true, markers: false, dash: "dot" },
 *   ],
 * });
 * if (layout.width !== 900) throw new Error(`width ${layout.width}`);
 * ```
 * @module */
import {
  type Axes,
  axisRange,
  checkNames,
  checkPoints,
  type Points,
  raised,
  rangedAxis,
  type ValueAxis,
  valueText,
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

/** One line. */
export interface Series extends Points {
  /** Name of the lines that it is one of, such as five seeds: they share a colour and one legend entry. */
  group?: string;
  /** "none" draws points alone. Default "solid". */
  dash?: "solid" | "dash" | "dot" | "none";
  /** Draw the points too; default true. */
  markers?: boolean;
  /** Predicted, not measured: points are drawn as outlines. */
  hollow?: boolean;
  /** Small and pale, such as the runs behind a mean. */
  faint?: boolean;
  /** Grey, beside what has a colour: a level that a paper reports, a Pareto front. */
  muted?: boolean;
  /** Values from a paper, drawn as black stars. */
  published?: boolean;
}

/** What `lineFigure` draws. */
export interface LineOptions extends FigureText, Axes {
  series: readonly Series[];
  /** How lo and hi are drawn; default bands, and bars where more than two would lie over each other. */
  intervals?: "band" | "bars";
  /** Pixels from one legend entry to the next at the same x, so that bars stand side by side; default 0. */
  apart?: number;
}

/** The series as the legend lists them: a group counts once, in the place of its first line. */
function entriesOf(series: readonly Series[]): Series[] {
  return series.map((s) => ({ ...s, name: s.group ?? s.name }));
}

/** The colour of each entry that has one of its own or that of the one it is like.
 * @throws {TypeError} a series is like an unknown one. */
function coloursOf(figure: string, entries: readonly Series[]): Map<string, string> {
  const coloured = entries.filter((s) => !s.published && !s.muted);
  const own = [...new Set(coloured.filter((s) => s.like === undefined).map((s) => s.name))];
  return new Map(coloured.map(({ name, like = name }) => {
    if (own.includes(like)) return [name, palette[own.indexOf(like)]];
    throw new TypeError(
      `Cannot make figure ${figure}: series "${name}" is like unknown series "${like}"`,
    );
  }));
}

function checkLines(options: LineOptions): void {
  const { name, series } = options;
  const groups = new Set(series.flatMap(({ group }) => group ?? []));
  checkNames(name, "series", [
    ...series.filter(({ group }) => group === undefined).map((s) => s.name),
    ...groups,
  ]);
  for (const s of series) checkPoints(name, s, options);
}

/** Plotly's error bars of y where it has intervals: distances from the values to both ends, as drawn. */
function errorBars({ y, lo, hi }: Points, axis: ValueAxis): PlotlyTrace {
  if (lo === undefined || hi === undefined) return {};
  const at = raised(y, axis);
  const array = raised(hi, axis).map((end, i) => end - at[i]);
  const arrayminus = raised(lo, axis).map((end, i) => at[i] - end);
  return {
    error_y: { type: "data", symmetric: false, thickness: 1.5, width: 4, array, arrayminus },
  };
}

/** @param step on the x axis from one entry to the next, in exponents on a log axis. */
function traces(
  options: LineOptions,
  colours: ReadonlyMap<string, string>,
  step: number,
): PlotlyTrace[] {
  const { xAxis, yAxis, series } = options;
  const names = entriesOf(series).map((s) => s.name), entries = [...new Set(names)];
  const shapes = [...colours.keys()];
  const some = series.filter((s) => s.lo !== undefined).length;
  const { intervals = some > 2 ? "bars" : "band" } = options;
  return series.flatMap((s, i) => {
    const legendgroup = names[i], alone = s.dash === "none";
    const by = (entries.indexOf(legendgroup) - (entries.length - 1) / 2) * step;
    const x = Array.from(s.x, (v) => xAxis.log === true ? v * 10 ** by : v + by);
    const color = colours.get(legendgroup) ?? (s.muted ? colour.axis : colour.text);
    const shape = markers[shapes.indexOf((s.hollow ? s.like : undefined) ?? legendgroup)];
    const symbol = s.published ? "star" : `${shape ?? markers[0]}${s.hollow ? "-open" : ""}`;
    const size = s.published ? 13 : s.faint ? 6 : alone ? 10 : 8;
    const line: PlotlyTrace = {
      ...{ type: "scatter", name: plain(legendgroup), legendgroup, cliponaxis: false },
      mode: alone ? "markers" : s.markers === false ? "lines" : "lines+markers",
      showlegend: names.indexOf(legendgroup) === i,
      ...{ x, y: raised(s.y, yAxis), opacity: s.faint ? 0.45 : 1 },
      line: {
        color,
        width: s.group === undefined ? 2.25 : 1.5,
        dash: alone ? "solid" : s.dash ?? "solid",
      },
      marker: { color, size, symbol, ...(s.hollow && { line: { width: 2 } }) },
      ...(intervals === "bars" && errorBars(s, yAxis)),
      customdata: x.map((_, k) => [valueText(s.x[k], xAxis), valueText(s.y[k], yAxis)]),
      hovertemplate: `${plain(s.name)}<br>${plain(xAxis.title)} %{customdata[0]}<br>` +
        `${plain(yAxis.title)} %{customdata[1]}<extra></extra>`,
    };
    if (s.lo === undefined || s.hi === undefined || intervals === "bars") return [line];
    const band: PlotlyTrace = {
      ...{ type: "scatter", mode: "lines", legendgroup, showlegend: false, hoverinfo: "skip" },
      x: [...x, ...x.toReversed()],
      y: [...raised(s.hi, yAxis), ...raised(s.lo, yAxis).reverse()],
      ...{ fill: "toself", fillcolor: `${color}26`, line: { width: 0 } }, // 15 % opaque
    };
    return [band, line];
  });
}

/** Draws series as lines. Pure: the same options give the same figure.
 * @throws {TypeError} lengths that differ, half an interval, duplicate or missing names, an axis without
 * unit. {RangeError} a value that is not finite, outside its interval, or not positive on a log axis
 * without `floor`. */
export function lineFigure(options: LineOptions): Figure {
  const { name, xAxis, yAxis, series, apart = 0 } = options;
  checkLines(options);
  const entries = entriesOf(series), names = [...new Set(entries.map((s) => s.name))];
  const ys = series.flatMap(({ y, lo = [], hi = [] }) => [y, lo, hi]);
  const yRange = axisRange(ys.flatMap((values) => Array.from(values)), yAxis);
  const [from, to] = axisRange(series.flatMap(({ x }) => Array.from(x)), xAxis);
  const { room, layout } = legendOf(names);
  const plotWidth = figureWidth - 92 - room, side = apart * (names.length - 1) / 2;
  const pixel = (to - from) / (plotWidth - 2 * side);
  const xRange: [number, number] = [from - side * pixel, to + side * pixel];
  const few = to - from <= 14 && series.every((s) => Array.from(s.x).every(Number.isInteger));
  return frame(options, {
    ...{ plotWidth, plotHeight: 370 },
    margin: { l: 92, r: room, t: 4, b: 64 },
    data: traces(options, coloursOf(name, entries), apart * pixel),
    layout: {
      xaxis: {
        ...rangedAxis(name, xAxis, xRange),
        // Ticks at whole numbers.
        ...(xAxis.log !== true && xAxis.unit !== "s" && few ? { dtick: 1 } : {}),
      },
      yaxis: rangedAxis(name, yAxis, yRange),
      hovermode: "closest",
      ...layout,
    },
  });
}

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
