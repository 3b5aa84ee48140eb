/** One category a line, so that long step names stay readable: bars from zero, or dots on a linear or log
 * axis. One colour a series, the value written at the end. For bytes or times per protocol step.
 * @module */
import { type Axis, axisRange, checkNames, rangedAxis } from "./axis.ts";
import {
  checkDistinct,
  checkFinite,
  type Figure,
  type FigureText,
  figureWidth,
  frame,
  legendOf,
  type PlotlyLayout,
  type PlotlyTrace,
} from "./figure.ts";
import {
  colour,
  durationText,
  fontSize,
  markers,
  numberText,
  palette,
  plain,
  widest,
} from "./theme.ts";

/** One bar or dot a category. */
export interface BarSeries {
  name: string;
  /** One a category, not negative. */
  values: ArrayLike<number>;
  /** Texts at the values, such as "1.2 MB"; default: the value itself. */
  labels?: readonly string[];
  /** Predicted, not measured: dots are drawn as outlines. */
  hollow?: boolean;
}

/** What `barFigure` and `dotFigure` draw. */
export interface BarOptions extends FigureText {
  axis: Axis;
  /** Names of the lines, from top to bottom. */
  categories: readonly string[];
  series: readonly BarSeries[];
}

function checkBars({ name, axis, categories, series }: BarOptions): void {
  if (categories.length === 0) throw new TypeError(`Cannot make figure ${name}: no bars`);
  checkDistinct(name, "category", categories);
  checkNames(name, "bars", series.map((s) => s.name));
  for (const s of series) {
    const here = `Cannot make figure ${name}: series "${s.name}"`;
    for (const [what, list] of [["values", s.values], ["labels", s.labels]] as const) {
      if (list !== undefined && list.length !== categories.length) {
        throw new TypeError(
          `${here} has ${list.length} ${what} for ${categories.length} categories`,
        );
      }
    }
    checkFinite(name, `series "${s.name}" values`, s.values);
    const least = Math.min(...Array.from(s.values)), log = axis.log === true;
    if (least < 0 || (log && least === 0)) {
      throw new RangeError(
        `${here} has value ${least}${log ? " on a log axis" : ", expected at least 0"}`,
      );
    }
  }
}

/** Both kinds: rows of one height per series, and room for the longest label right of the longest value.
 * @param from start of the axis, in exponents on a log axis. */
function rowsFigure(
  options: BarOptions,
  from: number,
  draw: (series: BarSeries, i: number, texts: string[]) => PlotlyTrace,
  rows: PlotlyLayout,
): Figure {
  const { name, axis, categories, series } = options;
  const { room, layout } = legendOf(series.map((s) => s.name));
  const left = Math.ceil(widest(categories, fontSize.text)) + 36;
  const plotWidth = figureWidth - left - room;
  const shown = axis.unit === "s" ? durationText : numberText;
  const labels = series.map((s) => s.labels ?? Array.from(s.values, (value) => shown(value, 3)));
  const most = Math.max(...series.flatMap((s) => Array.from(s.values))) || 1;
  const share = 1 - (widest(labels.flat(), fontSize.small) + 16) / plotWidth;
  const to = from + ((axis.log === true ? Math.log10(most) : most) - from) / share;
  return frame(options, {
    plotWidth,
    plotHeight: categories.length * (series.length * 22 + 18),
    margin: { l: left, r: room, t: 4, b: 64 },
    data: series.map((s, i): PlotlyTrace => ({
      ...{ name: plain(s.name), cliponaxis: false, textfont: { size: fontSize.small } },
      x: Array.from(s.values),
      text: labels[i].map(plain),
      customdata: categories.map(plain),
      hovertemplate: `%{customdata}<br>${plain(s.name)}: %{text}<extra></extra>`,
      ...draw(s, i, labels[i].map(plain)),
    })),
    layout: {
      xaxis: rangedAxis(name, axis, [from, to]),
      // Invisible ticks keep the labels off the bars.
      yaxis: { ticks: "outside", ticklen: 8, tickcolor: colour.ground, zeroline: false, ...rows },
      ...layout,
    },
  });
}

/** Draws bars per category, grouped by series where there are several.
 * @throws {TypeError} a log axis, lengths that differ, duplicate names, an axis without unit.
 * {RangeError} a value that is negative or not finite. */
export function barFigure(options: BarOptions): Figure {
  const { name, axis, categories } = options;
  checkBars(options);
  if (axis.log === true) {
    throw new TypeError(
      `Cannot make figure ${name}: a bar's length means nothing on a log axis; use dotFigure()`,
    );
  }
  const figure = rowsFigure(options, 0, (_, i) => ({
    ...{ type: "bar", orientation: "h", textposition: "outside", marker: { color: palette[i] } },
    y: categories.map(plain),
  }), { autorange: "reversed", type: "category" });
  return { ...figure, layout: { ...figure.layout, barmode: "group", bargap: 0.3 } };
}

/** Draws a dot per category and series, on a log axis where asked: its place is what counts.
 * @throws {TypeError} lengths that differ, duplicate names, an axis without unit.
 * {RangeError} a value that is negative, not finite, or 0 on a log axis. */
export function dotFigure(options: BarOptions): Figure {
  const { axis, categories, series } = options;
  checkBars(options);
  const values = series.flatMap((s) => Array.from(s.values));
  const [from] = axisRange(axis.log === true ? values : [0, ...values], axis);
  const pitch = 22 / (series.length * 22 + 18); // of a row that is 1 high
  return rowsFigure(options, from, ({ hollow }, i, texts) => ({
    ...{ type: "scatter", mode: "markers+text", textposition: "middle right" },
    text: texts.map((text) => `\u00a0${text}`), // off the dot
    y: categories.map((_, row) => row + (i - (series.length - 1) / 2) * pitch),
    marker: {
      ...{ color: palette[i], size: 9, symbol: `${markers[i]}${hollow ? "-open" : ""}` },
      ...(hollow && { line: { width: 2 } }),
    },
  }), {
    ...{
      tickmode: "array",
      tickvals: categories.map((_, i) => i),
      ticktext: categories.map(plain),
    },
    ...{ range: [categories.length - 0.5, -0.5], gridcolor: colour.grid },
  });
}
