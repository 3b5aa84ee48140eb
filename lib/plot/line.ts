/** Lines over a numeric axis: one line a series or several of one colour, intervals as bars or bands, log
 * axes, and dotted lines across the plot for the values that matter ("paper: 96.8 %"). What a line means
 * stands in the legend and nowhere else, so that no label meets another or the data.
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

const left = 92; // CSS pixels

/** One line. */
export interface Series extends Points {
  /** Name of the lines that it is one of, such as five seeds: they share a colour and one legend entry. */
  group?: string;
  /** "none" draws faint points alone, such as the runs behind a mean. Default "solid". */
  dash?: "solid" | "dash" | "dot" | "none";
  /** Draw the points too; default true. */
  markers?: boolean;
  /** Join the points; default true. */
  joined?: boolean;
}

/** A dotted line across the plot, named in the legend. */
interface Reference {
  label: string;
  /** Name of the series whose colour it takes; default grey. */
  series?: string;
}

/** A vertical line, such as the width of the paper's network. */
export interface Mark extends Reference {
  x: number;
}

/** A horizontal line, such as the accuracy that a paper reports. */
export interface Level extends Reference {
  y: number;
}

/** What `lineFigure` draws. */
export interface LineOptions extends FigureText, Axes {
  series: readonly Series[];
  /** How lo and hi are drawn; default bands, and bars where more than two would lie over each other. */
  intervals?: "band" | "bars";
  /** Pixels from one legend entry to the next at the same x, so that bars stand side by side; default 0. */
  apart?: number;
  /** Vertical lines. */
  marks?: readonly Mark[];
  /** Horizontal lines. */
  levels?: readonly Level[];
}

/** The series as the legend lists them: a group counts once, in the place of its first line. */
function entriesOf(series: readonly Series[]): Series[] {
  return series.map((s) => ({ ...s, name: s.group ?? s.name }));
}

function checkLines(options: LineOptions): void {
  const { name, series, xAxis, yAxis, marks = [], levels = [] } = options;
  const entries = entriesOf(series);
  const groups = [...new Set(series.flatMap(({ group }) => group ?? []))];
  checkNames(name, "series", [
    ...entries.filter((_, i) => series[i].group === undefined).map((s) => s.name),
    ...groups,
  ]);
  for (const s of series) checkPoints(name, s, options);
  const across = [
    ...marks.map((mark) => ["mark at x", mark.x, xAxis, mark.series] as const),
    ...levels.map((level) => ["level at y", level.y, yAxis, level.series] as const),
  ];
  for (const [what, value, axis, owner] of across) {
    const here = `Cannot make figure ${name}: ${what}`;
    if (!Number.isFinite(value)) throw new RangeError(`${here} = ${value}`);
    if (axis.log === true && value <= 0) throw new RangeError(`${here} = ${value} on a log axis`);
    if (axis === yAxis && yAxis.floor !== undefined && value < yAxis.floor) {
      throw new RangeError(`${here} = ${value} is below the floor`);
    }
    if (owner !== undefined && !entries.some((s) => s.name === owner)) {
      throw new TypeError(`${here} of unknown series "${owner}"`);
    }
  }
}

