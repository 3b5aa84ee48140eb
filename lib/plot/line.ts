/** Lines over a numeric axis: one line a series, optional error bands or bars, single points, log axes, and labelled vertical
 * and horizontal lines for the values that matter ("smallest exact width 275", "paper: 96.8 %").
 * @module */
import { type Axis, axisRange, raised, rangedAxis, type ValueAxis } from "./axis.ts";
import {
  baseLayout,
  checkText,
  type Figure,
  type FigureText,
  legendBeside,
  legendWidth,
  type PlotlyTrace,
} from "./figure.ts";
import { drawLevels, gapBeside, type Level, placeLevels } from "./levels.ts";
import { drawMarks, lineHeight, type Mark, placeMarks } from "./marks.ts";
import { checkColumns, checkNames, checkPair, errorBars } from "./series.ts";
import { fontSize, markers, palette, plain, widest } from "./theme.ts";

export interface Series {
  name: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  /** Interval, both or neither; lo ≤ y ≤ hi. */
  lo?: ArrayLike<number>;
  hi?: ArrayLike<number>;
  dash?: "solid" | "dash" | "dot";
  /** Draw the points too; default true. */
  markers?: boolean;
  /** Join the points; default true. */
  joined?: boolean;
  /** Small dots in its colour, such as the values behind a mean. */
  dots?: { readonly x: ArrayLike<number>; readonly y: ArrayLike<number> };
  /** Name of the series whose colour it takes, such as the measurement that a model fits. */
  like?: string;
}

export interface LineOptions extends FigureText {
  xAxis: Axis;
  yAxis: ValueAxis;
  series: readonly Series[];
  /** How intervals are drawn; default: bands. */
  intervals?: "bands" | "bars";
  /** Pixels from one series to the next where they share an x, so that bars and dots stand side by side. */
  apart?: number;
  /** Vertical lines. */
  marks?: readonly Mark[];
  /** Horizontal lines. */
  levels?: readonly Level[];
}

function checkLines(options: LineOptions): void {
  const { name, series, xAxis, yAxis, marks = [], levels = [] } = options;
  checkNames(name, "series", series.map((s) => s.name));
  for (const s of series) {
    checkPair(name, s.name, "an error band", [s.lo, s.hi]);
    checkColumns(name, s.name, { x: s.x, y: s.y, lo: s.lo, hi: s.hi }, options);
    if (s.dots !== undefined) checkColumns(name, s.name, { ...s.dots }, options);
    if (s.like !== undefined && !series.some(({ name }) => name === s.like)) {
      throw new TypeError(
        `Cannot make figure ${name}: series "${s.name}" is like unknown series "${s.like}"`,
      );
    }
  }
  const references = [
    ...marks.map((mark) => ["mark at x", mark.x, xAxis, mark.series] as const),
    ...levels.map((level) => ["level at y", level.y, yAxis, level.series] as const),
  ];
  for (const [what, value, axis, owner] of references) {
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot make figure ${name}: ${what} = ${value}`);
    }
    if (axis.log === true && value <= 0) {
      throw new RangeError(`Cannot make figure ${name}: ${what} = ${value} on a log axis`);
    }
    if (axis === yAxis && yAxis.floor !== undefined && value < yAxis.floor) {
      throw new RangeError(`Cannot make figure ${name}: ${what} = ${value} is below the floor`);
    }
    if (owner !== undefined && !series.some((s) => s.name === owner)) {
      throw new TypeError(`Cannot make figure ${name}: ${what} of unknown series "${owner}"`);
    }
  }
}

/** The place in the palette of each series. */
function tones(series: readonly Series[]): number[] {
  const names = series.map(({ name }) => name);
  return series.map(({ name, like = name }) => names.indexOf(like));
}

/** @param pixel its width on the x axis, in exponents on a log axis. */
function traces(options: LineOptions, pixel: number): PlotlyTrace[] {
  const { xAxis, yAxis, series, intervals = "bands", apart = 0 } = options;
  const tone = tones(series);
  return series.flatMap((s, i) => {
    const by = apart * (i - (series.length - 1) / 2) * pixel;
    const moved = (values: ArrayLike<number>) =>
      Array.from(values, (v) => xAxis.log === true ? v * 10 ** by : v + by);
    const color = palette[tone[i]];
    const x = moved(s.x), y = raised(s.y, yAxis);
    const ends = s.lo === undefined || s.hi === undefined
      ? null
      : { lo: raised(s.lo, yAxis), hi: raised(s.hi, yAxis) };
    const modes = [
      ...s.joined === false ? [] : ["lines"],
      ...s.markers === false ? [] : ["markers"],
    ];
    const line: PlotlyTrace = {
      type: "scatter",
      mode: modes.join("+"),
      name: plain(s.name),
      legendgroup: String(i),
      x,
      y,
      customdata: Array.from(s.y),
      ...(apart !== 0 && { text: Array.from(s.x, String) }),
      line: { color, width: 2.25, dash: s.dash ?? "solid" },
      marker: { color, size: 8, symbol: markers[i] },
      ...(ends && intervals === "bars" && { error_y: errorBars(y, ends.lo, ends.hi) }),
      cliponaxis: false,
      hovertemplate: `${plain(s.name)}<br>${plain(xAxis.title)} %{${apart === 0 ? "x" : "text"}}` +
        `<br>${plain(yAxis.title)} %{customdata:.4~g}<extra></extra>`,
    };
    const beside = {
      type: "scatter",
      legendgroup: String(i),
      showlegend: false,
      hoverinfo: "skip",
    };
    const band: PlotlyTrace[] = ends === null || intervals === "bars" ? [] : [{
      ...beside,
      mode: "lines",
      x: [...x, ...x.toReversed()],
      y: [...ends.hi, ...ends.lo.toReversed()],
      fill: "toself",
      fillcolor: `${color}26`, // 15 % opaque
      line: { width: 0 },
    }];
    const dots: PlotlyTrace[] = s.dots === undefined ? [] : [{
      ...beside,
      mode: "markers",
      x: moved(s.dots.x),
      y: raised(s.dots.y, yAxis),
      marker: { color, size: 5, opacity: 0.4 },
      cliponaxis: false,
    }];
    return [...band, ...dots, line];
  });
}

/** Draws series as lines. Pure: the same options give the same figure.
 * @throws {TypeError} lengths that differ, duplicate or missing names, an axis without unit.
 * {RangeError} a value that is not finite, or not positive on a log axis without `floor`. */
export function lineFigure(options: LineOptions): Figure {
  const { name, title, alt, xAxis, yAxis, series, marks = [], levels = [], apart = 0 } = options;
  checkText(options);
  checkLines(options);
  const logX = xAxis.log === true, logY = yAxis.log === true;
  const all = (lists: readonly (ArrayLike<number> | undefined)[]) =>
    lists.flatMap((values) => Array.from(values ?? []));
  const xs = [...series.flatMap((s) => all([s.x, s.dots?.x])), ...marks.map((mark) => mark.x)];
  const ys = series.flatMap((s) => all([s.y, s.lo, s.hi, s.dots?.y]));
  const yRange = axisRange([...ys, ...levels.map((level) => level.y)], yAxis);

  const width = 900, plotHeight = 360, left = 92;
  const single = series.length === 1;
  let right = single ? 32 : legendWidth(series.map((s) => s.name));
  right = Math.max(right, Math.ceil(widest(levels.map((l) => l.label), fontSize.small)) + 24);
  const plotWidth = width - left - right;
  const side = apart * (series.length - 1) / 2;
  const [from, to] = axisRange(xs, xAxis);
  const pixel = (to - from) / (plotWidth - 2 * side);
  const xRange: [number, number] = [from - side * pixel, to + side * pixel];
  const placed = placeMarks(marks, { range: xRange, log: logX, plotWidth });
  right = Math.max(right, Math.ceil(Math.max(0, ...placed.map((m) => m.end)) - plotWidth) + 16);
  const top = 56 + Math.max(0, ...placed.map(({ line }) => line + 1)) * lineHeight;
  const lines = placeLevels(levels, { range: yRange, log: logY, plotHeight });
  const legendHeight = single ? 0 : series.length * 23 + 8;
  const legendTop = gapBeside(lines, legendHeight);
  const bottom = Math.max(64, Math.ceil(legendTop + legendHeight - plotHeight) + 16);
  const height = top + plotHeight + bottom;
  const tone = tones(series);
  const colours = new Map<string, string>(series.map((s, i) => [s.name, palette[tone[i]]]));
  const poles = drawMarks(placed, { plotHeight, colours });
  const horizontals = drawLevels(lines, colours);
  const fewSteps = xs.every(Number.isInteger) && Math.max(...xs) - Math.min(...xs) <= 12;
  return {
    name,
    title,
    alt,
    width,
    height,
    data: traces(options, pixel),
    layout: {
      ...baseLayout(title, { width, height, margin: { l: left, r: right, t: top, b: bottom } }),
      xaxis: {
        ...rangedAxis(name, xAxis, xRange),
        showgrid: marks.length === 0, // plotly would draw the grid over the poles
        ...(!logX && fewSteps ? { dtick: 1 } : {}),
      },
      yaxis: rangedAxis(name, yAxis, yRange),
      showlegend: !single,
      legend: { ...legendBeside, y: 1 - legendTop / plotHeight, tracegroupgap: 4 },
      shapes: [...poles.shapes, ...horizontals.shapes],
      annotations: [...poles.annotations, ...horizontals.annotations],
    },
  };
}