/** @param step on the x axis from one entry to the next, in exponents on a log axis. */
function traces(options: LineOptions, tones: readonly number[], step: number): PlotlyTrace[] {
  const { xAxis, yAxis, series } = options;
  const names = entriesOf(series).map((s) => s.name), entries = [...new Set(names)];
  const some = series.filter((s) => s.lo !== undefined).length;
  const { intervals = some > 2 ? "bars" : "band" } = options;
  return series.flatMap((s, i) => {
    const by = (entries.indexOf(names[i]) - (entries.length - 1) / 2) * step;
    const x = Array.from(s.x, (v) => xAxis.log === true ? v * 10 ** by : v + by);
    const color = palette[tones[i]], legendgroup = names[i], alone = s.dash === "none";
    const line: PlotlyTrace = {
      ...{ type: "scatter", name: plain(names[i]), legendgroup },
      mode: alone || s.joined === false
        ? "markers"
        : s.markers === false
        ? "lines"
        : "lines+markers",
      showlegend: names.indexOf(names[i]) === i,
      ...{ x, y: raised(s.y, yAxis) },
      line: { color, width: 2.25, dash: alone ? "solid" : s.dash ?? "solid" },
      marker: { color, size: alone ? 6 : 8, symbol: markers[entries.indexOf(names[i])] },
      ...(alone && { opacity: 0.45 }),
      ...(intervals === "bars" && errorBars(s, yAxis)),
      cliponaxis: false,
      ...hoverOf(s, options),
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

/** The dotted lines, from end to end of the ranges; each has a dash of its own. */
function references(
  { xAxis, yAxis, marks = [], levels = [] }: LineOptions,
  { xRange, yRange, colours }: {
    xRange: [number, number];
    yRange: [number, number];
    colours: ReadonlyMap<string, string>;
  },
): PlotlyTrace[] {
  const ends = (range: number[], log = false) => log ? range.map((at) => 10 ** at) : range;
  const lines = [
    ...marks.map((mark) => ({ ...mark, x: [mark.x, mark.x], y: ends(yRange, yAxis.log) })),
    ...levels.map((level) => ({ ...level, x: ends(xRange, xAxis.log), y: [level.y, level.y] })),
  ];
  return lines.map(({ label, series = "", x, y }, i) => ({
    ...{ type: "scatter", mode: "lines", name: plain(label), x, y, hoverinfo: "name" },
    line: {
      color: colours.get(series) ?? colour.muted,
      ...{ width: 1.75, dash: ["dot", "dashdot", "longdashdot"][i % 3] },
    },
  }));
}

/** Draws series as lines. Pure: the same options give the same figure.
 * @throws {TypeError} lengths that differ, half an interval, duplicate or missing names, an axis without
 * unit. {RangeError} a value that is not finite, outside its interval, or not positive on a log axis
 * without `floor`.
 * @example Accuracy over two epochs, and what a paper reports
 * ```ts
 * import { lineFigure } from "lib/plot/line.ts";
 *
 * const figure = lineFigure({
 *   name: "accuracy",
 *   title: "Test accuracy by epoch",
 *   alt: "Accuracy rises above 96.8 % in the second epoch.",
 *   xAxis: { title: "epoch", unit: "count" },
 *   yAxis: { title: "test accuracy", unit: "%" },
 *   series: [{ name: "split training", x: [1, 2], y: [95.1, 97.2] }],
 *   levels: [{ y: 96.8, label: "paper: 96.8 %" }],
 * });
 * console.assert(figure.width === 900);
 * ``` */
export function lineFigure(options: LineOptions): Figure {
  const { name, xAxis, yAxis, series, marks = [], levels = [], apart = 0 } = options;
  checkLines(options);
  const entries = entriesOf(series), tones = tonesOf(name, entries);
  const across = { x: marks.map((mark) => mark.x), y: levels.map((level) => level.y) };
  const { xRange: [from, to], yRange } = rangesOf(options, [...series, across]);
  const colours = new Map<string, string>(entries.map((s, i) => [s.name, palette[tones[i]]]));
  const names = [
    ...new Set(entries.map((s) => s.name)),
    ...[...marks, ...levels].map((r) => r.label),
  ];
  const { room, layout } = legendOf(names);
  const plotWidth = figureWidth - left - room;
  const side = apart * (new Set(entries.map((s) => s.name)).size - 1) / 2;
  const pixel = (to - from) / (plotWidth - 2 * side);
  const xRange: [number, number] = [from - side * pixel, to + side * pixel];
  const few = series.every((s) => Array.from(s.x).every(Number.isInteger)) &&
    xRange[1] - xRange[0] <= 14; // ticks at whole numbers
  return frame(options, {
    plotWidth,
    plotHeight: Math.max(360, names.length * 23),
    margin: { l: left, r: room, t: 4, b: 64 },
    data: [
      ...traces(options, tones, apart * pixel),
      ...references(options, { xRange, yRange, colours }),
    ],
    layout: {
      xaxis: {
        ...rangedAxis(name, xAxis, xRange),
        ...(xAxis.log !== true && xAxis.unit !== "s" && few ? { dtick: 1 } : {}),
      },
      yaxis: rangedAxis(name, yAxis, yRange),
      ...layout,
    },
  });
}
